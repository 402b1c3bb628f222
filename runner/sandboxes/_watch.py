"""Looks at a run's processes and its memory file systems from outside, and says when they overstep a bound.

It is what bounds memory where control groups cannot be had, and the number of files everywhere: bubblewrap's memory
file systems have a size but take any number of empty files.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from runner.sandboxes import HOME, WORKSPACE
from runner.sandboxes._inside.processes import below

if TYPE_CHECKING:
    from runner.sandboxes import Bounds

PLACES = ("/tmp", HOME, WORKSPACE, "/dev/shm")  # noqa: S108 - of the sandbox
FILES = 100_000  # in each place
SHARE = 10  # a look may take a tenth of the time


class Watch:
    """Watches the namespace whose first process is `first`. Call it often: it looks when it is time to."""

    def __init__(self, first: int, bounds: Bounds, *, memory: bool) -> None:
        self.first, self.bounds, self.memory = first, bounds, memory
        self.next = 0.0

    def __call__(self) -> str | None:
        """Return which bound is overstepped: memory | disk; None where all is well."""
        begun = time.monotonic()
        if begun < self.next:
            return None
        with suppress(OSError):
            if files(self.first) > FILES:
                return "disk"
        if self.memory and memory(self.first) > self.bounds.memory:
            return "memory"
        ended = time.monotonic()
        self.next = ended + SHARE * (ended - begun)
        return None


def files(first: int) -> int:
    """Return the number of files in the fullest of the places that a run may write to."""
    most = 0
    for place in PLACES:
        state = os.statvfs(f"/proc/{first}/root{place}")
        most = max(most, state.f_files - state.f_ffree)
    return most


def memory(first: int) -> int:
    """Return the bytes that processes and memory file systems of a run hold; what they share counts once."""
    total = 0
    for pid in (first, *below(first)):  # in a namespace whose first it is, that is everything
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
                if line.startswith(("Pss_Anon:", "Pss_Shmem:")):
                    total += int(line.split()[1]) * 1024
    with suppress(OSError):
        for place in PLACES:
            state = os.statvfs(f"/proc/{first}/root{place}")
            total += (state.f_blocks - state.f_bfree) * state.f_frsize
    return total
