"""Atlas: a small web of pages with relative links of every kind, some of them below a base, some of them dead."""

from __future__ import annotations

import posixpath
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from runner.site.page import page, seeded

if TYPE_CHECKING:
    from runner.site.page import Asked, Reply

START = "/atlas/index.html"
_FOLDERS = ("/atlas/", "/atlas/north/", "/atlas/north/skerries/", "/atlas/south/", "/atlas/south/sound/")
_FIRST = ("Kvit", "Bratt", "Sand", "Lang", "Tor", "Ul", "Grim", "Stor", "Aust", "Vest", "Myr", "Hest", "Kals", "Rund")
_LAST = ("holm", "nes", "skjer", "vik", "sund", "ey")
_COUNT = 31


class Place(NamedTuple):
    """A page. `base` is the folder that its links are relative to, if that is not its own."""

    path: str
    title: str
    metres: int
    base: str | None
    links: tuple[str, ...]  # the paths of other pages; some of them have no page


@cache
def places() -> dict[str, Place]:
    """Return the pages by path; three of them are linked from nowhere."""
    random = seeded("skerry-atlas-2")
    names = [first + last for first in _FIRST for last in _LAST]
    random.shuffle(names)
    paths = [START]
    paths += [f"{random.choice(_FOLDERS)}{name.lower()}.html" for name in names[: _COUNT - 1]]
    linked = paths[:-3]
    links: dict[str, list[str]] = {path: [] for path in paths}
    for i, path in enumerate(linked[1:], start=1):
        links[linked[random.randrange(max(0, i - 6), i)]].append(path)  # one way there, at least
    for path in paths:
        links[path] += random.sample(linked[: linked.index(path) + 1] if path in linked else linked, k=1)
        if random.random() < 0.2:
            links[path].append(f"{random.choice(_FOLDERS)}{names[-1 - len(path) % 7].lower()}.html")
    out = {}
    for path, name in zip(paths, ["Atlas", *names], strict=False):
        base = random.choice(_FOLDERS) if random.random() < 0.3 else None
        out[path] = Place(path, name, random.randrange(2, 240), base, tuple(links[path]))
    return out


def answer(asked: Asked) -> Reply | None:
    """Answer for the pages below /atlas/."""
    place = places().get(START if asked.path == "/atlas/" else asked.path)
    if place is None:
        return None
    links = "\n".join(f"<li>{_link(place, to, i)}</li>" for i, to in enumerate(place.links))
    away = (
        '<p>Charts: <a href="http://charts.example/">elsewhere</a>, <a href="mailto:atlas@skerry.example">ask</a>.</p>'
    )
    facts = f'<dl class="facts"><dt>Elevation</dt><dd>{place.metres} m</dd></dl>'
    head = f'<base href="{place.base}">' if place.base else ""
    return page(place.title, f"{facts}\n<ul>\n{links}\n</ul>\n{away}", head=head)


def _link(place: Place, to: str, i: int) -> str:
    """Write a link in one of four ways, in turn."""
    relative = posixpath.relpath(to, place.base or posixpath.dirname(place.path))
    way = (len(place.path) + i) % 4
    href = (relative, f"./{relative}#map", to, f"{relative}?view=print")[way]
    return f'<a href="{href}">{posixpath.basename(to).removesuffix(".html")}</a>'
