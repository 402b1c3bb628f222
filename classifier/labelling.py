"""Labelling: many logs into one file of verdicts that survives whatever ends the work, and goes on where it stopped.

The file is only ever appended to, a line a run. What it holds is known by the content of the input and the place of the
run in it, not by names: a folder may be moved between two sittings.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from pydantic import Field, ValidationError

from classifier import formats, intake
from classifier.diagnosis import Diagnosis
from classifier.intake import side_by_side
from classifier.trace import Frozen, TraceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from classifier.intake import Classifies
    from classifier.trace import Trace

_BY_LINE = (".jsonl", ".ndjson")  # files of these that are too large to be read whole are read a line at a time


class LabellingError(ValueError):
    """An output that cannot be gone on with. Says why and what to do."""


class Labelled(Frozen):
    """A line of the output: the verdict on one run, or why an input gave none.

    `sha256` is that of the input's bytes, `place` the run's position among the `of` runs in it, from 0.
    """

    input: str
    sha256: str
    place: int = Field(ge=0)
    of: int = Field(ge=0)
    diagnosis: Diagnosis | None = None
    problem: str | None = None


class Done(Frozen):
    """What a sitting did: runs labelled now, there before, copies of others; inputs that gave a problem."""

    labelled: int
    before: int
    copies: int
    problems: int


class _Work(NamedTuple):
    """A run to be labelled, or the problem of an input."""

    line: Labelled
    trace: Trace | None = None


class Output:
    """The file, open for appending by one process at a time, and what it holds already."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.versions: set[str] = set()  # of the indices that gave the verdicts in it
        self.sizes: dict[str, int] = {}  # how many runs each input has, by its hash
        self.known: set[tuple[str, int]] = set()  # hash of an input, place of the run in it
        self.failed: set[tuple[str, int]] = set()  # of these the runs that gave a problem
        self._file: BinaryIO = path.open("a+b")
        try:
            self._read()
        except LabellingError:
            self._file.close()
            raise

    def write(self, line: Labelled) -> None:
        """Append a line, whole, and hand it to the system: a process that is killed afterwards does not lose it."""
        self._file.write(f"{line.model_dump_json(exclude_none=True)}\n".encode())
        self._file.flush()

    def close(self) -> None:
        """Close it."""
        self._file.close()

    def _read(self) -> None:
        """Read what is there, and cut off a last line that was not finished. Raises LabellingError."""
        self._file.seek(0)
        whole = 0
        for number, text in enumerate(self._file, start=1):
            if not text.endswith(b"\n"):
                break
            self._remember(text, number)
            whole += len(text)
        self._file.truncate(whole)
        self._file.seek(0, 2)

    def _remember(self, text: bytes, number: int) -> None:
        try:
            line = json.loads(text)
            name, place = str(line["sha256"]), int(line["place"])
            self.sizes[name] = int(line["of"])
        except (ValueError, KeyError, TypeError) as error:
            raise LabellingError(
                f"{self.path}: line {number} is none of `coroner label`'s: name another file, or move this one away"
            ) from error
        self.known.add((name, place))
        if line.get("problem") is not None:
            self.failed.add((name, place))
            return
        self.failed.discard((name, place))
        self.versions.add(str(line["diagnosis"]["versions"]["index"]))

    def has(self, name: str, place: int, *, retry: bool) -> bool:
        """Say whether a run is there; with `retry`, one that gave a problem is not."""
        key = (name, place)
        return key in self.known and not (retry and key in self.failed)

    def holds(self, name: str, *, retry: bool) -> bool:
        """Say whether all runs of an input are there, or that it gave none."""
        size = self.sizes.get(name)
        return size is not None and all(self.has(name, place, retry=retry) for place in range(max(size, 1)))


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Output]:
    """Open an output for this process alone. Raises LabellingError where another has it, or it is something else."""
    from filelock import FileLock, Timeout  # noqa: PLC0415 - only to label many

    lock = FileLock(f"{path}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise LabellingError(f"{path}: another `coroner label` writes to it") from error
    try:
        output = Output(path)
        try:
            yield output
        finally:
            output.close()
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def label(
    classifier: Classifies,
    paths: Iterable[str],
    output: Output,
    *,
    at_once: int = 1,
    retry: bool = False,
    limit: int = formats.MAX_BYTES,
) -> Done:
    """Label what the output does not hold yet, `at_once` runs at a time, in the order of the inputs.

    `retry`: inputs that gave a problem are tried again. Raises LabellingError where another index began the output.
    """
    if output.versions - {classifier.versions.index}:
        raise LabellingError(
            f"{output.path}: was begun with index {', '.join(sorted(output.versions))}, this is "
            f"{classifier.versions.index}: name another file"
        )
    counts = dict.fromkeys(("labelled", "before", "copies", "problems"), 0)
    works = _works(paths, output, counts, retry=retry, limit=limit)
    for line in side_by_side(lambda work: _labelled(classifier, work), works, at_once):
        output.write(line)
        counts["problems" if line.problem is not None else "labelled"] += 1
    return Done(**counts)


def _works(paths: Iterable[str], output: Output, counts: dict[str, int], *, retry: bool, limit: int) -> Iterator[_Work]:
    """Give what is still to be done; count what is not."""
    met: set[str] = set()
    for name, data in _inputs(paths, limit):
        if isinstance(data, TraceError):
            digest = hashlib.sha256(name.encode()).hexdigest()
            yield from () if _passed(digest, output, counts, met, retry=retry) else (_problem(name, digest, data),)
            continue
        digest = hashlib.sha256(data).hexdigest()
        if _passed(digest, output, counts, met, retry=retry):
            continue
        try:
            traces = formats.read(data, name=name, limit=limit)
        except TraceError as error:
            yield _problem(name, digest, error)
            continue
        for place, trace in enumerate(traces):
            if output.has(digest, place, retry=retry):
                counts["before"] += 1
                continue
            line = Labelled(input=name, sha256=digest, place=place, of=len(traces))
            yield _Work(line, trace)


def _passed(digest: str, output: Output, counts: dict[str, int], met: set[str], *, retry: bool) -> bool:
    """Say whether an input is passed over, and count why: it was met in this sitting, or is there."""
    if digest in met:
        counts["copies"] += 1
        return True
    met.add(digest)
    if output.holds(digest, retry=retry):
        counts["before"] += max(output.sizes[digest], 1)
        return True
    return False


def _inputs(paths: Iterable[str], limit: int) -> Iterator[tuple[str, bytes | TraceError]]:
    """Give each input with its name: a file, or a line of a file that is too large to be read whole."""
    for path in paths:
        name = intake.printable(path)
        if Path(path).suffix.lower() in _BY_LINE and _size(path) > limit:
            with Path(path).open("rb") as file:
                for number, text in enumerate(file, start=1):
                    if text.strip():
                        yield f"{name}:{number}", text.rstrip(b"\r\n")
            continue
        try:
            yield name, intake.load(path, limit)
        except TraceError as error:
            yield name, error


def _labelled(classifier: Classifies, work: _Work) -> Labelled:
    """Return the verdict, or the problem: a defect of ours on one run must not cost the others."""
    line = work.line
    if work.trace is None:
        return line
    try:
        found = classifier.classify(work.trace, line.input)
    except Exception as error:  # noqa: BLE001 - see above
        return line.model_copy(update={"problem": f"a defect of coroner: {type(error).__name__}: {error}"})
    return line.model_copy(update={"diagnosis": found})


def _problem(name: str, digest: str, error: TraceError) -> _Work:
    return _Work(Labelled(input=name, sha256=digest, place=0, of=0, problem=str(error)))


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except (OSError, ValueError):
        return 0


def read(path: Path) -> list[Labelled]:
    """Return the lines of an output: of what was tried several times the last. Raises LabellingError."""
    lines: dict[tuple[str, int], Labelled] = {}
    for number, text in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not text:
            continue
        try:
            line = Labelled.model_validate_json(text)
        except ValidationError as error:
            raise LabellingError(f"{path}: line {number} is none of `coroner label`'s") from error
        lines[line.sha256, line.place] = line
    return list(lines.values())
