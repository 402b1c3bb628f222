"""Almanac: tables of numbers written with entities, with rows that are struck out and rows that are commented out."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from runner.site.page import page, seeded

if TYPE_CHECKING:
    from random import Random

    from runner.site.page import Asked, Reply

YEARS = (2021, 2022, 2023)
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_QUARTERS = {0: "", 1: "&frac14;", 2: "&frac12;", 3: "&#190;"}


class Row(NamedTuple):
    """A month. `highest` in mm; `deviation` in cm, None: not measured."""

    month: str
    highest: int
    deviation: Fraction | None


@cache
def rows() -> dict[int, tuple[Row, ...]]:
    """Return the rows that count, by year."""
    random = seeded("skerry-almanac-6")
    return {year: tuple(_row(month, random) for month in MONTHS) for year in YEARS}


def answer(asked: Asked) -> Reply | None:
    """Answer for /almanac.html."""
    if asked.path != "/almanac.html":
        return None
    lead = (
        "<p>Highest level in mm above chart datum, mean deviation in cm. A dash: not measured. "
        "Rows that are struck out were corrected in the row below them and do not count.</p>\n"
    )
    return page("Almanac", lead + "\n".join(_table(year) for year in YEARS))


def _row(month: str, random: Random) -> Row:
    deviation = None if random.random() < 0.2 else Fraction(random.randrange(-90, 90), 4)
    return Row(month, random.randrange(1800, 4200), deviation)


def _table(year: int) -> str:
    random = seeded(f"skerry-errata-{year}")
    lines = ["<tr><th>Month</th><th>Highest</th><th>Deviation</th></tr>"]
    for row in rows()[year]:
        if random.random() < 0.25:
            lines.append(_line(_row(row.month, random), struck=True))
        if random.random() < 0.15:
            lines.append(f"<!-- {_line(_row(row.month, random))} -->")
        lines.append(_line(row))
    return f"<table><caption>{year}</caption>\n" + "\n".join(lines) + "\n</table>"


def _line(row: Row, *, struck: bool = False) -> str:
    highest = f"{row.highest // 1000}&#8239;{row.highest % 1000:03}"
    cells = (row.month, highest, "&mdash;" if row.deviation is None else _written(row.deviation))
    tags = ("<td><s>", "</s></td>") if struck else ("<td>", "</td>")
    return "<tr>" + "".join(tags[0] + cell + tags[1] for cell in cells) + "</tr>"


def _written(number: Fraction) -> str:
    """Write a number in quarters, with a sign of its own: &minus;12&frac12;."""
    whole, part = divmod(abs(number), 1)
    sign = "&minus;" if number < 0 else "&plus;"
    return sign + (str(whole) if whole or not part else "") + _QUARTERS[int(part * 4)]
