"""How time and memory are taken: child processes, alternating rounds, medians."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


class Cost(NamedTuple):
    """What a process took: seconds of wall time, and MiB of memory at its peak."""

    seconds: float
    mib: float


def process(arguments: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Run this Python with `arguments` and return what it took. Raises RuntimeError where it fails."""
    with tempfile.TemporaryFile() as said:
        start = perf_counter()
        child = subprocess.Popen(  # noqa: S603 - this Python, with the bench's own arguments
            [sys.executable, *arguments], env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=said
        )
        _, status, usage = os.wait4(child.pid, 0)  # unlike `wait`, tells the memory of this very child
        taken = perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            said.seek(0)
            raise RuntimeError(f"{' '.join(arguments)}: {said.read().decode(errors='replace')[-2000:]}")
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return Cost(taken, usage.ru_maxrss / scale)


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
