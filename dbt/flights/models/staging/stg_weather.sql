-- One reading of 1,048 miles an hour is a broken gauge; the strongest wind ever measured on the ground was 253.
select
    origin,
    time_hour,
    temp,
    case when wind_speed <= 253 then wind_speed end as wind_speed,
    precip,
    visib
from {{ source('raw', 'weather') }}
