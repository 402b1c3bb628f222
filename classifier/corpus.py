"""A labelled folder -> Examples: each run with its annotations, its task and where it comes from."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from classifier import annotation, formats
from classifier.annotation import TRUST, Annotation, Label, Problem, merge
from classifier.trace import Frozen, Trace, TraceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ANNOTATIONS = "annotations.jsonl"
SAME_TASK = 0.6  # on the 185 real runs: variants of one task share 0.73 or more of their trigrams, others 0.48 or less
_MIN_TRIGRAMS = 3  # what has fewer ("continue") lies inside others by chance: it must be equal
_COMMON_SHARE, _COMMON_TASKS = 0.1, 5  # a trigram in more than a tenth of the tasks, and more than 5, is no task's own


class Example(Frozen):
    """A labelled run.

    `group` names its task: runs of one group never stand on both sides of a split. `system` is the agent system that
    ran, `source` whoever labelled it: the annotator most trusted, or the file's folder where that is a model.
    """

    trace: Trace
    annotations: tuple[Annotation, ...]
    group: str
    system: str
    source: str

    @property
    def label(self) -> Label:
        """The annotations resolved field by field; see `annotation.merge`."""
        return merge(self.annotations)


class Corpus(Frozen):
    """What a labelled folder held: the runs in the order of their first annotation, and what could not be read."""

    examples: tuple[Example, ...]
    problems: tuple[Problem, ...]


def read(path: Path, *, strict: bool = False) -> Corpus:
    """Read a folder with `annotations.jsonl`, or such a file, and the traces that it names (relative to it).

    An annotation without `file` belongs to the file beside it that is called like its trace. Bad lines, missing and
    unreadable traces are recorded in `problems`, with `strict` they raise AnnotationError or TraceError. Without an
    annotations file: AnnotationError.
    """
    path = path / ANNOTATIONS if path.is_dir() else path
    found = annotation.read(path, strict=strict)
    by_run: defaultdict[str, list[Annotation]] = defaultdict(list)
    for record in found.records:
        by_run[record.trace].append(record)
    problems, files = list(found.bad), _Files(path.parent)
    read_runs: list[tuple[Trace, tuple[Annotation, ...]]] = []
    for name, records in by_run.items():
        file = next((record.file for record in records if record.file), None)
        try:
            read_runs.append((files.trace(name, file), tuple(records)))
        except TraceError as error:
            if strict:
                raise
            problems.append(Problem(file=error.file, problem=str(error).removeprefix(f"{error.file}: ")))
    groups = group_tasks([trace.task for trace, _ in read_runs])
    return Corpus(
        examples=tuple(
            Example(
                trace=trace, annotations=records, group=group, system=trace.framework, source=_source(trace, records)
            )
            for (trace, records), group in zip(read_runs, groups, strict=True)
        ),
        problems=tuple(problems),
    )


class _Files:
    """The trace files of a labelled folder, each read once however many runs it holds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[Path, list[Trace] | TraceError] = {}

    def trace(self, name: str, file: str | None) -> Trace:
        """Return the run of this name, under this name. Raises TraceError."""
        path = self._folder / file if file else self._beside(name)
        if path not in self._held:
            self._held[path] = self._read(path)
        traces = self._held[path]
        if isinstance(traces, TraceError):
            raise traces
        if len(traces) == 1:
            return traces[0] if traces[0].id == name else traces[0].model_copy(update={"id": name})
        for trace in traces:
            if trace.id == name:
                return trace
        raise TraceError(f"holds {len(traces)} runs, but none called {name!r}", file=str(path))

    def _beside(self, name: str) -> Path:
        found = sorted(path for path in self._folder.rglob("*") if path.stem == name and path.is_file())
        if len(found) == 1:
            return found[0]
        problem = f"{len(found)} files are called like it" if found else "no file is called like it"
        raise TraceError(f"the annotations of {name!r} name no file, and {problem}", file=str(self._folder))

    @staticmethod
    def _read(path: Path) -> list[Trace] | TraceError:
        try:
            return formats.read(path.read_bytes(), name=str(path))
        except TraceError as error:
            return error
        except OSError as error:
            return TraceError(error.strerror or str(error), file=str(path))


def task_words(task: str) -> tuple[str, ...]:
    """Give the words of a task: case, punctuation, white space and the width of letters do not count."""
    return tuple(re.findall(r"\w+", unicodedata.normalize("NFKC", task).casefold()))


def group_tasks(tasks: Sequence[str]) -> tuple[str, ...]:
    """Name the group of each task, so that the same task in other words around it gets the same name.

    Two tasks are one where the word trigrams of one occur in the other to `SAME_TASK` or more: formats wrap a question
    in instructions or append the contents of a file, and benchmarks vary one scenario. Trigrams that many tasks share
    are instructions to every run and do not count. Groups are closed under resemblance. The name is a hash of the
    group's shortest text, so it does not depend on the order of the tasks.
    """
    words = [task_words(task) for task in tasks]
    distinct = sorted(set(words), key=lambda text: (len(text), text))
    trigrams = [set(zip(text, text[1:], text[2:], strict=False)) for text in distinct]
    common = Counter(trigram for own in trigrams for trigram in own)
    everywhere = max(_COMMON_TASKS, _COMMON_SHARE * len(distinct))
    holders: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    root = list(range(len(distinct)))

    def top(member: int) -> int:
        while root[member] != member:
            member = root[member]
        return member

    for number, text in enumerate(trigrams):
        own = {trigram for trigram in text if common[trigram] <= everywhere}
        trigrams[number] = own
        if len(own) < _MIN_TRIGRAMS:
            continue
        for other, shared in Counter(holder for trigram in own for holder in holders[trigram]).items():
            if shared >= SAME_TASK * min(len(trigrams[other]), len(own)):
                one, two = sorted((top(other), top(number)))
                root[two] = one
        for trigram in own:
            holders[trigram].append(number)
    names = {text: _digest(" ".join(distinct[top(number)])) for number, text in enumerate(distinct)}
    return tuple(names[text] for text in words)


def run_key(trace: Trace) -> str:
    """Name what happened in a run: equal for copies of one run, whatever their format and id."""
    return _digest("\x00".join(" ".join(step.content.split()) for step in trace.steps))


def align(examples: Iterable[Example]) -> tuple[Annotation, ...]:
    """Put the annotations of copies of one run under one trace id, the first copy's, to compare who labelled them.

    An annotator who labelled two copies is two annotators here, told apart by the copies' source: each time it read
    another account of the run.
    """
    first: dict[str, str] = {}
    copies: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    aligned: list[tuple[Annotation, str]] = []
    for example in examples:
        run = first.setdefault(run_key(example.trace), example.trace.id)
        for record in example.annotations:
            copies[run, record.annotator].add(example.trace.id)
            aligned.append((record.model_copy(update={"trace": run}), example.source))
    twofold = {who for (_, who), traces in copies.items() if len(traces) > 1}
    return tuple(
        record.model_copy(update={"annotator": f"{record.annotator} on {source}"})
        if record.annotator in twofold
        else record
        for record, source in aligned
    )


def groups_of(examples: Iterable[Example]) -> Mapping[str, str]:
    """Map trace ids to their groups, as `agreement.agree` wants them."""
    return {example.trace.id: example.group for example in examples}


def _source(trace: Trace, records: Sequence[Annotation]) -> str:
    trusted = min(records, key=lambda record: TRUST.index(record.provenance))
    if trusted.provenance is not TRUST[-1]:
        return trusted.annotator
    file = next((record.file for record in records if record.file), None)
    folder = Path(file).parent.name if file else ""
    return folder or trace.framework


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
