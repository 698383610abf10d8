-- Counts and sums beside the means, so that a report over a year need not take the mean of means.
-- The sums are of whole minutes: no order of adding changes them.
select
    carrier,
    month,
    count(*) as flights,
    count(*) filter (where is_cancelled) as cancelled,
    count(dep_delay) as departed,
    coalesce(sum(dep_delay), 0)::bigint as dep_delay_minutes,
    round(avg(dep_delay), 2) as mean_dep_delay,
    count(arr_delay) as arrived,
    coalesce(sum(arr_delay), 0)::bigint as arr_delay_minutes,
    round(avg(arr_delay), 2) as mean_arr_delay,
    -- The usual measure: late is 15 minutes or more.
    count(*) filter (where arr_delay >= 15) as late
from {{ ref('stg_flights') }}
group by carrier, month
order by carrier, month
