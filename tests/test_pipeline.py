from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import invented_traces as invented
import numpy as np
import pytest

from classifier import formats
from classifier.decide import MAX_EVIDENCE
from classifier.diagnosis import DecidedBy, Diagnosis, Familiarity, Outcome
from classifier.index import Index
from classifier.pipeline import STEPS, Classifier
from classifier.trace import Role, Step, Trace

NEW = "unheard-of"
CAUSES = tuple(invented.MISTAKES)


def asked(system: str, count: int = 20) -> list[Trace]:
    """Runs that the index does not hold, each cause as often."""
    return [invented.trace(9000 + i, system, CAUSES[i % len(CAUSES)], at=1 + i % 6) for i in range(count)]


def trace(*said: tuple[Role, str], system: str = "autogen", kind: str | None = None) -> Trace:
    steps = tuple(
        Step(index=2 * i, agent=f"a{i % 2}", role=role, content=content, kind=kind)
        for i, (role, content) in enumerate(said)
    )
    return Trace(id="t", format="coroner", framework=system, task="Count.", steps=steps, succeeded=False)


def lines(classifier: Classifier, runs: list[Trace]) -> str:
    return "".join(f"{classifier.classify(run).model_dump_json()}\n" for run in runs)


def test_the_order_of_the_runs_and_the_thread_that_asks_change_no_byte() -> None:
    runs = [*asked("autogen", 6), *asked(NEW, 6)]
    said = [invented.classifier().classify(run) for run in runs]
    other = Classifier(invented.embedder(), Index.from_bytes(invented.index().to_bytes()), invented.scheme())
    assert [other.classify(run).model_dump_json() for run in reversed(runs)] == [
        one.model_dump_json() for one in reversed(said)
    ]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(other.classify, runs)) == said


def test_another_process_trains_the_same_index_and_says_the_same() -> None:
    script = (
        "import hashlib, invented_traces as invented, test_pipeline as here\n"
        "print(hashlib.sha256(invented.index().to_bytes()).hexdigest())\n"
        "print(here.lines(invented.classifier(), here.asked('metagpt', 5)), end='')\n"
    )
    folders = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    said = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": folders},
        capture_output=True,
        check=True,
        encoding="utf-8",
    ).stdout
    digest, verdicts = said.split("\n", 1)
    assert digest == hashlib.sha256(invented.index().to_bytes()).hexdigest()
    assert verdicts == lines(invented.classifier(), asked("metagpt", 5))


def test_what_the_source_says_of_the_mistake_changes_no_byte_of_the_diagnosis() -> None:
    run = invented.trace(9100, "autogen", "E1.1", at=2)
    record: dict[str, Any] = {
        "question": run.task,
        "ground_truth": "seven",
        "is_correct": False,
        "history": [{"name": step.agent, "role": "assistant", "content": step.content} for step in run.steps],
    }

    def diagnosis(**notes: object) -> str:
        (read,) = formats.read(json.dumps({**record, **notes}).encode(), name="7.json")
        return invented.classifier().classify(read).model_dump_json()

    plain = diagnosis()
    for at in ("2", "5", 5, None):
        assert diagnosis(mistake_agent=run.steps[5].agent, mistake_step=at, mistake_reason="wrong search") == plain
    assert diagnosis(mistake_type="R2", mistake_agent="Planner") == plain
    assert diagnosis(question="Something else?") != plain


def test_runs_of_a_known_system_are_told_apart_and_the_step_is_found() -> None:
    for system in invented.SYSTEMS:
        verdicts = [invented.classifier().classify(run) for run in asked(system)]
        assert np.mean([one.cause == CAUSES[i % len(CAUSES)] for i, one in enumerate(verdicts)]) > 0.6
        assert np.mean([one.step == 1 + i % 6 for i, one in enumerate(verdicts)]) > 0.8
        assert {one.familiarity for one in verdicts} == {Familiarity.KNOWN}


def test_a_run_of_an_unheard_of_system_gets_no_name_less_confidence_and_more_candidates() -> None:
    unseen = [invented.classifier().classify(run) for run in asked(NEW)]
    known = [invented.classifier().classify(run) for system in invented.SYSTEMS for run in asked(system)]
    assert all(one.cause is None and one.familiarity is Familiarity.NEW for one in unseen)
    assert all("no labelled run of this system" in one.notes[0] for one in unseen)
    for of in (lambda one: one.confidence, lambda one: -len(one.candidates)):
        assert np.mean([of(one) for one in unseen]) < np.mean([of(one) for one in known])


def test_a_verdict_keeps_its_own_promises() -> None:
    held = {run.run: run for run in invented.index().runs}
    for run in (*asked("autogen"), *asked(NEW)):
        said = invented.classifier().classify(run, file="a.json")
        content = {step.index: step for step in run.steps}
        shares = [one.probability for one in said.candidates]
        assert (said.trace_id, said.file, said.outcome) == (run.id, "a.json", Outcome.FAILED)
        assert shares == sorted(shares, reverse=True)
        assert shares[0] == max(shares) == said.confidence  # so likely are the invented marks: never a parent
        assert sum(shares) <= 1 + 1e-3  # each is rounded
        assert said.cause in {None, said.candidates[0].cause}
        assert (said.decided_by is DecidedBy.NOBODY) == (said.cause is None) == (said.mitigation is None)
        assert 1 <= len(said.steps) <= STEPS
        assert (said.step, said.agent) == (said.steps[0].step, said.steps[0].agent)
        assert all(content[one.step].agent == one.agent for one in said.steps)
        assert [one.probability for one in said.steps] == sorted((x.probability for x in said.steps), reverse=True)
        assert 1 <= len(said.evidence) <= MAX_EVIDENCE
        assert said.evidence[0].step == said.step
        assert all(one.quote in content[one.step].content for one in said.evidence)
        assert said.neighbours
        for one in said.neighbours:
            assert (one.step, one.cause, one.system) == (
                held[one.trace_id].step, held[one.trace_id].cause, held[one.trace_id].system,
            )  # fmt: skip
            assert one.cause == said.candidates[0].cause
        assert Diagnosis.model_validate_json(said.model_dump_json()) == said


def test_of_a_step_that_says_much_the_passage_that_speaks_for_the_cause_is_quoted() -> None:
    quoted = 0
    for i, run in enumerate(asked("autogen")):
        at = 1 + i % 6
        mark = run.steps[at].content.split("\n")[-1]
        around = f"The table for rye lists nine rows.\n{mark}\nWe agreed that rye matters, so carry on."
        steps = [s if s.index != at else s.model_copy(update={"content": around}) for s in run.steps]
        proof = invented.classifier().classify(run.model_copy(update={"steps": tuple(steps)})).evidence[0]
        quoted += proof.step == at and proof.quote in mark
    assert quoted > 9  # of 20; by chance 7


def test_name_and_file_of_a_run_change_nothing_else() -> None:
    run = invented.trace(9300)
    one = invented.classifier().classify(run, file="one.json")
    other = invented.classifier().classify(run.model_copy(update={"id": "other"}), file="other.json")
    assert other.model_copy(update={"trace_id": one.trace_id, "file": one.file}) == one


def test_a_run_that_succeeded_is_not_blamed() -> None:
    said = invented.classifier().classify(invented.trace(9301).model_copy(update={"succeeded": True}))
    assert (said.outcome, said.cause, said.step) == (Outcome.SUCCEEDED, None, None)


@pytest.mark.parametrize("system", ["autogen", NEW])
@pytest.mark.parametrize(
    "said",
    [
        [(Role.ASSISTANT, "I add the barley to the copper.")],
        [(Role.ASSISTANT, "")],
        [(Role.ASSISTANT, "")] * 5,
        [(Role.USER, "Hello, is anybody there? Please answer me.")] * 6,
        [(Role.SYSTEM, "You are a helpful agent."), (Role.USER, "Count."), (Role.TOOL, "exitcode: 1")],
        [(Role.TOOL, "\r\n\r\n"), (Role.TOOL, "\0\0")],
        [(Role.SYSTEM, "")],
        [(Role.ASSISTANT, "港口" * 5000), (Role.ASSISTANT, "x" * 100_000), (Role.TOOL, "\u2028\x85 e\u0301")],
    ],
    ids=["one step", "one empty", "all empty", "all by the user", "no agent", "tools alone", "system alone", "long"],
)
def test_odd_runs_are_diagnosed_too(said: list[tuple[Role, str]], system: str) -> None:
    run = trace(*said, system=system)
    found = invented.classifier().classify(run)
    assert found.step in {step.index for step in run.steps}
    assert found.candidates
    assert 0 < found.confidence <= 1
    assert found == invented.classifier().classify(run)


def test_a_run_of_nothing_but_its_end_is_diagnosed() -> None:
    found = invented.classifier().classify(trace((Role.ASSISTANT, "TERMINATE"), kind="termination"))
    assert found.step == 0


def test_ten_times_the_steps_cost_about_ten_times_the_time() -> None:
    def seconds(steps: int) -> float:
        run = invented.trace(5, steps=steps, at=steps // 2)
        began = time.process_time()
        assert invented.classifier().classify(run).step in range(steps)
        return time.process_time() - began

    seconds(200)  # what happens only once
    short, long = min(seconds(1000), seconds(1000)), seconds(10_000)
    assert long < 30 * short
