"""Write census.csv: 3,000 invented employees, the same bytes at every run.

    python dbt/workforce/data/generate_census.py [FILE]

FILE defaults to the census.csv beside this script. Only `Random.random()` is drawn from: it is the one method whose
sequence Python promises to keep for a given seed, and what is made of it here is whole numbers (days, cents).
"""

import csv
import io
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random

EMPLOYEES = 3_000
SEED = 401_017
AS_OF = date(2025, 1, 1)

COLUMNS = (
    "employee_id",
    "badge_number",
    "birth_date",
    "hire_date",
    "termination_date",
    "department",
    "job_code",
    "annual_compensation",
)

# One with a comma, so that the file has quoted fields.
DEPARTMENTS = ("Engineering", "Finance", "Operations", "Research, Development", "Sales")

# Job code, how many in a hundred where all levels are open, lowest and highest pay in dollars. The ranges are those of
# config_job_levels.
LEVELS = (
    ("01", 42, 40_000, 75_000),
    ("02", 28, 65_000, 110_000),
    ("03", 18, 95_000, 160_000),
    ("04", 9, 140_000, 240_000),
    ("05", 3, 200_000, 480_000),
)

# What a generator meets only by luck: birth, hire, termination, department, job code, pay.
EDGE_CASES = (
    # Born on 29 February, and hired on one.
    ("1964-02-29", "1988-02-29", "", "Finance", "03", "128000.00"),
    # Left on the very first day, one day before it, and gives notice for the day after it.
    ("1980-06-15", "2010-03-01", "2025-01-01", "Sales", "01", "51000.00"),
    ("1980-06-15", "2010-03-01", "2024-12-31", "Sales", "01", "51000.00"),
    ("1980-06-15", "2010-03-01", "2025-01-02", "Sales", "01", "51000.00"),
    # Gives notice for the middle of the simulation.
    ("1961-09-30", "1995-11-13", "2026-06-30", "Operations", "04", "201500.50"),
    # Hired on the first day, and after it.
    ("2002-12-31", "2025-01-01", "", "Engineering", "01", "58250.25"),
    ("2001-01-01", "2025-03-17", "", "Engineering", "02", "83000.00"),
    # Birthdays on the bounds of the age bands: 25, 35 and 65 on the first day, and one day short of 65.
    ("2000-01-01", "2022-07-01", "", "Research, Development", "01", "61000.00"),
    ("1990-01-01", "2015-01-01", "", "Research, Development", "02", "97500.00"),
    ("1960-01-01", "2005-01-01", "", "Operations", "02", "90000.00"),
    ("1960-01-02", "2005-01-02", "", "Operations", "02", "90000.00"),
    # Turns 50 on the last day of 2025, and one day too late to catch up in it.
    ("1975-12-31", "2001-05-07", "", "Finance", "03", "140000.00"),
    ("1976-01-01", "2001-05-07", "", "Finance", "03", "140000.00"),
    # Exactly at the compensation limit of 2025, one cent above it, and far above.
    ("1970-04-04", "2000-10-02", "", "Finance", "05", "350000.00"),
    ("1970-04-05", "2000-10-02", "", "Finance", "05", "350000.01"),
    ("1966-08-21", "1999-01-04", "", "Engineering", "05", "480000.00"),
)


def between(rng: Random, low: int, high: int) -> int:
    """A whole number from low to high, both included."""
    return low + int(rng.random() * (high - low + 1))


def pick_level(rng: Random, age: int) -> tuple[str, int, int]:
    """Code and pay range of a level open at this age: the second opens at 25, each further one seven years later."""
    draw = between(rng, 1, 100)
    opened = LEVELS[: 1 + max(0, age - 18) // 7]
    for code, share, low, high in opened:
        if draw <= share:
            return code, low, high
        draw -= share
    code, _, low, high = opened[-1]
    return code, low, high


def invent(rng: Random) -> tuple[str, ...]:
    """Birth, hire, termination, department, job code and pay of one employee."""
    # The mean of two draws: most are in the middle of their working life.
    age_days = (between(rng, 20 * 365, 70 * 365) + between(rng, 20 * 365, 70 * 365)) // 2
    # The lesser of two draws: most have not been here long. Nobody was hired before the age of 18.
    longest = age_days - 18 * 366
    tenure_days = min(between(rng, 1, longest), between(rng, 1, longest))
    hired = AS_OF - timedelta(days=tenure_days)
    left = ""
    if between(rng, 1, 100) <= 12:
        left = (hired + timedelta(days=between(rng, 0, tenure_days - 1))).isoformat()
    code, low, high = pick_level(rng, age_days // 365)
    # The lesser of two draws again: pay leans to the lower end of its range.
    cents = min(between(rng, low * 100, high * 100), between(rng, low * 100, high * 100))
    return (
        (AS_OF - timedelta(days=age_days)).isoformat(),
        hired.isoformat(),
        left,
        DEPARTMENTS[between(rng, 0, len(DEPARTMENTS) - 1)],
        code,
        f"{cents // 100}.{cents % 100:02d}",
    )


def employees() -> Iterator[tuple[str, ...]]:
    rng = Random(SEED)
    for number in range(1, EMPLOYEES + 1):
        rest = EDGE_CASES[number - 1] if number <= len(EDGE_CASES) else invent(rng)
        # 7 and 10**6 have no common factor, so that no badge comes twice.
        yield (f"EMP_{number:06d}", f"{number * 7 % 1_000_000:06d}", *rest)


def render() -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(employees())
    return text.getvalue()


def main(arguments: list[str]) -> None:
    target = Path(arguments[0]) if arguments else Path(__file__).with_name("census.csv")
    target.write_bytes(render().encode("utf-8"))


if __name__ == "__main__":
    main(sys.argv[1:])
