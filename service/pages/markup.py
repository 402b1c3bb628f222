"""Text of traces as HTML: escaped piece by piece, then wrapped; nothing of it is ever taken for markup.

Code in fences, tracebacks and JSON are coloured by Pygments' lexers, as classes whose colours `/styles/code.css` has.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pygments.lexer import Lexer

MOST_COLOURED = 6_000  # characters of a block; a longer one is left plain
_STALLS = re.compile(r"\s{100}")  # over such a stretch Pygments' lexers search once for each of its characters
_LEXERS = {  # no other language is taken from a trace's word: on hostile text some lexers take minutes
    "py": "python", "python": "python", "python3": "python", "tool_code": "python", "pycon": "pycon", "pytb": "pytb",
    "sh": "bash", "bash": "bash", "shell": "bash", "json": "json", "sql": "sql",
}  # fmt: skip
_FENCE = re.compile(r"^[ ]{0,8}```[^\n`]*$", re.MULTILINE)
_OPENS = re.compile(
    r"^(?:[ ]{0,8}```(?P<language>[\w+-]{0,20})[^\n`]*|Traceback \(most recent call last\):[^\n]*)$", re.MULTILINE
)
_UNSEEN = {  # shown as what they are; one for one, so that places in the text stay
    **{code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n\r"},
    0x7F: 0x2421,
    **dict.fromkeys((*range(0x80, 0xA0), 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), 0xFFFD),
    **dict.fromkeys(range(0xD800, 0xE000), 0xFFFD),  # surrogates that stand alone are no UTF-8
}


class Mark(NamedTuple):
    """A stretch of a text that is marked: from, to, and the classes of the mark."""

    start: int
    end: int
    css: str


class Block(NamedTuple):
    """A stretch of a text: code in a language, or prose (None)."""

    start: int
    end: int
    language: str | None


def shown(text: str) -> str:
    """Return text with control, bidi and broken characters made visible, each in its place."""
    return text.translate(_UNSEEN)


class Marked:
    """A text with its blocks and marks, of which parts can be had as HTML."""

    def __init__(self, text: str, marks: Sequence[Mark] = (), language: str | None = None) -> None:
        self.text = text
        self.marks = sorted(mark for mark in marks if mark.start < mark.end)
        self.blocks = (Block(0, len(text), language),) if language else tuple(blocks(text))

    def html(self, start: int = 0, end: int | None = None) -> Markup:
        """Return the part from `start` to `end` as HTML; marks and blocks that it cuts are cut."""
        end = len(self.text) if end is None else min(end, len(self.text))
        made = []
        for block in self.blocks:
            first, last = max(start, block.start), min(end, block.end)
            if first < last:
                inner = self._inner(block, first, last)
                made.append(Markup('<code class="code">{}</code>').format(inner) if block.language else inner)
        return Markup("").join(made)

    def _inner(self, block: Block, start: int, end: int) -> Markup:
        tokens = _tokens(self.text[block.start : block.end], block.language)
        spans = [Mark(block.start + at, block.start + to, css) for at, to, css in tokens]
        cuts = {start, end}
        for each in (*spans, *self.marks):
            cuts.update(place for place in (each.start, each.end) if start < place < end)
        of_mark, of_span = _Cover(self.marks), _Cover(spans)
        made = []
        for mark, places in groupby(pairwise(sorted(cuts)), key=lambda place: of_mark.at(place[0])):
            pieces = Markup("").join(self._piece(first, last, of_span.at(first)) for first, last in places)
            made.append(Markup('<mark class="{}">{}</mark>').format(mark, pieces) if mark else pieces)
        return Markup("").join(made)

    def _piece(self, start: int, end: int, css: str | None) -> Markup:
        piece: Markup = escape(shown(self.text[start:end]))
        return Markup('<span class="{}">{}</span>').format(css, piece) if css else piece


def blocks(text: str) -> Iterator[Block]:
    """Yield the stretches of a text, in order and without gaps: code in fences, tracebacks, a whole JSON, prose."""
    if _is_json(text):
        yield Block(0, len(text), "json")
        return
    at = 0
    while at < len(text) and (opening := _OPENS.search(text, at)):
        start = opening.start()
        if opening["language"] is None:
            end, language = _end_of_traceback(text, opening.end()), "pytb"
        else:
            closing = _FENCE.search(text, opening.end())
            end = closing.end() if closing else len(text)
            language = _LEXERS.get(opening["language"].lower(), "text")
        if start > at:
            yield Block(at, start, None)
        at = min(len(text), end + 1)  # the line break belongs to it
        yield Block(start, at, language)
    if at < len(text):
        yield Block(at, len(text), None)


def find_all(text: str, wanted: str, css: str, most: int = 200) -> list[Mark]:
    """Return marks on every place where `wanted` stands, whatever the case of letters; `most` at most."""
    found = []
    if wanted:
        for hit in re.finditer(re.escape(wanted), text, re.IGNORECASE):
            found.append(Mark(hit.start(), hit.end(), css))
            if len(found) == most:
                break
    return found


def stylesheet() -> str:
    """Return the colours of code, for light and dark."""
    from pygments.formatters import HtmlFormatter  # noqa: PLC0415 - heavy, and asked for once

    def colours(style: str) -> str:
        return "\n".join(HtmlFormatter(style=style).get_token_style_defs(".code"))

    dark = colours("github-dark")
    return f"{colours('default')}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n.code .err {{ border: 0 }}\n"


class _Cover:
    """Says which of some stretches covers a place; asked at rising places. Where several do, the first to begin."""

    def __init__(self, stretches: Sequence[Mark]) -> None:
        self._stretches, self._at = stretches, 0

    def at(self, place: int) -> str | None:
        """Return the classes there."""
        while self._at < len(self._stretches) and self._stretches[self._at].end <= place:
            self._at += 1
        if self._at < len(self._stretches) and self._stretches[self._at].start <= place:
            return self._stretches[self._at].css
        return None


def _tokens(text: str, language: str | None) -> Iterator[tuple[int, int, str]]:
    if language in {None, "text"} or len(text) > MOST_COLOURED or _STALLS.search(text):
        return
    opening = _FENCE.match(text)
    at = opening.end() if opening else 0
    closing = _FENCE.search(text, at + 1) if opening else None
    code = text[at : closing.start() if closing else len(text)]
    for place, kind, value in _lexer(language or "text").get_tokens_unprocessed(code):
        css = _class_of(kind)
        if css and not value.isspace():
            yield at + place, at + place + len(value), css


@cache
def _lexer(name: str) -> Lexer:
    from pygments.lexers import get_lexer_by_name  # noqa: PLC0415 - heavy

    return get_lexer_by_name(name)


def _class_of(kind: object) -> str:
    from pygments.token import STANDARD_TYPES  # noqa: PLC0415 - heavy

    while kind is not None:
        if kind in STANDARD_TYPES:
            return str(STANDARD_TYPES[kind])
        kind = getattr(kind, "parent", None)
    return ""


def _is_json(text: str) -> bool:
    ends = text[:200].lstrip()[:1], text[-200:].rstrip()[-1:]
    return ends in {("{", "}"), ("[", "]")} and '"' in text[:2000]


def _end_of_traceback(text: str, at: int) -> int:
    """Return where a traceback ends: behind the first line after its heading that is not indented."""
    while at < len(text):
        end = text.find("\n", at + 1)
        end = len(text) if end < 0 else end
        line = text[at + 1 : end]
        if line.strip() and not line.startswith((" ", "\t")):
            return end
        at = end
    return len(text)
