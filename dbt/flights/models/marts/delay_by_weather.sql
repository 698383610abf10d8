-- Flights by the weather at their airport in the hour they should have left. An outer join: hours without a reading
-- are a row of their own, so that no flight is lost.
with flights_in_weather as (

    select
        flights.dep_delay,
        flights.is_cancelled,
        case
            when weather.precip is null then 'unknown'
            when weather.precip = 0 then 'dry'
            when weather.precip < 0.1 then 'light rain'
            else 'heavy rain'
        end as rain,
        case
            when weather.visib is null then 'unknown'
            when weather.visib < 1 then 'under 1 mile'
            when weather.visib < 5 then '1 to 5 miles'
            else '5 miles and more'
        end as visibility
    from {{ ref('stg_flights') }} as flights
    left join {{ ref('stg_weather') }} as weather
        on weather.origin = flights.origin
        and weather.time_hour = flights.time_hour

)

select
    rain,
    visibility,
    count(*) as flights,
    count(*) filter (where is_cancelled) as cancelled,
    round(100.0 * count(*) filter (where is_cancelled) / count(*), 2) as cancelled_percent,
    count(dep_delay) as departed,
    coalesce(sum(dep_delay), 0)::bigint as dep_delay_minutes,
    round(avg(dep_delay), 2) as mean_dep_delay
from flights_in_weather
group by rain, visibility
order by rain, visibility
