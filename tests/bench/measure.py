"""How time and memory are taken: child processes, alternating rounds, medians."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


class Cost(NamedTuple):
    """What a process took: seconds of wall time, and MiB of memory at its peak."""

    seconds: float
    mib: float


# A process starts as a copy of its parent, and Linux counts the copy's memory as its own: so a small parent is put
# between, which times its one child and tells what the child took.
LAUNCH = """
import os, sys, time
start = time.perf_counter()
child = os.posix_spawn(sys.executable, [sys.executable, *sys.argv[1:]], os.environ)
_, status, usage = os.wait4(child, 0)
print(time.perf_counter() - start, usage.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def process(arguments: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Run this Python with `arguments` and return what it took. Raises RuntimeError where it fails."""
    done = subprocess.run(  # noqa: S603 - this Python, with the bench's own arguments
        [sys.executable, "-S", "-c", LAUNCH, *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr[-2000:]}")
    taken, memory = map(float, done.stderr.splitlines()[-1].split())
    return Cost(taken, memory / (2**20 if sys.platform == "darwin" else 2**10))


def alternate(rounds: int, *jobs: Callable[[int], float]) -> list[float]:
    """Call every job once a round, with the round's number; return each job's median of what it returned.

    Alternating, so that whatever else the machine does falls on all of them.
    """
    results: list[list[float]] = [[] for _ in jobs]
    for number in range(rounds):
        for job, found in zip(jobs, results, strict=True):
            found.append(job(number))
    return [statistics.median(found) for found in results]


def seconds(work: Callable[[], object]) -> float:
    """Return the wall time of one call."""
    start = perf_counter()
    work()
    return perf_counter() - start


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-round(share * 1000) * len(ordered) // 1000) - 1)]


def fresh_cache(folder: Path, exported: Path) -> Path:
    """Make a cache folder that has the exported models but has seen no text."""
    folder.mkdir()
    (folder / "onnx").symlink_to(exported / "onnx", target_is_directory=True)
    return folder
