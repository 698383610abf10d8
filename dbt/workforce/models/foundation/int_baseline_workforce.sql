-- Who is employed on the first day of start_year, with bands, level and the limits of that year.

with as_of as (

    -- Never today's date: the same inputs must give the same table on any day.
    select make_date({{ var('start_year') }}, 1, 1) as first_day

),

active as (

    -- Whoever has given notice still counts; whoever left on the first day has left.
    select
        census.*,
        date_sub('year', census.birth_date, as_of.first_day)::integer as age,
        date_sub('year', census.hire_date, as_of.first_day)::integer as tenure_years
    from {{ ref('stg_census') }} as census
    cross join as_of
    where census.hire_date <= as_of.first_day
        and (census.termination_date is null or census.termination_date > as_of.first_day)

),

limits as (

    -- A year that the IRS has not announced yet keeps the last limits known.
    select *
    from {{ ref('stg_config_irs_limits') }}
    where limit_year <= {{ var('start_year') }}
    order by limit_year desc
    limit 1

)

-- Outer joins, so that an employee whom no band or level fits shows up with a NULL, which the manifest forbids. An
-- inner join would lose that employee in silence.
select
    active.employee_id,
    active.badge_number,
    active.birth_date,
    active.hire_date,
    active.termination_date,
    active.department,
    active.age,
    age_bands.age_band,
    active.tenure_years,
    tenure_bands.tenure_band,
    levels.level_id,
    levels.level_name,
    active.annual_compensation as current_compensation,
    least(active.annual_compensation, limits.compensation_limit)::decimal(12, 2) as plan_compensation,
    active.annual_compensation > limits.compensation_limit as is_compensation_capped,
    {{ var('start_year') }} - year(active.birth_date) >= 50 as is_catch_up_eligible,
    limits.elective_deferral_limit
        + case when is_catch_up_eligible then limits.catch_up_limit else 0 end as deferral_limit
from active
cross join limits
left join {{ ref('stg_config_age_bands') }} as age_bands
    on {{ in_band('active.age', 'age_bands') }}
left join {{ ref('stg_config_tenure_bands') }} as tenure_bands
    on {{ in_band('active.tenure_years', 'tenure_bands') }}
left join {{ ref('stg_config_job_levels') }} as levels
    on levels.level_code = active.job_code
order by active.employee_id
