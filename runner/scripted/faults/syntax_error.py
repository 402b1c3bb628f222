"""E2.1: the code of a part does not parse, and neither does the next attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.scripted.faults._patterns import stops
from runner.scripted.mutate import syntax

if TYPE_CHECKING:
    from runner.scripted.moves import Script
    from runner.scripted.scene import Scene

CAUSE = "E2.1"
_ERRORS = ("SyntaxError", "IndentationError", "TabError")


def unparsable(scene: Scene) -> Script | None:
    """Leave a part with a slip of the pen in it."""
    return stops(scene, lambda code: syntax.broken(code, scene.rng), _ERRORS)


VARIANTS = {"unparsable": unparsable}
