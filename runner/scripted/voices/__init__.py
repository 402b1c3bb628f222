"""How moves are said in each framework's answer format. One file per framework; this folder is the registry.

A voice of your own is one new file here, named like the framework, with

    def reply(messages: Messages, script: Script, at: int) -> Reply: ...
        "Answer the request: recognise what is asked for, and say the move at `at` (or what else is asked)."

It is a pure function. What it returns says which moves it played, and where the script goes on.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

if TYPE_CHECKING:
    from runner.scripted.moves import Script


class Message(NamedTuple):
    """One message of a request, its content as text."""

    role: str
    content: str


Messages = tuple[Message, ...]


class Reply(NamedTuple):
    """What is answered, which moves it plays (their indices), and the index of the move that comes next."""

    text: str
    played: tuple[int, ...]
    next: int


class Voice(Protocol):
    """What a file in this folder offers."""

    def reply(self, messages: Messages, script: Script, at: int) -> Reply:
        """Answer the request."""
        ...


@cache
def names() -> tuple[str, ...]:
    """Return the frameworks that the scripted model speaks to: the files of this folder, sorted."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")))


def load(framework: str) -> Voice:
    """Return a framework's voice. Raises ValueError, with the names there are, for another."""
    if framework not in names():
        raise ValueError(f"no voice for {framework!r} (known: {', '.join(names())})")
    return cast("Voice", importlib.import_module(f"{__name__}.{framework}"))
