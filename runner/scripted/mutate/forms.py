"""Code that prints the right value in another form: other decimals, a unit, other separators."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.scripted.mutate import Edit, shuffled

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from runner.scripted.mutate import Mutation

_UNITS = (" units", " EUR", " %", " in total", " (rounded)", "+")


def printed(code: str, rng: random.Random) -> Iterator[Mutation]:
    """Yield code whose answer is printed in a form that the task does not ask for."""
    edits: list[Edit] = []
    for match in re.finditer(r":\.(\d)f(?=\})", code):
        decimals = int(match[1])
        for other in {0, 1, 2, 3, 4, 6} - {decimals}:
            what = f"{other} decimals are printed where {decimals} are asked for"
            edits.append(Edit(match.start(), match.end(), f":.{other}f", what))
    for match in re.finditer(r"(?<=\})\](?=[\"' ])", code):
        unit = rng.choice(_UNITS)
        edits.append(Edit(match.start(), match.end(), f"{unit}]", f"{unit.strip()!r} is added to the value"))
    for match in re.finditer(r"(['\"]), \1(?=\.join)", code):
        quote = match[1]
        edits.extend(
            Edit(match.start(), match.end(), f"{quote}{joint}{quote}", f"joined by {joint!r}")
            for joint in ("; ", " and ", " / ", " ")
        )
    yield from shuffled(edits, rng, code)
