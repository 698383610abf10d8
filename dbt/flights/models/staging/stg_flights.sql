-- A flight without a departure time never left. One that left without an arrival delay was diverted or is not on record.
select
    carrier,
    flight,
    tailnum,
    origin,
    dest,
    make_date(year, month, day) as flight_date,
    month,
    time_hour,
    dep_delay,
    arr_delay,
    air_time,
    distance,
    dep_time is null as is_cancelled,
    dep_time is not null and arr_delay is null as is_diverted
from {{ source('raw', 'flights') }}
