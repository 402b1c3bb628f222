"""What each web task declares as its answer, worked out from the site's content without its HTML."""

from __future__ import annotations

from collections import Counter, deque
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING, TypeVar

import pytest

from runner.scoring import score, state
from runner.site import (
    almanac,
    archive,
    atlas,
    bookings,
    docs,
    letters,
    links,
    members,
    readings,
    reviews,
    shop,
    stories,
)
from runner.tasks import load, names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

K = TypeVar("K")


def settings() -> dict[str, str]:
    found = {
        one.name: one.seconds
        for one in docs.settings()
        if one.name.startswith("transport.") and one.seconds is not None and not one.deprecated
    }
    return {"count": str(len(found)), "total_seconds": f"{sum(found.values()):.2f}", "longest": best(found)}


def prices() -> dict[str, str]:
    found = {one.sku: float(one.price) for one in shop.products() if one.category == "Sensors" and one.stock}
    dear = {sku: -price for sku, price in found.items()}
    return {"in_stock": str(len(found)), "mean_price": f"{fmean(found.values()):.2f}", "cheapest": best(dear)}


def reviewed() -> dict[str, str]:
    loggers = {one.sku: one for one in shop.products() if one.category == "Loggers"}
    stars = {sku: [one.stars for one in reviews.reviews()[sku] if one.verified] for sku in loggers}
    means = {sku: fmean(given) for sku, given in stars.items() if len(given) >= 8}
    sku = best(means)
    return {"sku": sku, "mean_stars": f"{means[sku]:.2f}", "weight_g": str(loggers[sku].grams)}


def booked() -> dict[str, str]:
    week = bookings.bookings()
    osprey = sum(one.slots for one in week if one.team == "Osprey" and "N2" in one.rooms) / 2
    south: Counter[str] = Counter()
    for one in week:
        south[one.team] += one.slots * len(set(one.rooms) & set(bookings.BUILDINGS["South"]))
    team = best(south)
    return {"osprey_n2_hours": f"{osprey:.1f}", "south_team": team, "south_hours": f"{south[team] / 2:.1f}"}


def logged() -> dict[str, str]:
    alerts = sorted(one for one in archive.entries() if one.level == "ALERT")
    valves = [one for one in alerts if one.station == "Kvitnes" and "valve" in one.text]
    gaps = {after: (after.time - before.time).total_seconds() / 60 for before, after in pairwise(alerts)}
    last = best(gaps)
    return {"valve_alerts": str(len(valves)), "longest_gap": f"{gaps[last]:.0f}", "ended_by": last.station}


def read() -> dict[str, str]:
    usable = {
        code: [one.level_cm for one in all_ if one.level_cm is not None and one.quality == "ok"]
        for code, all_ in readings.readings().items()
    }
    means = {code: fmean(levels) for code, levels in usable.items()}
    unusable = sum(map(len, readings.readings().values())) - sum(map(len, usable.values()))
    code = best(means)
    return {"station": code, "mean_cm": f"{means[code]:.2f}", "not_usable": str(unusable)}


def invoiced() -> dict[str, str]:
    unpaid = [one for one in members.invoices() if one.state == "unpaid"]
    oldest = best({one.number: -one.date.toordinal() for one in unpaid})
    return {"unpaid_sum": str(sum(one.amount for one in unpaid)), "unpaid_count": str(len(unpaid)), "oldest": oldest}


def linked() -> dict[str, str]:
    ends = {one.code: (one.end, len(one.hops)) for one in links.chains()}
    longest = best({code: hops for code, (end, hops) in ends.items() if end == "arrives"})
    return {
        "dead": ", ".join(sorted(code for code, (end, _) in ends.items() if end == "dead")),
        "circles": str(sum(end == "circle" for end, _ in ends.values())),
        "longest": longest,
        "hops": str(ends[longest][1]),
    }


def crawled() -> dict[str, str]:
    clicks, queue = {atlas.START: 0}, deque([atlas.START])
    while queue:
        path = queue.popleft()
        for to in atlas.places()[path].links:
            if to in atlas.places() and to not in clicks:
                clicks[to] = clicks[path] + 1
                queue.append(to)
    elevation = sum(atlas.places()[path].metres for path in clicks)
    farthest = atlas.places()[best(clicks)].title
    return {"pages": str(len(clicks)), "elevation_sum": str(elevation), "farthest": farthest}


def written() -> dict[str, str]:
    names = ", ".join(one.author for one in letters.LETTERS)
    return {"authors": names, "crates": str(sum(one.crates for one in letters.LETTERS))}


def measured() -> dict[str, str]:
    year = almanac.rows()[2022]
    return {
        "deviation_sum": f"{float(sum(row.deviation for row in year if row.deviation is not None)):.2f}",
        "not_measured": ", ".join(row.month for row in year if row.deviation is None),
        "highest_month": best({row.month: row.highest for row in year}),
    }


def told() -> dict[str, str]:
    kept = [
        one
        for one in stories.stories()
        if one.modified.year == 2024 and one.there and not one.noindex and one.path.startswith("/stories/202")
    ]
    words: Counter[str] = Counter()
    for one in kept:
        words[one.author] += one.words
    return {"stories": str(len(kept)), "words": str(sum(words.values())), "author": best(words)}


ANSWERS: dict[str, Callable[[], dict[str, str]]] = {
    "web_almanac": measured,
    "web_atlas": crawled,
    "web_bookings": booked,
    "web_invoices": invoiced,
    "web_letters": written,
    "web_logbook": logged,
    "web_prices": prices,
    "web_readings": read,
    "web_reviews": reviewed,
    "web_settings": settings,
    "web_shortlinks": linked,
    "web_stories": told,
}


def best(values: Mapping[K, float]) -> K:
    """Return the key of the largest value, which must be the only one."""
    first, *others = sorted(values, key=lambda key: -values[key])
    assert values[first] > max(map(values.__getitem__, others))
    return first


def test_every_web_task_is_worked_out_here() -> None:
    assert set(ANSWERS) == {name for name in names() if name.startswith("web_")}


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_a_web_task_declares_what_the_content_says(name: str) -> None:
    found = score(load(name), state(ANSWERS[name]()))
    assert found.success, found
