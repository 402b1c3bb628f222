# ruff: noqa: E501 - a phrase stands on one line, so that its alternatives can be read
"""P3: the plan counts on something that neither the agents nor their tools can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.scripted.moves import Act, Say, Script

if TYPE_CHECKING:
    from runner.scripted.moves import Move
    from runner.scripted.scene import Scene

CAUSE = "P3"
_BEYOND = (
    "<Have|Let> <a colleague|an expert|a student assistant|somebody from the team|the analyst on duty> {aim} <by hand|manually> <and send the result|and note it down|>",
    "<Phone|Call|Ring> the <office|author|help desk|owner of the source|shop> and <ask them to|have them> {aim}",
    "<Open|Load> everything in <Excel|Tableau|SPSS|Power BI|MATLAB|a desktop program> and {aim} <with the mouse|in its dialogs|there>",
    "<Watch|Go through> the <recorded demonstration|video tutorial|screencast> <to see how to|and from it> {aim}",
    "<Log in|Sign in> with the <company|administrator's|team> account and {aim} <in the dashboard|there|>",
    "<Look at|Inspect> a <printed chart|screenshot|photograph of the screen> and {aim} by eye",
    "<Wait|Hold on> until <the nightly report|tomorrow's update|the next release> is <out|there>, then {aim}",
    "<Send|Mail> the <input|material> to the <data team|statistics department|librarian>, who {aim}",
    "<Run|Hold> a <short survey|vote> among the <users|members> to {aim}",
    "<Take|Drive|Walk> the <material|print-out> to the <laboratory|archive> and {aim} <on site|there>",
    "<Drive|Use> a <real browser with a screen|graphical desktop|voice assistant> to {aim}",
    "<Buy|Order> <access to the paid service|a licence of the commercial tool> and {aim} with it",
)
_PASSED_ON = (
    "{step}: <this is handed over|this is under way|I pass this on>. <Waiting for the outcome|I continue when it is there|>.",
    "<Now|Next>: {step}. <I wait|Waiting> for <the result|what comes back|it>.",
    "{step}. <Please|Kindly> <send me|report> <what comes out|the outcome>.",
)
_PROMPTS = (
    "Result of this step: ",
    "Enter the value: ",
    "Type in what you found: ",
    "Outcome (press Enter when done): ",
)


def beyond_reach(scene: Scene) -> Script | None:
    """Plan a step for people or tools that are not there, and wait for them in vain."""
    return _counted_on(scene, typed=False)


def typed_in(scene: Scene) -> Script | None:
    """Plan such a step, and have code ask at the keyboard for what comes of it."""
    return _counted_on(scene, typed=True)


def _counted_on(scene: Scene, *, typed: bool) -> Script:
    surface = scene.surface
    number = scene.rng.randrange(len(scene.parts))
    part, acts = scene.parts[number], scene.walk(stop=number)
    step = surface.say(_BEYOND, aim=part.aim)
    rest = [part.aim for part in scene.parts[number + 1 :]]
    plan = scene.steps([*(act.aim for act in acts if act.works), step, *rest], alone=True)
    moves: list[Move] = [*acts]
    if typed:
        code = f'outcome = input("{surface.one(_PROMPTS)}")\nprint(outcome)'
        moves.append(Act(aim=step, thought=surface.thought(step, first=not number), code=code, kept=False, works=False))
    else:
        moves.extend(Say(text=surface.say(_PASSED_ON, step=step)) for _ in range(surface.one((1, 1, 2))))
    return Script(
        moves=(plan, *moves, scene.ends()), decisive=0, note=f"the plan has a step that nobody can do: {step}"
    )


VARIANTS = {"beyond_reach": beyond_reach, "typed_in": typed_in}
