{# True where the value lies in the band. The upper bound is exclusive, so that bands which share a bound neither
   overlap nor leave a gap. #}
{% macro in_band(value, band) -%}
    {{ value }} >= {{ band }}.min_value and {{ value }} < {{ band }}.max_value
{%- endmacro %}
