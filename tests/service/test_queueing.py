"""What is asked about next."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from classifier.diagnosis import Familiarity
from service.queueing import FIRST, MOST, Reason, rank
from service.storage.assignments import Waiting

KNOWN = Familiarity.KNOWN


def waiting(uid: str, system: str = "autogen", cause: str | None = "E2.2", **more: object) -> Waiting:
    given = {"name": uid, "task": f"task of {uid}", "steps": 3, "confidence": 0.7, "familiarity": KNOWN, **more}
    return Waiting.model_validate({"uid": uid, "framework": system, "cause": cause, **given})


def order(runs: list[Waiting], who: str = "ann", overlap: int = 2, passed: frozenset[str] = frozenset()) -> list[str]:
    return [each.uid for each in rank(runs, who, overlap=overlap, passed=passed)]


def at(kind: int, aside: float = 0.0, *, kinds: int = 4) -> bytes:
    """Return a place: kinds lie at right angles, the runs of one `aside` (radians) of each other."""
    point = np.zeros((kinds, 2), dtype=np.float16)
    point[kind] = np.cos(aside), np.sin(aside)
    return point.tobytes()


def kinds() -> list[Waiting]:
    """Runs of one system and no known cause: many of a kind, some of another, few of a third, and one like none."""
    many, some, few = (
        [waiting(f"{name}{i}", place=at(kind, 0.1 * i)) for i in range(count)]
        for kind, (name, count) in enumerate((("many", 11), ("some", 7), ("few", 5)))
    )
    return [waiting("alone", place=at(3)), *few, *some, *many]


def test_the_first_labels_go_to_the_middle_of_each_kind_the_largest_first() -> None:
    assert order(kinds())[:4] == ["many5", "some3", "few2", "alone"]


def test_what_is_like_a_labelled_run_waits_for_what_is_not() -> None:
    runs = [
        run.model_copy(update={"said": (("bob", "P1"), ("cy", "P1"))} if run.uid == "many5" else {}) for run in kinds()
    ]
    assert order(runs)[:3] == ["some3", "few2", "alone"]


def test_where_runs_lie_goes_before_how_sure_the_classifier_is_until_enough_are_labelled() -> None:
    runs = [run.model_copy(update={"confidence": 0.0 if run.uid == "many0" else 0.9}) for run in kinds()]
    labelled = [waiting(f"l{i}", place=at(0, 0.5), said=(("bob", "E2.2"), ("cy", "E2.2"))) for i in range(FIRST)]
    assert order([*labelled[:-1], *runs])[0] == "some3"
    assert order([*labelled, *runs])[0] == "many0"


def test_runs_whose_place_is_not_known_are_spread_over_systems_and_tasks_after_the_others() -> None:
    runs = [waiting(f"a{i}", task=f"task {i % 2}") for i in range(20)]
    runs += [waiting("m1", "metagpt"), waiting("t1", "taskweaver")]
    found = order([*runs, waiting("placed", place=at(1)), waiting("other", place=at(1, kinds=3))])
    assert found[0] == "placed"
    assert {"m1", "t1", "a0", "a1"} <= set(found[1:6])


def test_of_very_many_runs_a_part_stands_for_all() -> None:
    runs = [waiting(f"n{i}", place=at(0 if i % 3 else 2)) for i in range(MOST + 500)]
    first = [next(run for run in runs if run.uid == each.uid) for each in islice(rank(runs, "ann", overlap=1), 2)]
    assert len({run.place for run in first}) == 2


def test_a_run_on_which_opinions_differ_comes_before_one_on_which_they_agree() -> None:
    agreed = waiting("agreed", said=(("bob", "E2.2"),))
    against_classifier = waiting("against", said=(("bob", "P1"),))
    among_people = waiting("among", said=(("bob", "P1"), ("cy", "R1")))
    assert order([agreed, against_classifier, among_people], overlap=3)[-1] == "agreed"


def test_what_somebody_labelled_is_asked_of_a_second_before_what_somebody_only_has() -> None:
    has = waiting("has", held=("bob",), place=at(1))
    labelled = waiting("labelled", said=(("bob", "E2.2"),), place=at(2))
    assert order([waiting("new", place=at(0)), has, labelled])[:2] == ["labelled", "has"]


def test_a_new_kind_of_run_comes_before_a_known_one() -> None:
    labelled = [waiting(f"l{i}", said=(("bob", "E2.2"), ("cy", "E2.2"))) for i in range(FIRST)]
    known, new = waiting("known", task="same"), waiting("new", task="same", familiarity=Familiarity.NEW)
    assert order([*labelled, known, new])[0] == "new"


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
    runs = [
        waiting("l", said=(("bob", "E2.2"), ("cy", "E2.2"))),
        waiting("m", "metagpt", "P3", confidence=0.2, place=at(1)),
    ]
    ranked = next(rank(runs, "ann", overlap=2))
    assert ranked.reasons == (Reason.NEW_SYSTEM, Reason.TYPICAL, Reason.UNSURE)


def test_runs_without_a_verdict_are_ranked_too() -> None:
    runs = [waiting(f"n{i}", cause=None, confidence=None, familiarity=None) for i in range(3)]
    assert sorted(order(runs)) == ["n0", "n1", "n2"]
