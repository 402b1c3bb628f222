# ruff: noqa: E501 - a phrase stands on one line, so that its alternatives can be read
"""What the response faults share: the right work, and a last word that spoils it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.scoring import score
from runner.scripted import answers
from runner.scripted.moves import Finish, Script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.scripted.scene import Scene

_REMARKS = (
    "<The work was done|I proceeded> in {n} steps, the first of which was to {aim}.",
    "<It is worth noting|Note> that the <quality|meaning> of such <figures|results> <depends on|hinges on> <many factors|how they were gathered>.",
    "<As a next step|Later on>, one might <draw a chart|repeat this for other periods|automate it>.",
    "<The hardest part|What took most care> was to {aim}.",
    "<All|The> code <ran|worked> <without problems|as it should> and <can be reused|may be kept for later>.",
    "<Some caution is in order|Care should be taken>: <inputs may change|small samples mislead>.",
    "<I chose to|It was necessary to> {aim}, <since that is good practice|which is the usual way>.",
    "<Python|The standard tools> <proved|turned out> to be <well suited|sufficient> for this.",
    "<If needed|On request>, I can <explain each step|go into detail|prepare a report>.",
)


def remark(scene: Scene) -> str:
    """Make a remark that answers nothing."""
    surface = scene.surface
    return surface.say(_REMARKS, aim=surface.one(scene.parts).aim, n=str(len(scene.parts)))


def misgiven(scene: Scene, text: str, shapes: Sequence[str], note: str) -> Script | None:
    """Do all the work, and end with `text`, in one of the shapes in which the answer does not score."""
    outcome = scene.run()
    order = list(shapes)
    scene.rng.shuffle(order)
    for shape in order:
        finish = Finish(text=text, otherwise=scene.give_up().text, shape=shape)
        if not score(scene.task, answers.word(finish, outcome.printed)).success:
            acts = scene.walk()
            return Script(moves=(scene.plan(acts), *acts, finish), decisive=len(acts) + 1, note=note)
    return None
