"""Verify: every task can be solved, by its reference solution, and not by a guess."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from pydantic import TypeAdapter

from classifier.trace import Frozen
from runner import forms, played, sandboxes, tasks
from runner.frameworks import SITE_PORT
from runner.prompt import prompt
from runner.sandboxes import HOME, Bounds, Job
from runner.scoring import Verdict, score, state
from runner.site.serving import on_port, on_socket

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Group

    from runner.task import Task

_NUMBERS = ("0", "1", "-1", "2", "10", "100")
_WORDS = ("yes", "no", "Yes", "No", "true", "false", "True", "False", "None", "none", "nan", "null", "N/A", "unknown")
CONSTANTS = ("", *_NUMBERS, *_WORDS, "answer", "value")
_RUN = 3  # words of the prompt that are tried together, at most
_MARKS = " .,;:!?()[]\"'`@"
_SECONDS = 120.0
_Way: TypeAlias = Literal["files", "script", "kernel", "guess"]
WAYS: tuple[_Way, ...] = ("files", "script", "kernel", "guess")
_PLAYED = TypeAdapter(dict[str, list[tuple[str, str]]])


class Verified(Frozen):
    """What was found of a task: for each check its problem, "" where there is none.

    files: building twice gives the same bytes. script, kernel: the reference solution scores, run as one growing
    script and stage by stage. guess: neither nothing, nor a constant, nor words of the prompt score.
    """

    task: str
    problems: dict[_Way, str]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether no check found a problem."""
        return not any(self.problems.values())


class Interpreter(NamedTuple):
    """The Python that solutions run under, and the folders that it consists of."""

    path: Path
    folders: dict[Path, str]


class Place(NamedTuple):
    """Where solutions run: the sandbox, the address of the site in it, and what leads there."""

    sandbox: str
    site: str
    ports: dict[int, Path]


def verify(
    chosen: Sequence[Task], *, python: Path | None = None, sandbox: str | None = None, jobs: int | None = None
) -> Iterator[Verified]:
    """Verify tasks in parallel; yields them in their order.

    Solutions run under `python` (None: coroner's own). `sandbox` is bubblewrap or unsafe; None: the first where it
    works, else plain processes, for the solutions are coroner's own code.
    """
    interpreter = _interpreter((python or Path(sys.executable)).absolute())
    _compile(chosen, interpreter.path)
    with _place(sandbox) as place, ThreadPoolExecutor(jobs or os.cpu_count()) as pool:
        yield from pool.map(lambda task: _verify(task, interpreter, place), chosen)


def page(found: Sequence[Verified]) -> Group:
    """Return what was found for the terminal: a table, and below it the problems in full."""
    from rich.console import Group  # noqa: PLC0415 - a second of rich for those who see it
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table("task", *WAYS, "seconds")
    for one in found:
        table.add_row(one.task, *("FAILS" if one.problems[way] else "ok" for way in WAYS), f"{one.seconds:.1f}")
    told = [f"{one.task}, {way}: {one.problems[way]}" for one in found for way in WAYS if one.problems[way]]
    failed = sum(not one.passed for one in found)
    return Group(table, *told, f"{len(found) - failed} of {len(found)} tasks can be solved, and not by a guess.")


@contextmanager
def _place(sandbox: str | None) -> Iterator[Place]:
    if sandbox is None:
        sandbox = "unsafe" if sandboxes.load("bubblewrap").available() else "bubblewrap"
    if sandbox == "bubblewrap":
        with tempfile.TemporaryDirectory(prefix="coroner-site-") as name, on_socket(Path(name, "site.sock")) as socket:
            yield Place("bubblewrap", f"http://127.0.0.1:{SITE_PORT}", {SITE_PORT: socket})
    else:
        with on_port() as address:
            yield Place("unsafe", address, {})


def _compile(chosen: Sequence[Task], python: Path) -> None:
    """Import once what the solutions import: a sandbox cannot keep compiled modules, and would compile them anew."""
    trees = [ast.parse(stage.code) for task in chosen for stage in task.stages]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    code = "import contextlib, importlib, sys\nfor name in sys.argv[1:]:\n with contextlib.suppress(ImportError):\n  "
    command = [str(python), "-W", "ignore", "-c", f"{code}importlib.import_module(name)", *sorted(names)]
    subprocess.run(command, check=False, capture_output=True, timeout=_SECONDS)  # noqa: S603 - the tasks' own modules


def _verify(task: Task, python: Interpreter, place: Place) -> Verified:
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="coroner-verify-") as name:
        folders = [Path(name, way) for way in ("workspace/script", "workspace/kernel")]
        for folder in folders:
            folder.mkdir(parents=True)
            tasks.build(task, folder)
        problems: dict[_Way, str] = {"files": _difference(*folders), "guess": guess(task)}
        problems |= _play(task.at(place.site), Path(name), python, place)
    return Verified(task=task.id, problems=problems, seconds=round(time.monotonic() - begun, 2))


def guess(task: Task) -> str:
    """Say with what one can guess the whole answer; "" where one cannot."""
    if score(task, "").success:
        return "an empty answer scores"
    words = prompt(task.at("http://127.0.0.1")).split()
    runs = {" ".join(words[i : i + n]).strip(_MARKS) for n in range(1, _RUN + 1) for i in range(len(words))}
    lucky = {}
    for answer in task.answers:
        found = (value for value in (*CONSTANTS, *sorted(runs)) if forms.equal(answer, value))
        lucky[answer.name] = next(found, None)
    if None in lucky.values():
        return ""
    return f"can be guessed: {state({name: value or '' for name, value in lucky.items()})}"


def _difference(first: Path, second: Path) -> str:
    """Say which files of two folders differ."""
    left, right = ({p.relative_to(top): _bytes(p) for p in top.rglob("*")} for top in (first, second))
    different = sorted(str(path) for path in left.keys() | right.keys() if left.get(path) != right.get(path))
    return f"not the same when built again: {', '.join(different)}" if different else ""


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _play(task: Task, folder: Path, python: Interpreter, place: Place) -> dict[_Way, str]:
    """Run the reference solution both ways."""
    workspace = folder / "workspace"
    (workspace / "stages.json").write_text(json.dumps([stage.code for stage in task.stages]), encoding="utf-8")
    shutil.copy(played.__file__, workspace / "played.py")
    job = Job(
        argv=(str(python.path), "played.py"),
        env={"PATH": f"{python.path.parent}:/usr/bin:/bin", "HOME": HOME, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"},
        workspace=workspace,
        readable=python.folders,
        ports=place.ports,
        bounds=Bounds(seconds=_SECONDS),
        log=folder / "log",
    )
    ended = sandboxes.load(place.sandbox).run(job)
    result = workspace / "played.json"
    if ended.code != 0 or not result.is_file():
        said = job.log.read_text(encoding="utf-8", errors="replace")[-2000:]
        problem = f"ended with {ended.code}, stopped by {ended.stopped_by}: {said}"
        return {"script": problem, "kernel": problem}
    ways = _PLAYED.validate_json(result.read_bytes())
    return {"script": _problem(task, ways["script"]), "kernel": _problem(task, ways["kernel"])}


def _problem(task: Task, stages: list[tuple[str, str]]) -> str:
    """Say what is wrong with a play: the first stage that fails, or the answer that is not right."""
    for number, (_, trouble) in enumerate(stages, start=1):
        if trouble:
            return f"{trouble.strip()} (stage {number})"
    wrong = [one for one in score(task, stages[-1][0]).checked if one.verdict is not Verdict.RIGHT]
    return "; ".join(f"{one.name}: {one.given} is {one.verdict}, expected {one.expected}" for one in wrong)


def _interpreter(python: Path) -> Interpreter:
    """Ask an interpreter for its folders; what lies in /usr is there without asking."""
    asked = [str(python), "-c", "import sys; print(sys.prefix, sys.base_prefix, sep='\\n')"]
    said = subprocess.run(asked, check=True, capture_output=True, text=True).stdout  # noqa: S603 - the user's choice
    folders = [Path(line) for line in said.splitlines()]
    return Interpreter(python, {folder: str(folder) for folder in folders if not folder.is_relative_to("/usr")})
