"""Short links: chains of redirects, some by a meta refresh, that arrive, end at a missing page, or run in a circle."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from runner.site.page import page, redirect, seeded

if TYPE_CHECKING:
    from runner.site.page import Asked, Reply

_COUNT = 17
_ENDS = ("arrives", "arrives", "arrives", "dead", "circle")
_HOPS = (301, 302, 302, 307, "refresh")


class Chain(NamedTuple):
    """A short link: how each hop sends on, and how it ends (arrives, dead, circle)."""

    code: str
    hops: tuple[int | str, ...]
    end: str


@cache
def chains() -> tuple[Chain, ...]:
    """Return the short links in the order of their page."""
    random = seeded("skerry-links-4")
    letters = "abcdefghkmnprstuwxz"
    out = []
    for _ in range(_COUNT):
        code = "".join(random.choices(letters, k=3)) + str(random.randrange(10, 99))
        hops = tuple(random.choice(_HOPS) for _ in range(random.randrange(1, 8)))
        end = random.choice(_ENDS)
        out.append(Chain(code, (*hops, 302) if end == "circle" else hops, end))
    return tuple(out)


def answer(asked: Asked) -> Reply | None:
    """Answer for the list, the hops and where they arrive."""
    if asked.path == "/links.html":
        return page("Short links", f"<ul>\n{_items()}\n</ul>")
    return _replies().get(asked.path)


def _items() -> str:
    return "\n".join(f'<li><a class="short" href="/go/{chain.code}">{chain.code}</a></li>' for chain in chains())


@cache
def _replies() -> dict[str, Reply]:
    out = {}
    for chain in chains():
        paths = [f"/go/{chain.code}", *(_path(chain, i) for i in range(1, len(chain.hops)))]
        place = f"/places/{_name(chain, 'place')}.html"
        last = paths[len(paths) // 2] if chain.end == "circle" else place
        for path, to, how in zip(paths, [*paths[1:], last], chain.hops, strict=True):
            out[path] = _refresh(to) if how == "refresh" else redirect(_written(to), int(how))
        if chain.end == "arrives":
            out[place] = page(f"Place {_name(chain, 'title')}", "<p>You have arrived.</p>")
    return out


def _refresh(to: str) -> Reply:
    head = f'<meta http-equiv="Refresh" content="0; URL={_written(to)}">'
    return page("One moment", "<p>You are being sent on.</p>", head=head)


def _written(to: str) -> str:
    """Write an address in full or relative to /go/ and /hop/, as its hash falls."""
    return f"..{to}" if hashlib.sha256(to.encode()).digest()[0] % 2 else to


def _path(chain: Chain, hop: int) -> str:
    return f"/hop/{_name(chain, str(hop))}"


def _name(chain: Chain, part: str) -> str:
    return hashlib.sha256(f"{chain.code}-{part}".encode()).hexdigest()[:8]
