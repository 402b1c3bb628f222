"""Inputs -> Diagnoses: what the command line and the service share. One bad input is one record, never the end."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from classifier import formats
from classifier.trace import Frozen, TraceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from classifier.diagnosis import Diagnosis, Versions
    from classifier.taxonomy import Taxonomy
    from classifier.trace import Trace

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

    Hidden files, `annotations*.jsonl` and files of other suffixes are passed over in folders. Anything else (a file,
    a pipe, `-`, a path that does not exist) is passed on as it is.
    """
    found: list[str] = []
    passed_over = 0
    for path in paths:
        if path == STDIN or not Path(path).is_dir():
            found.append(path)
            continue
        for folder, below, files in os.walk(path):
            below[:] = sorted(name for name in below if not name.startswith("."))
            logs = [name for name in sorted(files) if _may_be_log(name)]
            found += [str(Path(folder, name)) for name in logs]
            passed_over += len(files) - len(logs)
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
    classifier: Classifies, data: bytes, *, file: str | None, kind: str | None = None, limit: int = formats.MAX_BYTES
) -> list[Diagnosis]:
    """Read the runs in `data` and diagnose each. `file` names the input in the diagnoses and in errors.

    `kind` names the format, None finds it; `limit` is in bytes after unpacking. Raises TraceError for what cannot
    be read.
    """
    traces = formats.read(data, kind, name=file or UNNAMED, limit=limit)
    return [classifier.classify(trace, file) for trace in traces]


def outcome(classifier: Classifies, path: str, kind: str | None = None) -> list[Diagnosis] | Unread:
    """Diagnose the runs in one input; what cannot be read, or breaks the classifier, is a record and ends nothing."""
    file = printable(path)
    try:
        return diagnose(classifier, load(path), file=file, kind=kind)
    except TraceError as error:
        return Unread(file=file, error=str(error))
    except Exception as error:  # noqa: BLE001 - a defect of ours on one run must not cost the others of a long batch
        return Unread(file=file, error=f"{file}: a defect of coroner: {type(error).__name__}: {error}")


def printable(path: str) -> str:
    """Return a path without the surrogates that stand for bytes that are no UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")


def _may_be_log(name: str) -> bool:
    if name.startswith(".") or (name.startswith("annotations") and name.endswith(".jsonl")):
        return False
    return Path(name.removesuffix(".gz")).suffix.lower() in SUFFIXES
