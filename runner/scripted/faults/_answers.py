"""What the response faults share: the right work, and a last word that spoils it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.scoring import score
from runner.scripted import answers
from runner.scripted.moves import Finish, Script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.scripted.scene import Scene


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
