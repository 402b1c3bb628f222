"""R2.2: the right values in a form that was not asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.scripted.faults._answers import misgiven
from runner.scripted.faults._patterns import strays
from runner.scripted.mutate import forms

if TYPE_CHECKING:
    from runner.scripted.moves import Script
    from runner.scripted.scene import Scene

CAUSE = "R2.2"
_SHAPES = ("round_brackets", "equals", "colon", "bare", "json", "bold", "unnamed")
_VALUES = ("rounded", "about", "unit", "percent", "quoted", "thousands", "reversed")


def other_template(scene: Scene) -> Script | None:
    """Give the values without the form `@name[value]`."""
    return misgiven(scene, scene.done().text, _SHAPES, "the values are not in the form @name[value]")


def other_value_form(scene: Scene) -> Script | None:
    """Give the values with a unit, otherwise rounded, quoted or in another order."""
    return misgiven(scene, scene.done().text, _VALUES, "the values are not written as the task asks")


def printed_otherwise(scene: Scene) -> Script | None:
    """Let the code print the answer with other decimals or marks, and pass it on."""
    script = strays(scene, lambda code: forms.printed(code, scene.rng))
    if script is None or script.decisive is None:
        return None
    return script


VARIANTS = {
    "other_template": other_template,
    "other_value_form": other_value_form,
    "printed_otherwise": printed_otherwise,
}
