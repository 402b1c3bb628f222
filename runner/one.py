"""One run: a task, its workspace, a model behind the recording proxy, a framework in a sandbox, a score."""

from __future__ import annotations

import re
import socket
import tempfile
import time
import traceback
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from classifier import __version__
from classifier.trace import Limits
from runner import frameworks, images, leftovers, proxy, sandboxes, scoring, tasksets
from runner.frameworks import MODEL_PORT, SITE_PORT, Setup
from runner.prompt import prompt
from runner.runs import TRACE_FILE, NoPlaceError, Outcome, Run, Usage
from runner.sandboxes import Bounds, Job

if TYPE_CHECKING:
    from runner.casting import Part
    from runner.frameworks import Collected, Framework, Installed
    from runner.matrix import Cell, Config
    from runner.sandboxes import Ended
    from runner.task import Category, Task, TaskSet

AFTER_CAP = 10.0  # seconds that an agent has to end by itself once the proxy has turned it away at a cap
_SAID = 2000  # characters of a log that an error quotes


@dataclass(frozen=True)
class Workshop:
    """Makes the runs of a bench. `home` is where the frameworks' environments are.

    It travels to worker processes by pickle. `framework`, `task_set` and `cast` are its seams.
    """

    config: Config
    home: Path
    installed: tuple[Installed, ...] = ()  # those that need not be looked for in each run
    patience: float = AFTER_CAP

    def installing(self) -> Self:
        """Install the frameworks of the bench, unless they are, and return a workshop that knows them."""
        found = tuple(self.framework(name).install(self.home) for name in self.config.frameworks)
        return replace(self, installed=found)

    def framework(self, name: str) -> Framework:
        """Return the framework of that name."""
        return frameworks.load(name)

    @cached_property
    def task_set(self) -> TaskSet:
        """The tasks."""
        return tasksets.load(self.config.task_set)

    def cast(self, cell: Cell, task: Task, site: str) -> Part:
        """Say who plays the model. `site` is the site's address in the run. Raises NoPlaceError."""
        from runner.casting import cast  # noqa: PLC0415 - the scripted model is heavy, and so is litellm

        return cast(cell, task, self.task_set, site, self.config)

    def category(self, cell: Cell, /) -> Category:
        """Name the category of the cell's task."""
        return self._task(cell).category

    def make(self, cell: Cell, folder: Path, /) -> Run:
        """Run the cell; see `runner.bench.Makes`. Whatever goes wrong is the run's outcome."""
        blank = Run(
            cell=cell,
            category=self.category(cell),
            outcome=Outcome.BROKEN,
            caps=self.config.caps,
            window=self.config.window,
            coroner_version=__version__,
            sandbox=self.config.sandbox,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        try:
            return self._make(cell, folder, blank)
        except NoPlaceError as error:
            return blank.model_copy(update={"outcome": Outcome.SKIPPED, "error": str(error)})
        except Exception:  # noqa: BLE001 - what breaks here must not end the bench; the run says what it was
            return blank.model_copy(update={"error": traceback.format_exc().strip()})

    def _make(self, cell: Cell, folder: Path, blank: Run) -> Run:
        framework, task = self.framework(cell.framework), self._task(cell)
        known = (each for each in self.installed if each.name == cell.framework)
        installed = next(known, None) or framework.install(self.home)
        workspace = folder / "workspace"
        workspace.mkdir()
        self.task_set.build(task, workspace)
        with ExitStack() as stack:
            # short, as the paths of unix sockets must be; for nobody else, as they let everybody in
            sockets = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="coroner-run-")))
            model_port, site_port = self._ports()
            site = f"http://127.0.0.1:{site_port}"
            part = self.cast(cell, task, site)
            blank = blank.model_copy(
                update={
                    "framework_version": installed.version,
                    "max_rounds": part.max_rounds,
                    "window": part.window,
                }
            )
            placed, image = task.at(site), self._image(cell.framework)
            if image:
                installed = images.within(installed)
            ports = {model_port: sockets / "model"}
            if placed != task:  # it speaks of the site
                ports[site_port] = _serve_site(stack, sockets / "site")
            start = framework.prepare(
                Setup(
                    installed=installed,
                    workspace=workspace,
                    prompt=prompt(placed),
                    model=cell.model,
                    base_url=f"http://127.0.0.1:{model_port}/v1",
                    max_rounds=part.max_rounds,
                )
            )
            door = stack.enter_context(self._proxy(cell, placed, part, folder / TRACE_FILE, ports[model_port]))
            ended = sandboxes.load(self.config.sandbox).run(
                Job(
                    argv=start.argv,
                    env={"HOME": sandboxes.HOME} | start.env,
                    workspace=workspace,
                    readable=start.readable,
                    ports=ports,
                    bounds=Bounds(seconds=self.config.caps.seconds or Bounds().seconds),
                    log=folder / "log.txt",
                    image=image,
                    stop=_AtCap(door, self.patience),
                )
            )
            _tell(door, ended)
            totals = door.totals
        collected = framework.collect(workspace)
        leftovers.take(collected.native, folder / "native")
        return self._judged(
            blank.model_copy(
                update={
                    "exit_code": ended.code,
                    "stopped_by": _cap(totals.limit) or ended.stopped_by,
                    "usage": Usage(
                        calls=totals.calls,
                        prompt_tokens=totals.prompt_tokens,
                        completion_tokens=totals.completion_tokens,
                        usd=None if totals.unpriced else totals.usd,
                        seconds=ended.seconds,
                    ),
                    "left_out": (*ended.left_out, *leftovers.trim(workspace, collected.native)),
                }
            ),
            task,
            collected,
            part,
            folder,
        )

    def _judged(self, run: Run, task: Task, collected: Collected, part: Part, folder: Path) -> Run:
        record = proxy.read(folder / TRACE_FILE)
        if problem := _never_ran(run, record, folder / "log.txt"):
            return run.model_copy(update={"error": problem, "trace": _has_steps(record)})
        score = scoring.score(task, collected.final)
        proxy.add_outcome(
            folder / TRACE_FILE,
            proxy.Outcome(
                succeeded=score.success,
                expected=scoring.state({answer.name: answer.value for answer in task.answers}),
            ),
        )
        return run.model_copy(
            update={
                "outcome": Outcome.SUCCEEDED if score.success else Outcome.FAILED,
                "final": collected.final,
                "score": score,
                "truth": part.truth(record),
                "trace": _has_steps(record),
            }
        )

    def _proxy(self, cell: Cell, task: Task, part: Part, record: Path, at: Path) -> proxy.Proxy:
        return proxy.Proxy(
            part.model,
            record=record,
            run=proxy.Run(
                id=cell.key,
                framework=cell.framework,
                task=prompt(task),
                model=cell.model,
                limits=Limits(max_rounds=part.max_rounds),
            ),
            caps=self.config.caps,
            window=proxy.Window(tokens=part.window) if part.window else None,
            unix=at,
        )

    def _task(self, cell: Cell) -> Task:
        return next(task for task in self.task_set.tasks() if task.id == cell.task)

    def _image(self, framework: str) -> str:
        """Return the docker image of a framework, "" where there is none or the sandbox knows no images."""
        return images.find(framework) if self.config.sandbox == "docker" else ""

    def _ports(self) -> tuple[int, int]:
        """Choose the ports of the model and the site: without a sandbox, they are this machine's and must be free."""
        if getattr(sandboxes.load(self.config.sandbox), "SAFE", True):
            return MODEL_PORT, SITE_PORT
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            other.bind(("127.0.0.1", 0))
            return one.getsockname()[1], other.getsockname()[1]


class _AtCap:
    """Says when a run is to be stopped: it met a cap of the proxy, and has not ended for a while."""

    def __init__(self, door: proxy.Proxy, patience: float) -> None:
        self._door, self._patience, self._since = door, patience, 0.0

    def __call__(self) -> str | None:
        if not self._door.at_limit.is_set():
            return None
        self._since = self._since or time.monotonic()
        return _cap(self._door.totals.limit) if time.monotonic() - self._since > self._patience else None


def _serve_site(stack: ExitStack, at: Path) -> Path:
    from runner.site import serving  # noqa: PLC0415 - for web tasks alone

    return stack.enter_context(serving.on_socket(at))


def _tell(door: proxy.Proxy, ended: Ended) -> None:
    """Let the record say how the run ended, where it did not end by itself."""
    if ended.stopped_by and not door.totals.limit:
        door.ended(ended.stopped_by)
    elif ended.code:
        door.ended("limit" if door.totals.limit else "exit", f"exit code {ended.code}")


def _cap(limit: str | None) -> str | None:
    """Name the cap in the proxy's words for it: "the limit of 5 calls for this run is reached"."""
    found = re.search(r"limit of \S+ (\w+)", limit or "")
    return found[1].lower() if found else None


def _never_ran(run: Run, record: proxy.Record, log: Path) -> str | None:
    """Say why a run tells nothing of its agent: it never spoke to a model that answers."""
    if any(call.status == 200 for call in record.calls):
        return None
    failed = next((call.error for call in record.calls if call.error), None)
    if failed:
        return f"the model answered no call: {failed}"
    said = log.read_text(encoding="utf-8", errors="replace")[-_SAID:].strip() if log.is_file() else ""
    return f"the framework ended ({_how(run)}) before it asked its model; it said: {said or 'nothing'}"


def _how(run: Run) -> str:
    return f"stopped by {run.stopped_by}" if run.stopped_by else f"exit code {run.exit_code}"


def _has_steps(record: proxy.Record) -> bool:
    return any(call.steps for call in record.calls)
