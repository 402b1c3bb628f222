"""Passage: untrusted text as it is shown, and the way back from a quote of it to the words of the source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_PREFIX = re.compile(r"(?m)^\| ?")


class Why(IntEnum):
    """Why a stretch of text is shown otherwise. Where two overlap, the greater reason, then the longer, takes both."""

    CLEANED = 1  # control characters, forged marks
    SECRET = 2
    CUT = 3  # left out for room: what is cut was never seen, so no quote may span it


class Edit(NamedTuple):
    """`text[start:end]` of the source is shown as `shown`."""

    start: int
    end: int
    shown: str
    why: Why


def merge(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Return the edits in order and free of overlaps."""
    merged: list[Edit] = []
    for edit in sorted(edits):
        if merged and edit.start < merged[-1].end:
            before = merged.pop()
            stronger = max(before, edit, key=lambda each: (each.why, each.end - each.start))
            merged.append(stronger._replace(start=before.start, end=max(before.end, edit.end)))
        else:
            merged.append(edit)
    return tuple(merged)


@dataclass(frozen=True)
class Passage:
    """A text of the source and its edits, in order and free of overlaps."""

    source: str
    edits: tuple[Edit, ...]

    @cached_property
    def shown(self) -> str:
        """The text as it is sent."""
        parts, at = [], 0
        for edit in self.edits:
            parts += [self.source[at : edit.start], edit.shown]
            at = edit.end
        return "".join([*parts, self.source[at:]])

    @property
    def cut(self) -> bool:
        """Whether something is left out for room."""
        return any(edit.why is Why.CUT for edit in self.edits)

    def find(self, quote: str) -> str | None:
        """Return the words of the source that `quote`, taken from the text as shown, stands for.

        Blind to white space and to the marks at the beginning of lines. None where it does not occur, or spans what
        was left out. Hidden secrets come back as they are in the source.
        """
        for wanted in (_PREFIX.sub("", quote), quote):
            squeezed = " ".join(wanted.split())
            at = self._squeezed[0].find(squeezed) if squeezed else -1
            if at >= 0:
                return self._back(self._squeezed[1][at], self._squeezed[1][at + len(squeezed) - 1] + 1)
        return None

    @cached_property
    def _squeezed(self) -> tuple[str, list[int]]:
        """The text as shown with white space squeezed, and for each of its characters the place in `shown`."""
        letters, places, space = [], [], True
        for place, letter in enumerate(self.shown):
            if not letter.isspace():
                letters.append(letter)
                places.append(place)
            elif not space:
                letters.append(" ")
                places.append(place)
            space = letter.isspace()
        return "".join(letters), places

    def _back(self, start: int, end: int) -> str | None:
        """Return the source of `shown[start:end]`."""
        first, last, shift = None, 0, 0  # shift: place in the source less place as shown
        for edit in (*self.edits, Edit(len(self.source), len(self.source), "", Why.CLEANED)):
            at = edit.start - shift  # where the edit begins as shown
            if first is None and start < at:
                first = start + shift
            if end <= at:
                return self.source[first : end + shift] if end + shift > last else self.source[first:last]
            if start < at + len(edit.shown) and end > at:
                if edit.why is Why.CUT:
                    return None
                first = edit.start if first is None else first
                last = edit.end
            shift = edit.end - (at + len(edit.shown))
        return self.source[first : max(last, end + shift)]
