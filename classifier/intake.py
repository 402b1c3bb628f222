"""Inputs -> Diagnoses: what the command line and the service share. One bad input is one record, never the end."""

from __future__ import annotations

import os
import stat
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from classifier import formats
from classifier.trace import Frozen, TraceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from classifier.diagnosis import Diagnosis, Versions
    from classifier.taxonomy import Taxonomy
    from classifier.trace import Trace

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

STDIN = "-"
UNNAMED = "<bytes>"  # what `formats` calls an input that has no name
# what a log file may be called; in a folder all else is passed over, a file that is named is always tried
SUFFIXES = {
    ".db",
    ".ipynb",
    ".json",
    ".jsonl",
    ".log",
    ".ndjson",
    ".out",
    ".sqlite",
    ".sqlite3",
    ".txt",
    ".yaml",
    ".yml",
}
_RECORD = "record.jsonl"
_RUN = {"run.json", _RECORD}  # what makes a folder that of a run of `coroner bench`


class Classifies(Protocol):
    """What the surfaces need of `classifier.pipeline.Classifier`."""

    @property
    def taxonomy(self) -> Taxonomy:
        """The taxonomy that its diagnoses speak."""

    @property
    def versions(self) -> Versions:
        """What produces its diagnoses."""

    def classify(self, trace: Trace, file: str | None = None) -> Diagnosis:
        """Diagnose one run."""


class Unread(Frozen):
    """An input that gave no diagnosis, and why."""

    file: str
    error: str


def find(paths: Iterable[str]) -> tuple[list[str], int]:
    """Expand folders, recursively and in sorted order, into the files that may be logs; count those passed over.

    Hidden files, `annotations*.jsonl` and files of other suffixes are passed over in folders; of the folder of a
    bench's run, all but its record is. Anything else (a file, a pipe, `-`, a path that does not exist) is passed on as
    it is.
    """
    found: list[str] = []
    passed_over = 0
    for path in paths:
        if path == STDIN or not Path(path).is_dir():
            found.append(path)
            continue
        for folder, below, files in os.walk(path):
            below[:] = sorted(name for name in below if not name.startswith("."))
            if _RUN.issubset(files):
                below.clear()  # what else a run left (native logs, its workspace) tells the same again, or other things
            others = [name for name in sorted(files) if not _is_bench_own(name, files, below)]
            logs = [name for name in others if may_be_log(name)]
            found += [str(Path(folder, name)) for name in logs]
            passed_over += len(others) - len(logs)
    return found, passed_over


def load(path: str, limit: int = formats.MAX_BYTES) -> bytes:
    """Read a file, a pipe or, for `-`, standard input. At most one byte more than `limit`, which `formats` refuses.

    Raises TraceError, naming the file, where it cannot be read.
    """
    if path == STDIN:
        return sys.stdin.buffer.read(limit + 1)
    try:
        with Path(path).open("rb") as file:
            if stat.S_ISDIR(os.fstat(file.fileno()).st_mode):
                raise IsADirectoryError
            return file.read(limit + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise TraceError(f"cannot be read: {reason}", file=printable(path)) from error


def diagnose(
    classifier: Classifies,
    data: bytes,
    *,
    file: str | None,
    kind: str | None = None,
    limit: int = formats.MAX_BYTES,
    at_once: int = 1,
) -> list[Diagnosis]:
    """Read the runs in `data` and diagnose each, `at_once` at a time. `file` names the input in diagnoses and errors.

    `kind` names the format, None finds it; `limit` is in bytes after unpacking. Raises TraceError for what cannot
    be read.
    """
    traces = formats.read(data, kind, name=file or UNNAMED, limit=limit)
    return list(side_by_side(lambda trace: classifier.classify(trace, file), traces, at_once))


def outcomes(
    classifier: Classifies, paths: Sequence[str], kind: str | None = None, *, at_once: int = 1
) -> Iterator[list[Diagnosis] | Unread]:
    """Give the outcome of each input in order, worked out `at_once` at a time: runs of one file, else files."""
    alone = len(paths) == 1
    return side_by_side(
        lambda path: outcome(classifier, path, kind, at_once=at_once if alone else 1), paths, 1 if alone else at_once
    )


def side_by_side(work: Callable[[_Item], _Result], items: Iterable[_Item], at_once: int) -> Iterator[_Result]:
    """Give the results in the order of the items. With more than one at a time, in threads: for work that waits."""
    if at_once == 1:
        yield from map(work, items)
        return
    from concurrent.futures import Future, ThreadPoolExecutor  # noqa: PLC0415 - only where a judge is asked

    pool = ThreadPoolExecutor(at_once)
    try:
        waiting: deque[Future[_Result]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > 2 * at_once:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def outcome(
    classifier: Classifies, path: str, kind: str | None = None, *, at_once: int = 1
) -> list[Diagnosis] | Unread:
    """Diagnose the runs in one input; what cannot be read, or breaks the classifier, is a record and ends nothing."""
    file = printable(path)
    try:
        return diagnose(classifier, load(path), file=file, kind=kind, at_once=at_once)
    except TraceError as error:
        return Unread(file=file, error=str(error))
    except Exception as error:  # noqa: BLE001 - a defect of ours on one run must not cost the others of a long batch
        return Unread(file=file, error=f"{file}: a defect of coroner: {type(error).__name__}: {error}")


def printable(path: str) -> str:
    """Return a path without the surrogates that stand for bytes that are no UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")


def _is_bench_own(name: str, files: Sequence[str], below: Sequence[str]) -> bool:
    """Say whether it is a file of `coroner bench` that is no log, by what lies beside it."""
    if _RUN.issubset(files):
        return name != _RECORD
    return name == "bench.json" and "runs" in below


def may_be_log(name: str) -> bool:
    """Say whether a file of this name, found in a folder or an archive, is worth reading."""
    if name.startswith(".") or are_labels(name):
        return False
    return Path(name.removesuffix(".gz")).suffix.lower() in SUFFIXES


def are_labels(name: str) -> bool:
    """Say whether a file of this name holds what people said of runs."""
    return name.startswith("annotations") and name.endswith(".jsonl")
