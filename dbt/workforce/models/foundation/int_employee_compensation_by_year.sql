-- What every employee of the baseline earns in each simulated year, at a full year's rate.

with recursive raises as (

    -- A year without levers keeps those of the last year that has some; a level without any gets no raise.
    select
        wanted.simulation_year,
        wanted.level_id,
        coalesce(levers.cola_rate + levers.merit_rate, 0)::decimal(6, 4) as raise_rate
    from (
        select years.simulation_year, levels.level_id
        from {{ ref('stg_simulation_years') }} as years
        cross join {{ ref('stg_config_job_levels') }} as levels
    ) as wanted
    asof left join {{ ref('stg_comp_levers') }} as levers
        on levers.level_id = wanted.level_id
        and levers.fiscal_year <= wanted.simulation_year

),

pay as (

    -- Year by year and not by one product: every raise starts from pay rounded to the cent, as a payroll does it. The
    -- census tells the pay before the first raise.
    select
        baseline.employee_id,
        baseline.level_id,
        baseline.termination_date,
        raises.simulation_year,
        raises.raise_rate,
        baseline.current_compensation as starting_compensation,
        round(baseline.current_compensation * (1 + raises.raise_rate), 2)::decimal(12, 2) as compensation
    from {{ ref('int_baseline_workforce') }} as baseline
    join raises
        on raises.level_id = baseline.level_id
        and raises.simulation_year = {{ var('start_year') }}

    union all

    select
        pay.employee_id,
        pay.level_id,
        pay.termination_date,
        raises.simulation_year,
        raises.raise_rate,
        pay.compensation as starting_compensation,
        round(pay.compensation * (1 + raises.raise_rate), 2)::decimal(12, 2) as compensation
    from pay
    join raises
        on raises.level_id = pay.level_id
        and raises.simulation_year = pay.simulation_year + 1
    -- Whoever has given notice is paid up to the year of leaving.
    where pay.termination_date is null or raises.simulation_year <= year(pay.termination_date)

)

select
    pay.employee_id,
    pay.simulation_year,
    pay.level_id,
    pay.starting_compensation,
    pay.raise_rate,
    pay.compensation,
    least(pay.compensation, limits.compensation_limit)::decimal(12, 2) as plan_compensation,
    pay.compensation > limits.compensation_limit as is_compensation_capped
from pay
-- A year that the IRS has not announced yet keeps the last limits known.
asof join {{ ref('stg_config_irs_limits') }} as limits
    on limits.limit_year <= pay.simulation_year
order by pay.employee_id, pay.simulation_year
