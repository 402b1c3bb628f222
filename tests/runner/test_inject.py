"""The corpus of injected faults: which runs, how they are read, what is written."""

from __future__ import annotations

import json
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import made_runs
import pytest
import toy_tasks
from autogen_chat import chat
from proxied import client
from proxied import proxy as opened

from classifier import corpus
from classifier.annotation import Annotation
from classifier.diagnosis import Provenance
from classifier.trace import Role, Step, Trace
from runner import cli_inject, harvest, inject, probe, proxy, runs
from runner.casting import stage
from runner.harvest import NoYieldError, Yield
from runner.inject import Quota
from runner.matrix import Cell
from runner.options import OptionError
from runner.prompt import prompt
from runner.runs import Outcome, Run
from runner.scoring import score
from runner.scripted import faults
from runner.scripted.lab import Lab
from runner.task import Category

if TYPE_CHECKING:
    from pathlib import Path

    from runner.scripted.moves import Script

TASK = toy_tasks.SALES
CELL = Cell(task=TASK.id, framework="autogen", model="scripted", rounds=20, fault="P2")


class Through:
    """A model that is asked through the recording proxy, as an agent asks it."""

    def __init__(self, asked: Any) -> None:
        self._asked = asked

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._asked.chat.completions.create(**body).model_dump()
        return answer


def played(folder: Path, script: Script, lab: Lab) -> Run:
    """Leave a run's folder, as the bench does, of a small AutoGen."""
    part = stage(script, CELL, made_runs.config(TASK.id))
    told = proxy.Run(id=CELL.key, framework="autogen", task=prompt(TASK))
    with opened(part.model, folder, told) as door, client(door) as asked:
        messages = chat(Through(asked), prompt(TASK), lab, rounds=part.max_rounds)
    history = [
        {"role": "user" if i % 2 else "assistant", "name": "assistant" if i % 2 else "user_proxy", **message}
        | {"content": message["content"]}
        for i, message in enumerate(messages)
    ]
    (folder / "native").mkdir()
    (folder / "native" / "history.json").write_text(json.dumps({"chat_history": history}), encoding="utf-8")
    record = proxy.read(folder / runs.TRACE_FILE)
    right = score(TASK, messages[-1]["content"]).success
    run = Run(
        cell=CELL,
        category=Category.DATA,
        outcome=Outcome.SUCCEEDED if right else Outcome.FAILED,
        max_rounds=part.max_rounds,
        truth=part.truth(record),
    )
    runs.write(folder / runs.RUN_FILE, run.model_dump_json())
    return run


@pytest.mark.parametrize("cause", ["P1", "P2", "E1.2", "E2.1", "E3.2", "R2.2"])
def test_the_decisive_step_is_found_in_the_native_log(cause: str, tmp_path: Path) -> None:
    with Lab(partial(toy_tasks.build, TASK)) as lab:
        script = faults.inject(cause, TASK, "autogen", "1", lab)
        assert script is not None
        run = played(tmp_path, script, lab)
    got = harvest.harvest(tmp_path, TASK, "autogen.jsonl.gz")
    assert got.label.cause == cause == run.truth.cause if run.truth else False
    decisive = next(step for step in got.trace.steps if step.index == got.label.step)
    assert decisive.role is Role.ASSISTANT
    player_said = script.moves[script.decisive or 0]
    words = getattr(player_said, "code", "") or getattr(player_said, "said", "") or getattr(player_said, "text", "")
    assert words.split("{")[0].strip()[:40] in decisive.content
    assert got.trace.succeeded is False
    assert got.label.provenance is Provenance.INJECTED


def test_of_attempts_that_say_the_same_the_one_that_was_marked_is_found(tmp_path: Path) -> None:
    with Lab(partial(toy_tasks.build, TASK)) as lab:
        script = faults.inject("P2", TASK, "autogen", "1", lab, variant="same_again")
        assert script is not None
        played(tmp_path, script, lab)
    got = harvest.harvest(tmp_path, TASK, "autogen.jsonl.gz")
    code = getattr(script.moves[script.decisive or 0], "code", "")
    attempts = [step.index for step in got.trace.steps if code in step.content]
    assert len(attempts) > 2
    assert got.label.step == attempts[1]


def test_a_fault_run_that_succeeded_is_of_no_use(tmp_path: Path) -> None:
    run = Run(cell=CELL, category=Category.DATA, outcome=Outcome.SUCCEEDED)
    runs.write(tmp_path / runs.RUN_FILE, run.model_dump_json())
    with pytest.raises(NoYieldError, match="succeeded"):
        harvest.harvest(tmp_path, TASK, "autogen.jsonl.gz")


def test_a_run_without_a_native_log_says_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(NoYieldError, match=r"history\.json"):
        harvest.read_native(tmp_path, "autogen")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<Foo object at 0x7f31c0a2b5d0>", "<Foo object at 0x7fe8d1a2b5d0>"),
        (
            'File "/home/a/x/lib/python3.11/site-packages/pandas/x.py"',
            'File "/b/y/lib/python3.11/site-packages/pandas/x.py"',
        ),
        ("in /tmp/tmpab_1cd2e/x", "in /tmp/tmpz9y8x7w6/x"),
        ("at 2026-11-25 13:10:20,123 done", "at 2027-01-02 03:04:05,678 done"),
        ("GET http://127.0.0.1:41873/shop", "GET http://127.0.0.1:8000/shop"),
        ("0.00s - Debugger warning: frozen\nx", "x"),
        ("tmp_code_0123456789abcdef0123456789abcdef.py", "tmp_code_ffffffffffffffffffffffffffffffff.py"),
    ],
)
def test_what_differs_between_two_makings_is_brought_into_one_form(one: str, other: str) -> None:
    assert harvest.normal(one) == harvest.normal(other)


@pytest.mark.parametrize("text", ["@mean[14.33]", "The port is 8080 and 0x1f is hex", "2023-04-01", "/usr/bin/python3"])
def test_what_the_run_is_about_stays(text: str) -> None:
    assert harvest.normal(text) == text


def test_candidates_go_through_all_tasks_before_one_comes_again_and_are_the_same_each_time() -> None:
    tasks, config = ("a", "b", "c", "d"), made_runs.config("a")
    cells = list(islice(inject.candidates("E2.1", "autogen", tasks, config), 8))
    assert cells == list(islice(inject.candidates("E2.1", "autogen", tasks, config), 8))
    assert {cell.task for cell in cells[:4]} == set(tasks)
    assert {cell.repeat for cell in cells} == {1, 2}
    assert len({cell.key for cell in cells}) == 8


def a_run(name: str, cause: str | None, said: str, task: str = "Add the numbers of the file up") -> Yield:
    steps = (
        Step(index=0, agent="user_proxy", role=Role.USER, content=task),
        Step(index=1, agent="assistant", role=Role.ASSISTANT, content=said),
    )
    return Yield(
        trace=Trace(
            id=name, format="autogen_history", framework="autogen", task=task, steps=steps, succeeded=not cause
        ),
        label=Annotation(
            trace=name,
            annotator=harvest.ANNOTATOR,
            provenance=Provenance.INJECTED,
            file=inject.file_of("autogen"),
            cause=cause,
            step=1 if cause else None,
        ),
    )


def test_the_corpus_is_read_back_as_it_was_written_successes_included(tmp_path: Path) -> None:
    made = [a_run("r-1", "E2.1", "print("), a_run("r-2", None, "print(1)")]
    inject.write(tmp_path, made)
    read = corpus.read(tmp_path, strict=True)
    assert [(one.trace, one.label.cause) for one in read.examples] == [(made[0].trace, "E2.1"), (made[1].trace, None)]
    assert read.problems == ()


def test_the_same_runs_give_the_same_bytes_in_whatever_order(tmp_path: Path) -> None:
    made = [a_run(f"r-{n}", "E2.1", "print(") for n in range(5)]
    size = inject.write(tmp_path / "one", made)
    inject.write(tmp_path / "two", made[::-1])
    files = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two")]
    assert files[0] == files[1]
    assert size == sum(map(len, files[0].values()))


def test_scripts_are_written_once_and_read_back(tmp_path: Path) -> None:
    config = made_runs.config("data_order_summary")
    cell = Cell(task="data_order_summary", framework="autogen", model="scripted", rounds=20, fault="E2.1")
    inject.write_scripts(tmp_path, [cell], config)
    script = inject.read_script(tmp_path, cell)
    assert script is not None
    assert script.cause == "E2.1"
    before = (tmp_path / f"{cell.key}.json").stat().st_mtime_ns
    inject.write_scripts(tmp_path, [cell], config)
    assert (tmp_path / f"{cell.key}.json").stat().st_mtime_ns == before


def test_quotas_are_read_for_all_frameworks_or_for_each() -> None:
    both = cli_inject._quotas(("autogen", "metagpt"), "12", "autogen=3,metagpt=4")
    assert both["autogen"] == Quota(per_cause=12, successes=3)
    assert both["metagpt"] == Quota(per_cause=12, successes=4)


@pytest.mark.parametrize("text", ["many", "autogen=x", "autogen=3"])
def test_a_quota_that_cannot_be_meant_is_refused_with_the_option(text: str) -> None:
    with pytest.raises(OptionError, match="--per-cause"):
        cli_inject._counts(("autogen", "metagpt"), text, "--per-cause")


def test_the_probe_finds_words_that_give_a_cause_away_and_none_where_there_are_none() -> None:
    labels = ["E2.1", "R2"] * 20
    groups = [f"t{n // 4}" for n in range(40)]
    told = [f"run {n} with the word {'bracket' if label == 'E2.1' else 'essay'}" for n, label in enumerate(labels)]
    blind = [f"run {n // 2} says nothing of it" for n in range(40)]
    assert probe.probe(told, labels, groups, "told").kappa > 0.9
    assert probe.probe(blind, labels, groups, "blind").kappa < 0.3


def test_the_models_own_words_are_without_code_and_output() -> None:
    trace = a_run("r", "E2.1", "I add it up.\n\n```python\nsecret = 1\n```\n\nDone.").trace
    words = probe.own_words(trace)
    assert "I add it up." in words
    assert "secret" not in words
