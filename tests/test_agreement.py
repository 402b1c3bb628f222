"""The coefficients give the published figures, vectorised as by the libraries, and reports count what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.agreement import agree
from classifier.annotation import Annotation, Judged
from classifier.bootstrap import draws, estimate, mean
from classifier.coefficients import (
    ac1_over,
    alpha_over,
    category_over,
    cohen_kappa,
    fleiss_kappa,
    fleiss_over,
    gwet_ac1,
    kappa_over,
    krippendorff_alpha,
    observed_over,
    tables_over,
)
from classifier.diagnosis import Provenance
from classifier.taxonomy import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

HUMAN, MODEL = Provenance.HUMAN, Provenance.MODEL

# Fleiss, J. L. (1971), Measuring nominal scale agreement among many raters, Psychol. Bulletin 76, 378-382, table 1: 30
# patients, 6 psychiatrists; a digit is how many said depression, personality disorder, schizophrenia, neurosis, other.
_FLEISS_ROWS = (
    "00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031 "
    "00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"
)
FLEISS_1971 = np.array([[int(digit) for digit in row] for row in _FLEISS_ROWS.split(" ")], dtype=float)
# Krippendorff, K. (2011), Computing Krippendorff's alpha-reliability, example C: 4 observers, 12 units, values missing.
# The same data are in Gwet, K. L. (2014), Handbook of Inter-Rater Reliability, 4th ed.
FOUR_OBSERVERS = ["11.1", "2232", "3333", "3333", "2222", "1234", "4444", "1121", "2222", ".555", "..11", "..3."]
# Three coders over 15 units: the worked example of the krippendorff package's documentation.
THREE_CODERS = ["*****34121133*3", "1*213343*******", "**21344*21133*4"]


def near(*figures: float | None) -> tuple[float | None, ...]:
    """Round, so that figures equal but for the order of their sums compare equal."""
    return tuple(None if figure is None else round(figure, 9) for figure in figures)


def counted(rows: Sequence[str]) -> NDArray[np.float64]:
    """Count digits: one row a unit, other signs are missing values."""
    values = sorted({sign for row in rows for sign in row if sign.isdigit()})
    return np.array([[row.count(value) for value in values] for row in rows], dtype=float)


def ones(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ones((1, len(counts)))


def pairs(table: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    """Unroll a contingency table into two label sequences."""
    cells = [(i, j) for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]
    return [i for i, _ in cells], [j for _, j in cells]


def test_cohens_kappa_is_that_of_cohen_1960() -> None:
    # Cohen, J. (1960), A coefficient of agreement for nominal scales, Educ. Psychol. Meas. 20, 37-46: kappa .492
    assert cohen_kappa(*pairs([[88, 14, 18], [10, 40, 10], [2, 6, 12]])) == pytest.approx(0.492, abs=5e-4)


def test_kappa_collapses_and_ac1_does_not_where_one_label_dominates() -> None:
    # Gwet, K. L. (2008), Br. J. Math. Stat. Psychol. 61, 29-48 and (2002): 118, 5, 2, 0 of 125: kappa -0.02, AC1 0.94
    one, other = pairs([[118, 5], [2, 0]])
    assert cohen_kappa(one, other) == pytest.approx(-0.0234, abs=5e-5)
    counts = np.eye(2)[one] + np.eye(2)[other]
    assert gwet_ac1(counts) == pytest.approx(0.94, abs=5e-3)


def test_fleiss_kappa_is_that_of_fleiss_1971() -> None:
    assert fleiss_kappa(FLEISS_1971) == pytest.approx(0.430, abs=5e-4)


def test_kappa_of_each_category_is_that_of_fleiss_1971() -> None:
    labels = FLEISS_1971.sum(axis=1)
    found = [category_over(FLEISS_1971[:, j], labels, ones(FLEISS_1971))[1][0] for j in range(5)]
    assert found == pytest.approx([0.245, 0.245, 0.520, 0.471, 0.566], abs=5e-4)


def test_alpha_is_that_of_krippendorff_2011() -> None:
    assert krippendorff_alpha(counted(FOUR_OBSERVERS)) == pytest.approx(0.743, abs=5e-4)


def test_alpha_of_three_coders_is_the_published_one() -> None:
    units = ["".join(coder[i] for coder in THREE_CODERS) for i in range(15)]
    assert krippendorff_alpha(counted(units)) == pytest.approx(0.691, abs=5e-4)


def test_alpha_of_two_observers_is_that_of_krippendorff_2011() -> None:
    # the same paper, example B: Ben and Gerry on 12 articles
    ben, gerry = "aabbdcccedda", "babbbccceddd"
    number = {letter: str(i) for i, letter in enumerate("abcde")}
    units = [number[a] + number[b] for a, b in zip(ben, gerry, strict=True)]
    assert krippendorff_alpha(counted(units)) == pytest.approx(0.692, abs=5e-4)


def test_ac1_with_missing_values_is_that_of_gwet_2014() -> None:
    counts = counted(FOUR_OBSERVERS)
    assert gwet_ac1(counts) == pytest.approx(0.77544, abs=5e-6)
    assert observed_over(counts, ones(counts))[0] == pytest.approx(0.81818, abs=5e-6)


tables = st.integers(2, 5).flatmap(
    lambda k: st.lists(st.lists(st.integers(0, 4), min_size=k, max_size=k), min_size=2, max_size=12)
)


@settings(deadline=None)  # the first example imports the library
@given(tables)
def test_the_vectorised_forms_equal_the_libraries(rows: list[list[int]]) -> None:
    counts = np.array(rows, dtype=float)
    alpha = krippendorff_alpha(counts)
    found = alpha_over(counts, ones(counts))[0]
    assert np.isnan(found) if alpha is None else found == pytest.approx(alpha)


@settings(deadline=None)  # the first example imports the library
@given(st.integers(2, 6), st.lists(st.lists(st.integers(0, 3), min_size=6, max_size=6), min_size=2, max_size=12))
def test_the_vectorised_fleiss_kappa_equals_statsmodels(raters: int, ratings: list[list[int]]) -> None:
    counts = np.array([[row[:raters].count(value) for value in range(4)] for row in ratings], dtype=float)
    kappa = fleiss_kappa(counts)
    found = fleiss_over(counts, ones(counts))[0]
    assert np.isnan(found) if kappa is None else found == pytest.approx(kappa)


@settings(deadline=None)  # the first example imports the library
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_the_vectorised_cohen_kappa_equals_scikit_learn(labels: list[tuple[int, int]]) -> None:
    one, other = (np.array(side) for side in zip(*labels, strict=True))
    kappa = cohen_kappa(one.tolist(), other.tolist())
    found = kappa_over(tables_over(one, other, 4, np.ones((1, len(labels)))))[0]
    assert np.isnan(found) if kappa is None else found == pytest.approx(kappa)


def test_a_weight_counts_like_a_repeated_unit() -> None:
    weights = np.array([[2.0, 1.0, 0.0, *[1.0] * 27]])
    repeated = np.concatenate([FLEISS_1971[:1], FLEISS_1971[:2], FLEISS_1971[3:]])
    for statistic in (observed_over, fleiss_over, alpha_over, ac1_over):
        assert statistic(FLEISS_1971, weights)[0] == pytest.approx(statistic(repeated, ones(repeated))[0])


@pytest.mark.parametrize("counts", [np.zeros((0, 3)), np.array([[2.0, 0.0], [2.0, 0.0]])])
def test_a_coefficient_without_variation_is_undefined_not_a_number(counts: NDArray[np.float64]) -> None:
    assert fleiss_kappa(counts) is None
    assert krippendorff_alpha(counts) is None
    assert cohen_kappa(["P1", None], ["P1", "E1"]) is None


def test_the_interval_of_a_share_is_near_the_normal_one() -> None:
    hits = np.repeat([1.0, 0.0], [120, 280])
    drawn = draws([str(i) for i in range(400)])
    share = estimate(mean(drawn, hits), 400, tasks=400)
    half = 1.96 * (0.3 * 0.7 / 400) ** 0.5
    assert share.value == pytest.approx(0.3)
    assert share.low == pytest.approx(0.3 - half, abs=0.01)
    assert share.high == pytest.approx(0.3 + half, abs=0.01)


def test_runs_of_one_task_are_drawn_together() -> None:
    drawn = draws(["a", "b", "a", "c"], resamples=50)
    assert (drawn[0] == 1).all()
    assert (drawn[:, 0] == drawn[:, 2]).all()
    assert (drawn[1:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert len(np.unique(drawn[:, 1])) > 1


def test_a_single_task_gives_no_interval() -> None:
    share = estimate(mean(draws(["a", "a"]), np.array([1.0, 0.0])), 2, tasks=1)
    assert (share.value, share.low, share.high) == (0.5, None, None)


def labelled(annotator: str, provenance: Provenance, field: Judged, values: Sequence[object]) -> list[Annotation]:
    """Annotate runs r0, r1, ... by one annotator; None: not labelled."""
    return [
        Annotation.model_validate({"trace": f"r{i}", "annotator": annotator, "provenance": provenance, field: value})
        for i, value in enumerate(values)
    ]


HUMANS = [
    *labelled("ann", HUMAN, "cause", ["P1", "P1", "E2.1", "E3", None, "E1.1"]),
    *labelled("bob", HUMAN, "cause", ["P1", "P2", "E2.1", "E3", "R3", None]),
]
COUNTED = [*HUMANS, *labelled("coroner", MODEL, "cause", ["P1", "P2", "E2.2", "E3", "R3", "E1.2"])]


def test_pairs_are_compared_on_the_runs_that_both_labelled() -> None:
    report = agree(COUNTED)
    found = {(pair.first, pair.second): (pair.units, pair.observed.value) for pair in report.pairs}
    assert found == {("ann", "bob"): (4, 0.75), ("ann", "coroner"): (5, 0.4), ("bob", "coroner"): (5, 0.8)}
    assert (report.units, report.complete, report.fleiss.n) == (6, 4, 4)


def test_the_classifier_stands_beside_the_human_ceiling() -> None:
    ceiling, coroner = agree(COUNTED).versus_humans
    assert (ceiling.rater, ceiling.units, ceiling.observed.value) == (None, 4, 0.75)
    assert (coroner.rater, coroner.units) == ("coroner", 6)
    assert near(coroner.observed.value) == near(6 / 10)
    assert coroner.shared is not None
    assert coroner.shared.units == 4
    assert near(coroner.shared.observed.value) == near(5 / 8)


def test_without_two_humans_there_is_no_ceiling() -> None:
    (alone,) = agree(COUNTED, annotators=["coroner", "bob"]).versus_humans
    assert (alone.rater, alone.shared) == ("coroner", None)


def test_labels_made_by_a_model_are_counted() -> None:
    assert agree(COUNTED).model_made == 6
    assert agree(HUMANS).model_made == 0


def test_each_cause_has_its_uses_and_specific_agreement() -> None:
    categories = {row.category: row for row in agree(COUNTED).categories}
    assert (categories["P1"].uses, categories["P2"].uses) == (4, 2)
    assert categories["E3"].specific.value == 1
    assert categories["E2.2"].specific.value == 0


def test_causes_agree_more_on_coarser_tiers() -> None:
    taxonomy = load()
    values = [
        agree(COUNTED, field=field, annotators=["ann", "coroner"], taxonomy=taxonomy).observed.value
        for field in ("cause", "tier2", "phase")
    ]
    assert values == [0.4, 0.8, 1.0]


def test_steps_are_also_compared_within_one() -> None:
    notes = [*labelled("ann", HUMAN, "step", [1, 5, 9]), *labelled("bob", HUMAN, "step", [1, 6, 20])]
    (pair,) = agree(notes, field="step").pairs
    assert pair.within_one is not None
    assert near(pair.observed.value, pair.within_one.value) == near(1 / 3, 2 / 3)


def test_spellings_of_one_agent_agree() -> None:
    notes = [*labelled("ann", HUMAN, "agent", ["WebSurfer", "Coder"])]
    notes += labelled("bob", HUMAN, "agent", ["Websurfer (tool)", "Planner"])
    assert agree(notes, field="agent").observed.value == 0.5


def test_the_first_word_of_an_annotator_counts() -> None:
    again = labelled("ann", HUMAN, "cause", ["R1"])
    assert agree([*COUNTED, *again]) == agree(COUNTED)


def test_the_same_seed_gives_the_same_report_whatever_the_order() -> None:
    assert agree(COUNTED, seed=3) == agree(COUNTED[::-1], seed=3)
    assert agree(COUNTED, seed=3) != agree(COUNTED, seed=4)


def test_copies_of_runs_in_the_same_tasks_add_no_certainty() -> None:
    copies = [note.model_copy(update={"trace": f"{note.trace}x"}) for note in COUNTED]
    groups = {note.trace: note.trace.rstrip("x") for note in [*COUNTED, *copies]}
    doubled, once = agree([*COUNTED, *copies], groups=groups).observed, agree(COUNTED).observed
    assert near(doubled.value, doubled.low, doubled.high) == near(once.value, once.low, once.high)
    assert (doubled.n, once.n) == (12, 6)


def test_who_cannot_be_compared_is_said() -> None:
    with pytest.raises(ValueError, match=r"no cause label by carl; there are ann, bob, coroner"):
        agree(COUNTED, annotators=["ann", "carl"])
    with pytest.raises(ValueError, match="no run has a step label by two of"):
        agree(labelled("ann", HUMAN, "step", [1]), field="step")
    with pytest.raises(ValueError, match="phase needs a taxonomy"):
        agree(COUNTED, field="phase")
