"""What is asked about next."""

from __future__ import annotations

from itertools import islice

import pytest

from classifier.diagnosis import Familiarity
from service.queueing import Reason, rank
from service.storage.assignments import Waiting

KNOWN = Familiarity.KNOWN


def waiting(uid: str, system: str = "autogen", cause: str | None = "E2.2", **more: object) -> Waiting:
    given = {"name": uid, "task": f"task of {uid}", "steps": 3, "confidence": 0.7, "familiarity": KNOWN, **more}
    return Waiting.model_validate({"uid": uid, "framework": system, "cause": cause, **given})


def order(runs: list[Waiting], who: str = "ann", overlap: int = 2, passed: frozenset[str] = frozenset()) -> list[str]:
    return [each.uid for each in rank(runs, who, overlap=overlap, passed=passed)]


def test_the_first_labels_are_spread_over_systems_and_causes() -> None:
    runs = [waiting(f"a{i}") for i in range(20)]
    runs += [waiting("m1", "metagpt"), waiting("t1", "taskweaver"), waiting("rare", cause="R2.1")]
    assert {"m1", "t1", "rare"} <= set(order(runs)[:4])


def test_a_cause_that_is_labelled_often_comes_after_one_that_is_rare() -> None:
    labelled = [waiting(f"l{i}", said=(("bob", "E2.2"), ("cy", "E2.2"))) for i in range(6)]
    assert order([*labelled, waiting("common"), waiting("rare", cause="P3")]) == ["rare", "common"]


def test_with_many_labels_the_uncertain_run_comes_first() -> None:
    labelled = [waiting(f"l{i}", task="same", said=(("bob", "E2.2"), ("cy", "E2.2"))) for i in range(200)]
    sure, unsure = waiting("sure", task="same", confidence=0.9), waiting("unsure", task="same", confidence=0.2)
    assert order([*labelled, sure, unsure]) == ["unsure", "sure"]


def test_a_run_on_which_opinions_differ_comes_before_one_on_which_they_agree() -> None:
    agreed = waiting("agreed", said=(("bob", "E2.2"),))
    against_classifier = waiting("against", said=(("bob", "P1"),))
    among_people = waiting("among", said=(("bob", "P1"), ("cy", "R1")))
    assert order([agreed, against_classifier, among_people], overlap=3)[-1] == "agreed"


def test_a_new_kind_of_run_comes_before_a_known_one() -> None:
    known, new = waiting("known", task="same"), waiting("new", task="same", familiarity=Familiarity.NEW)
    assert order([known, new])[0] == "new"


@pytest.mark.parametrize(
    "more",
    [
        {"failed": False},
        {"said": (("ann", "P1"),)},
        {"held": ("ann",)},
        {"said": (("bob", "P1"), ("cy", "P1"))},
        {"said": (("bob", "P1"),), "held": ("cy",)},
        {"held": ("bob", "cy")},
        {"spoke": ("ann",)},
    ],
)
def test_a_run_is_left_out_that_succeeded_or_is_mine_or_has_people_enough(more: dict[str, object]) -> None:
    assert order([waiting("r", **more), waiting("other")]) == ["other"]


def test_somebody_who_labelled_and_still_holds_a_run_counts_once() -> None:
    assert order([waiting("r", said=(("bob", "P1"),), held=("bob",))]) == ["r"]


def test_runs_that_were_passed_on_come_last() -> None:
    runs = [waiting("passed", "metagpt", confidence=0.1), waiting("a"), waiting("b")]
    assert order(runs, passed=frozenset({"passed"}))[-1] == "passed"


def test_of_equals_the_older_comes_first_and_every_run_comes_once() -> None:
    runs = [waiting(f"r{i}", task="same") for i in range(9)]
    assert order(runs) == [run.uid for run in runs]


def test_it_says_why() -> None:
    runs = [waiting("l", said=(("bob", "E2.2"), ("cy", "E2.2"))), waiting("m", "metagpt", "P3", confidence=0.2)]
    ranked = next(islice(rank(runs, "ann", overlap=2), 1))
    assert ranked.reasons == (Reason.NEW_SYSTEM, Reason.RARE_CAUSE, Reason.UNSURE)


def test_runs_without_a_verdict_are_ranked_too() -> None:
    runs = [waiting(f"n{i}", cause=None, confidence=None, familiarity=None) for i in range(3)]
    assert sorted(order(runs)) == ["n0", "n1", "n2"]
