"""E2: several kinds of flaw at once in one piece of code, or a flaw that the code itself hides."""

from __future__ import annotations

import textwrap
from itertools import islice
from typing import TYPE_CHECKING

from runner.scripted.faults._patterns import ended, raising
from runner.scripted.moves import Script
from runner.scripted.mutate import api, logic, schema, syntax

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.scripted.mutate import Mutation
    from runner.scripted.scene import Scene

CAUSE = "E2"
_HIDDEN = (
    "could not compute this step",
    "something went wrong",
    "step skipped",
    "no result for this part",
    "failed",
    "error in this block",
    "not available",
    "an exception occurred",
)
_EXCEPT = ("except Exception:", "except Exception as problem:", "except BaseException:", "except:")


def several(scene: Scene) -> Script | None:
    """Repair one flaw of a piece of code after the other, and there is always another of another kind."""
    rng = scene.rng
    for number in scene.places():
        part = scene.parts[number]
        for called in islice(api.misused(part.code, rng), 10):
            if scene.run(called.code, upto=number).error not in ("TypeError", "AttributeError", "NameError"):
                continue
            if not syntax.parses(called.code):
                continue
            other = next(_also(scene, called.code), None)
            if other is None:
                continue
            broken = next(syntax.broken(other.code, rng), None)
            if broken is None:
                continue
            stages = [broken, other]
            alone = next(_raises_alone(scene, number), None)
            if alone is not None and scene.surface.chance(0.5):
                stages.append(alone)
            acts = scene.walk(stop=number)
            tries = [
                scene.act(part, code=change.code, after_error=bool(i), works=False) for i, change in enumerate(stages)
            ]
            note = f"{broken.what}; besides, {called.what}, and {other.what}"
            return ended(scene, [*acts, *tries], len(acts) + 1, note)
    return None


def _also(scene: Scene, code: str) -> Iterator[Mutation]:
    yield from islice(schema.assumed(code, scene.rng, scene.columns), 3)
    yield from islice(logic.values(code, scene.rng, scene.columns), 3)


def _raises_alone(scene: Scene, number: int) -> Iterator[Mutation]:
    for change in islice(schema.assumed(scene.parts[number].code, scene.rng, scene.columns), 4):
        if scene.run(change.code, upto=number).error:
            yield change


def hidden(scene: Scene) -> Script | None:
    """Catch whatever goes wrong, so that the log tells only that the code did."""
    surface = scene.surface

    def flawed(code: str) -> Iterator[Mutation]:
        kinds = [api.misused(code, scene.rng), schema.assumed(code, scene.rng, scene.columns)]
        scene.rng.shuffle(kinds)
        for kind in kinds:
            yield from islice(kind, 6)

    found = raising(scene, flawed, ("TypeError", "AttributeError", "NameError", "KeyError", "ValueError"))
    if found is None:
        return None
    part, words = scene.parts[found.number], surface.one(_HIDDEN)
    wrapped = []
    for change in found.changes[:2]:
        body = textwrap.indent(change.code, "    ")
        wrapped.append(f'try:\n{body}\n{surface.one(_EXCEPT)}\n    print("{words}")')
    if scene.run(wrapped[0], upto=found.number).error:
        return None
    acts = scene.walk(stop=found.number)
    tries = [scene.act(part, code=wrapped[0])]
    if len(wrapped) > 1 and surface.chance(0.5):
        tries = [
            scene.act(part, code=wrapped[0]).model_copy(update={"kept": False, "works": scene.framework == "metagpt"}),
            scene.act(part, code=wrapped[1], again=True),
        ]
    note = f"the code fails and hides why; in it, {found.changes[0].what}"
    moves = [*acts, *tries]
    return Script(moves=(scene.plan(moves), *moves, scene.ends()), decisive=len(acts) + 1, note=note)


VARIANTS = {"several": several, "hidden": hidden}
