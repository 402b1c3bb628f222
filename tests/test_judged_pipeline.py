"""The straight path with a judge in it: who is asked, what its word does to a verdict, and what stays without it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from judged_runs import SLIPS, TAXONOMY, Hashed, classifier, opinion, trace

from classifier import llm, training
from classifier.annotation import Annotation
from classifier.consult import Hearing, Judge, total
from classifier.corpus import Example
from classifier.diagnosis import Cost, DecidedBy, Diagnosis, Evidence, Opinion, Provenance
from classifier.judge import Options
from classifier.pipeline import Classifier
from classifier.risk import When
from classifier.trace import ToolCall
from service.app import create
from service.hub import Hub
from service.settings import Settings

if TYPE_CHECKING:
    from classifier.diagnosis import StepChoice
    from classifier.llm import Complete, Heard, Reply, Request

OPTIONS = Options(model="openai/test-model")


class Scripted:
    """Answers, or fails, by a script, the last entry for ever; a `Judge` asks it through `line`."""

    def __init__(self, *script: str | llm.LlmError) -> None:
        self.script, self.tags = list(script), list[str]()

    def line(self, tag: str, heard: Heard) -> Complete:
        self.tags.append(tag)

        def complete(request: Request) -> Reply:
            said = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            if isinstance(said, llm.LlmError):
                raise said
            reply = llm.Reply(
                text=said, finish_reason="stop", model=request.model, prompt_tokens=90, completion_tokens=10, cost=0.25
            )
            heard(reply)
            return reply

        return complete


def asking(*script: str | llm.LlmError, when: When = When.AUTO, wrong: int = 3) -> tuple[Classifier, Scripted]:
    model = Scripted(*script)
    return classifier(wrong=wrong).with_judge(Judge(OPTIONS, model.line, when=when)), model


def held(cause: str | None, *, step: int = 2, second: str | None = None) -> Hearing:
    quotes = (Evidence(step=2, quote=SLIPS[cause]),) if cause in SLIPS else ()
    return Hearing(
        Opinion(
            cause=cause, second_cause=second, step=step, agent="coder", quotes=quotes, probability=0.8, reason="So.",
            model="m", calls=1, tokens=100, cost=0.25,
        ),
        Cost(usd=0.25, calls=1, tokens=100),
    )  # fmt: skip


def test_the_same_answers_give_the_same_diagnosis() -> None:
    run = trace(101, "P1")
    first, second = (asking(opinion("P1"))[0].classify(run) for _ in range(2))
    assert first == second
    assert Diagnosis.model_validate_json(first.model_dump_json()) == first


def test_without_a_judge_nothing_of_one_is_in_the_diagnosis() -> None:
    found = classifier().classify(trace(101, "P1"))
    assert (found.opinions, found.cost, found.versions.judge) == (None, Cost(), None)


def test_a_run_that_succeeded_is_not_asked_about() -> None:
    judged, model = asking(opinion("P1"), when=When.ALWAYS)
    assert judged.classify(trace(101, "P1").model_copy(update={"succeeded": True})).outcome == "succeeded"
    assert not model.tags


@pytest.mark.parametrize(("wrong", "asked"), [(3, True), (0, False)])
def test_who_is_asked_hangs_on_what_the_labelled_runs_promise(wrong: int, asked: bool) -> None:  # noqa: FBT001
    judged, _ = asking(opinion("P1"), wrong=wrong)
    assert judged.promise is not None
    assert (judged.promise.threshold is None) is asked
    assert judged.asks(judged.read(trace(101, "P1"))) is asked
    assert judged.asks(judged.read(trace(101, "P1", "beta")))  # nothing is promised of another system


def test_what_is_asked_about_lies_below_the_threshold() -> None:
    judged, _ = asking(opinion("P1"))
    assert judged.promise is not None
    judged.promise = judged.promise.model_copy(update={"threshold": 0.65})
    readings = [judged.read(trace(100 + i, cause)) for i, cause in enumerate(SLIPS)]
    assert {judged.asks(reading) for reading in readings} == {True, False}
    assert all(judged.asks(reading) is (reading.weighed.sure < 0.65) for reading in readings)


def test_on_a_new_system_the_judge_s_word_names_a_cause_where_nobody_else_can() -> None:
    alone, reading = classifier(), classifier().read(trace(101, "P1", "beta"))
    assert alone.conclude(reading).decided_by is DecidedBy.NOBODY
    judged, _ = asking(opinion("P1"))
    found = judged.classify(trace(101, "P1", "beta"))
    assert (found.cause, found.decided_by) == ("P1", DecidedBy.JUDGE)


def test_what_a_judge_has_taught_does_not_speak_beside_it() -> None:
    base, run = classifier(wrong=0), trace(600, "P1", "beta")
    labels, tables = list(base.index.runs), training.tables_of(base.index)
    for number in range(24):  # a judge takes every P1 of a new system for E1.1
        known = trace(700 + number, list(SLIPS)[number % 3], "beta")
        cause = "E1.1" if number % 3 == 1 else list(SLIPS)[number % 3]
        note = Annotation(trace=known.id, annotator="m", provenance=Provenance.MODEL, cause=cause, step=2)
        example = Example(trace=known, annotations=(note,), group=f"b{number}", system="beta", source="m")
        tables.append(training.describe(example, Hashed()))
        labels.append(training.label(example, tables[-1], TAXONOMY).model_copy(update={"weight": 0.6}))
    index = training.fit(labels, tables, embedder="hashed", taxonomy=TAXONOMY.digest)
    judged = Classifier(Hashed(), index, TAXONOMY).with_judge(Judge(OPTIONS, Scripted(opinion("P1")).line))
    weighed = judged.read(run).weighed
    assert weighed.trust > 0.5
    assert weighed.vouched == 0
    assert judged.conclude(judged.read(run)).cause == "E1.1"
    assert judged.classify(run).cause == "P1"
    assert max(weighed.beside.values()) < max(weighed.causes.values())


def test_a_judge_that_finds_no_evidence_does_not_lift_an_abstention() -> None:
    judged, _ = asking(opinion("P1"))
    found = judged.conclude(judged.read(trace(101, "P1", "beta")), held(None))
    assert (found.cause, found.decided_by) == (None, DecidedBy.NOBODY)
    assert found.opinions is not None
    assert found.opinions.judge is not None


def test_a_cause_that_no_labelled_run_has_can_be_named() -> None:
    judged, _ = asking(opinion("P1"))
    found = judged.conclude(judged.read(trace(101, "P1", "beta")), held("R3"))
    assert (found.cause, found.decided_by) == ("R3", DecidedBy.JUDGE)
    assert sum(candidate.probability for candidate in found.candidates) >= 0.9 - 1e-3


def test_a_judge_who_agrees_makes_surer_and_one_who_does_not_less_so() -> None:
    judged, _ = asking(opinion("P1"))
    reading = judged.read(trace(100, "E2.2"))
    alone, same, other = (judged.conclude(reading, each) for each in (None, held("E2.2"), held("P1")))
    assert alone.cause == same.cause == "E2.2"
    of = {candidate.cause: candidate.probability for candidate in other.candidates}
    assert of["E2.2"] < alone.confidence < same.confidence
    assert same.decided_by is DecidedBy.NEIGHBOURS  # the verdict is theirs without it, too


def test_quotes_from_the_arguments_of_a_call_are_evidence() -> None:
    run = trace(101, "P1")
    call = ToolCall(name="python", arguments="total = first_half.sum()  # the rest is not asked for")
    run = run.model_copy(
        update={"steps": (*run.steps[:2], run.steps[2].model_copy(update={"tool_calls": (call,)}), run.steps[3])}
    )
    judged, _ = asking(opinion("P1", quotes=["first_half.sum()  # the rest"]))
    assert judged.classify(run).evidence[0].quote == "first_half.sum()  # the rest"


@pytest.mark.parametrize(
    ("script", "note", "calls"),
    [
        (["no form"], "The judge's opinion was discarded: the answer is not a JSON object", 2),
        ([llm.OutOfBudget("the budget of this run is used up")], "the budget of this run is used up", 0),
        ([llm.CircuitOpen("not asked: the last 5 calls failed")], "not asked: the last 5 calls failed", 0),
        (["no form", llm.Unavailable("gone")], "gone", 1),
        ([llm.StoreError(Path("calls"), "is full")], "is full", 0),
    ],
)
def test_whatever_goes_wrong_is_a_note_and_what_was_spent_is_told(
    script: list[str | llm.LlmError], note: str, calls: int
) -> None:
    judged, _ = asking(*script)
    found, alone = judged.classify(trace(101, "P1")), classifier().classify(trace(101, "P1"))
    assert any(note in each for each in found.notes)
    assert (found.cause, found.confidence, found.decided_by) == (alone.cause, alone.confidence, alone.decided_by)
    assert (found.cost.calls, found.cost.usd) == (calls, 0.25 * calls)
    assert found.opinions is not None
    assert found.opinions.judge is None


def test_two_runs_of_one_id_have_budgets_of_their_own() -> None:
    judged, model = asking(opinion("P1"))
    for run in (trace(101, "P1"), trace(102, "P1").model_copy(update={"id": "alpha-101"})):
        judged.classify(run)
    assert len(set(model.tags)) == 2
    assert all(tag.startswith("alpha-101 ") for tag in model.tags)


def test_a_cost_of_unknown_price_makes_the_sum_unknown() -> None:
    assert total(Cost(usd=1, calls=1), Cost(usd=None, calls=2, tokens=5)) == Cost(usd=None, calls=3, tokens=5)
    assert total() == Cost()


def test_the_service_says_who_reads_along(tmp_path: Path) -> None:
    judged, _ = asking(opinion("P1"))
    told = []
    for each in (judged, classifier()):
        hub = Hub.open(Settings(folder=tmp_path), each, lambda _: each)  # noqa: B023 - used within this turn alone
        told.append(create(hub).openapi()["info"]["description"])
        hub.close()
    assert "openai/test-model is asked" in told[0]
    assert "nothing leaves the machine" in told[1]
    assert "nothing leaves the machine" not in told[0]


def test_a_vote_of_a_judge_is_one_request_each() -> None:
    model = Scripted(opinion("P1"), opinion("E2.2", quotes=[SLIPS["P1"]]), opinion("P1"))
    judged = classifier().with_judge(Judge(OPTIONS.model_copy(update={"votes": 3}), model.line))
    found = judged.classify(trace(101, "P1"))
    assert found.opinions is not None
    assert found.opinions.judge is not None
    assert (found.opinions.judge.stability, found.cost.calls) == (pytest.approx(2 / 3), 3)
    assert json.loads(found.model_dump_json())["opinions"]["judge"]["votes"] == 3


def test_on_a_new_system_no_cause_is_named_that_the_judge_did_not_name() -> None:
    class Third:
        """Holds what neither said likeliest."""

        def causes(self, causes: object, _: object, /) -> dict[str, float]:  # noqa: ARG002 - a fixed answer
            return {"E1.1": 0.9, "P1": 0.1}

        def steps(self, steps: tuple[StepChoice, ...], *_: object) -> tuple[StepChoice, ...]:
            return steps

    judged, _ = asking(opinion("P1"))
    found = judged.conclude(judged.read(trace(101, "P1", "beta")), held("P1"), combiner=Third())
    assert (found.cause, found.decided_by) == ("P1", DecidedBy.JUDGE)  # neighbours know nothing of it
    unheard = judged.conclude(judged.read(trace(101, "P1", "beta")), held(None), combiner=Third())
    assert (unheard.cause, unheard.decided_by) == (None, DecidedBy.NOBODY)
