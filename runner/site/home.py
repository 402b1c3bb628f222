"""Home: the front page, from which every part of the site can be found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.site.page import page

if TYPE_CHECKING:
    from runner.site.page import Asked, Reply

_PARTS = (
    ("/shop", "Shop", "gauges, loggers and what belongs to them"),
    ("/docs/", "Documentation", "of the tern logger and its interface"),
    ("/lab/bookings.html", "Laboratory", "who has booked which room"),
    ("/archive/", "Logbooks", "what the stations wrote, a page per year"),
    ("/members/", "Members", "your invoices"),
    ("/links.html", "Short links", "as printed in our catalogue"),
    ("/atlas/index.html", "Atlas", "of the stations"),
    ("/letters/", "Letters", "from before we had e-mail"),
    ("/almanac.html", "Almanac", "of water levels"),
    ("/stories/", "Stories", "from the field"),
)


def answer(asked: Asked) -> Reply | None:
    """Answer for the front page."""
    if asked.path not in {"/", "/index.html"}:
        return None
    items = "\n".join(f'<li><a href="{href}">{name}</a>: {what}</li>' for href, name, what in _PARTS)
    return page("Skerry Instruments", f"<p>We measure the sea.</p>\n<ul>\n{items}\n</ul>")
