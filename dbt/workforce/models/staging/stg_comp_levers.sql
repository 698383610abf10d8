-- One row a year and level. A lever without a row is no raise.
select
    fiscal_year,
    level_id,
    coalesce(max(rate) filter (where lever = 'cola'), 0)::decimal(6, 4) as cola_rate,
    coalesce(max(rate) filter (where lever = 'merit'), 0)::decimal(6, 4) as merit_rate
from {{ ref('comp_levers') }}
group by fiscal_year, level_id
