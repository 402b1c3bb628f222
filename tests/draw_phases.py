"""Draw a sample of agents' messages with their phases, to be judged by eye (a figure in docs/signals.md was made so).

    python tests/draw_phases.py FOLDER --framework autogen --n 50 --seed 0

FOLDER holds traces in any format, in subfolders too. A message that occurs twice is drawn once.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from classifier import formats
from classifier.segments import phase_of_steps
from classifier.trace import Role, TraceError

SHOWN = 1200  # characters of a message; the middle of a longer one is left out


def main() -> None:
    """Print the sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--framework", required=True)
    parser.add_argument("--n", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    messages: dict[str, str] = {}
    for file in sorted(path for path in args.folder.rglob("*") if path.is_file()):
        try:
            traces = formats.read(file.read_bytes(), name=file.name)
        except TraceError:
            continue  # a note or a list of labels beside the traces
        for trace in traces:
            if trace.framework != args.framework:
                continue
            for step, phase in zip(trace.steps, phase_of_steps(trace), strict=True):
                if step.role is Role.ASSISTANT:
                    place = f"{trace.id} step {step.index} of {trace.steps[-1].index}, {step.agent}: {phase}"
                    messages.setdefault(step.content, place)
    drawn = random.Random(args.seed).sample(list(messages.items()), min(args.n, len(messages)))  # noqa: S311 - no secret
    for number, (content, place) in enumerate(drawn, 1):
        shown = content if len(content) <= SHOWN else f"{content[: SHOWN // 2]}\n[...]\n{content[-SHOWN // 2 :]}"
        sys.stdout.write(f"\n=== {number}. {place}\n{shown}\n")
    sys.stdout.write(f"\n{len(drawn)} drawn of {len(messages)} messages\n")


if __name__ == "__main__":
    main()
