"""The course of a run, from the order to the end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from .confine import drop
from .files import pack, unpack
from .processes import end_all, reap, start
from .relay import listen
from .wire import CHUNK, order, send

if TYPE_CHECKING:
    from .wire import Order

OOM_COUNTS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")  # cgroups 2, 1


def main() -> None:
    """Run the order."""
    todo = order()
    drop(todo)
    if todo["workspace"]:
        unpack(todo["cwd"], todo["workspace"])
    code = asyncio.run(_attend(todo))
    send(b"X", json.dumps({"code": code, "oom": _out_of_memory()}).encode())
    if todo["workspace"]:
        pack(todo["cwd"], todo["budget"])
    send(b"E", b"")
    while os.read(0, CHUNK):  # until coroner has seen to what it wants to see to
        pass
    end_all()


async def _attend(todo: Order) -> int | None:
    """Run the command until it ends or is to be stopped; return its exit code, negative for a signal, None: stopped."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int | None] = loop.create_future()
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    child = 0

    def gone() -> None:
        for pid, status in reap():
            if pid == child and not ended.done():
                ended.set_result(-os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))

    def told() -> None:
        if not os.read(0, CHUNK):  # coroner is dead
            end_all()
            os._exit(1)
        if not ended.done():
            ended.set_result(None)

    def output() -> None:
        with contextlib.suppress(BlockingIOError):
            data = os.read(ours, CHUNK)
            if data:
                send(b"O", data)
            else:
                loop.remove_reader(ours)

    await listen(todo["ports"])
    send(b"S", b"")
    loop.add_signal_handler(signal.SIGCHLD, gone)
    child = start(todo, theirs)
    gone()
    os.close(theirs)
    loop.add_reader(0, told)
    loop.add_reader(ours, output)
    code = await ended
    loop.remove_signal_handler(signal.SIGCHLD)
    loop.remove_reader(ours)
    loop.remove_reader(0)
    end_all()
    _drain(ours)
    return code


def _drain(output: int) -> None:
    """Send what is left in a pipe that nobody writes to any more."""
    os.set_blocking(output, True)
    while True:
        data = os.read(output, CHUNK)
        if not data:
            return
        send(b"O", data)


def _out_of_memory() -> bool:
    """Whether the kernel has killed for want of memory in our control group, as far as that can be seen from inside."""
    for place in OOM_COUNTS:
        with contextlib.suppress(OSError):
            for line in Path(place).read_text(encoding="utf-8").splitlines():
                if line.startswith("oom_kill ") and line.split()[1] != "0":
                    return True
    return False
