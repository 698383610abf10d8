{{ config(materialized='ephemeral') }}

select unnest(generate_series({{ var('start_year') }}, {{ var('end_year') }}))::integer as simulation_year
