"""The python step of flights.yaml: how long is each route, by the airports' positions and by what was reported?"""

from math import asin, cos, radians, sin, sqrt
from typing import Any

EARTH_RADIUS_MILES = 3_958.8

Position = tuple[float, float]


def great_circle_miles(start: Position, end: Position) -> float:
    """The shortest way over the globe between two positions (latitude, longitude in degrees), by the haversine formula.

    Rounded to a tenth of a mile: beyond that, mathematical libraries differ.
    """
    (lat1, lon1), (lat2, lon2) = start, end
    rise = sin(radians(lat2 - lat1) / 2) ** 2
    turn = sin(radians(lon2 - lon1) / 2) ** 2
    across = rise + cos(radians(lat1)) * cos(radians(lat2)) * turn
    return round(2 * EARTH_RADIUS_MILES * asin(sqrt(across)), 1)


def build(connection: Any, context: Any) -> None:
    """Make route_distances, one row a route; destinations that airports does not know get no great circle."""
    (table,) = context.tables
    airports = connection.execute("SELECT faa, lat, lon FROM airports").fetchall()
    positions = {faa: (lat, lon) for faa, lat, lon in airports}
    routes = connection.execute(
        "SELECT origin, dest, min(distance) FROM flights GROUP BY origin, dest ORDER BY origin, dest"
    ).fetchall()

    def measure(origin: str, dest: str) -> float | None:
        if origin not in positions or dest not in positions:
            return None
        return great_circle_miles(positions[origin], positions[dest])

    connection.execute(
        f"CREATE TABLE {table} (origin VARCHAR, dest VARCHAR, great_circle_miles DOUBLE, reported_miles INTEGER)"
    )
    connection.executemany(
        f"INSERT INTO {table} VALUES (?, ?, ?, ?)",
        [(origin, dest, measure(origin, dest), miles) for origin, dest, miles in routes],
    )
