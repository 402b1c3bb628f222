"""What is new in a prompt that an agent wrote anew: lines that its last version did not have.

Some frameworks (MetaGPT) keep no chat: each call renders one long prompt, in which most is as before, and what
happened since (a result, the next task) stands somewhere in the middle.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SHARE = 0.5  # of the lines that say something must be as before, else it is another text
_HEADING = re.compile(r"\s*(?:#{1,6} \S|\*\*[^*]{1,80}\*\*:?\s*$|[A-Z][\w ]{1,40}:\s*$)")
_RESULT = re.compile(r"(?i)result|output|observ|error|feedback|stdout|traceback|execut")
_FENCE = re.compile(r"\s*(?:```|'''|\"\"\")")
_JSON_TEXT = re.compile(r'\s*"\w{1,40}": "')
_NOT_WORD = re.compile(r"\W+")
_ESCAPE = re.compile(r"\\[nrt]")
_BLOCK = 3  # lines: a shorter passage that was told before may well be told again on purpose
_SQUEEZED_LEAST = 8  # characters


class Piece(NamedTuple):
    """New lines under their heading. `result`: by the heading, something that a tool or code gave."""

    text: str
    result: bool
    body: str  # without the heading


def share(text: str, base: str) -> float:
    """Return which part of the text's lines, of those that say something, the base has too."""
    lines = Counter(line for line in text.split("\n") if _says(line))
    common = lines & Counter(base.split("\n"))
    return common.total() / lines.total() if lines else 0.0


def best(text: str, bases: Iterable[str]) -> str | None:
    """Return the base of which the text looks to be a new version; None where there is none."""
    found = max(bases, key=lambda base: share(text, base), default=None)
    return found if found is not None and share(text, found) >= _SHARE else None


def new_pieces(text: str, base: str, told: Sequence[str] = ()) -> list[Piece]:
    """Return what the base does not have, in order; time in proportion to the lines.

    `told` are texts that were recorded elsewhere, squeezed: passages that repeat them (finished code, a log in JSON)
    are left out. Results are not: the same error again is news. A line of the base is new where it stands more often.
    """
    lines = text.split("\n")
    fresh = _fresh(lines, base.split("\n"))
    headings = _headings(lines)
    pieces: list[Piece] = []
    for start, end in _runs(lines, fresh, set(headings)):
        above_it = bisect_right(headings, start)
        heading = lines[headings[above_it - 1]] if above_it else None
        result = bool(heading and _RESULT.search(heading))
        kept = lines[start:end] if result else _untold(lines[start:end], told)
        if not any(_says(line) for line in kept):
            continue
        above = [heading.strip()] if heading and heading.strip() != kept[0].strip() else []
        body = "\n".join(kept).strip("\n")
        said = "\n".join([*above, body])
        if pieces and not pieces[-1].result and not result:
            said, body = f"{pieces[-1].text}\n\n{said}", f"{pieces[-1].body}\n\n{body}"
            pieces.pop()
        pieces.append(Piece(said, result, body))
    return pieces


def squeeze(text: str) -> str:
    """Return the letters and digits of a text alone, so that quoting and layout make no difference."""
    return _NOT_WORD.sub("", _ESCAPE.sub(" ", text))


def _fresh(lines: list[str], base: list[str]) -> list[bool]:
    """Say of each line whether it is new. What both have at the beginning and at the end is not."""
    first = 0
    while first < min(len(lines), len(base)) and lines[first] == base[first]:
        first += 1
    last = 0
    while last < min(len(lines), len(base)) - first and lines[-1 - last] == base[-1 - last]:
        last += 1
    left = Counter(base[first : len(base) - last])
    fresh = [False] * len(lines)
    for i in range(first, len(lines) - last):
        if left[lines[i]] > 0:
            left[lines[i]] -= 1
        else:
            fresh[i] = True
    return fresh


def _headings(lines: list[str]) -> list[int]:
    """Return where headings stand. In a fence, such a line is a comment of code."""
    found, fenced = [], False
    for i, line in enumerate(lines):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and _HEADING.match(line):
            found.append(i)
    return found


def _runs(lines: list[str], fresh: list[bool], headings: set[int]) -> list[tuple[int, int]]:
    """Return the stretches of new lines: what is silent (blank, a fence) does not part them, a heading does."""
    runs: list[tuple[int, int]] = []
    for i, new in enumerate(fresh):
        if not new:
            continue
        if runs and i not in headings and not any(_says(line) for line in lines[runs[-1][1] : i]):
            runs[-1] = (runs[-1][0], i + 1)
        else:
            runs.append((i, i + 1))
    return runs


def _untold(lines: list[str], seen: Sequence[str]) -> list[str]:
    """Drop a passage, or lines of JSON text, that repeat what was recorded."""
    if len(lines) >= _BLOCK and _is_told("\n".join(lines), seen):
        return []
    return [line for line in lines if not (_JSON_TEXT.match(line) and _is_told(line.partition(": ")[2], seen))]


def _is_told(text: str, seen: Sequence[str]) -> bool:
    squeezed = squeeze(text)
    return len(squeezed) >= _SQUEEZED_LEAST and any(squeezed in each for each in seen)


def _says(line: str) -> bool:
    return bool(line.strip()) and not _FENCE.match(line) and any(letter.isalnum() for letter in line)
