"""Trainer: `coroner index train` as a child of the service, one at a time for each project."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from service.hub import Training
from service.storage import ConflictError
from service.work.children import end_with_parent

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMAND = (sys.executable, "-c", "from classifier.cli import main; main()", "index", "train")
LONGEST = 500  # characters of what it said last


class Trainer:
    """Starts trainings and remembers how the last one of each project ended. A child ends with this process.

    What it makes is stored by the child itself, all at once: one that is killed leaves nothing behind.
    """

    def __init__(self, options: Sequence[str] = (), command: Sequence[str] = COMMAND) -> None:
        self._command, self._options = tuple(command), tuple(options)
        self._states: dict[str, Training] = {}
        self._lock = threading.Lock()

    def start(self, project: str, person: str) -> Training:
        """Begin. Raises ConflictError where one is under way."""
        with self._lock:
            if self.state(project).running:
                raise ConflictError("a training of this project is under way")
            begun = self._states[project] = Training(running=True, began=datetime.now(UTC))
        # a thread of its own, as the child ends with the thread that started it (prctl(2), PR_SET_PDEATHSIG)
        threading.Thread(target=self._work, args=(project, person), name="training", daemon=True).start()
        return begun

    def state(self, project: str) -> Training:
        """Return how far it is."""
        return self._states.get(project, Training(running=False))

    def _work(self, project: str, person: str) -> None:
        told = self._states[project]
        command = [*self._command, *self._options, "--project", project, "--by", person]
        with subprocess.Popen(  # noqa: S603 - ours
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            preexec_fn=end_with_parent,  # noqa: PLW1509 - it locks nothing
        ) as child:
            for line in child.stderr or ():
                if line.strip():
                    told = self._states[project] = told.model_copy(update={"said": line.strip()[-LONGEST:]})
        self._states[project] = told.model_copy(update={"running": False, "failed": child.returncode != 0})
