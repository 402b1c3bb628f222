"""What hides the secrets of a prompt behind placeholders, and brings them back for a report that stays at home."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from classifier.judge._passage import Edit, Why
from classifier.secrets import spreads
from classifier.trace import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from classifier.secrets import Found


class Secret(Frozen):
    """A hidden value and what stands for it. Stays on this machine."""

    placeholder: str
    value: str


class Veil:
    """The secrets of one prompt: each value has one placeholder, numbered in the order of first sight."""

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What is hidden so far."""
        return tuple(Secret(placeholder=shown, value=value) for value, shown in self._numbers.items())

    def learn(self, text: str, found: Iterable[Found]) -> None:
        """Give the found values their placeholders."""
        for hit in found:
            value = text[hit.start : hit.end]
            self._numbers.setdefault(value, f"[SECRET-{len(self._numbers) + 1}:{hit.kind}]")

    def edits(self, text: str, found: Iterable[Found]) -> list[Edit]:
        """Return what hides the secrets found in `text`, and every value learnt elsewhere that is no plain word."""
        edits = [Edit(hit.start, hit.end, self._numbers[text[hit.start : hit.end]], Why.SECRET) for hit in found]
        for value, shown in self._numbers.items():
            if spreads(value):
                at = text.find(value)
                while at >= 0:
                    edits.append(Edit(at, at + len(value), shown, Why.SECRET))
                    at = text.find(value, at + len(value))
        return edits

    def restore(self, text: str) -> str:
        """Put the values back where their placeholders stand: for a report that stays on this machine."""
        return re.sub(r"\[SECRET-\d+:[a-z0-9-]+\]", lambda hit: self._values.get(hit[0], hit[0]), text)

    @property
    def _values(self) -> dict[str, str]:
        return {shown: value for value, shown in self._numbers.items()}
