import numpy as np
import pytest
from invented_runs import runs
from numpy.typing import NDArray

from classifier import calibration
from classifier.calibration import Acquaintance, Calibration, Held, conformal_quantile
from classifier.diagnosis import Familiarity
from classifier.index import unit


def _votes(n: int, *, sure: float, right: float, seed: int, k: int = 6) -> Held:
    """Votes that give `sure` to one cause, which is the right one in `right` of the runs."""
    rng = np.random.default_rng(seed)
    y = rng.integers(k, size=n)
    said = np.where(rng.random(n) < right, y, (y + rng.integers(1, k, size=n)) % k)
    votes = rng.dirichlet(np.full(k, 3.0), size=n) * (1 - sure)
    votes[np.arange(n), said] += sure
    return Held(votes, y)


@pytest.fixture(scope="module")
def fitted() -> Calibration:
    known = [_votes(300, sure=0.85, right=0.5, seed=seed) for seed in (1, 2)]
    strangers = [_votes(60, sure=0.85, right=0.17, seed=seed) for seed in (3, 4, 5)]
    return calibration.fit(known, strangers)


def _confidence(fitted: Calibration, held: Held, trust: float) -> NDArray[np.float64]:
    return np.array([fitted.judge(vote, trust).probabilities.max() for vote in held.votes])


def test_overconfident_votes_are_brought_down_to_how_often_they_are_right(fitted: Calibration) -> None:
    fresh = _votes(400, sure=0.85, right=0.5, seed=11)
    assert _confidence(fitted, fresh, 1.0).mean() == pytest.approx(0.5, abs=0.07)


def test_on_a_new_system_the_word_of_the_model_counts_for_little(fitted: Calibration) -> None:
    fresh = _votes(100, sure=0.85, right=0.17, seed=12)
    assert _confidence(fitted, fresh, 0.0).max() < 0.35


def test_confidence_grows_with_trust(fitted: Calibration) -> None:
    vote = _votes(1, sure=0.85, right=1.0, seed=13).votes[0]
    levels = [float(fitted.judge(vote, trust).probabilities.max()) for trust in (0.0, 0.3, 0.7, 1.0)]
    assert levels == sorted(levels)
    assert levels[0] < levels[-1]


def test_the_candidate_set_covers_nine_of_ten(fitted: Calibration) -> None:
    fresh = _votes(1500, sure=0.85, right=0.5, seed=14)
    covered = [int(y) in fitted.judge(vote, 1.0).candidates for vote, y in zip(fresh.votes, fresh.y, strict=True)]
    assert 0.86 <= np.mean(covered) <= 0.94


def test_the_candidate_set_is_wider_on_a_new_system_and_covers_there_too(fitted: Calibration) -> None:
    fresh = _votes(300, sure=0.85, right=0.17, seed=15)
    known = [len(fitted.judge(vote, 1.0).candidates) for vote in fresh.votes]
    sets = [fitted.judge(vote, 0.0).candidates for vote in fresh.votes]
    assert np.mean([len(found) for found in sets]) >= np.mean(known)
    assert np.mean([int(y) in found for found, y in zip(sets, fresh.y, strict=True)]) >= 0.85


def test_candidates_come_most_likely_first_and_never_empty(fitted: Calibration) -> None:
    for vote in _votes(50, sure=0.3, right=0.5, seed=16).votes:
        judged = fitted.judge(vote, 0.5)
        listed = [judged.probabilities[i] for i in judged.candidates]
        assert listed
        assert listed == sorted(listed, reverse=True)
        assert judged.probabilities.sum() == pytest.approx(1)


def test_without_strangers_a_new_system_gets_the_frequencies_alone() -> None:
    fitted = calibration.fit([_votes(100, sure=0.8, right=0.6, seed=1)], [])
    one, two = (fitted.judge(vote, 0.0).probabilities for vote in _votes(2, sure=0.9, right=1, seed=2).votes)
    assert np.allclose(one, two)


def test_the_level_is_that_of_the_textbook() -> None:
    # Angelopoulos and Bates 2021, "A gentle introduction to conformal prediction", section 1: the
    # ceil((n + 1)(1 - alpha)) / n empirical quantile of 1 - p(true)
    held = _votes(97, sure=0.5, right=0.6, seed=8)
    scores = np.sort(1 - held.votes[np.arange(97), held.y])
    assert conformal_quantile(held.votes, held.y, 0.9) == pytest.approx(scores[int(np.ceil(98 * 0.9)) - 1])


def test_above_the_floor_the_verdicts_were_right_as_often_as_asked(fitted: Calibration) -> None:
    accepted = fitted.accepted[fitted.accepted[:, 0] >= fitted.floor(0.55)]
    assert accepted[:, 1].mean() >= 0.55
    assert fitted.floor(2.0) == 1.0


def test_a_calibration_survives_its_arrays(fitted: Calibration) -> None:
    back = Calibration.from_arrays(fitted.to_arrays())
    vote = _votes(1, sure=0.5, right=1, seed=1).votes[0]
    assert back.judge(vote, 0.4).candidates == fitted.judge(vote, 0.4).candidates
    assert np.array_equal(back.judge(vote, 0.4).probabilities, fitted.judge(vote, 0.4).probabilities)


def _acquaintance(count: int = 40) -> Acquaintance:
    labelled = runs(count).labelled
    vectors = unit(np.array([1.0, 0, 0, 0]) + np.random.default_rng(2).normal(0, 0.1, (count, 4)))
    return Acquaintance.of(labelled, vectors, {"alpha": ("planner", "coder"), "beta": ("judge",)})


NEAR, OFF = np.array([1.0, 0.05, 0, 0]), np.array([-1.0, 0.3, 2.0, 0])


def test_a_run_like_the_labelled_ones_of_its_system_is_known_and_trusted() -> None:
    index = _acquaintance()
    assert index.familiarity("alpha", NEAR, ("planner",)) is Familiarity.KNOWN
    assert index.trust("alpha", NEAR, ("planner",)) > 0.7


def test_a_run_unlike_the_labelled_ones_of_its_system_is_trusted_half() -> None:
    index = _acquaintance(120)
    assert index.p_value("alpha", OFF) < 0.02 < index.p_value("alpha", NEAR)
    assert index.familiarity("alpha", OFF, ("planner",)) is Familiarity.SIMILAR
    assert index.trust("alpha", OFF, ("planner",)) == pytest.approx(index.trust("alpha", NEAR, ("planner",)) / 2)


def test_another_team_of_agents_in_a_known_framework_is_not_trusted() -> None:
    index = _acquaintance()
    assert index.trust("alpha", NEAR, ("assistant", "user_proxy")) == 0
    assert index.familiarity("alpha", NEAR, ("assistant", "user_proxy")) is Familiarity.SIMILAR


def test_a_system_without_labels_is_not_trusted_whatever_its_agents_are_called() -> None:
    index = _acquaintance()
    assert index.trust("gamma", NEAR, ("planner",)) == 0
    assert index.familiarity("gamma", NEAR, ("writer", "reader")) is Familiarity.NEW
    assert index.familiarity("gamma", NEAR, ("coder", "planner", "writer")) is Familiarity.SIMILAR


def test_trust_grows_with_the_labelled_runs_of_the_system() -> None:
    assert (
        _acquaintance(4).trust("alpha", NEAR, ("planner",))
        < _acquaintance(10).trust("alpha", NEAR, ("planner",))
        < _acquaintance().trust("alpha", NEAR, ("planner",))
    )
