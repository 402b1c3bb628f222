"""The bench: every cell once, whatever stops it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import made_runs
import pytest
from made_runs import Maker, config

from runner import bench, runs
from runner.bench import BenchError
from runner.matrix import Cell
from runner.runs import Outcome, Run

if TYPE_CHECKING:
    from pathlib import Path

TASKS = tuple(f"t{number}" for number in range(6))


def begin(folder: Path, seconds: float, at_once: int, *tasks: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, made_runs.__file__, str(folder), str(seconds), str(at_once), *tasks]
    return subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE)  # noqa: S603 - our own script


def nonces(folder: Path) -> dict[str, str]:
    return {path.name: (path / "nonce.txt").read_text(encoding="utf-8") for path in runs.folders(folder)}


def go(folder: Path, *tasks: str, at_once: int = 1) -> list[Run]:
    with bench.opened(folder, config(*tasks)) as cells:
        return list(bench.run(folder, cells, Maker(), at_once=at_once))


def wait_for(path: Path) -> None:
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_keys_tell_cells_apart_and_are_the_same_each_time() -> None:
    cells = list(config("a", "b", repeat=2).cells())
    assert len({cell.key for cell in cells}) == len(cells) == 8
    one = Cell(task="web-01", framework="autogen", model="openai/gpt-5", rounds=10, fault="E2.2:no package")
    assert one.key == Cell.model_validate_json(one.model_dump_json()).key
    assert one.key.startswith("web-01_autogen_openai-gpt-5_r10_1_E2.2-no-package_")
    long = [Cell(task="t", framework="f", model=f"{start}{'m' * 60}", rounds=1) for start in "ab"]
    assert long[0].key != long[1].key
    assert len(long[0].key) < 255


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_points_and_resumed_every_run_is_kept_and_made_once(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - when to kill is no secret
    kept: dict[str, str] = {}
    kills = 0
    while len(kept) < 12 and kills < 20:
        process = begin(tmp_path / "out", 0.15, 3, *TASKS)
        assert process.stdout is not None
        process.stdout.readline()  # the first run of this round is done
        time.sleep(chance.random() * 0.3)
        if chance.random() < 0.5:  # else the workers are left to see for themselves that their bench is gone
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()
        process.stdout.close()
        kills += 1
        now = nonces(tmp_path / "out")
        assert now.items() >= kept.items()  # what was done is neither lost nor made again
        kept = now
    go(tmp_path / "out", *TASKS, at_once=2)
    assert nonces(tmp_path / "out").items() >= kept.items()
    assert {run.cell for run in runs.load(tmp_path / "out")} == set(config(*TASKS).cells())
    assert kills > 1
    assert go(tmp_path / "out", *TASKS) == []
    assert not list((tmp_path / "out").glob(".making/*"))


def test_a_worker_that_dies_is_the_outcome_of_its_run_alone(tmp_path: Path) -> None:
    made = {(run.cell.task, run.outcome) for run in go(tmp_path, "t0", "kills-itself", "t1", at_once=2)}
    assert made == {
        ("t0", Outcome.SUCCEEDED),
        ("t1", Outcome.SUCCEEDED),
        ("kills-itself", Outcome.BROKEN),
    }
    broken = [run for run in runs.load(tmp_path) if run.outcome is Outcome.BROKEN]
    assert [run.error for run in broken] == ["the process that made the run ended over it (signal SIGKILL)"] * 2
    with bench.opened(tmp_path, config("t0", "kills-itself", "t1")) as cells:
        assert cells == ()
    with bench.opened(tmp_path, config("t0", "kills-itself", "t1"), redo_broken=True) as cells:
        assert {cell.task for cell in cells} == {"kills-itself"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_bench_that_is_stopped_lets_its_runs_undo_what_they_began(tmp_path: Path, number: int) -> None:
    process = begin(tmp_path, 0, 1, "waits")
    wait_for(tmp_path / "begun")
    process.send_signal(number)
    process.communicate()
    wait_for(tmp_path / "undone")
    (tmp_path / "begun").unlink()
    with bench.opened(tmp_path, config("waits")) as cells:
        assert len(cells) == 2


def test_two_benches_in_one_folder_are_refused(tmp_path: Path) -> None:
    process = begin(tmp_path, 0, 1, "waits")
    wait_for(tmp_path / "begun")
    with pytest.raises(BenchError, match="another bench is at work"):
        go(tmp_path, "waits")
    process.terminate()
    process.communicate()


def test_another_configuration_is_refused_with_what_differs(tmp_path: Path) -> None:
    go(tmp_path, "t0")
    with pytest.raises(BenchError, match=r"tasks: \['t0'\] there, \['t1'\] now"):
        go(tmp_path, "t1")


def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(BenchError, match=r"not empty \(thesis\.txt\)"):
        go(tmp_path, "t0")
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "mine"


def test_a_run_file_that_is_none_is_named(tmp_path: Path) -> None:
    (run,) = [run for run in go(tmp_path, "t0") if run.cell.framework == "one"]
    path = tmp_path / "runs" / run.id / "run.json"
    path.write_text('{"cell": 1}', encoding="utf-8")
    with pytest.raises(runs.RunError, match=str(path)):
        runs.load(tmp_path)
