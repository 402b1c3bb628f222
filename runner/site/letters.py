"""Letters: each in another encoding, declared in the header, in the page, wrongly, or not at all."""

from __future__ import annotations

import codecs
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from runner.site.page import Reply, framed, page

if TYPE_CHECKING:
    from runner.site.page import Asked


class Letter(NamedTuple):
    """A letter: `encoding` is how its bytes are made, `header` and `meta` are what is said of it."""

    author: str
    town: str
    crates: int
    text: str
    encoding: str
    header: str | None = None
    meta: str | None = None


LETTERS = (
    Letter("Åse Bjørnstad", "Tromsø", 14, "The ice is thick as a fist.", "latin-1", header="iso-8859-1"),
    Letter("Zoë “Tide” Müller", "Cuxhaven", 9, "At 3 € the piece \u2013 a bargain…", "cp1252", meta="windows-1252"),
    Letter("Łukasz Żółkiewski", "Świnoujście", 21, "We count in dozens here.", "utf-16"),
    Letter("山田 花子", "焼津", 6, "波は静かです。", "shift_jis", meta="shift_jis"),
    Letter(
        "François Lœuillet",
        "Saint-Malo",
        17,
        "40 € \u2013 for two!",
        "cp1252",
        header="utf-8",
        meta="utf-8",
    ),
    Letter("Þórdís Guðmundsdóttir", "Ísafjörður", 12, "Snow again.", "utf-8"),
    Letter("Фёдор Щукин", "Мурманск", 25, "Лёд пошёл.", "koi8-r", meta="koi8-r"),
    Letter("Σοφία Παπαδάκη", "Χανιά", 8, "Ήρεμη θάλασσα.", "utf-8", header="iso-8859-1", meta="utf-8"),
)


def answer(asked: Asked) -> Reply | None:
    """Answer for the pages below /letters/."""
    if asked.path in {"/letters", "/letters/"}:
        items = "".join(f'<li><a href="/letters/{i}.html">Letter {i}</a></li>' for i in range(1, len(LETTERS) + 1))
        notice = "<p>Typed on many machines. What a page says of its encoding is not always so.</p>"
        return page("Letters", f"{notice}\n<ol>{items}</ol>")
    for i, letter in enumerate(LETTERS, start=1):
        if asked.path == f"/letters/{i}.html":
            return _letter(i, letter)
    return None


def _letter(number: int, letter: Letter) -> Reply:
    body = (
        f'<p class="author">{escape(letter.author)}</p>\n<p class="town">{letter.town}</p>\n'
        f'<p class="text">{letter.text}</p>\n<p>Please send <b class="crates">{letter.crates}</b> crates.</p>'
    )
    text = framed(f"Letter {number}", body, head=f'<meta charset="{letter.meta}">' if letter.meta else "")
    order = codecs.BOM_UTF16_LE if letter.encoding == "utf-16" else b""  # "utf-16" alone takes the machine's order
    encoded = order + text.encode("utf-16-le" if order else letter.encoding)
    return Reply(encoded, f"text/html; charset={letter.header}" if letter.header else "text/html")
