"""Draw a sample of the signals of real runs, to be judged by eye (the figures in docs/signals.md were made so).

    python tests/draw_signals.py FOLDER --kind traceback --n 50 --seed 0

FOLDER holds traces in any format, in subfolders too. Runs that were published twice give the same hit twice; a hit is
drawn once (same kind, detail and quote). Prints each with its surroundings, then how many there are to draw from.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from classifier import formats, signals
from classifier.trace import Trace, TraceError

if TYPE_CHECKING:
    from collections.abc import Iterator

AROUND = 300  # characters shown before and after a quote


def main() -> None:
    """Print the sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kind", type=signals.SignalKind, required=True)
    parser.add_argument("--n", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    hits: dict[tuple[str | None, str], tuple[Trace, signals.Signal]] = {}
    total = 0
    for trace in _traces(args.folder):
        for signal in signals.read(trace):
            if signal.kind is args.kind:
                total += 1
                hits.setdefault((signal.detail, signal.quote), (trace, signal))
    drawn = random.Random(args.seed).sample(list(hits.values()), min(args.n, len(hits)))  # noqa: S311 - no secret
    for number, (trace, signal) in enumerate(drawn, 1):
        sys.stdout.write(_shown(number, trace, signal))
    sys.stdout.write(f"\n{len(drawn)} drawn of {len(hits)} distinct hits ({total} in all)\n")


def _traces(folder: Path) -> Iterator[Trace]:
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            yield from formats.read(file.read_bytes(), name=file.name)
        except TraceError:
            continue  # a note or a list of labels beside the traces


def _shown(number: int, trace: Trace, signal: signals.Signal) -> str:
    step = next(step for step in trace.steps if step.index == signal.step)
    at = step.content.index(signal.quote)
    before = step.content[max(0, at - AROUND) : at]
    after = step.content[at + len(signal.quote) :][:AROUND]
    text = f"\n=== {number}. {trace.id} step {step.index} of {trace.steps[-1].index}, {step.agent} [{signal.detail}]\n"
    text += f"{before}>>>{signal.quote}<<<{after}\n"
    if signal.kind is signals.SignalKind.REPEATED_STEP:
        text += "".join(_with_next(trace, index) for index in (int(signal.detail or 0), signal.step))
    return text


def _with_next(trace: Trace, index: int) -> str:
    """Return a step and the one after it, each cut to its beginning."""
    steps = [step for step in trace.steps if index <= step.index <= index + 1]
    return "".join(f"--- {step.index} {step.agent}: {step.tool_calls} {step.content[:AROUND]!r}\n" for step in steps)


if __name__ == "__main__":
    main()
