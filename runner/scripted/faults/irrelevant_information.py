"""R2.1: the last word is about other things, or buries the value among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.scripted.faults._answers import misgiven

if TYPE_CHECKING:
    from runner.scripted.moves import Script
    from runner.scripted.scene import Scene

CAUSE = "R2.1"
_OPENING = (
    "<The task is|All steps are> <complete|done>. <Here is what was done|A short report|Some remarks>:",
    "<Thank you|Thanks> for the <interesting|nice> task. <Some remarks|A few words> <on it|>:",
    "<Report|Summary|Notes>:",
    "",
)


def essay(scene: Scene) -> Script | None:
    """Report on the work, and give no value."""
    said = list(dict.fromkeys(scene.remark() for _ in range(scene.rng.randrange(3, 7))))
    joint = scene.surface.one(("\n", " ", "\n\n", "\n- "))
    text = f"{scene.surface.say(_OPENING)}{joint}{joint.join(said)}".strip()
    return misgiven(scene, text, ("as_printed",), "a report on the work where the values are asked for")


def buried(scene: Scene) -> Script | None:
    """Put remarks into the brackets, around the value."""
    shape = scene.surface.one(("with_remark", "with_caveat", "with_source"))
    text = scene.done().text
    return misgiven(scene, text, (shape, "with_remark"), "remarks in the brackets where only the value belongs")


VARIANTS = {"essay": essay, "buried": buried}
