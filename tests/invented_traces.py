"""Invented labelled runs: written by a seeded generator, embedded by hashing, so that no model is needed."""

from __future__ import annotations

import random
from functools import cache
from typing import TYPE_CHECKING

from classifier import embedders, taxonomy, training
from classifier.annotation import Annotation
from classifier.corpus import Example
from classifier.diagnosis import Provenance
from classifier.pipeline import Classifier
from classifier.trace import Role, Step, Trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.embedders import Embedder
    from classifier.index import Index
    from classifier.taxonomy import Taxonomy

EMBEDDER = "hashing:96"
SYSTEMS = ("autogen", "magentic-one", "metagpt")
TEAMS = {
    "autogen": ("Planner", "Coder", "Computer_terminal"),
    "magentic-one": ("Orchestrator", "WebSurfer", "Assistant"),
    "metagpt": ("ProductManager", "Engineer", "Sandbox"),
    "unheard-of": ("Lotse", "Schrauber", "Werkbank"),
}
TOOLS = {"Computer_terminal", "Sandbox", "Werkbank"}
MISTAKES = {
    "P1": ("Plan: look at {a} only and leave out {b}.", "The plan is to treat {a} and {b} as one and skip the rest."),
    "E1.1": ("I call the search for {a} with the field {b} turned around.", "Called lookup on {b} in place of {a}."),
    "E2.1": ("```python\nfor {a} in {b} print({a}\n```\nSyntaxError in {a}", "```python\ndef {a}(: return {b}\n```"),
    "E2.2": ("I add {a} to {b} although it must be divided.", "So {a} plus {b} is multiplied by twelve, I think."),
    "R2": ("FINAL ANSWER: about {a}, or maybe {b}, in prose.", "FINAL ANSWER: see {a} above; {b} is left to you."),
}
NOUNS = "barley copper harbour lantern meadow orchard pebble quarry ribbon saddle thicket velvet walnut yarrow".split()  # noqa: SIM905 - reads better
FILLERS = (
    "Let me look at the {a} next and note what the {b} says.",
    "The table for {a} lists {n} rows, {b} comes after it.",
    "I have opened the page on {a}; its second paragraph is about {b}.",
    "We agreed that {a} matters more than {b}, so carry on.",
    "exitcode: 0 (execution succeeded)\nCode output: {a} {n}, {b} {n}",
    "Thank you. Now compare {a} with {b} and report {n} figures.",
)


def trace(seed: int, system: str = SYSTEMS[0], cause: str = "E2.2", *, steps: int = 7, at: int = 3) -> Trace:
    """Return a failed run of `system` whose step at position `at` shows a mark of `cause`."""
    chance = random.Random(f"{seed} {system}")  # noqa: S311 - a generator of test runs
    team = TEAMS[system]
    made = []
    for i in range(steps):
        agent = team[i % len(team)] if i != at else team[1]
        text = _written(chance, MISTAKES[cause] if i == at else FILLERS)
        role = Role.TOOL if agent in TOOLS else Role.ASSISTANT
        made.append(Step(index=i, agent=agent, role=role, content=text))
    return Trace(
        id=f"{system}-{seed:03d}",
        format="coroner",
        framework=system,
        task=_written(chance, ("How much {a} per {b} was sold in {n}?", "Find the {a} that {n} people call {b}.")),
        steps=tuple(made),
        succeeded=False,
    )


def example(run: Trace, cause: str | None, step: int | None, *, group: str) -> Example:
    """Return the run with one person's label."""
    record = Annotation(trace=run.id, annotator="ann", provenance=Provenance.HUMAN, cause=cause, step=step)
    return Example(trace=run, annotations=(record,), group=group, system=run.framework, source="ann")


def examples(count: int = 48, *, systems: Sequence[str] = SYSTEMS, seed: int = 0) -> tuple[Example, ...]:
    """Return `count` labelled runs of the systems in turn; a task has one to three, the third of another system."""
    chance = random.Random(f"examples {seed}")  # noqa: S311 - as above
    made: list[Example] = []
    task = 0
    while len(made) < count:
        system = systems[task % len(systems)]
        for run in range(min(chance.randint(1, 3), count - len(made))):
            its = systems[(task + 1) % len(systems)] if run == 2 else system
            cause, steps = chance.choice(tuple(MISTAKES)), chance.randint(5, 9)
            at = chance.randrange(1, steps)
            written = trace(1000 * seed + len(made), its, cause, steps=steps, at=at)
            made.append(example(written, cause, at, group=f"task-{task:02d}"))
        task += 1
    return tuple(made)


@cache
def embedder() -> Embedder:
    """Return the embedder of the invented runs."""
    return embedders.build(EMBEDDER)


@cache
def scheme() -> Taxonomy:
    """Return the 19 causes."""
    return taxonomy.load(taxonomy.DEFAULT)


@cache
def index() -> Index:
    """Return an index of `examples()`, made once for all tests."""
    return training.train(examples(), embedder(), scheme())


@cache
def classifier() -> Classifier:
    """Return a classifier that reads by `index()`."""
    return Classifier(embedder(), index(), scheme())


def _written(chance: random.Random, patterns: Sequence[str]) -> str:
    a, b = chance.sample(NOUNS, 2)
    opening = chance.choice(("", "Well, ", "Right: ", "Next. "))
    return opening + chance.choice(patterns).format(a=a, b=b, n=chance.randint(2, 90))
