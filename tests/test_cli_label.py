"""`coroner label`: many logs into one file, whatever ends the work."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fake_classifier import EXAMPLES, FakeClassifier
from typer.testing import CliRunner, Result

from classifier import cli, formats, labelling, terminal
from classifier.diagnosis import Versions

if TYPE_CHECKING:
    from classifier.trace import Trace

HERE = Path(__file__).parent
FAILED = formats.read((EXAMPLES / "failed_run.json").read_bytes())[0]


def named(name: str, task: str = "Count.") -> Trace:
    return FAILED.model_copy(update={"id": name, "task": task})


def run(*arguments: object, classifier: FakeClassifier | None = None) -> Result:
    tools = terminal.Tools(load=lambda *_: classifier or FakeClassifier())
    return CliRunner().invoke(cli.app, ["label", *map(str, arguments)], obj=tools, catch_exceptions=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder of three files: two runs of one, one in another, and one that cannot be read."""
    made = tmp_path / "logs"
    made.mkdir()
    (made / "a.jsonl").write_text("".join(f"{named(f'a-{i}').model_dump_json()}\n" for i in range(2)))
    (made / "b.json").write_text(named("b").model_dump_json())
    (made / "c.json").write_text("{broken")
    return made


def ids(out: Path) -> list[str | None]:
    return [line.diagnosis.trace_id if line.diagnosis else None for line in labelling.read(out)]


def test_every_run_gets_a_line_and_what_cannot_be_read_says_why(folder: Path) -> None:
    out = folder.parent / "out.jsonl"
    result = run(folder, "--out", out, "--jobs", 3)
    assert (result.exit_code, ids(out)) == (3, ["a-0", "a-1", "b", None])
    assert "3 runs labelled, 1 could not be labelled" in result.stderr
    lines = labelling.read(out)
    assert [(line.place, line.of) for line in lines] == [(0, 2), (1, 2), (0, 1), (0, 0)]
    assert "c.json" in (lines[3].problem or "")
    assert [each.name for each in folder.parent.iterdir() if each.suffix == ".lock"] == []


def test_done_again_it_does_nothing_even_where_the_folder_was_moved(folder: Path) -> None:
    out = folder.parent / "out.jsonl"
    run(folder, "--out", out)
    before = out.read_bytes()
    moved = folder.rename(folder.parent / "moved")
    classifier = FakeClassifier()
    result = run(moved, "--out", out, classifier=classifier)
    assert (result.exit_code, out.read_bytes(), classifier.threads) == (0, before, set())
    assert "0 runs labelled, 4 were there before" in result.stderr


def test_a_line_that_was_not_finished_is_made_anew(folder: Path) -> None:
    out = folder.parent / "out.jsonl"
    run(folder, "--out", out)
    whole = out.read_bytes()
    for length in (0, 1, len(whole) // 3, len(whole) // 2, len(whole) - 1):
        out.write_bytes(whole[:length])
        run(folder, "--out", out)
        assert out.read_bytes() == whole, length


def test_the_rest_of_an_input_is_labelled_also_after_a_run_that_broke(folder: Path) -> None:
    (folder / "a.jsonl").write_text(
        "".join(f"{named(f'a-{i}', 'BUG' if i == 0 else 'Count.').model_dump_json()}\n" for i in range(3))
    )
    out = folder.parent / "out.jsonl"
    run(folder / "a.jsonl", "--out", out)
    first, *_ = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(first)
    run(folder / "a.jsonl", "--out", out)
    assert ids(out) == [None, "a-1", "a-2"]
    assert "a defect of coroner: RuntimeError" in (labelling.read(out)[0].problem or "")


def test_retry_tries_what_gave_a_problem_and_nothing_else(folder: Path) -> None:
    out = folder.parent / "out.jsonl"
    (folder / "b.json").write_text(named("b", "BUG").model_dump_json())
    run(folder, "--out", out)

    class Mended(FakeClassifier):
        def classify(self, trace: Trace, file: str | None = None) -> object:  # type: ignore[override]
            return super().classify(trace.model_copy(update={"task": "Count."}), file)

    result = run(folder, "--out", out, "--retry", classifier=Mended())
    assert "1 runs labelled, 2 were there before, 1 could not be labelled" in result.stderr
    assert sorted(map(str, ids(out))) == ["None", "a-0", "a-1", "b"]


def test_copies_are_labelled_once(folder: Path) -> None:
    (folder / "copy.json").write_bytes((folder / "b.json").read_bytes())
    result = run(folder, "--out", folder.parent / "out.jsonl")
    assert "3 runs labelled, 1 inputs are copies of others" in result.stderr


def test_a_file_of_something_else_or_of_another_index_is_left_alone(folder: Path) -> None:
    out = folder.parent / "out.jsonl"
    out.write_text("my notes\n")
    refused = run(folder, "--out", out)
    assert (refused.exit_code, out.read_text()) == (1, "my notes\n")
    assert "line 1 is none of" in refused.stderr
    out.unlink()
    run(folder, "--out", out)
    other = FakeClassifier()
    other.versions = Versions(coroner="0", index="other", taxonomy="lu2025", embedder="none")
    refused = run(folder, "--out", out, classifier=other)
    assert refused.exit_code == 1
    assert "was begun with index fake, this is other" in refused.stderr


def test_two_do_not_write_to_one_file(folder: Path) -> None:
    out = folder.parent / "out.jsonl"
    with labelling.opened(out):
        refused = run(folder, "--out", out)
    assert (refused.exit_code, "another `coroner label` writes to it" in refused.stderr) == (1, True)


def test_a_file_too_large_to_be_read_whole_is_read_a_line_at_a_time(folder: Path) -> None:
    out = folder.parent / "out.jsonl"
    with labelling.opened(out) as output:
        done = labelling.label(
            FakeClassifier(), [str(folder / "a.jsonl")], output, limit=named("x").model_dump_json().__len__() + 9
        )
    assert done.labelled == 2
    assert [line.input.rpartition(":")[2] for line in labelling.read(out)] == ["1", "2"]


def test_killed_at_random_moments_it_loses_nothing_and_labels_nothing_twice(tmp_path: Path) -> None:
    logs, out = tmp_path / "logs", tmp_path / "out.jsonl"
    logs.mkdir()
    for i in range(20):
        (logs / f"{i:02d}.jsonl").write_text("".join(f"{named(f'{i:02d}-{j}').model_dump_json()}\n" for j in range(5)))
    (logs / "broken.json").write_text("{broken")
    path = os.pathsep.join([str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, str(HERE / "label_many.py"), str(logs), "--out", str(out), "--jobs", "2"]
    draw, kills, began = random.Random(3), 0, time.monotonic()  # noqa: S311 - moments, no secrets
    while time.monotonic() - began < 200:
        held = out.stat().st_size if out.exists() else 0
        child = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.DEVNULL)  # noqa: S603 - ours
        if kills < 5:
            while child.poll() is None and (not out.exists() or out.stat().st_size <= held):
                time.sleep(0.005)  # the moment is drawn from when it has begun to write, however slow the machine
            time.sleep(draw.uniform(0, 0.15))
            child.kill()
            kills += 1
        if child.wait() == 3:
            break
    whole = out.read_text().splitlines()
    assert kills == 5
    assert len(whole) == 101
    lines = labelling.read(out)
    assert len(lines) == 101
    assert sorted(line.diagnosis.trace_id for line in lines if line.diagnosis) == [
        f"{i:02d}-{j}" for i in range(20) for j in range(5)
    ]
