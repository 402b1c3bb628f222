"""Stories: what robots.txt allows, gzipped sitemaps below an index, pages that ask not to be indexed, and dead ones."""

from __future__ import annotations

import gzip
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from runner.site.page import Reply, page, seeded

if TYPE_CHECKING:
    from runner.site.page import Asked

_AUTHORS = ("Ragna Vik", "Odd Strand", "Maren Holm", "Sivert Nes")
_COUNT = 58
_ROBOTS = """# Notice: the drafts are not ready to be read.
User-agent: hoover
Disallow: /

User-agent: *
Disallow: /stories/drafts/
Disallow: /stories/2019-

Sitemap: http://{host}/sitemap.xml
"""
_SPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


class Story(NamedTuple):
    """A story. `there` is false where the sitemap names a page that is gone."""

    path: str
    modified: date
    author: str
    words: int
    noindex: bool
    there: bool


@cache
def stories() -> tuple[Story, ...]:
    """Return the stories in the order of the sitemaps."""
    random = seeded("skerry-stories-3")
    out = []
    for i in range(_COUNT):
        written = date(2019, 1, 1) + timedelta(days=random.randrange(6 * 365))
        folder = "/stories/drafts/" if random.random() < 0.2 else "/stories/"
        modified = max(written, date(2023, 9, 1) + timedelta(days=random.randrange(500)))
        path = f"{folder}{written.year}-{100 + 7 * i}.html"
        author, words = random.choice(_AUTHORS), random.randrange(120, 4000)
        out.append(Story(path, modified, author, words, random.random() < 0.12, random.random() > 0.08))
    return tuple(out)


def answer(asked: Asked) -> Reply | None:
    """Answer for robots.txt, the sitemaps and the stories."""
    host = asked.headers.get("host", "127.0.0.1")
    half = _COUNT // 2
    if asked.path == "/robots.txt":
        return Reply(_ROBOTS.format(host=host).encode(), "text/plain; charset=utf-8")
    if asked.path == "/sitemap.xml":
        parts = "".join(f"<sitemap><loc>http://{host}/sitemap-{n}.xml.gz</loc></sitemap>" for n in (1, 2))
        return Reply(f'<sitemapindex xmlns="{_SPACE}">{parts}</sitemapindex>'.encode(), "application/xml")
    if asked.path == "/sitemap-1.xml.gz":
        return _map(stories()[:half], host)
    if asked.path == "/sitemap-2.xml.gz":
        return _map(stories()[half:], host)
    if asked.path in {"/stories", "/stories/"}:
        return page("Stories", "<p>There are too many to list. See our sitemap.</p>")
    return next((_story(story) for story in stories() if story.path == asked.path and story.there), None)


def _map(part: tuple[Story, ...], host: str) -> Reply:
    entries = "".join(
        f"<url><loc>http://{host}{story.path}</loc><lastmod>{story.modified}</lastmod></url>\n" for story in part
    )
    whole = f'<?xml version="1.0"?>\n<urlset xmlns="{_SPACE}">\n{entries}</urlset>\n'
    return Reply(gzip.compress(whole.encode(), mtime=0), "application/gzip")


def _story(story: Story) -> Reply:
    head = f'<meta name="author" content="{story.author}"><meta name="words" content="{story.words}">'
    head += '<meta name="robots" content="noindex">' if story.noindex else ""
    return page(f"Story {story.path[-8:-5].strip('-')}", "<p>It was a calm day, and then it was not.</p>", head=head)
