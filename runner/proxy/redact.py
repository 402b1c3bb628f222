"""Redactor: keys hidden in what is recorded. What is sent to the model stays as the agent wrote it."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from classifier.secrets import find, spreads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NO_SECRETS = {"email-address"}  # data of a task, more often than not
_KEYS = re.compile(r"(?:_|^)(?:API_?KEY|TOKEN|SECRET|PASSWORD|ACCESS_KEY)(?:_ID)?$")


class Redactor:
    """Gives each secret of a record one placeholder, numbered in the order of first sight.

    `known` are values that are hidden whatever they look like: keys that this process itself holds.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = tuple(sorted({value for value in known if len(value) >= 8}, key=len, reverse=True))
        self._shown: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        """Return the text with its secrets hidden."""
        for value in self._known:
            if value in text:
                text = text.replace(value, self._placeholder(value, "key"))
        parts, at = [], 0
        for hit in find(text):
            if hit.kind in _NO_SECRETS:
                continue
            parts += [text[at : hit.start], self._placeholder(text[hit.start : hit.end], hit.kind)]
            at = hit.end
        text = "".join([*parts, text[at:]])
        for value, shown in self._shown.items():
            if value in text and spreads(value):
                text = text.replace(value, shown)
        return text

    def _placeholder(self, value: str, kind: str) -> str:
        return self._shown.setdefault(value, f"[SECRET-{len(self._shown) + 1}:{kind}]")


def keys_of(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the values of the variables that are named like keys."""
    return tuple(value for name, value in environment.items() if _KEYS.search(name.upper()))
