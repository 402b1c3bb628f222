"""Code that opens a file or folder which is not there."""

from __future__ import annotations

import ast
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from runner.scripted.mutate import Edit, Source, shuffled

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from runner.scripted.mutate import Mutation

_FOLDERS = (
    "data",
    "input",
    "files",
    "/mnt/data",
    "/data",
    "/home/user",
    "resources",
    "../data",
    "/content",
    "datasets",
)


def misplaced(code: str, rng: random.Random, files: Path) -> Iterator[Mutation]:
    """Yield code in which the name of a file or folder below `files` is another, that does not exist."""
    source = Source(code)
    edits: list[Edit] = []
    for node in source.nodes():
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_there(node.value, files):
            start, end = source.span(node)
            edits.extend(
                Edit(start, end, f'"{other}"', f"{other} does not exist; it is {node.value}")
                for other in _others(node.value, rng)
                if not (files / other).exists()
            )
    yield from shuffled(edits, rng, code)


def _is_there(name: str, files: Path) -> bool:
    plain = bool(name) and "\n" not in name and len(name) < 200 and name not in (".", "..", "/")
    return plain and not name.startswith("/") and (files / name).exists()


def _others(name: str, rng: random.Random) -> Iterator[str]:
    path = PurePosixPath(name)
    yield f"{rng.choice(_FOLDERS)}/{name}"
    stem, suffix = path.stem, path.suffix
    changed = {stem.title(), stem.upper(), f"{stem}_{rng.choice(('final', 'v2', '2023', 'clean', 'full', 'new'))}"}
    changed |= {stem.replace("_", "-"), stem.replace("_", ""), f"{stem}s", stem.rstrip("s")}
    for other in sorted(changed - {stem, ""}):
        yield str(path.with_name(f"{other}{suffix}"))
    if suffix:
        for other in (".txt", ".csv", ".json", ".tsv", ".xlsx", ""):
            if other != suffix:
                yield str(path.with_name(f"{stem}{other}"))
