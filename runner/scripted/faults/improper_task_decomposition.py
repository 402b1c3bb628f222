# ruff: noqa: E501 - a phrase stands on one line, so that its alternatives can be read
"""P1: the plan is wrong for the task: a step missing, wrong or harmful, an end before the end, a needless question."""

from __future__ import annotations

import ast
import re
from itertools import islice
from typing import TYPE_CHECKING

from runner.scripted.faults._patterns import straying, through
from runner.scripted.moves import Finish, Say, Script
from runner.scripted.mutate import Mutation, logic
from runner.scripted.scene import Part, program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.scripted.moves import Move
    from runner.scripted.scene import Parts, Scene

CAUSE = "P1"
_FEWER = (
    "<keep|take> only the <first|top> {n} <entries|records> of {name}, <to keep it small|as a start|that should do>",
    "<shorten|cut|reduce> {name} to <a sample of|its first> {n} <entries|records>",
    "work on the <first|top> {n} of {name}",
)
_ASKED = (
    "<Before I|Before I go on and> {aim}: <shall I|should I|do you want me to> <do that|go ahead|proceed>?",
    "<Could you|Can you|Please> <confirm|tell me> <whether|if> <I should|it is fine to> {aim}.",
    "<I can|I could> {aim} <in two ways|in more than one way>. Which <one> do you <prefer|want>?",
    "<Do you agree|Is it all right|Are you fine> that I {aim} <next|now>? I <will wait|wait> for your answer.",
    "<The next step would be to|I would now> {aim}. <Please|Kindly> <approve|confirm|let me know> <first|before I start>.",
)
_WAITING = (
    "<I am|Still> waiting for <your|an> <answer|reply|confirmation|decision>.",
    "<As soon as I hear from you|Once I have your answer|After your reply>, I <go on|continue>.",
    "<No answer yet|Nothing from you yet>; I <stop|pause> here <until then|for now>.",
    "I <will not|do not> go on without <your|a> <word|decision|confirmation>.",
)
_ASK_AIM = (
    "<Ask the user|Check with the user|Have the user confirm> <whether|if> to {aim}",
    "<Get|Obtain|Wait for> the user's <approval|confirmation|decision> to {aim}",
    "<Clarify|Agree> with the user how to {aim}",
)


def wrong_instruction(scene: Scene) -> Script | None:
    """Plan another thing than the task asks for, and carry the plan out to the letter."""

    def make(code: str) -> Iterator[Mutation]:
        kinds = [logic.values(code, scene.rng, scene.columns), logic.filters(code, scene.rng)]
        scene.rng.shuffle(kinds)
        for kind in kinds:
            yield from kind

    found = straying(scene, make, planned=True)
    if found is None:
        return None
    part = found.parts[found.number]
    joined = scene.surface.one(("; {plan}", " and {plan}", ", where you {plan}", " ({plan})"))
    aim = part.aim.strip().rstrip(".") + joined.format(plan=found.change.plan)
    parts = (*found.parts[: found.number], Part(aim, part.code), *found.parts[found.number + 1 :])
    script = through(scene, found._replace(parts=parts))
    return script.model_copy(update={"decisive": 0, "note": f"the plan asks to {found.change.plan}"})


def missing_step(scene: Scene) -> Script | None:
    """Plan without a step that the answer needs."""
    for number in scene.places():
        if number == len(scene.parts) - 1 or number == 0:
            continue
        for parts in _without(scene, number):
            if scene.wrong(scene.run(parts=parts)):
                acts = scene.walk(parts)
                note = f"the plan leaves out a step: {scene.parts[number].aim}"
                return Script(moves=(scene.plan(acts, parts), *acts, scene.done()), decisive=0, note=note)
    return None


def _without(scene: Scene, number: int) -> Iterator[Parts]:
    """Leave a part out; where later parts need a name of it, let them use a name from before it."""
    before, after = scene.parts[:number], scene.parts[number + 1 :]
    yield (*before, *after)
    lost, had = _made(scene.parts[number].code), _made(program(before))
    needed = [name for name in lost if name not in had and re.search(rf"\b{name}\b", program(after))]
    if len(needed) != 1:
        return
    for name in islice(reversed(had), 6):
        yield (*before, *(Part(part.aim, re.sub(rf"\b{needed[0]}\b", name, part.code)) for part in after))


def _made(code: str) -> list[str]:
    return [
        target.id
        for node in ast.parse(code).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]


def harmful_step(scene: Scene) -> Script | None:
    """Plan a step that nobody asked for, and that spoils the result."""
    for number in scene.places():
        names = _made(scene.parts[number].code)
        scene.rng.shuffle(names)
        for name in names[:4]:
            n = scene.surface.one((3, 5, 10, 12, 20, 25, 50, 100))
            code = scene.surface.one((f"{name} = {name}[:{n}]\nprint(len({name}))", f"{name} = {name}[:{n}]"))
            aim = scene.surface.say(_FEWER, n=str(n), name=name)
            parts = (*scene.parts[: number + 1], Part(aim, code), *scene.parts[number + 1 :])
            if scene.wrong(scene.run(parts=parts)):
                acts = scene.walk(parts)
                note = f"the plan has a step that spoils the result: {aim}"
                return Script(moves=(scene.plan(acts, parts), *acts, scene.done()), decisive=0, note=note)
    return None


def early_end(scene: Scene) -> Script | None:
    """Conclude from what was printed half-way."""
    if len(scene.parts) < 2:
        return None
    stop = scene.rng.randrange(1, len(scene.parts))
    printed = scene.run(upto=stop).printed
    if not re.search(r"\d", printed):
        return None
    answer = "\n".join(f"@{one.name}[{{last}}]" for one in scene.task.answers)
    acts = scene.walk(stop=stop)
    text = scene.done().text.replace("{answer}", answer)
    finish = Finish(text=text, otherwise=scene.guess().text)
    whole = scene.framework != "metagpt" and scene.surface.chance(0.5)  # a Data Interpreter does what it planned
    plan = scene.plan(acts, scene.parts if whole else scene.parts[:stop])
    decisive = len(acts) + 1 if whole else 0
    missing = "; ".join(part.aim for part in scene.parts[stop:])
    return Script(moves=(plan, *acts, finish), decisive=decisive, note=f"it concludes before: {missing}")


def needless_question(scene: Scene) -> Script | None:
    """Ask for a confirmation that nobody needs, and wait for it."""
    surface = scene.surface
    number = scene.rng.randrange(len(scene.parts))
    aim = scene.parts[number].aim
    acts = scene.walk(stop=number)
    asked = Say(text=surface.say(_ASKED, aim=aim))
    waits: list[Move] = [Say(text=surface.say(_WAITING)) for _ in range(surface.one((0, 1, 2)))]
    last = Finish(text=surface.say(_WAITING) if surface.chance(0.5) else scene.give_up().text)
    moves = [*acts, asked, *waits, last]
    note = f"it asks for a confirmation that nobody needs, to {aim}"
    planned = scene.framework == "metagpt" or surface.chance(0.4)
    if planned:  # the question is a step of the plan
        aims = [act.aim for act in acts if act.works]
        rest = [part.aim for part in scene.parts[number:]]
        plan = scene.steps([*aims, surface.say(_ASK_AIM, aim=aim), *rest])
        return Script(moves=(plan, *moves), decisive=0, note=note)
    return Script(moves=(scene.plan(acts), *moves), decisive=len(acts) + 1, note=note)


VARIANTS = {
    "wrong_instruction": wrong_instruction,
    "missing_step": missing_step,
    "harmful_step": harmful_step,
    "early_end": early_end,
    "needless_question": needless_question,
}
