"""Code that assumes names in the data which it does not have: columns, keys."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from runner.scripted.mutate import Edit, Source, shuffled

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

    from runner.scripted.mutate import Mutation


def assumed(code: str, rng: random.Random, columns: Sequence[str]) -> Iterator[Mutation]:
    """Yield code that asks for a name close to one of the data's own (`columns`), and not among them."""
    source = Source(code)
    edits: list[Edit] = []
    for node in source.nodes():
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in columns:
            start, end = source.span(node)
            for other in _others(node.value, rng):
                if other not in columns:
                    what = f"the data has no {other!r}; it is called {node.value!r}"
                    edits.append(Edit(start, end, f'"{other}"', what))
    yield from shuffled(edits, rng, code)


def _others(name: str, rng: random.Random) -> Iterator[str]:
    bare = name.strip()
    tail = rng.choice(("_value", "_id", "_name", "_total", "_col", "_usd", "_code"))
    others = (bare.title(), bare.upper(), bare.lower(), bare.replace("_", " "), f"{bare}{tail}", f"{bare}s")
    yield from (other for other in dict.fromkeys(others) if other != name)  # in an order that is the same each time
