"""A maker of runs without any agent: it leaves a file, and does what the name of the task says."""

from __future__ import annotations

import os
import signal
import sys
import time
import uuid
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from runner import bench
from runner.matrix import Cell, Config
from runner.runs import Outcome, Run
from runner.task import Category


@dataclass(frozen=True)
class Maker:
    """Makes runs that take `seconds`."""

    seconds: float = 0.0

    def make(self, cell: Cell, folder: Path, /) -> Run:
        (folder / "nonce.txt").write_text(uuid.uuid4().hex, encoding="utf-8")
        if cell.task == "kills-itself":
            os.kill(os.getpid(), signal.SIGKILL)
        if cell.task == "waits":
            try:
                (folder.parent.parent / "begun").touch()
                time.sleep(600)
            finally:
                (folder.parent.parent / "undone").touch()
        time.sleep(self.seconds)
        return Run(cell=cell, category=Category.DATA, outcome=Outcome.SUCCEEDED)

    def category(self, _cell: Cell, /) -> Category:
        return Category.DATA


def config(*tasks: str, repeat: int = 1) -> Config:
    return Config(
        frameworks=("one", "two"),
        models=("scripted",),
        task_set="own",
        tasks=tasks,
        fingerprint="",
        rounds=(10,),
        repeat=repeat,
        sandbox="unsafe",
    )


def main(folder: Path, seconds: float, at_once: int, *tasks: str) -> None:
    with (
        bench.opened(folder, config(*tasks)) as cells,
        closing(bench.run(folder, cells, Maker(seconds), at_once=at_once)) as made,
    ):
        for run in made:
            print(run.id, flush=True)  # noqa: T201 - what the test waits for


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
