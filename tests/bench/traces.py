"""Runs to measure on: written by a seeded generator, so that no run repeats a text and every machine reads the same."""

from __future__ import annotations

import random

from classifier.trace import Role, Step, Trace

NAMES = "Orchestrator", "WebSurfer", "Coder", "Executor"
PROSE = (
    "the page shows a table of opening hours for each branch but the row for march is missing so the agent "
    "scrolls down opens another result reads the first paragraph and notes that population density was given in "
    "thousands per square kilometre while the question asks for people per hectare therefore both numbers must be "
    "converted before they can be compared import pandas read frame column group mean index error value key file "
    "not found traceback module timeout response request server element button click search result answer verify "
    "plan step"
)
WORDS = tuple(PROSE.split())
MARKS = "Thought: ", "Plan:\n1. ", "```python\n", "exitcode: 1 (execution failed)\n", "Ledger: ", "FINAL ANSWER: ", ""


def text(chance: random.Random, characters: int) -> str:
    """Return a text of about that many characters, words, numbers and line ends as in a log."""
    parts, length = [chance.choice(MARKS)], 0
    while length < characters:
        word = chance.choice(WORDS) if chance.random() < 0.9 else str(chance.randrange(100_000))
        parts.append(word + chance.choice((" ", " ", " ", " ", ", ", ".\n")))
        length += len(parts[-1])
    return "".join(parts)


def run(seed: int, steps: int, *, short: bool = False) -> Trace:
    """Return a failed run of `steps` steps.

    As in the annotated real runs (mean 183 tokens of the 256 that MiniLM reads, 57 % of steps longer), a step has 180
    tokens on average and 55 % are longer than MiniLM reads; with `short`, all have some 20 tokens.
    """
    chance = random.Random(seed)  # noqa: S311 - a generator of test runs
    made = []
    for index in range(steps):
        long = chance.randrange(1500, 4000) if chance.random() < 0.57 else chance.randrange(20, 700)
        name = NAMES[index % len(NAMES)]
        role = Role.TOOL if name == "Executor" else Role.ASSISTANT
        made.append(Step(index=index, agent=name, role=role, content=text(chance, 80 if short else long)))
    task = text(chance, 300)
    return Trace(
        id=f"bench-{seed}", format="coroner", framework="autogen", task=task, steps=tuple(made), succeeded=False
    )
