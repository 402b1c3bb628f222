"""The processes of a run: how its command is started, and how all of them are ended."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .confine import confine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .wire import Order


def start(order: Order, output: int) -> int:
    """Start the command with `output` as its standard output and error; return its process id."""
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.closerange(3, 4096)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD):  # Python ignores the first two
            signal.signal(number, signal.SIG_DFL)
        os.chdir(order["cwd"])
        confine(order)
        os.execvpe(order["argv"][0], order["argv"], order["env"])  # noqa: S606 - no shell is wanted
    except BaseException as error:  # noqa: BLE001 - whatever it is, the copy of us must not go on
        os.write(2, f"cannot start {order['argv'][0]}: {error}\n".encode(errors="replace"))
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)


def reap() -> Iterator[tuple[int, int]]:
    """Collect the processes that have ended: id and wait status."""
    while True:
        try:
            child, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not child:
            return
        yield child, status


def end_all() -> None:
    """Kill every process of the run but this one, until none is left."""
    while True:
        if os.getpid() == 1:  # our own namespace: nobody else can be meant
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
        else:
            for child in below(os.getpid()):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(child, signal.SIGKILL)
        for _ in reap():
            pass
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        time.sleep(0.005)


def below(first: int) -> list[int]:
    """Return the processes below one, by the parents that /proc knows."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208 - thousands of entries
        if entry.isdigit():
            with contextlib.suppress(OSError):
                state = Path("/proc", entry, "stat").read_bytes().rpartition(b")")[2].split()
                children.setdefault(int(state[1]), []).append(int(entry))
    found = list(children.get(first, []))
    for pid in found:  # grows while it is walked
        found += children.get(pid, [])
    return found
