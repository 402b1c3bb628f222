"""InfiAgent-DABench's own layout (Hu et al. 2024): questions, labels, and a folder of tables.

    da-dev-questions.jsonl  {"id", "question", "concepts", "constraints", "format", "file_name", "level"}
    da-dev-labels.jsonl     {"id", "common_answers": [[name, value], ...]}
    da-dev-tables/          the tables that file_name names

Some questions ask for more values than they have labels for; only values with a label are scored, as DABench does.
The format of the answer goes into the prompt word for word; kind and decimals of each value are read from it.
"""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from runner import forms
from runner.task import Answer, Category, Kind, Task
from runner.tasksets._loaded import Line, Loaded, TaskSetError, lines

FILE = "da-dev-questions.jsonl"
_LABELS = "da-dev-labels.jsonl"
_TABLES = "da-dev-tables"
_PLACEHOLDER = re.compile(r"@(\w+)\[([^\]]*)\]")
_COUNTS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_DECIMALS = re.compile(rf"\b(\d|{'|'.join(_COUNTS)})\s+decimal", re.IGNORECASE)
_WHOLE = re.compile(r"\b(integer|whole number)\b", re.IGNORECASE)
_STRING = re.compile(r"^\W*(is|are)?\s*(a|the)?\s*strings?\b", re.IGNORECASE)
_LIST = re.compile(r"(?<![a-z])list(?![a-z])", re.IGNORECASE)


class _Foreign(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")  # what coroner has no use for may be there


class _Question(_Foreign):
    id: int | str
    question: str = Field(min_length=1)
    constraints: str = ""
    format: str
    file_name: str
    level: str | None = None


class _Label(_Foreign):
    id: int | str
    common_answers: tuple[tuple[str, str], ...] = Field(min_length=1)


def claims(spec: str) -> bool:
    """Tell whether the folder has DABench's questions."""
    return Path(spec, FILE).is_file()


def load(spec: str) -> Loaded:
    """Load the questions as tasks, named dabench-ID. Raises TaskSetError with file and line."""
    folder = Path(spec)
    labels = _labels(folder / _LABELS)
    if not (folder / _TABLES).is_dir():
        raise TaskSetError(f"{folder / _TABLES}: no such folder: the tables of the questions belong there")
    tasks: dict[str, Task] = {}
    tables = {}
    for line in lines(folder / FILE, _Question):
        if str(line.value.id) not in labels:
            raise line.broken(f"question {line.value.id} has no label in {folder / _LABELS}")
        task = _task(line, labels[str(line.value.id)])
        if task.id in tasks:
            raise line.broken(f"a second question with the id {line.value.id}")
        tasks[task.id] = task
        tables[task.id] = _table(line, folder / _TABLES)
    return Loaded(tuple(tasks.values()), tables)


def answer(name: str, value: str, form: str, constraints: str = "") -> Answer:
    """Read the form of one value: from what the format says of its placeholder, then from the constraints.

    A label that is a plain number is a number, unless the format calls it a string.
    """
    said, placeholder = _said(name, form)
    if forms.number(value) is not None and not _STRING.match(said):
        return Answer(name=name, value=value, kind=Kind.NUMBER, decimals=_decimals(value, said, constraints))
    listed = "," in placeholder or _LIST.search(f"{placeholder} {said}")
    return Answer(name=name, value=value, kind=Kind.LIST if listed else Kind.TEXT)


def _said(name: str, form: str) -> tuple[str, str]:
    """Return what the format says of a name's placeholder, and the placeholder.

    Formats say `where "a" and "b" are numbers. "c" is a string`: what follows a group of quoted placeholders, up to
    the next, is said of each in the group. Of one that is never quoted everything is said.
    """
    placeholders = dict(_PLACEHOLDER.findall(form))
    placeholder = placeholders.get(name, "")
    prose = _PLACEHOLDER.sub(" ", form)
    quoted = "|".join(re.escape(one) for one in sorted(set(placeholders.values()), key=len, reverse=True) if one)
    one = rf"[\"'](?:{quoted})[\"']"
    groups = list(re.finditer(rf"{one}(?:(?:\s|,|and)*{one})*", prose)) if quoted else []
    ends = [group.start() for group in groups[1:]] + [len(prose)]
    for group, end in zip(groups, ends, strict=False):
        if re.search(rf"[\"']{re.escape(placeholder)}[\"']", group[0]):
            return prose[group.end() : end], placeholder
    return prose, placeholder


def _decimals(value: str, said: str, constraints: str) -> int:
    """Return the places that are asked for; the label's own where none are, or where it has more."""
    number = forms.number(value)
    shown = 0 if number is None else max(0, -int(number.as_tuple().exponent))
    found = _DECIMALS.search(said)
    if not found and not _WHOLE.search(said):
        found = _DECIMALS.search(constraints)
    places = (_COUNTS.get(found[1].lower()) or int(found[1])) if found else 0
    return max(places, shown)


def _labels(path: Path) -> dict[str, tuple[tuple[str, str], ...]]:
    out: dict[str, tuple[tuple[str, str], ...]] = {}
    for line in lines(path, _Label):
        if str(line.value.id) in out:
            raise line.broken(f"a second label with the id {line.value.id}")
        called = [name for name, _ in line.value.common_answers]
        if wrong := [name for name in called if not re.fullmatch(r"\w+", name)]:
            raise line.broken(f"{wrong[0]!r} cannot be the name of an answer: letters, digits and _ only")
        line.distinct(called)
        out[str(line.value.id)] = line.value.common_answers
    return out


def _task(line: Line[_Question], labels: tuple[tuple[str, str], ...]) -> Task:
    question = line.value
    if not re.fullmatch(r"[\w-]+", str(question.id)):
        raise line.broken(f"{question.id!r} cannot be an id: letters, digits, _ and - only")
    form = " ".join(part.strip() for part in question.format.replace("\\n", "\n").split("\n")).strip("{} ")
    order = [name for name, _ in _PLACEHOLDER.findall(form)]
    labels = tuple(sorted(labels, key=lambda label: order.index(label[0]) if label[0] in order else len(order)))
    constraints = [part.strip() for part in question.constraints.split("\n") if part.strip(" {}")]
    return Task(
        id=f"dabench-{question.id}",
        category=Category.DATA,
        description=f"Answer a question about the table {question.file_name}.",
        instruction=question.question,
        constraints=(*constraints, f"The format of the answer: {form}"),
        environment=f"{question.file_name} is in the working directory. Python 3 with numpy, pandas, scipy and "
        "scikit-learn is installed. There is no network.",
        answers=tuple(answer(name, value, form, question.constraints) for name, value in labels),
        level=question.level,
    )


def _table(line: Line[_Question], folder: Path) -> Path:
    name = line.value.file_name
    if Path(name).name != name:
        raise line.broken(f"file_name {name!r} is no plain name of a file in {_TABLES}")
    if not (folder / name).is_file():
        raise line.broken(f"{folder / name}: no such table")
    return folder / name
