"""The promise: kept as often as it says, and not made where there is too little to make it on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from classifier import risk

if TYPE_CHECKING:
    from numpy.typing import NDArray


def held_out(rng: np.random.Generator, runs: int, *, power: float) -> NDArray[np.float64]:
    """Confidences from 0.3 to 1, right with the probability confidence ** power."""
    confidence = rng.uniform(0.3, 1, runs)
    return np.column_stack([confidence, rng.random(runs) < confidence**power])


def true_risk(threshold: float, power: float) -> float:
    accepted = np.linspace(max(threshold, 0.3), 1, 2001)
    return float(1 - (accepted**power).mean())


@pytest.mark.parametrize("power", [0.15, 0.3, 0.6])
def test_the_promise_is_broken_in_no_more_than_one_sample_of_twenty(power: float) -> None:
    rng = np.random.default_rng(7)
    promises = [risk.promise(held_out(rng, 200, power=power)) for _ in range(1_500)]
    made = [each.threshold for each in promises if each.threshold is not None]
    broken = sum(true_risk(threshold, power) > 0.1 for threshold in made)
    assert broken / len(promises) <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / len(promises))
    if power < 0.5:  # where something can be promised, it is
        assert len(made) > 500


def test_clopper_and_pearson_s_bound_is_the_published_one() -> None:
    # 95 % one-sided: 0 of 29 and 5 of 100 (the exact binomial's defining equation, P(X <= k | bound) = 0.05)
    for wrong, runs in ((0, 29), (5, 100), (1, 2)):
        bound = risk.upper(wrong, runs)
        tail = sum(math.comb(runs, k) * bound**k * (1 - bound) ** (runs - k) for k in range(wrong + 1))
        assert tail == pytest.approx(0.05)
    assert risk.upper(0, 29) < 0.1 < risk.upper(0, 28)
    assert risk.upper(4, 4) == 1


def test_it_takes_36_runs_without_a_mistake() -> None:
    few = np.column_stack([np.linspace(0.5, 0.9, 35), np.ones(35)])
    promised = risk.promise(few)
    assert promised.threshold is None
    assert "35 labelled runs are too few, 36 without a mistake would do" in str(promised)
    enough = risk.promise(np.column_stack([np.linspace(0.5, 0.9, 36), np.ones(36)]))
    assert (enough.threshold, enough.accepted, enough.wrong) == (0.0, 36, 0)


def test_a_mistake_among_the_surest_few_does_not_end_it() -> None:
    right = np.ones(400)
    right[2] = right[20] = 0
    promised = risk.promise(np.column_stack([np.linspace(0.99, 0.5, 400), right]))
    assert (promised.accepted, promised.wrong) == (400, 2)


def test_where_the_surest_are_wrong_nothing_is_promised_and_it_says_why() -> None:
    promised = risk.promise(np.column_stack([np.linspace(1, 0.5, 100), np.arange(100) % 2]))
    assert promised.threshold is None
    assert "So every run is asked about" in str(promised)
    assert f"{promised.wrong} of the {promised.accepted} surest of 100 labelled runs were wrong" in str(promised)


def test_the_threshold_parts_the_accepted_from_the_rest() -> None:
    confidence = np.linspace(0.99, 0.5, 100)
    held = np.column_stack([confidence, np.arange(100) < 60])
    promised = risk.promise(held)
    assert promised.threshold is not None
    assert int((confidence >= promised.threshold).sum()) == promised.accepted == 60
    assert (promised.wrong, promised.bound) == (0, risk.upper(0, 60, 0.975))


def test_runs_of_equal_confidence_are_accepted_together_or_not_at_all() -> None:
    held = np.column_stack([np.repeat([0.9, 0.6], 50), np.repeat([1, 0], 50)])
    promised = risk.promise(held)
    assert (promised.accepted, promised.wrong) == (50, 0)
    assert promised.threshold is not None
    assert 0.6 < promised.threshold <= 0.9


def test_a_larger_risk_asks_less() -> None:
    held = held_out(np.random.default_rng(1), 300, power=0.5)
    accepted = [risk.promise(held, wrong).accepted for wrong in (0.15, 0.25, 0.4)]
    assert accepted == sorted(accepted)
    assert accepted[0] < accepted[-1]


def test_it_says_at_which_risk_something_could_be_promised() -> None:
    none = risk.promise(np.column_stack([np.linspace(1, 0.5, 100), np.arange(100) % 4 > 0]))
    assert none.least is not None
    assert f"A promise can be made from a risk of {none.least:.0%} on." in str(none)
    held = np.column_stack([np.linspace(1, 0.5, 100), np.arange(100) % 4 > 0])
    assert risk.promise(held, none.least).threshold is not None
    assert risk.promise(held, none.least - 0.01).threshold is None


def test_a_promise_on_opinions_never_counts_fewer_mistakes_than_are_expected() -> None:
    rng = np.random.default_rng(3)
    told = np.column_stack([rng.uniform(0.3, 1, 80), rng.uniform(0.7, 1, 80)])
    found = risk.expect(told, 0.5)
    assert found.threshold is not None
    above = told[told[:, 0] >= found.threshold]
    assert found.accepted == len(above)
    assert 0 <= found.wrong - (1 - above[:, 1]).sum() < 1
    assert found.opinions == 80


def test_a_promise_that_most_may_be_wrong_is_not_made() -> None:
    hopeless = risk.promise(np.column_stack([np.linspace(0.9, 0.4, 12), np.arange(12) == 0]))
    assert hopeless.least is not None
    assert hopeless.least > 0.5
    assert "A promise can be made" not in hopeless.words
