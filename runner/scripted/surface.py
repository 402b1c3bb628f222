"""Surface: how one run words things. Everything is drawn from its seed, from the pools that all runs share."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, TypeVar

from runner.scripted import phrases

if TYPE_CHECKING:
    from collections.abc import Sequence

_CHOICE = re.compile(r"<([^<>]*\|[^<>]*)>")
_MARKS = ("{n}. {step}", "{n}) {step}", "- {step}", "Step {n}: {step}", "* {step}", "({n}) {step}", "{step}")

_ROOM = 80  # characters of a line that leave room for a comment
_NO_COMMENT = ("#", "\\", '"""')

T = TypeVar("T")


class Surface:
    """The wording of one run. The same seed words the same calls in the same way."""

    def __init__(self, seed: str) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - variety, not secrecy
        self.mark = self.rng.choice(_MARKS)
        self._terse = self.rng.random() < 0.25  # a run that says little, throughout
        self._commented = self.rng.random() < 0.5

    def one(self, options: Sequence[T]) -> T:
        """Draw one of the options."""
        return self.rng.choice(options)

    def chance(self, share: float) -> bool:
        """Say yes in this share of the cases."""
        return self.rng.random() < share

    def say(self, pool: Sequence[str], **words: str) -> str:
        """Word one phrase of a pool. `aim` is given as a plan says it."""
        aim = words.pop("aim", "")
        said = self.spin(self.one(pool))
        return said.format_map(_Kept(words)).replace("{aim}", lower(aim)).replace("{Aim}", upper(aim)).strip()

    def spin(self, text: str) -> str:
        """Settle the alternatives in a text."""
        while choice := _CHOICE.search(text):
            text = text[: choice.start()] + self.one(choice[1].split("|")) + text[choice.end() :]
        return re.sub(r" +([.,:;])", r"\1", re.sub(r"(?<=\S) {2,}", " ", text))

    def thought(self, aim: str, *, first: bool = False, after_error: bool = False, again: bool = False) -> str:
        """Say what is done before code is written; at times nothing."""
        if self._terse and self.chance(0.6):
            return ""
        pool: Sequence[str] = phrases.FIRST if first else phrases.NEXT
        pool = phrases.AFTER_ERROR if after_error else phrases.AGAIN if again else pool
        said = self.say(pool, aim=aim)
        return f"{said} {self.say(phrases.ASIDES)}" if not self._terse and self.chance(0.15) else said

    def closing(self) -> str:
        """Say what is said after code; mostly nothing."""
        return "" if self._terse else self.say(phrases.CLOSING)

    def commented(self, code: str, aim: str, number: int) -> str:
        """Head a piece of code with a comment, in runs that do so."""
        first, *rest = code.split("\n")
        if not self._commented or self.chance(0.3) or len(first) > _ROOM or any(mark in first for mark in _NO_COMMENT):
            return code
        # not on a line of its own: AutoGen takes a comment in the first line for a file's name
        return "\n".join([f"{first}  # {self.say(phrases.COMMENTS, aim=aim, number=str(number))}", *rest])


class _Kept(dict[str, str]):
    """Words for a phrase; a placeholder that is none of them stays."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def lower(aim: str) -> str:
    """Begin in lower case, but for an abbreviation or a name in capitals, and end without a stop."""
    aim = aim.strip().rstrip(".")
    return aim if aim[1:2].isupper() else aim[:1].lower() + aim[1:]


def upper(aim: str) -> str:
    """Begin in upper case, and end without a stop."""
    aim = aim.strip().rstrip(".")
    return aim[:1].upper() + aim[1:]
