"""What is new in a prompt that an agent wrote anew: lines that its last version did not have.

Some frameworks (MetaGPT) keep no chat: each call renders one long prompt, in which most is as before, and what
happened since (a result, the next task) stands somewhere in the middle.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LEAST_LINES = 6  # a text of fewer is no prompt that would come back in another version
LEAST_LETTERS = 8  # what is shorter may be alike by chance
OMITTED = "[…]"  # stands where lines are left out that were told before
_SHARE = 0.5  # of the lines of the shorter text must be in the other, else they are no versions of one prompt
_BLOCK = 3  # lines: what is shorter may well be said again on purpose, unless it is code

_HEADING = re.compile(r"\s*(?:#{1,6} \S|\*\*[^*]{1,80}\*\*:?\s*$|[A-Z][\w ]{1,40}:\s*$)")
_RESULT = re.compile(r"(?i)result|output|observ|error|feedback|stdout|traceback|execut|\binfo\b")
_EXCEPTION = re.compile(r"\w*(?:Error|Exception)\b(?::|\s{3})|Traceback \(most recent")
_FENCE = re.compile(r"\s*(?:```|'''|\"\"\")")
_LABEL = re.compile(r'\s*(?:"\w{1,40}"|\w{1,20}): ')  # of a JSON text, of a line of a chat
_TURN = re.compile(r"\s*(?:assistant|user): ")  # of a chat that is written out
_NOT_WORD = re.compile(r"\W+")
_ESCAPE = re.compile(r"\\[nrt]")


class Version(NamedTuple):
    """A prompt, as it may come back. `since`: the steps there were once it was told."""

    text: str
    lines: Counter[str]  # that say something
    since: int = 0


class Piece(NamedTuple):
    """New lines under their heading; `body` is without it. `result`: by the heading, what a tool or code gave."""

    text: str
    body: str
    result: bool


def version(text: str) -> Version | None:
    """Return the text as a prompt that may come back in another version; None where it is too short for one."""
    lines = Counter(line for line in text.split("\n") if _says(line))
    return Version(text, lines) if lines.total() >= LEAST_LINES else None


def base_of(new: Version, known: Iterable[Version]) -> Version | None:
    """Return the prompt of which this looks to be another version; None where there is none."""
    best = max(known, key=lambda each: _share(new, each), default=None)
    return best if best is not None and _share(new, best) >= _SHARE else None


def new_pieces(text: str, base: str, told: str = "") -> list[Piece]:
    """Return what the base does not have, in order; time in proportion to the lines.

    `told` are the texts recorded elsewhere, squeezed: passages that repeat them (finished code, a log) are left out.
    Results are not: the same error again is news. A line of the base is new where it stands more often.
    """
    lines = text.split("\n")
    fresh, fenced = _fresh(lines, base.split("\n")), _fenced(lines)
    headings = [i for i, line in enumerate(lines) if not fenced[i] and _HEADING.match(line)]  # else a comment of code
    pieces: list[Piece] = []
    for start, end in _runs(lines, fresh, set(headings)):
        above = bisect_right(headings, start)
        heading = lines[headings[above - 1]].strip() if above else ""
        by_heading = bool(_RESULT.search(heading))
        kept = [lines[start:end]] if by_heading else _untold(lines[start:end], fenced[start:end], told)
        for i, stretch in enumerate(kept):
            result = by_heading or any(_EXCEPTION.match(line) for line in stretch)
            body = "\n".join(stretch).strip("\n")
            above_it = heading if i == 0 and heading != stretch[0].strip() else OMITTED if i else ""
            said = f"{above_it}\n{body}".lstrip("\n")
            if pieces and pieces[-1].result == result and (i or not result):
                before = pieces.pop()
                said = f"{before.text}\n{said}" if i else f"{before.text}\n\n{said}"
                body = f"{before.body}\n\n{body}"
            pieces.append(Piece(said, body, result))
    return pieces


def squeeze(text: str) -> str:
    """Return the letters and digits of a text alone, so that quoting and layout make no difference."""
    return _NOT_WORD.sub("", _ESCAPE.sub(" ", text))


def _share(one: Version, two: Version) -> float:
    return (one.lines & two.lines).total() / min(one.lines.total(), two.lines.total())


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


def _fenced(lines: list[str]) -> list[bool]:
    """Say of each line whether it stands in a fenced block, or is its fence."""
    flags, inside = [], False
    for line in lines:
        fence = bool(_FENCE.match(line))
        flags.append(inside or fence)
        inside ^= fence
    return flags


def _runs(lines: list[str], fresh: list[bool], headings: set[int]) -> list[tuple[int, int]]:
    """Return the stretches of new lines: what says nothing (blank, a fence) does not part them, a heading does."""
    runs: list[tuple[int, int]] = []
    for i, new in enumerate(fresh):
        if not new:
            continue
        if runs and i not in headings and not any(_says(line) for line in lines[runs[-1][1] : i]):
            runs[-1] = (runs[-1][0], i + 1)
        else:
            runs.append((i, i + 1))
    return runs


def _untold(lines: list[str], fenced: list[bool], told: str) -> list[list[str]]:
    """Return what is left of the lines without passages that were told; short lines go with those before them."""
    flags = [_is_told(line, told) for line in lines]
    kept: list[list[str]] = [[]]
    for known, group in _stretches(flags):
        counted = sum(flags[i] is True for i in group)
        code = all(fenced[i] for i in group) or bool(_TURN.match(lines[group[0]]))
        if known and counted >= (1 if code else _BLOCK):
            kept.append([])
        else:
            kept[-1] += [lines[i] for i in group]
    return [stretch for stretch in kept if any(_says(line) for line in stretch)]


def _stretches(flags: Sequence[bool | None]) -> list[tuple[bool, list[int]]]:
    """Return stretches of lines that are told, or not; what is neither goes on as the line before."""
    settled: list[bool] = []
    for flag in flags:
        settled.append(flag if flag is not None else bool(settled and settled[-1]))
    return [(known, [i for i, _ in group]) for known, group in groupby(enumerate(settled), key=lambda pair: pair[1])]


def _is_told(line: str, told: str) -> bool | None:
    squeezed = squeeze(line)
    if len(squeezed) < LEAST_LETTERS:
        return None
    label = _LABEL.match(line)
    said = squeeze(line[label.end() :]) if label else ""
    return squeezed in told or (len(said) >= LEAST_LETTERS and said in told)


def _says(line: str) -> bool:
    return bool(line.strip()) and not _FENCE.match(line) and any(letter.isalnum() for letter in line)
