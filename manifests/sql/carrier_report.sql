-- The year of each carrier. Means come from sums, since the mean of twelve monthly means is another number.
SELECT
    airlines.carrier,
    airlines.name AS airline,
    sum(monthly.flights)::BIGINT AS flights,
    sum(monthly.cancelled)::BIGINT AS cancelled,
    round(sum(monthly.dep_delay_minutes) / sum(monthly.departed), 2) AS mean_dep_delay,
    round(sum(monthly.arr_delay_minutes) / sum(monthly.arrived), 2) AS mean_arr_delay,
    round(100.0 * sum(monthly.late) / sum(monthly.arrived), 1) AS late_percent
FROM delay_by_carrier_month AS monthly
JOIN airlines ON airlines.carrier = monthly.carrier
GROUP BY airlines.carrier, airlines.name
