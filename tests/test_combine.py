from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.combine import MEASURED, STATED, Combiner, Labelled, Leader, Worth, credible
from classifier.diagnosis import StepChoice

LABELS = ("P1", "P2", "E1.1", "E1.2", "R1")


class Says(NamedTuple):
    cause: str | None
    second_cause: str | None = None
    step: int = 3
    agent: str = "coder"


def vote(**probabilities: float) -> dict[str, float]:
    return {name.replace("_", "."): p for name, p in probabilities.items()}


def choices(*pairs: tuple[int, float]) -> tuple[StepChoice, ...]:
    return tuple(StepChoice(step=step, agent=f"agent {step}", probability=p) for step, p in pairs)


def drawn(count: int, accuracy: float, seed: int = 0, habit: tuple[str, str] | None = None) -> list[Labelled]:
    """Draw opinions of a judge of this accuracy beside neighbours whose probabilities hold."""
    generator = np.random.default_rng(seed)
    seen = []
    for i in range(count):
        p = generator.dirichlet(np.ones(len(LABELS)))
        cause = LABELS[int(generator.choice(len(LABELS), p=p))]
        others = [label for label in LABELS if label != cause]
        said = cause if generator.random() < accuracy else others[int(generator.integers(len(others)))]
        if habit and cause == habit[0]:
            said = habit[1]
        seen.append(Labelled(dict(zip(LABELS, p.tolist(), strict=True)), Says(said), cause, f"task {i // 2}"))
    return seen


def first(causes: dict[str, float]) -> str:
    return next(iter(causes))


EVEN = dict.fromkeys(LABELS, 0.2)


def test_bayes_by_hand_where_nothing_but_the_stated_worth_is_known() -> None:
    combiner = Combiner.stated(LABELS, Worth(accuracy=0.6, either=0.8))
    # whatever is named, it is right in 0.6 of the cases, and each of the four others is meant in 0.1
    both = combiner.causes(vote(P1=0.5, P2=0.3, E1_1=0.1, E1_2=0.05, R1=0.05), Says("P2"))
    total = 0.5 * 0.1 + 0.3 * 0.6 + 0.1 * 0.1 + 0.05 * 0.1 + 0.05 * 0.1
    assert both["P2"] == pytest.approx(0.3 * 0.6 / total)
    assert both["P1"] == pytest.approx(0.5 * 0.1 / total)
    assert first(both) == "P2"


def test_a_second_guess_is_worth_what_is_stated_of_it() -> None:
    combiner = Combiner.stated(LABELS, Worth(accuracy=0.54, either=0.73))
    both = combiner.causes(EVEN, Says("P1", "P2"))
    # the first is right in 0.54 of the cases, then the second is one of four; else the second in 0.19 / 0.46 of those
    right, second = 0.54 / 4, 0.46 / 4 * (0.19 / 0.46)
    other = 0.46 / 4 * (0.27 / 0.46) / 3
    assert both["P1"] / both["P2"] == pytest.approx(right / second)
    assert both["P2"] / both["R1"] == pytest.approx(second / other)


def test_a_judge_that_finds_nothing_leaves_the_neighbours_as_they_are() -> None:
    neighbours = vote(P1=0.5, P2=0.2, E1_1=0.1, E1_2=0.1, R1=0.1)
    combiner = Combiner.stated(LABELS)
    assert combiner.causes(neighbours, Says(None)) == pytest.approx(neighbours)
    steps = choices((2, 0.6), (4, 0.2), (5, 0.1), (6, 0.05))
    assert combiner.steps(steps, Says(None), 9) == steps[:3]


def test_of_frequent_causes_a_judge_that_names_them_is_believed_less() -> None:
    frequency = {"P1": 0.9, "P2": 0.025, "E1.1": 0.025, "E1.2": 0.025, "R1": 0.025}
    combiner = Combiner.stated(LABELS, frequency=frequency)
    assert combiner.causes(EVEN, Says("P1"))["P1"] < combiner.causes(EVEN, Says("R1"))["R1"]


def test_a_judge_that_was_always_right_is_believed_and_one_that_never_was_is_not() -> None:
    against = vote(P1=0.7, P2=0.1, E1_1=0.1, E1_2=0.05, R1=0.05)
    good = Combiner.fit(drawn(100, 1.0), LABELS)
    random = Combiner.fit(drawn(100, 0.2), LABELS)
    assert first(good.causes(against, Says("P2"))) == "P2"
    assert first(random.causes(against, Says("P2"))) == "P1"
    assert good.seen == 100


def test_worth_is_learnt_for_each_cause() -> None:
    combiner = Combiner.fit(drawn(200, 0.9, habit=("P1", "R1")), LABELS)
    assert combiner.accuracy("P1") < 0.3
    assert combiner.accuracy("P2") > 0.7
    # whoever calls P1 R1 without fail says P1 or R1 with R1
    both = combiner.causes(vote(P1=0.4, P2=0.15, E1_1=0.15, E1_2=0.15, R1=0.15), Says("R1"))
    assert first(both) == "P1"


def test_few_opinions_change_little() -> None:
    wrong = drawn(5, 0.0)
    stated, fitted = Combiner.stated(LABELS), Combiner.fit(wrong, LABELS)
    assert 0.35 < fitted.accuracy("E1.2") < stated.accuracy("E1.2")
    assert fitted.weights.tolist() == [1, 1, 1]


def test_the_combination_beats_both_where_their_mistakes_are_independent() -> None:
    train, test = drawn(300, 0.5), drawn(300, 0.5, seed=1)
    combiner = Combiner.fit(train, LABELS)
    both = np.mean([first(combiner.causes(each.causes, each.opinion)) == each.cause for each in test])
    judge = np.mean([each.opinion.cause == each.cause for each in test])
    neighbours = np.mean([max(each.causes, key=lambda c: each.causes[c]) == each.cause for each in test])
    assert both > max(judge, neighbours)


def test_its_probabilities_hold_on_runs_it_has_not_seen() -> None:
    combiner = Combiner.fit(drawn(400, 0.6), LABELS)
    told = [(combiner.causes(each.causes, each.opinion), each.cause) for each in drawn(400, 0.6, seed=2)]
    sure = np.mean([max(causes.values()) for causes, _ in told])
    right = np.mean([first(causes) == cause for causes, cause in told])
    assert abs(sure - right) < 0.06


def test_where_both_err_alike_the_better_of_the_two_goes_first() -> None:
    def shared(count: int, seed: int) -> list[Labelled]:
        """A judge that is right in 0.7, and else says what the neighbours hold likeliest beside the true cause."""
        generator = np.random.default_rng(seed)
        out = []
        for each in drawn(count, 0.7, seed):
            right = generator.random() < 0.7
            wrong = max((c for c in LABELS if c != each.cause), key=lambda c: each.causes[c])
            out.append(each._replace(opinion=Says(each.cause if right else wrong)))
        return out

    combiner = Combiner.fit(shared(300, 0), LABELS)
    test = shared(300, 1)
    both = np.mean([first(combiner.causes(each.causes, each.opinion)) == each.cause for each in test])
    judge = np.mean([each.opinion.cause == each.cause for each in test])
    assert both >= judge - 0.01
    assert combiner.first[1] < 0  # its word for what they hold likely counts for less


def test_who_leads_names_the_likeliest_cause_and_shares_its_probability_with_the_one_that_was() -> None:
    stated = Combiner.stated(LABELS)
    against = vote(P1=0.9, P2=0.05, E1_1=0.03, E1_2=0.01, R1=0.01)
    both = stated.causes(against, Says("P2"))
    assert first(both) == "P1"
    led = replace(stated, leader=Leader.JUDGE).causes(against, Says("P2"))
    assert first(led) == "P2"
    assert led["P2"] == pytest.approx((both["P1"] + both["P2"]) / 2)
    assert led["R1"] == pytest.approx(both["R1"])
    assert sum(led.values()) == pytest.approx(1)
    assert first(replace(stated, leader=Leader.JUDGE).causes(against, Says(None))) == "P1"
    torn = vote(P1=0.4, P2=0.35, E1_1=0.1, E1_2=0.1, R1=0.05)
    assert first(stated.causes(torn, Says("P2"))) == "P2"
    assert first(replace(stated, leader=Leader.NEIGHBOURS).causes(torn, Says("P2"))) == "P1"


def test_a_judge_that_knows_nothing_does_not_lead_and_neither_do_neighbours_who_know_nothing() -> None:
    assert Combiner.fit(drawn(200, 0.2), LABELS).leader is not Leader.JUDGE
    flat = [each._replace(causes=EVEN) for each in drawn(200, 0.9)]
    assert Combiner.fit(flat, LABELS).leader is not Leader.NEIGHBOURS


def test_a_judge_that_seldom_agrees_is_believed_less_before_anybody_has_checked_it() -> None:
    def unlabelled(accuracy: float) -> list[tuple[dict[str, float], Says]]:
        return [(dict(each.causes), Says(each.opinion.cause)) for each in drawn(150, accuracy, 3)]

    stated = Combiner.stated(LABELS)
    bad, good = (Combiner.fit((), LABELS, unlabelled=unlabelled(accuracy)) for accuracy in (0.2, 0.9))
    assert bad.accuracy("P1") == pytest.approx(0.2, abs=0.08)
    assert good.accuracy("P1") == stated.accuracy("P1")  # agreement never raises it: both may err alike
    even = [(EVEN, Says(LABELS[i % 5])) for i in range(150)]
    assert Combiner.fit((), LABELS, unlabelled=even).accuracy("P1") == pytest.approx(stated.accuracy("P1"), abs=0.02)


def test_a_cause_that_no_neighbour_knows_can_be_named_by_the_judge() -> None:
    combiner = Combiner.stated(LABELS, MEASURED)
    both = combiner.causes(vote(P1=0.4, P2=0.6), Says("R1"))
    assert 0.02 < both["R1"] < both["P2"]
    assert set(both) == set(LABELS)


def test_causes_of_another_taxonomy_are_refused() -> None:
    combiner = Combiner.stated(LABELS)
    with pytest.raises(ValueError, match="'X9' is not a cause"):
        combiner.causes(EVEN, Says("X9"))
    with pytest.raises(ValueError, match="'X9' is not a cause"):
        combiner.causes({"X9": 1.0}, Says("P1"))
    with pytest.raises(ValueError, match="fewer than three"):
        Combiner.stated(("P1", "P2"))


def test_what_is_stored_is_what_comes_back() -> None:
    combiner = Combiner.fit(drawn(60, 0.7), LABELS)
    back = Combiner.from_arrays(combiner.to_arrays())
    assert back.causes(EVEN, Says("P2", "R1")) == combiner.causes(EVEN, Says("P2", "R1"))
    assert (back.seen, back.leader) == (60, combiner.leader)
    assert Combiner.from_arrays(replace(combiner, leader=Leader.JUDGE).to_arrays()).leader is Leader.JUDGE
    assert back.steps(choices((1, 0.6)), Says("P2"), 20) == combiner.steps(choices((1, 0.6)), Says("P2"), 20)


def test_both_for_the_same_step_make_it_surer() -> None:
    alone = choices((3, 0.5), (5, 0.3), (7, 0.1))
    both = Combiner.stated(LABELS).steps(alone, Says("P1", step=3), 9)
    assert both[0].step == 3
    assert both[0].probability > 0.8


def test_the_judges_step_enters_with_its_agent_and_its_worth_falls_with_length() -> None:
    alone = choices((3, 0.3), (5, 0.2), (7, 0.1))
    combiner = Combiner.stated(LABELS)
    short = combiner.steps(alone, Says("P1", step=8, agent="late"), 9)
    assert short[0].step == 8
    assert short[0].agent == "late"
    sure = choices((3, 0.6), (5, 0.2), (7, 0.1))
    long = combiner.steps(sure, Says("P1", step=90, agent="late"), 200)
    assert long[0].step == 3


def test_steps_by_hand() -> None:
    combiner = Combiner.stated(LABELS, STATED._replace(steps=((2, 0.5), (100, 0.5))))
    both = combiner.steps(choices((0, 0.6), (1, 0.2)), Says("P1", step=1), 4)
    # P(it names the step | it is that) = 0.5, each of the other three 0.5 / 3; two unlisted steps share 0.2
    total = 0.6 * (0.5 / 3) + 0.2 * 0.5 + 0.2 * (0.5 / 3)
    assert both[0].probability == pytest.approx(0.6 * (0.5 / 3) / total, abs=1e-4)
    assert both[1].probability == pytest.approx(0.2 * 0.5 / total, abs=1e-4)


def test_a_judge_that_never_finds_the_step_loses_its_say() -> None:
    def seen(*, found: bool) -> list[Labelled]:
        return [
            each._replace(
                steps=choices((0, 0.5), (1, 0.2)),
                length=9,
                step=0,
                opinion=Says(each.opinion.cause, step=0 if found else 1 + i % 8),
            )
            for i, each in enumerate(drawn(60, 0.5))
        ]

    alone = choices((0, 0.4), (1, 0.3))
    good, bad = Combiner.fit(seen(found=True), LABELS), Combiner.fit(seen(found=False), LABELS)
    assert good.steps(alone, Says("P1", step=5), 9)[0].step == 5
    assert bad.steps(alone, Says("P1", step=5), 9)[0].step == 0


def test_fewest_causes_that_hold_the_coverage() -> None:
    causes = vote(P1=0.5, P2=0.3, R1=0.15, E1_1=0.05)
    assert credible(causes) == ("P1", "P2", "R1")
    assert credible(causes, 0.8) == ("P1", "P2")
    assert credible({"P1": 1.0}) == ("P1",)
    assert credible(dict.fromkeys(("A", "B"), 0.4999)) == ("A", "B")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 1), min_size=5, max_size=5),
    st.sampled_from((None, *LABELS)),
    st.sampled_from((None, *LABELS)),
    st.integers(0, 30),
)
def test_always_a_distribution(numbers: list[float], cause: str | None, second: str | None, step: int) -> None:
    said = Says(cause, None if second == cause else second, step)
    for combiner in (Combiner.stated(LABELS), FITTED):
        both = combiner.causes(dict(zip(LABELS, numbers, strict=True)), said)
        assert math.isclose(sum(both.values()), 1, abs_tol=1e-9)
        assert list(both.values()) == sorted(both.values(), reverse=True)
        steps = combiner.steps(choices((0, numbers[0] / 2), (1, numbers[1] / 2)), said, 31)
        assert len({choice.step for choice in steps}) == len(steps)
        assert sum(choice.probability for choice in steps) <= 1.001


FITTED = Combiner.fit(drawn(40, 0.6), LABELS)
