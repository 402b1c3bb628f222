"""Workers: processes that do one piece of work after the other, so that none can take the others down.

A piece is done in a worker's main thread, so that being told to stop reaches it as KeyboardInterrupt wherever it is,
and what it began (a sandbox, a server) is undone on the way out. A worker whose parent is gone stops as well.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from contextlib import contextmanager, suppress
from multiprocessing import connection
from typing import TYPE_CHECKING, Generic, NamedTuple, NoReturn, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

GRACE = 20.0  # seconds that a worker has to undo what it began before it is killed

_Piece = TypeVar("_Piece")
_Piece_contra = TypeVar("_Piece_contra", contravariant=True)


class Work(Protocol[_Piece_contra]):
    """What a worker does with a piece. It travels to the worker by pickle, and deals itself with what goes wrong."""

    def __call__(self, piece: _Piece_contra, /) -> None:
        """Do it."""
        ...


class Done(NamedTuple, Generic[_Piece]):
    """A piece that was worked on. `died` says how the worker ended, where it ended over it."""

    piece: _Piece
    died: str | None


class _Worker(NamedTuple):
    process: SpawnProcess
    pipe: Connection


def spread(work: Work[_Piece], pieces: Iterable[_Piece], at_once: int) -> Generator[Done[_Piece]]:
    """Do all pieces, `at_once` at a time, and give each as it is done. Closing the iterator stops what is under way."""
    waiting = iter(pieces)
    busy: dict[_Worker, _Piece] = {}
    idle: list[_Worker] = []
    try:
        while True:
            while len(busy) < at_once and (piece := next(waiting, None)) is not None:
                busy[_hand(piece, idle, work)] = piece
            if not busy:
                return
            by_pipe = {worker.pipe: worker for worker in busy}
            for ready in connection.wait(list(by_pipe)):
                worker = by_pipe[ready]  # type: ignore[index] # what was waited for
                died = _answer(worker)
                piece = busy.pop(worker)
                if died is None:
                    idle.append(worker)
                yield Done(piece, died)
    finally:
        _stop(list(busy), idle)


def _hand(piece: _Piece, idle: list[_Worker], work: Work[_Piece]) -> _Worker:
    """Give a piece to an idle worker, or to a new one where none is left alive."""
    while idle:
        worker = idle.pop()
        with suppress(BrokenPipeError):
            worker.pipe.send(piece)
            return worker
        worker.process.join()
        worker.pipe.close()
    worker = _start(work)
    with suppress(BrokenPipeError):  # its end is seen where its answer is waited for
        worker.pipe.send(piece)
    return worker


def _start(work: Work[_Piece]) -> _Worker:
    spawning = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=_serve, args=(theirs, work), name="coroner bench worker")
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _answer(worker: _Worker) -> str | None:
    """Take a worker's word that it is done; say how it ended if it has none."""
    try:
        worker.pipe.recv()
    except (EOFError, ConnectionResetError):
        worker.process.join()
        worker.pipe.close()
        code = worker.process.exitcode or 0
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    return None


def _stop(busy: list[_Worker], idle: list[_Worker]) -> None:
    with _undisturbed():
        for worker in (*busy, *idle):
            worker.pipe.close()  # at which those that are idle end
        for worker in busy:
            worker.process.terminate()
        until = time.monotonic() + GRACE
        for worker in (*busy, *idle):
            worker.process.join(max(0.0, until - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let nobody's impatience at the terminal leave sandboxes behind: a second Ctrl-C waits for the first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, _ignore)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _serve(pipe: Connection, work: Work[_Piece]) -> None:
    """Be a worker."""
    # A handler that does nothing, not SIG_IGN: that would be inherited by whatever runs in the sandbox.
    signal.signal(signal.SIGINT, _ignore)  # Ctrl-C reaches the whole group; the parent decides, and says so by SIGTERM
    signal.signal(signal.SIGTERM, _interrupt)
    threading.Thread(target=_follow_parent, daemon=True).start()
    with suppress(KeyboardInterrupt, EOFError, BrokenPipeError):
        while True:
            work(pipe.recv())
            pipe.send(None)


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, _ignore)  # once: the second would cut short what the first lets be undone
    raise KeyboardInterrupt


def _ignore(_number: int, _frame: object) -> None:
    pass
