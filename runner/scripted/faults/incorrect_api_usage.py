"""E2.3: a function, method or argument that is not there, a type that is not taken, an import that was forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.scripted.faults._patterns import stops, strays
from runner.scripted.mutate import api

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.scripted.moves import Script
    from runner.scripted.mutate import Mutation
    from runner.scripted.scene import Scene

CAUSE = "E2.3"
_ERRORS = ("TypeError", "AttributeError", "NameError", "ImportError")


def misused(scene: Scene) -> Script | None:
    """Call something in a way that it does not have."""
    return stops(scene, lambda code: api.misused(code, scene.rng), _ERRORS)


def placeholder(scene: Scene) -> Script | None:
    """Leave a placeholder where a key, a token or another argument belongs, and go by what comes of it."""
    files = [str(path.relative_to(scene.lab.files)) for path in scene.lab.files.rglob("*")]
    kept = {*files, *scene.columns}  # a wrong name of a file or column is another cause

    def make(code: str) -> Iterator[Mutation]:
        yield from api.placeholders(code, scene.rng, kept)

    return strays(scene, make) or stops(scene, make, ())


VARIANTS = {"misused": misused, "misused_again": misused, "placeholder": placeholder}
