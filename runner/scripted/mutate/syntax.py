"""Code that does not parse."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

from runner.scripted.mutate import Edit, shuffled

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from runner.scripted.mutate import Mutation

_PROSE = ("Now the next part", "Then continue with the rest", "The following lines do the work", "Here we go on",
          "This part does the computation", "Next: the remaining steps")  # fmt: skip
_CHANGES = (  # pattern, what replaces it, and what that is
    (r"[)\]}]", "", "a closing bracket is missing"),
    (r"[(\[{]", "", "an opening bracket is missing"),
    (r":(?=[ \t]*$)", "", "a colon is missing"),
    (r"(?<=[^\s\"'])[\"'](?=[\s,)\]:])", "", "a quotation mark is missing"),
    (r"(?<=[^\s\"'])[\"'](?=[\s,)\]:])", "\u201d", "a curly quotation mark ends a string"),
    (r"^ ( {3,})(?=\S)", r"\1", "a line of a block is indented by one less"),
    (r"^ {4,}(?=\S)", "", "a line of a block is not indented"),
    (r",(?= \S)", "", "a comma is missing"),
    (r"(?<= )==(?= )", "=", "an assignment in place of a comparison"),
    (r"^(\s*)print\((.*)\)$", r"\1print \2", "print is written as a statement"),
    (r"\belif\b", "else if", "else if in place of elif"),
    (r"(?<=[\w)\]\"']) = (?=\S)", " := ", "a wrong assignment operator"),
    (r"(?<=[\w)\]\"']) = (?=\S)", " => ", "a wrong assignment operator"),
)
_RESERVED = ("class", "lambda", "from", "global", "with", "is")


def parses(code: str) -> bool:
    """Whether Python can read it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(code, "code", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def broken(code: str, rng: random.Random) -> Iterator[Mutation]:
    """Yield code that does not parse, whatever the change."""
    kinds: dict[str, list[Edit]] = {}
    for edit in _edits(code, rng):
        kinds.setdefault(edit.what, []).append(edit)
    order = [edits for _, edits in sorted(kinds.items())]
    rng.shuffle(order)  # each kind of change is as likely, however many places it has
    for edits in order:
        for changed in shuffled(edits, rng, code):
            if not parses(changed.code):
                yield changed
                break


def _edits(code: str, rng: random.Random) -> Iterator[Edit]:
    for pattern, text, what in _CHANGES:
        for match in re.finditer(pattern, code, re.MULTILINE):
            yield Edit(match.start(), match.end(), match.expand(text), what)
    for match in re.finditer(r"\n(?=[A-Za-z])", code):
        at = match.end()
        yield Edit(at, at, rng.choice(("  ", "    ", " ")), "a line is indented for no reason")
        yield Edit(at, at, f"{rng.choice(_PROSE)}\n", "prose stands between the lines of code")
    for match in re.finditer(r"^([a-z]\w*)(?= = )", code, re.MULTILINE):
        yield Edit(match.start(), match.end(), rng.choice(_RESERVED), "a reserved word is used as a name")
    cut = code.rstrip()
    if len(cut) > 30:
        where = len(cut) - rng.randrange(2, min(20, len(cut) // 2))
        yield Edit(where, len(code), "", "the code breaks off in the middle of a line")
