"""Coroner's end of a run: gives the order to `_inside`, keeps time, and takes output and workspace home."""

from __future__ import annotations

import base64
import json
import os
import select
import struct
import tarfile
import tempfile
import time
from contextlib import ExitStack, suppress
from typing import IO, TYPE_CHECKING, Any, Protocol, Self

from runner.sandboxes import WORKSPACE, Ended, SandboxError, _seccomp
from runner.sandboxes._home import bring_home

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from runner.sandboxes import Job

TICK = 0.05  # seconds between two looks at the clock and the watch
STARTUP = 120.0  # seconds until the first process must have answered
GRACE = 60.0  # seconds for bringing the workspace home
CHUNK = 65536


class Channel(Protocol):
    """Two byte streams, to and from the first process of a sandbox. Neither call blocks longer than for what it did."""

    def readable(self) -> int:
        """File descriptor to wait on for input."""
        ...

    def writable(self) -> int:
        """File descriptor to wait on for output."""
        ...

    def read(self) -> bytes | None:
        """Return what has come, None where nothing has yet, b"" at the end."""
        ...

    def write(self, data: memoryview) -> int:
        """Send some of it; return how much."""
        ...


def order(job: Job, *, hidden_memory: bool = True, **changes: Any) -> dict[str, Any]:
    """Return the order for `_inside`, apart from what is the sandbox's own (`changes`); see `_seccomp.program`."""
    return {
        "argv": job.argv,
        "env": job.env,
        "cwd": WORKSPACE,
        "ports": {},
        "uid": None,  # the user to become, where the first process is root
        "own": (),  # the folders that become the user's
        "limits": {"CORE": 0, "FSIZE": job.bounds.scratch, "NOFILE": 4096},
        "cpus": (),  # numbers of the processors that the command may run on; (): all
        "filter": base64.b64encode(_seccomp.program(hidden_memory=hidden_memory)).decode(),
        "workspace": 1,  # 0: it is the folder itself, nothing is copied
        "budget": job.bounds.scratch,
        **changes,
    }


class _Run:
    """What is known of a run while frames come in."""

    def __init__(self, job: Job, log: IO[bytes], tar: IO[bytes]) -> None:
        self.job, self.log, self.tar = job, log, tar
        self.buffer = bytearray()
        self.output = 0
        self.started: float | None = None
        self.ended: float | None = None
        self.code: int | None = None
        self.oom = self.whole = False
        self.left: list[str] = []

    def feed(self, data: bytes) -> None:
        self.buffer += data
        while len(self.buffer) >= 5:
            size = struct.unpack(">I", self.buffer[1:5])[0]
            if len(self.buffer) < 5 + size:
                return
            kind, content = chr(self.buffer[0]), bytes(self.buffer[5 : 5 + size])
            del self.buffer[: 5 + size]
            self._take(kind, content)

    def _take(self, kind: str, content: bytes) -> None:
        if kind == "S":
            self.started = time.monotonic()
        elif kind == "O":
            kept = content[: max(0, self.job.bounds.output - self.output)]
            self.log.write(kept)
            self.log.flush()
            self.output += len(content)
        elif kind == "X":
            self.ended = time.monotonic()
            told = json.loads(content)
            self.code, self.oom = told["code"], told["oom"]
        elif kind == "W":
            self.tar.write(content)
        elif kind == "L":
            self.left += json.loads(content)
        elif kind == "E":
            self.whole = True

    def over(self, watch: Callable[[], str | None]) -> str | None:
        """Return which bound is overstepped, if one is."""
        if self.started is not None and time.monotonic() - self.started > self.job.bounds.seconds:
            return "time"
        return "output" if self.output > self.job.bounds.output else self.job.stop() or watch()


def converse(
    job: Job,
    channel: Channel,
    todo: dict[str, Any],
    *,
    watch: Callable[[], str | None] = lambda: None,
    ooms: Callable[[], bool] = lambda: False,
    trouble: Callable[[], str] = lambda: "",
) -> Ended:
    """Have the job done at the other end of the channel; return when all of it is over but the first process.

    `watch` names a bound that is overstepped, `ooms` says whether the kernel has killed for want of memory, `trouble`
    what the sandbox said of itself if it broke down. Raises SandboxError where the first process was never heard of.
    """
    with ExitStack() as stack:
        log = stack.enter_context(job.log.open("ab"))
        tar = stack.enter_context(tempfile.TemporaryFile())
        source = stack.enter_context(tempfile.TemporaryFile())
        if todo["workspace"]:
            todo = {**todo, "workspace": _pack(job, source)}
        run = _Run(job, log, tar)
        stopped = _talk(run, channel, json.dumps(todo).encode() + b"\n", source, watch)
        if run.started is None:
            raise SandboxError(f"the sandbox did not start: {trouble() or 'its first process said nothing'}")
        if run.ended is None or not run.whole:
            if stopped is None and (run.oom or ooms()):
                stopped = "memory"
            run.left.append("everything: the sandbox broke down before the workspace was brought home")
        elif todo["workspace"]:
            tar.seek(0)
            run.left += bring_home(tar, job.workspace, job.bounds.scratch)
        killed = run.code in {-9, 137} or run.ended is None
        if stopped is None and killed and (run.oom or ooms()):
            stopped = "memory"
        return Ended(
            code=None if stopped else run.code,
            seconds=round((run.ended or time.monotonic()) - run.started, 3),
            stopped_by=stopped,
            left_out=tuple(run.left),
        )


def _talk(run: _Run, channel: Channel, line: bytes, source: IO[bytes], watch: Callable[[], str | None]) -> str | None:
    """Exchange bytes until the first process is done, gone, or out of time; return what the run was stopped by."""
    pending = memoryview(line)
    stopped: str | None = None
    deadline = time.monotonic() + STARTUP
    while not run.whole:
        ready, free, _ = select.select([channel.readable()], [channel.writable()] if pending else [], [], TICK)
        if free:
            try:
                pending = pending[channel.write(pending) :] or memoryview(source.read(CHUNK))
            except OSError:  # it is gone; what it last said is still to be read
                pending = memoryview(b"")
        if ready:
            data = channel.read()
            if data == b"":
                break
            run.feed(data or b"")
        if run.ended is None and stopped is None and run.started is not None:
            deadline = time.monotonic() + GRACE
            stopped = run.over(watch)
            if stopped:
                pending = memoryview(b"stop\n")
        if time.monotonic() > deadline:
            break
    return stopped


def _pack(job: Job, target: IO[bytes]) -> int:
    """Write the workspace as it is into a tar; return its size in bytes."""
    with tarfile.open(fileobj=target, mode="w") as tar:
        for path in sorted(job.workspace.iterdir()):
            tar.add(path, path.name)
    size = target.tell()
    if size > job.bounds.scratch:
        raise SandboxError(f"the workspace {job.workspace} holds {size} bytes; {job.bounds.scratch} are allowed")
    target.seek(0)
    return size


def sockets(job: Job, *, everybody: bool) -> dict[int, Path]:
    """Return the job's ports with the absolute paths of their sockets, made writable for everybody where that is asked.

    Raises SandboxError for what is no socket.
    """
    for port, socket in job.ports.items():
        if not socket.is_socket():
            raise SandboxError(f"port {port} is to lead to {socket}, which is no socket: start its server first")
        if everybody and socket.stat().st_mode & 0o006 != 0o006:
            socket.chmod(socket.stat().st_mode & 0o7777 | 0o666)
    return {port: socket.absolute() for port, socket in job.ports.items()}


def tail(errors: IO[bytes]) -> str:
    """Return what a sandbox said of itself."""
    errors.seek(0)
    return errors.read(4000).decode(errors="replace").strip()


class Pipes:
    """A channel of two pipes."""

    @classmethod
    def of(cls, process: subprocess.Popen[bytes]) -> Self:
        """Take those of a process that was started with both."""
        if process.stdin is None or process.stdout is None:
            raise SandboxError("its input and output must be pipes")
        return cls(process.stdout, process.stdin)

    def __init__(self, source: IO[bytes], target: IO[bytes]) -> None:
        self.source, self.target = source, target
        os.set_blocking(source.fileno(), False)
        os.set_blocking(target.fileno(), False)

    def readable(self) -> int:
        """File descriptor to wait on for input."""
        return self.source.fileno()

    def writable(self) -> int:
        """File descriptor to wait on for output."""
        return self.target.fileno()

    def read(self) -> bytes | None:
        """Return what has come."""
        try:
            return os.read(self.source.fileno(), CHUNK)
        except BlockingIOError:
            return None

    def write(self, data: memoryview) -> int:
        """Send some of it."""
        try:
            return os.write(self.target.fileno(), data)
        except BlockingIOError:
            return 0

    def close(self) -> None:
        """Close both: the first process then ends."""
        for pipe in (self.target, self.source):
            with suppress(OSError):
                pipe.close()
