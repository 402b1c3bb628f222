"""Measure how often the rules of the phases agree with TaskWeaver's attachments (the figures in docs/signals.md).

    python tests/measure_phases.py FOLDER [--hide-names] [--whole-posts]

FOLDER holds TaskWeaver's logs, in subfolders too; steps of other formats say no phase and are left out. What the
source says of a step is hidden from the rules. Equal steps count once, and as agreeing only if all of them agree.
"""

from __future__ import annotations

import argparse
import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from classifier import formats
from classifier.segments import phase_of_steps
from classifier.trace import Phase, Role, Step, Trace, TraceError

if TYPE_CHECKING:
    from collections.abc import Iterator


def main() -> None:
    """Print how many steps agree, and which do not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hide-names", action="store_true", help="give all agents one name, and no addressees")
    parser.add_argument("--whole-posts", action="store_true", help="join the steps of a post; its last phase counts")
    args = parser.parse_args()
    agreed: dict[tuple[Step, Phase], set[Phase]] = {}
    files = 0
    for trace in _traces(args.folder):
        files += 1
        shown = trace
        if args.whole_posts:
            shown = shown.model_copy(update={"steps": tuple(_posts(shown))})
        if args.hide_names:
            shown = shown.model_copy(update={"steps": tuple(_nameless(step) for step in shown.steps)})
        for step, guess in zip(shown.steps, phase_of_steps(shown, ignore_source=True), strict=True):
            if step.phase is not None:
                agreed.setdefault((step.model_copy(update={"index": 0}), step.phase), set()).add(guess)
    right = sum(guesses == {told} for (_, told), guesses in agreed.items())
    for (step, told), guesses in agreed.items():
        if guesses != {told}:
            guessed = ", ".join(sorted(guesses))
            sys.stdout.write(f"{told}, guessed {guessed}: {step.agent} -> {step.to}: {step.content[:160]!r}\n")
    sys.stdout.write(f"{right} of {len(agreed)} steps agree ({files} runs)\n")


def _traces(folder: Path) -> Iterator[Trace]:
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            read = formats.read(file.read_bytes(), name=file.name)
        except TraceError:
            continue  # a note beside the logs
        yield from (trace for trace in read if any(step.phase is not None for step in trace.steps))


def _posts(trace: Trace) -> Iterator[Step]:
    """Yield one step a post: it ends with its message, or where another agent speaks."""
    posts = 0
    numbers = []
    for before, step in zip((None, *trace.steps), trace.steps, strict=False):
        posts += before is None or before.agent != step.agent or before.kind == "message"
        numbers.append(posts)
    for _, group in groupby(zip(numbers, trace.steps, strict=True), key=lambda pair: pair[0]):
        steps = [step for _, step in group]
        said = next((step.role for step in steps if step.role is not Role.TOOL), Role.TOOL)
        content = "\n".join(step.content for step in steps)
        yield steps[-1].model_copy(update={"index": steps[0].index, "role": said, "content": content})


def _nameless(step: Step) -> Step:
    return step if step.role is Role.USER else step.model_copy(update={"agent": "agent", "to": None})


if __name__ == "__main__":
    main()
