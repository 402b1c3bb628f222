# ruff: noqa: E501 - a phrase stands on one line, so that its alternatives can be read
"""E1.2: a tool at hand is not used, or not operated: read by eye, first page only, the wrong program."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.scripted.faults._patterns import reading, strays
from runner.scripted.moves import Act, Finish, Script
from runner.scripted.mutate import Edit, shuffled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.scripted.mutate import Mutation
    from runner.scripted.scene import Scene

CAUSE = "E1.2"
_BY_EYE = (
    "<From|Going by> the <lines|output> <above|printed so far> I {aim} <by eye|in my head>, <without|no need for> <a script|code>.\n{guess}",
    "<The rest|What is left> <needs no code|can be done by hand>: I {aim} <by looking at it|by counting through it>.\n{guess}",
    "<Reading|Going> through <it|the output> once, I {aim} <mentally|in passing>; that gives\n{guess}",
    "<It is quicker to|It is easier to> {aim} <by hand|on paper> than to <write code|use the tools>:\n{guess}",
    "<Scanning|Skimming> the <part|lines> <shown|above>, I {aim} <roughly|approximately>:\n{guess}",
    "{Aim}: <I have counted|counting along>, <and get|which makes>\n{guess}",
    "<The output|What was printed> <says enough|is all one needs>. <I add|Adding> it up <as I read|line by line>:\n{guess}",
    "<Looking|A look> at the <first|last> <lines|entries> is <enough|sufficient> to {aim}:\n{guess}",
    "<With a little|By> mental arithmetic <on the above|>, <one can|I> {aim}. <Result|Outcome>:\n{guess}",
    "<I compare|Comparing> the <entries|values> <in view|above> with one another to {aim}:\n{guess}",
    "<We have it all|It is all> on the screen. {Aim}, <so|and so>\n{guess}",
    "<Another|One more> <block of code|script> <would be too much|is not worth it> for this; I {aim} <myself|as I go>:\n{guess}",
)
_SHELL = (
    "head -n {n} {file}",
    "wc -l {file}",
    "wc -w {file}",
    "grep -c '{word}' {file}",
    "tail -n {n} {file}",
    "cut -c1-60 {file} | head -n {n}",
    "sort {file} | head -n {n}",
    "ls -l {file}",
)


def by_eye(scene: Scene) -> Script | None:
    """Do by eye what the tools would do, with the material in view."""
    upto = scene.rng.randrange(1, len(scene.parts)) if len(scene.parts) > 1 else 0
    return reading(scene, _BY_EYE, "the tool at hand is not used: it is read off by eye", upto=upto)


def first_only(scene: Scene) -> Script | None:
    """Take what comes first for all there is: no next page, no further file, no further entry."""

    def make(code: str) -> Iterator[Mutation]:
        edits = []
        for match in re.finditer(r"^( *)while (.+):$", code, re.MULTILINE):
            what = "it does not go on after the first"
            edits.append(Edit(match.start(), match.end(), f"{match[1]}if {match[2]}:", what))
        for match in re.finditer(r"^( *for [\w, ]+ in )(\w+|[\w.]+\([^()\n]*\)):$", code, re.MULTILINE):
            n = scene.surface.one((1, 1, 2, 3))
            text = f"{match[1]}list({match[2]})[:{n}]:"
            edits.append(Edit(match.start(), match.end(), text, "it takes the first for all"))
        yield from (change for change in shuffled(edits, scene.rng, code) if "break" not in change.code)

    return strays(scene, make)


def not_operated(scene: Scene) -> Script | None:
    """Ask for a page without the header, form or parameter that it offers."""

    def make(code: str) -> Iterator[Mutation]:
        edits = [
            Edit(match.start(), match.end(), "", f"{match[1]} is left out of the request")
            for match in re.finditer(r", (headers|params|data|json)=(?:\w+|\{[^{}]*\})", code)
        ]
        yield from shuffled(edits, scene.rng, code)

    return strays(scene, make)


def wrong_tool(scene: Scene) -> Script | None:
    """Use a command that shows something of the input, and take a number of it for the answer."""
    surface = scene.surface
    files = sorted(str(path.relative_to(scene.lab.files)) for path in scene.lab.files.rglob("*") if path.is_file())
    if not files:
        return None
    number = scene.rng.randrange(len(scene.parts))
    acts = scene.walk(stop=number)
    words = re.findall(r"[a-z]{4,}", scene.task.instruction) or ["a"]
    command = surface.one(_SHELL).format(n=surface.one((3, 5, 10)), file=surface.one(files), word=surface.one(words))
    part = scene.parts[number]
    act = Act(
        aim=part.aim,
        thought=surface.thought(part.aim, first=not number),
        code=command,
        language="sh",
        kept=False,
        closing=surface.closing(),
    )
    answer = "\n".join(f"@{one.name}[{{last}}]" for one in scene.task.answers)
    text = scene.done().text.replace("{answer}", answer)
    moves = [*acts, act, Finish(text=text, otherwise=scene.guess().text)]
    note = f"{command.split()[0]} cannot tell what is asked"
    plan = scene.plan([*acts, act], scene.parts[: number + 1])
    return Script(moves=(plan, *moves), decisive=len(acts) + 1, note=note)


VARIANTS = {"by_eye": by_eye, "first_only": first_only, "not_operated": not_operated, "wrong_tool": wrong_tool}
