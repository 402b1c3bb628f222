"""Faults: scripts that fail for a cause that is known. One file per cause; this folder is the registry.

A file is named like its cause in the taxonomy (`syntax_error`), and has

    CAUSE = "E2.1"
    VARIANTS: dict[str, Variant] = {"<how it comes about>": function, ...}

where a variant takes a scene and writes a script, or None where the scene has no place for it. A script says which of
its moves is decisive. Variants prove in the lab, as far as it can be proven there, that the fault makes the run fail.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, Protocol, cast

from runner.scripted.scene import Scene
from runner.scripted.surface import Surface

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.scripted.lab import Lab
    from runner.scripted.moves import Script
    from runner.task import Task

    Variant = Callable[[Scene], Script | None]


class Fault(Protocol):
    """What a file in this folder offers."""

    CAUSE: str
    VARIANTS: Mapping[str, Variant]


@cache
def registry() -> Mapping[str, Fault]:
    """Return the faults by the id of their cause."""
    files = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    found = [cast("Fault", importlib.import_module(f"{__name__}.{name}")) for name in files]
    return {fault.CAUSE: fault for fault in sorted(found, key=lambda fault: fault.CAUSE)}


def causes() -> tuple[str, ...]:
    """Return the ids of the causes that can be played."""
    return tuple(registry())


def load(cause: str) -> Fault:
    """Return the fault of a cause. Raises ValueError, with the causes there are, for another."""
    if cause not in registry():
        raise ValueError(f"no fault plays {cause!r} (known: {', '.join(causes())})")
    return registry()[cause]


def inject(cause: str, task: Task, framework: str, seed: str, lab: Lab, *, variant: str | None = None) -> Script | None:
    """Write the script of a run that fails for a cause, in the words of a seed; None if the task has no place for it.

    The variant is drawn by the seed unless it is named. The task is as the run sees it (`Task.at`). Raises ValueError
    for a cause, or a variant, that is not there, and for a task without a reference solution.
    """
    variants = load(cause).VARIANTS
    if variant is not None and variant not in variants:
        raise ValueError(f"{cause} has no variant {variant!r} (known: {', '.join(variants)})")
    surface = Surface(f"{cause}/{task.id}/{framework}/{seed}")
    order = [variant] if variant else sorted(variants)
    surface.rng.shuffle(order)
    for name in order:
        script = variants[name](Scene(task, framework, surface, lab))
        if script is not None:
            return script.model_copy(update={"cause": cause, "variant": name})
    return None
