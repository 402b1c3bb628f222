# ruff: noqa: E501 - a phrase stands on one line, so that its alternatives can be read
"""E1.1: a fact that the step needs is assumed or remembered, or looked for where it cannot be."""

from __future__ import annotations

import ast
import re
from itertools import islice
from typing import TYPE_CHECKING

from runner.scripted.faults._patterns import ended, reading, straying, strays, through
from runner.scripted.mutate import Edit, Mutation, Source, shuffled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.scripted.moves import Script
    from runner.scripted.scene import Scene

CAUSE = "E1.1"
_KNOWN = (
    "<As is well known|It is known|I remember|As far as I recall>, <this|the result> <comes to|is>:\n{guess}\n<So there is no need to|That saves having to> {aim}.",
    "<I know|I am familiar with> <this source|this material|such data>: {guess}\n<Thus|Hence|So> I need not {aim}.",
    "<To|In order to> {aim} one would <look it up|compute it>; <typically|usually|in general> the value is\n{guess}",
    "<The published figure|The usual value|The commonly cited value> is\n{guess}\n<which I take over|I rely on it>.",
    "<Last time|In an earlier version|In last year's edition>, <this was|it read>\n{guess}\nI <assume|take it> that <nothing has changed|it still holds>.",
    "{Aim}? <That has been done before|Others have done so>, with this <outcome|result>:\n{guess}",
    "<From|Out of> <memory|earlier work>:\n{guess}\n<The input should agree|It should be the same here>.",
    "<In|With> <shops|files|sites|records> <like this|of this sort> one <finds|gets>\n{guess}\n<and this one will be no exception|so that is what I state>.",
    "<No need to read on|I can stop here>: <the rest|what is missing> is <standard|known>, and it gives\n{guess}",
    "<The makers|The authors|The owners> <state|give> this themselves, <as I recall|if I remember rightly>:\n{guess}",
    "<Assuming|If we assume> <ordinary|average|normal> <conditions|values>, <we have|it follows>\n{guess}\n<There is no reason to doubt it|Good enough>.",
    "<The rule of thumb|A good approximation> <says|gives>\n{guess}\n<I use it to|With it one can> {aim} <as well|at once>.",
)
_FACT = (
    "<It is known|As is known|From experience|I recall> that {name} is {value}, so I <set it|use that> <directly|without looking it up|>.",
    "<For|As to> {name} I <assume|take> the <usual|typical|standard> value {value}.",
    "{name} <should be|is normally|is> {value}; <no need to look it up|I take that as given>.",
)
_PAGES = (
    "about",
    "index.html",
    "help",
    "contact",
    "archive",
    "old/index.html",
    "news",
    "home",
    "search?q=answer",
    "sitemap.xml",
    "docs",
    "faq",
)


def remembered(scene: Scene) -> Script | None:
    """State the result from memory in place of the rest of the work."""
    return reading(scene, _KNOWN, "the facts are stated from memory and not looked up")


def assumed_fact(scene: Scene) -> Script | None:
    """Put a number that was never looked up in place of one that the material holds."""

    def make(code: str) -> Iterator[Mutation]:
        source = Source(code)
        edits = []
        for node in source.tree.body:
            if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
                continue
            if isinstance(node.value, ast.Constant | ast.List | ast.Dict):
                continue
            start, end = source.span(node.value)
            name = node.targets[0].id
            value = _number(scene, code, name)
            if value:
                edits.append(Edit(start, end, value, f"{name} is assumed to be {value}", f"{name}={value}"))
        yield from shuffled(edits, scene.rng, code)

    def words(change: Mutation) -> str:
        name, _, value = change.plan.partition("=")
        return scene.surface.say(_FACT, name=name.replace("_", " "), value=value)

    return strays(scene, make, thought=words)


def _number(scene: Scene, code: str, name: str) -> str:
    """Return a number near the one that the name gets, "" where it gets none."""
    number = next(i for i, part in enumerate(scene.parts) if part.code == code)
    outcome = scene.run(code, f'print("=", {name} if isinstance({name}, (int, float)) else "")', upto=number)
    match = re.search(r"^= (-?\d+(?:\.\d+)?)$", outcome.printed, re.MULTILINE)
    if outcome.error or not match:
        return ""
    value = float(match[1]) * scene.rng.choice((0.5, 0.9, 1.1, 1.5, 2))
    return f"{value:.{min(3, len(match[1].partition('.')[2]))}f}"


def wrong_page(scene: Scene) -> Script | None:
    """Look at a page of the site that cannot hold what is asked."""

    def make(code: str) -> Iterator[Mutation]:
        edits = []
        for match in re.finditer(r"(http://[\w.]+:\d+)(/[^\"'\s)]*)?", code):
            for page in scene.rng.sample(_PAGES, 4):
                what = f"it looks at /{page} in place of {match[2] or '/'}"
                edits.append(Edit(match.start(), match.end(), f"{match[1]}/{page}", what))
        yield from shuffled(edits, scene.rng, code)

    found = straying(scene, make)
    if found is not None:
        return through(scene, found)
    for number in scene.places():
        for change in islice(make(scene.parts[number].code), 4):
            parts = scene.changed(number, change.code)
            outcome = scene.run(parts=parts)
            if not outcome.error or scene.right(outcome):
                continue
            stop = next((n for n in range(number, len(parts)) if scene.run(parts=parts, upto=n + 1).error), number)
            before, acts = scene.walk(stop=number), [scene.act(part) for part in parts[number : stop + 1]]
            acts[-1] = acts[-1].model_copy(update={"works": False, "kept": False})
            return ended(scene, [*before, *acts], len(before) + 1, change.what)
    return None


VARIANTS = {"remembered": remembered, "assumed_fact": assumed_fact, "wrong_page": wrong_page}
