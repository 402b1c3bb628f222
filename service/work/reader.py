"""Reader: parses hostile logs in a process of its own, with limits on memory and time."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import resource
import signal
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Protocol

from classifier import formats
from classifier.intake import UNNAMED
from classifier.trace import Trace, TraceError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from pebble import ProcessPool

TRIES = 3  # of a log whose reading was ended by something else
LOOK = 5.0  # seconds after which a reading that has not ended is looked after
PARENT_DEATH = 1  # PR_SET_PDEATHSIG of prctl(2)


class Reads(Protocol):
    """What turns bytes into runs."""

    def __call__(self, data: bytes, kind: str | None = None, *, name: str | None = None) -> list[Trace]:
        """Return the runs in the bytes. Raises TraceError, and nothing else, for what cannot be read."""


class PlainReader:
    """Reads in this process: for logs of one's own."""

    def __init__(self, limit: int = formats.MAX_BYTES, max_steps: int | None = None) -> None:
        self.limit, self.max_steps = limit, max_steps

    def __call__(self, data: bytes, kind: str | None = None, *, name: str | None = None) -> list[Trace]:
        """Return the runs in the bytes. Raises TraceError."""
        return checked(formats.read(data, kind, name=name or UNNAMED, limit=self.limit), name, self.max_steps)


class ConfinedReader:
    """Reads in a child with `memory` bytes at most, for `seconds` at most; a child that breaks is replaced.

    `at_once` children at a time. Safe to call from many threads. Close it in the end.
    """

    def __init__(
        self, limit: int, max_steps: int, *, seconds: float = 60.0, memory: int = 2**31, at_once: int = 1
    ) -> None:
        self.limit, self.max_steps, self.seconds = limit, max_steps, seconds
        self._memory, self._at_once = memory, at_once
        self._pool = self._made()
        # Linux ends a child with the thread that started it, and the threads that serve requests come and go
        self._starter = ThreadPoolExecutor(1, "reader")

    def __call__(self, data: bytes, kind: str | None = None, *, name: str | None = None) -> list[Trace]:
        """Return the runs in the bytes. Raises TraceError, also where reading them broke a limit."""
        from pebble import ProcessExpired  # noqa: PLC0415 - only the service needs it

        file = name or UNNAMED
        try:
            found = self._found((data, kind, file, self.limit))
        except TimeoutError:
            raise TraceError(f"reading it took longer than {self.seconds:g} s", file=file) from None
        except (ProcessExpired, BrokenProcessPool) as error:
            raise TraceError(f"reading it broke the process that read it ({error})", file=file) from None
        if isinstance(found, tuple):
            problem, kind, place = found
            raise TraceError(problem, file=file, format=kind, place=place)
        return checked(found, name, self.max_steps)

    def close(self) -> None:
        """End the children."""
        self._starter.shutdown()
        _end(self._pool)

    def _found(self, given: Given) -> list[Trace] | Unreadable:
        from pebble import ProcessExpired  # noqa: PLC0415 - only the service needs it

        for _ in range(TRIES - 1):
            with contextlib.suppress(BrokenProcessPool, ProcessExpired):  # it was killed, perhaps not by this log
                return self._read_once(given)
        return self._read_once(given)

    def _read_once(self, given: Given) -> list[Trace] | Unreadable:
        pool, future = self._starter.submit(self._schedule, given).result()
        while not wait((future,), LOOK).done:
            if not pool.active and not future.done():  # it broke before it had taken this in
                raise BrokenProcessPool
        return future.result()

    def _schedule(self, given: Given) -> tuple[ProcessPool, Future[list[Trace] | Unreadable]]:
        if not self._pool.active:  # it has broken: pebble's own does not recover
            _end(self._pool)
            self._pool = self._made()
        return self._pool, self._pool.schedule(_read, args=given, timeout=self.seconds)

    def _made(self) -> ProcessPool:
        from pebble import ProcessPool  # noqa: PLC0415 - as above

        return ProcessPool(
            max_workers=self._at_once,
            context=multiprocessing.get_context("spawn"),
            initializer=_confine,
            initargs=(self._memory,),
        )


def _end(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call] # pebble's
    pool.join()


Given = tuple[bytes, str | None, str, int]  # to the child: the log, its format, its name, the limit
Unreadable = tuple[str, str | None, str | None]  # of a TraceError: problem, format, place; it does not pickle


def checked(traces: list[Trace], name: str | None, max_steps: int | None) -> list[Trace]:
    """Refuse runs that are too long. Raises TraceError."""
    for trace in traces:
        if max_steps is not None and len(trace.steps) > max_steps:
            raise TraceError(
                f"the run {trace.id!r} has {len(trace.steps):,} steps; {max_steps:,} are taken", file=name or UNNAMED
            )
    return traces


def _read(data: bytes, kind: str | None, file: str, limit: int) -> list[Trace] | Unreadable:
    try:
        return formats.read(data, kind, name=file, limit=limit)
    except TraceError as error:
        return error.problem, error.format, error.place
    except MemoryError:
        return "too large for the memory that reading may take", None, None


def _confine(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform == "linux":  # a parent that is killed takes the child along
        ctypes.CDLL(None).prctl(PARENT_DEATH, signal.SIGKILL)
