"""One run, with a real agent in a real sandbox behind the real proxy: what becomes of it, and what is left of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import script_agent
from script_agent import shop

from classifier import annotation, corpus, formats, intake
from classifier.diagnosis import Provenance
from runner import bench, labels, leftovers, runs, sandboxes
from runner.proxy.caps import Caps
from runner.runs import Outcome, Run, Truth

if TYPE_CHECKING:
    from pathlib import Path


def go(folder: Path, made_in: script_agent.Shop, at_once: int = 2) -> dict[str, Run]:
    with bench.opened(folder, made_in.config) as cells:
        return {run.cell.task: run for run in bench.run(folder, cells, made_in, at_once=at_once)}


@pytest.mark.parametrize("sandbox", ["unsafe", "bubblewrap"])
def test_a_run_is_scored_and_leaves_its_trace_its_logs_and_its_workspace(tmp_path: Path, sandbox: str) -> None:
    if reason := sandboxes.load(sandbox).available():
        pytest.skip(f"{sandbox}: {reason}")
    made = go(tmp_path, shop("solved", "wrong", sandbox=sandbox))
    assert (made["solved"].outcome, made["wrong"].outcome) == (Outcome.SUCCEEDED, Outcome.FAILED)
    run = made["solved"]
    assert (run.usage.calls, run.exit_code, run.stopped_by, run.error) == (2, 0, None, None)
    assert run.final == "DONE @total[6]"
    assert run.score is not None
    assert run.score.checked[0].given == "6"
    place = tmp_path / "runs" / run.id
    (trace,) = formats.read((place / "record.jsonl").read_bytes())
    assert (trace.id, trace.framework, trace.succeeded, trace.expected) == (run.id, "script", True, "@total[6]")
    assert trace.limits.max_rounds == 10
    assert [step.content for step in trace.steps][-1] == "DONE @total[6]"
    assert (place / "native" / "log.json").is_file()
    assert (place / "workspace" / "kept.txt").read_text(encoding="utf-8") == "1 2 3"
    found, _ = intake.find([str(tmp_path)])
    assert found == sorted(str(tmp_path / "runs" / each.id / "record.jsonl") for each in made.values())


def test_what_breaks_is_told_in_its_run_and_ends_no_other(tmp_path: Path) -> None:
    made = go(tmp_path, shop("crashing", "unanswered", "unprepared", "solved"))
    assert {name: run.outcome for name, run in made.items()} == {
        "crashing": Outcome.BROKEN,
        "unanswered": Outcome.BROKEN,
        "unprepared": Outcome.BROKEN,
        "solved": Outcome.SUCCEEDED,
    }
    assert made["crashing"].error == (
        "the framework ended (exit code 1) before it asked its model; it said: cannot start"
    )
    assert made["unanswered"].error == "the model answered no call: the model is away"
    assert (made["unprepared"].error or "").endswith("RuntimeError: the framework is broken")


@pytest.mark.parametrize(
    ("caps", "met"),
    [
        (Caps(calls=5, seconds=60), {"calls"}),
        (Caps(tokens=2000, seconds=60), {"tokens"}),
        (Caps(seconds=8), {"time", "seconds"}),  # the sandbox's clock and the proxy's
    ],
)
def test_an_agent_that_never_ends_is_stopped_at_its_caps(tmp_path: Path, caps: Caps, met: set[str]) -> None:
    run = go(tmp_path, shop("endless", caps=caps))["endless"]
    assert run.outcome is Outcome.FAILED
    assert run.stopped_by in met
    assert run.usage.calls <= (caps.calls or run.usage.calls)
    assert run.usage.tokens <= (caps.tokens or run.usage.tokens)
    (trace,) = formats.read((tmp_path / "runs" / run.id / "record.jsonl").read_bytes())
    assert trace.succeeded is False
    assert (tmp_path / "runs" / run.id / "native" / "log.json").is_file()  # brought home, though it was stopped


def test_real_runs_killed_in_the_middle_are_gone_on_with(tmp_path: Path) -> None:
    kept: set[tuple[str, str | None]] = set()
    for _ in range(2):
        command = [sys.executable, script_agent.__file__, str(tmp_path), "5"]
        process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE)  # noqa: S603 - our script
        assert process.stdout is not None
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        now = {(run.id, run.started) for run in runs.load(tmp_path)}
        assert now >= kept
        assert now
        kept = now
    go(tmp_path, shop("solved", repeat=5))
    done = runs.load(tmp_path)
    assert {(run.id, run.started) for run in done} >= kept
    assert len(done) == 5
    assert {run.outcome for run in done} == {Outcome.SUCCEEDED}


def test_labels_are_those_of_runs_that_failed_as_they_should_and_line_up_with_their_traces(tmp_path: Path) -> None:
    made = go(tmp_path, shop("solved", "wrong"))
    truth = Truth(cause="E2.2", step=1, agent="assistant", note="adds one too many")
    faulty = [run.model_copy(update={"truth": truth}) for run in made.values()]
    assert labels.write(tmp_path, faulty) == 1
    (label,) = annotation.read(tmp_path / "annotations.jsonl").records
    assert (label.cause, label.step, label.provenance) == ("E2.2", 1, Provenance.INJECTED)
    (example,) = corpus.read(tmp_path).examples
    assert example.trace.id == made["wrong"].id
    assert labels.write(tmp_path, made.values()) == 0
    assert not (tmp_path / "annotations.jsonl").exists()


def test_of_a_workspace_as_much_is_kept_as_fits_and_nothing_but_plain_files(tmp_path: Path) -> None:
    for name, size in {"a.txt": 60, "deep/er/b.txt": 90, "c.txt": 30, "__pycache__/x.pyc": 5}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * size)
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "folder").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")
    left = leftovers.trim(tmp_path, most=100)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == ["a.txt", "c.txt"]
    assert sorted(left) == [
        "deep/er/b.txt: 90 bytes",
        "folder: no plain file",
        "link: no plain file",
        "pipe: no plain file",
    ]
