# ruff: noqa: E501 - a phrase stands on one line, so that its alternatives can be read
"""R2: the right result comes in a wrong form and among other things, so that both refinements of the cause fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.scripted import phrases
from runner.scripted.faults._answers import misgiven

if TYPE_CHECKING:
    from runner.scripted.moves import Script
    from runner.scripted.scene import Scene

CAUSE = "R2"
_WRAPPED = (
    "<Having gone through|After working through> the <steps|material>, <one finds|it turns out to be> {answer}. {remark}",
    "{remark} <As for the question|Regarding the task>, <I get|this yields> {answer}, <all told|in short>.",
    "<Summary|In summary>: {remark} <The figures|The findings> are {answer}. {other}",
    "{remark} {other} <Which leaves|That leaves us with> {answer}.",
)


def sentence(scene: Scene) -> Script | None:
    """Say the result in a sentence among remarks where values in brackets are asked for."""
    text = scene.surface.say(_WRAPPED, remark=scene.remark(), other=scene.remark())
    return misgiven(scene, text, ("prose", "bare", "equals", "colon"), "a sentence among remarks, not in the form")


def list_with_remarks(scene: Scene) -> Script | None:
    """Write the result as a list or in bold, with remarks around it."""
    text = f"{scene.remark()}\n\n{{answer}}\n\n{scene.remark()}"
    if scene.surface.chance(0.5):
        text = scene.surface.say(phrases.DONE).replace("{answer}", text)
    return misgiven(scene, text, ("bold", "json", "equals", "colon"), "remarks, and the values not in the form")


VARIANTS = {"sentence": sentence, "list_with_remarks": list_with_remarks}
