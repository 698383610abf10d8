-- Speed over the great circle: a detour counts as slowness. NULL where no flight arrived, or where the position of the
-- destination is not known.
with flown_routes as (

    select
        origin,
        dest,
        count(*) as flights,
        count(*) filter (where is_cancelled) as cancelled,
        count(air_time) as flown,
        avg(air_time) as mean_air_minutes
    from {{ ref('stg_flights') }}
    group by origin, dest

)

select
    routes.origin,
    routes.dest,
    routes.great_circle_miles,
    routes.reported_miles,
    flown_routes.flights,
    flown_routes.cancelled,
    flown_routes.flown,
    round(flown_routes.mean_air_minutes, 1) as mean_air_minutes,
    round(60 * routes.great_circle_miles / flown_routes.mean_air_minutes, 1) as mean_speed_mph
from {{ source('steps', 'route_distances') }} as routes
join flown_routes
    on flown_routes.origin = routes.origin
    and flown_routes.dest = routes.dest
order by routes.origin, routes.dest
