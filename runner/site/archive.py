"""Archive: a year's logbook on one page of several hundred kB, too large for a context window; gzipped if asked for."""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from runner.site.page import HTML, Reply, framed, page, seeded

if TYPE_CHECKING:
    from runner.site.page import Asked

YEAR = 2023
STATIONS = ("Kvitnes", "Brattholm", "Sandvika", "Langskjer", "Torsund")
_COUNT = 5200
_LEVELS = ("NOTE", "NOTE", "NOTE", "CHECK", "CHECK", "ALERT")
_WHAT = ("inlet valve", "stilling well", "float line", "relief valve", "battery", "antenna", "intake screen", "clock")
_HOW = (
    "found stiff, worked loose and greased",
    "inspected, no finding",
    "stuck, freed by hand after the second try",
    "replaced from the spare box; old part sent to the workshop",
    "iced over, cleared with warm water",
    "reads two units off against the staff, corrected",
)


class Entry(NamedTuple):
    """An entry of the logbook."""

    time: datetime
    level: str
    station: str
    text: str


@cache
def entries() -> tuple[Entry, ...]:
    """Return the entries as they stand on the page: what was handed in late stands at the end of its month."""
    random = seeded("skerry-logbook-1")
    start = datetime(YEAR, 1, 1)  # noqa: DTZ001 - the stations write local time
    minutes = sorted(random.sample(range(365 * 24 * 60), _COUNT))
    out = []
    for minute in minutes:
        text = f"{random.choice(_WHAT)} {random.choice(_HOW)}"
        entry = Entry(start + timedelta(minutes=minute), random.choice(_LEVELS), random.choice(STATIONS), text)
        out.append((entry.time.month, random.random() < 0.03, entry))
    return tuple(entry for _, _, entry in sorted(out, key=lambda one: one[:2]))


def answer(asked: Asked) -> Reply | None:
    """Answer for the pages below /archive/."""
    if asked.path in {"/archive", "/archive/"}:
        return page("Logbooks", f'<p>The logbook of <a href="/archive/{YEAR}.html">{YEAR}</a> (large).</p>')
    if asked.path != f"/archive/{YEAR}.html":
        return None
    if "gzip" in asked.headers.get("accept-encoding", ""):
        return Reply(_zipped(), HTML, headers=(("content-encoding", "gzip"), ("vary", "accept-encoding")))
    return Reply(_whole(), HTML, headers=(("vary", "accept-encoding"),))


@cache
def _zipped() -> bytes:
    return gzip.compress(_whole(), mtime=0)


@cache
def _whole() -> bytes:
    months: dict[int, list[str]] = {}
    for time, level, station, text in entries():
        line = (
            f'<p class="entry"><time datetime="{time:%Y-%m-%dT%H:%M}">{time:%d.%m. %H:%M}</time> '
            f"<b>{level}</b> <i>{station}</i>: <span>{text}</span></p>"
        )
        months.setdefault(time.month, []).append(line)
    parts = [f'<section id="m{month:02}">\n' + "\n".join(lines) + "\n</section>" for month, lines in months.items()]
    return framed(f"Logbook {YEAR}", "\n".join(parts), head='<meta charset="utf-8">').encode()
