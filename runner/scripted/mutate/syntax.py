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
    for match in re.finditer(r"[)\]}]", code):
        yield Edit(match.start(), match.end(), "", "a closing bracket is missing")
    for match in re.finditer(r"[(\[{]", code):
        yield Edit(match.start(), match.end(), "", "an opening bracket is missing")
    for match in re.finditer(r":(?=[ \t]*$)", code, re.MULTILINE):
        yield Edit(match.start(), match.end(), "", "a colon is missing")
    for match in re.finditer(r"(?<=[^\s\"'])[\"'](?=[\s,)\]:])", code):
        yield Edit(match.start(), match.end(), "", "a quotation mark is missing")
        yield Edit(match.start(), match.end(), "”", "a curly quotation mark ends a string")
    for match in re.finditer(r"^(?=[A-Za-z])", code, re.MULTILINE):
        if match.start():
            yield Edit(match.start(), match.start(), rng.choice(("  ", "    ", " ")), "a line is indented for no reason")
            yield Edit(match.start(), match.start(), f"{rng.choice(_PROSE)}\n", "prose stands between the lines of code")
    for match in re.finditer(r"^ {4,}(?=\S)", code, re.MULTILINE):
        yield Edit(match.start(), match.end(), match[0][1:], "a line of a block is indented by one less")
        yield Edit(match.start(), match.end(), "", "a line of a block is not indented")
    for match in re.finditer(r",(?= \S)", code):
        yield Edit(match.start(), match.end(), "", "a comma is missing")
    for match in re.finditer(r"(?<= )==(?= )", code):
        yield Edit(match.start(), match.end(), "=", "an assignment in place of a comparison")
    for match in re.finditer(r"^(\s*)print\((.*)\)$", code, re.MULTILINE):
        yield Edit(match.start(), match.end(), f"{match[1]}print {match[2]}", "print is written as a statement")
    for match in re.finditer(r"^([a-z]\w*)(?= = )", code, re.MULTILINE):
        yield Edit(match.start(), match.end(), rng.choice(_RESERVED), "a reserved word is used as a name")
    for match in re.finditer(r"^elif\b|\belif\b", code, re.MULTILINE):
        yield Edit(match.start(), match.end(), "else if", "else if in place of elif")
    for match in re.finditer(r"(?<=[\w)\]\"']) = (?=\S)", code):
        yield Edit(match.start(), match.end(), " := " if rng.random() < 0.5 else " => ", "a wrong assignment operator")
    cut = code.rstrip()
    if len(cut) > 30:
        where = len(cut) - rng.randrange(2, min(20, len(cut) // 2))
        yield Edit(where, len(code), "", "the code breaks off in the middle of a line")
