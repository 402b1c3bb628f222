"""Readings: a JSON interface that wants to know who is asking, and gives its data by cursor."""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from runner.site.docs import CLIENT
from runner.site.page import JSON, Reply, page, seeded

if TYPE_CHECKING:
    from random import Random

    from runner.site.page import Asked

STATIONS = {"KVN": "Kvitnes", "BRH": "Brattholm", "SNV": "Sandvika", "LSK": "Langskjer"}
_AT_ONCE = 50


class Reading(NamedTuple):
    """A reading. `level_cm` None: the gauge gave nothing."""

    hour: int
    level_cm: float | None
    quality: str


@cache
def readings() -> dict[str, tuple[Reading, ...]]:
    """Return the readings of each station, by its code."""
    random = seeded("skerry-readings-1")
    out = {}
    for i, code in enumerate(STATIONS):
        count = random.randrange(130, 260)
        out[code] = tuple(_reading(hour, 180.0 + 4 * i, random) for hour in range(count))
    return out


def answer(asked: Asked) -> Reply | None:
    """Answer for the resources below /api/v2/."""
    if not asked.path.startswith("/api/"):
        return None
    if asked.headers.get("x-tern-client") != CLIENT:
        body = '<p>Say who you are; see <a href="/docs/interface.html">how the interface is used</a>.</p>'
        return page("Forbidden", body, status=403)
    if "application/json" not in asked.headers.get("accept", ""):
        return page("Not acceptable", "<p>This interface speaks JSON only.</p>", status=406)
    if asked.path == "/api/v2/stations":
        return _json({"stations": [{"code": code, "name": name} for code, name in STATIONS.items()]})
    if asked.path == "/api/v2/readings":
        return _part(asked.query.get("station", ""), asked.query.get("cursor", ""))
    return _json({"error": "no such resource"}, 404)


def _part(station: str, cursor: str) -> Reply:
    if station not in STATIONS:
        return _json({"error": "no such station"}, 404)
    start = 0
    if cursor:
        starts = {_cursor(station, at): at for at in range(0, len(readings()[station]), _AT_ONCE)}
        if cursor not in starts:
            return _json({"error": "no such cursor"}, 400)
        start = starts[cursor]
    end = start + _AT_ONCE
    following = _cursor(station, end) if end < len(readings()[station]) else None
    return _json({"readings": [one._asdict() for one in readings()[station][start:end]], "next_cursor": following})


def _cursor(station: str, at: int) -> str:
    return base64.b64encode(f"{station}+{at}>>>?".encode()).decode()  # has + and =, so it must be encoded


def _json(body: object, status: int = 200) -> Reply:
    return Reply(json.dumps(body).encode(), JSON, status)


def _reading(hour: int, mean: float, random: Random) -> Reading:
    level = None if random.random() < 0.06 else round(random.gauss(mean, 25), 1)
    return Reading(hour, level, "suspect" if random.random() < 0.1 else "ok")
