"""Figures of an evaluation are scikit-learn's where it has them, worked by hand where not, and name their labels."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.annotation import Annotation, Label
from classifier.bootstrap import draws
from classifier.corpus import Example
from classifier.diagnosis import Candidate, Diagnosis, Outcome, Provenance, StepChoice, Versions
from classifier.evaluation import Case, cases, evaluate
from classifier.prediction import Prediction
from classifier.reliability import calibration, ece_over, equal_mass_bins, risk_coverage
from classifier.taxonomy import load
from classifier.trace import Phase, Role, Step, Trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.evaluation import Scores

LU = load()
HUMAN, MODEL = Provenance.HUMAN, Provenance.MODEL


def case(
    gold: str | None = "P1",
    best: str | None = "P1",
    *,
    run: int = 0,
    named: bool = True,
    confidence: float = 0.5,
    candidates: Sequence[str] = (),
    distribution: dict[str, float] | None = None,
    step: int | None = None,
    steps: Sequence[int] = (),
    agent: str | None = None,
    said_agent: str | None = None,
    agents: Sequence[str] = (),
    source: str = "s",
    by: Provenance = HUMAN,
) -> Case:
    return Case(
        prediction=Prediction(
            trace_id=f"r{run}",
            best=best,
            named=best if named else None,
            confidence=confidence,
            probabilities=tuple(Candidate(cause=c, probability=p) for c, p in (distribution or {}).items()),
            candidates=tuple(candidates),
            steps=tuple(steps),
            agent=said_agent,
        ),
        label=Label(
            cause=gold,
            cause_by=by if gold else None,
            step=step,
            step_by=HUMAN if step is not None else None,
            agent=agent,
            agent_by=HUMAN if agent else None,
        ),
        group=f"task{run}",
        source=source,
        agents=tuple(agents),
    )


def scores(*given: Case) -> Scores:
    return evaluate(given, LU, resamples=20).overall


causes = st.sampled_from(LU.ids)


@settings(deadline=None)  # the first example imports scikit-learn
@given(st.lists(st.tuples(causes, causes), min_size=1, max_size=25))
def test_accuracy_kappa_and_macro_f1_are_scikit_learns(labels: list[tuple[str, str]]) -> None:
    from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score  # noqa: PLC0415 - a second of import

    gold, best = zip(*labels, strict=True)
    tier = scores(*(case(g, b, run=i) for i, (g, b) in enumerate(labels))).tier("cause")
    assert tier.accuracy.value == pytest.approx(accuracy_score(gold, best))
    assert tier.macro_f1.value == pytest.approx(f1_score(gold, best, average="macro", zero_division=0))
    if len({*gold, *best}) > 1:
        assert tier.kappa.value == pytest.approx(cohen_kappa_score(gold, best))
    else:
        assert tier.kappa.value is None


def test_a_near_miss_is_right_on_the_coarser_tiers() -> None:
    found = scores(case("E2.1", "E2.2"), case("E2.1", "E1", run=1), case("P1", "R1", run=2), case("P1", "P1", run=3))
    assert [found.tier(tier).accuracy.value for tier in ("cause", "tier2", "phase")] == [0.25, 0.5, 0.75]


def test_a_taxonomy_without_phases_has_no_phase_tier() -> None:
    native = load("agentrx")
    one, other = native.ids[:2]
    found = evaluate([case(one, one), case(one, other, run=1)], native, resamples=2).overall
    assert "phase" not in {tier.tier for tier in found.tiers}
    assert found.tier("cause").accuracy.value == 0.5


def test_runs_without_a_known_cause_are_left_out_of_the_causes_and_counted() -> None:
    found = scores(case("P1", "P1", step=1, steps=[1]), case("unknown", "P1", run=1, step=1), case(None, "P1", run=2))
    assert (found.runs, found.without_cause, found.tier("cause").accuracy.n) == (3, 2, 1)
    assert (found.step_exact.n, found.step_exact.value) == (2, 0.5)
    assert found.risk_coverage.rows[-1].runs == 1


def test_only_unknown_causes_leave_the_figures_undefined() -> None:
    found = scores(case("unknown"))
    assert found.tier("cause").kappa.value is None
    assert found.calibration.ece.value is None
    assert found.risk_coverage.rows == ()
    assert found.confusion.labels == ()


def test_steps_are_scored_exactly_near_and_among_three() -> None:
    found = scores(
        case(step=4, steps=[4, 1, 2]),
        case(step=4, steps=[5, 1, 4], run=1),
        case(step=4, steps=[1, 2, 3, 4], run=2),
        case(step=4, run=3),
        case(run=4, steps=[0]),
    )
    assert (found.step_exact.value, found.step_within_one.value, found.step_top3.value) == (0.25, 0.5, 0.5)
    assert found.step_exact.n == 4


def test_agents_are_compared_without_case_and_role_and_only_where_they_act() -> None:
    found = scores(
        case(agent="WebSurfer", said_agent="Websurfer", agents=["Websurfer"]),
        case(agent="Orchestrator", said_agent="Orchestrator (thought)", agents=["Orchestrator (thought)"], run=1),
        case(agent="Coder", agents=["Coder"], run=2),
        case(agent="memory", said_agent="agent", agents=["agent", "environment"], run=3),
    )
    assert (found.agent.n, found.agents_left_out) == (3, 1)
    assert found.agent.value == pytest.approx(2 / 3)


def test_abstaining_is_counted_and_a_parent_is_right_for_its_children() -> None:
    found = scores(
        case("E2.1", "E2"),
        case("E2.1", "E1", run=1),
        case("P1", "P1", run=2),
        case("P1", "P1", run=3, named=False),
    )
    assert found.named.value == 0.75
    assert found.named_right.value == pytest.approx(2 / 3)
    assert found.tier("cause").accuracy.value == 0.5


def test_the_second_guess_counts_in_top2() -> None:
    ranked = {"E3": 0.5, "P1": 0.3, "R1": 0.2}
    found = scores(
        case("P1", "E3", distribution=ranked),
        case("R1", "E3", run=1, distribution=ranked),
        case("P1", "E3", run=2, candidates=["E3", "P1"]),
    )
    assert found.top2.value == pytest.approx(2 / 3)


def test_candidate_sets_are_measured_by_coverage_and_size() -> None:
    found = scores(case("P1", candidates=["P1"]), case("P1", candidates=["E1", "E2", "E3"], run=1), case("P1", run=2))
    assert found.set_coverage.value == pytest.approx(1 / 3)
    assert found.set_size.value == pytest.approx(4 / 3)
    assert scores(case("P1")).set_coverage.value is None


def test_brier_is_over_the_whole_distribution_and_needs_one() -> None:
    # Brier (1950): rain, no rain; forecasts .7/.3 and .2/.8, it rains both times
    rains = [case("P1", distribution={"P1": 0.7, "E1": 0.3}), case("P1", run=1, distribution={"P1": 0.2, "E1": 0.8})]
    assert scores(*rains).calibration.brier.value == pytest.approx(((0.3**2 + 0.3**2) + (0.8**2 + 0.8**2)) / 2)
    assert scores(*rains, case("P1", run=2)).calibration.brier.value is None
    assert scores(case("R1", distribution={"P1": 1.0})).calibration.brier.value == pytest.approx(2)


def test_the_calibration_error_of_equal_width_is_as_worked_by_hand() -> None:
    # Guo et al. (2017), equation 3: bins (0.6, 0.7] and (0.9, 1]; gaps |0.65 - 0.5| and |0.95 - 1|, weights 2/4 each
    confidence, right = np.array([0.62, 0.68, 0.93, 0.97]), np.array([1.0, 0.0, 1.0, 1.0])
    found = calibration(confidence, right, np.ones((3, 4)), tasks=4)
    assert found.ece_width.value == pytest.approx(0.5 * 0.15 + 0.5 * 0.05)
    assert found.brier_confidence.value == pytest.approx((0.38**2 + 0.68**2 + 0.07**2 + 0.03**2) / 4)


def test_equal_mass_bins_hold_equally_many_and_never_part_a_tie() -> None:
    assert np.bincount(equal_mass_bins(np.linspace(0.1, 0.9, 50))).tolist() == [5] * 10
    tied = equal_mass_bins(np.array([0.3] * 7 + [0.8] * 3))
    assert len(set(tied[:7].tolist())) == 1
    assert tied[0] < tied[-1]


def test_a_calibrated_forecast_has_a_small_error_and_an_overconfident_one_a_large_one() -> None:
    rng = np.random.default_rng(0)
    chance = rng.uniform(size=20_000)
    right = (rng.uniform(size=20_000) < chance).astype(float)
    one = np.ones((1, 20_000))
    assert ece_over(chance, right, equal_mass_bins(chance), one)[0] < 0.02
    assert ece_over(np.full(20_000, 0.9), right, equal_mass_bins(chance), one)[0] == pytest.approx(0.4, abs=0.02)


def test_risk_coverage_follows_the_most_confident() -> None:
    confidence, right = np.linspace(1, 0.1, 10), np.array([1.0] * 5 + [0.0] * 5)
    found = risk_coverage(confidence, right, np.ones((3, 10)), tasks=10)
    accuracies = [row.accuracy.value for row in found.rows]
    assert accuracies == pytest.approx([1, 1, 1, 1, 1, 5 / 6, 5 / 7, 5 / 8, 5 / 9, 5 / 10])
    assert found.aurc.value == pytest.approx(np.mean([0, 0, 0, 0, 0, 1 / 6, 2 / 7, 3 / 8, 4 / 9, 5 / 10]))
    assert [row.threshold for row in found.rows][:2] == pytest.approx([1, 0.9])


def test_runs_of_equal_confidence_count_as_in_random_order() -> None:
    right = np.array([1.0, 1.0, 0.0, 0.0])
    found = risk_coverage(np.full(4, 0.7), right, np.ones((3, 4)), tasks=4)
    assert [row.accuracy.value for row in found.rows] == pytest.approx([0.5] * 10)
    assert found.aurc.value == pytest.approx(0.5)


def test_the_confusion_table_and_each_causes_scores_agree() -> None:
    found = scores(case("P1", "E1"), case("P1", "P1", run=1), case("E1", "P1", run=2), case("E1", None, run=3))
    assert found.confusion.labels == ("(none)", "E1", "P1")
    assert found.confusion.counts == ((0, 0, 0), (1, 0, 1), (0, 1, 1))
    p1 = next(row for row in found.causes if row.cause == "P1")
    assert (p1.support, p1.predicted, p1.precision, p1.recall, p1.f1) == (2, 2, 0.5, 0.5, 0.5)


def test_labels_made_by_a_model_are_counted_and_cautioned_of() -> None:
    report = evaluate([case(by=MODEL, step=1), case(run=1, by=MODEL), case(run=2)], LU, resamples=2)
    counted = {(row.field, row.provenance): row.runs for row in report.overall.labels}
    assert counted == {("cause", HUMAN): 1, ("cause", MODEL): 2, ("step", HUMAN): 1}
    assert len(report.cautions) == 1
    assert report.cautions[0].startswith("2 of 3 cause labels were made by a language model")
    assert evaluate([case()], LU, resamples=2).cautions == ()


def test_sources_are_scored_apart() -> None:
    report = evaluate([case(source="a"), case("P1", "E1", run=1, source="b")], LU, resamples=2)
    assert [(part.name, part.tier("cause").accuracy.value) for part in report.sources] == [("a", 1), ("b", 0)]
    assert report.overall.tier("cause").accuracy.value == 0.5


def test_the_order_of_the_runs_does_not_change_a_figure() -> None:
    rng = np.random.default_rng(1)
    given = [
        case(str(rng.choice(LU.ids)), str(rng.choice(LU.ids)), run=i, confidence=float(rng.choice([0.2, 0.5, 0.9])))
        for i in range(30)
    ]
    one, other = (evaluate(order, LU, resamples=50).overall for order in (given, given[::-1]))
    for this, that in (
        (one.tier("cause").kappa, other.tier("cause").kappa),
        (one.calibration.ece, other.calibration.ece),
        (one.risk_coverage.aurc, other.risk_coverage.aurc),
    ):
        pairs = zip((this.value, this.low, this.high), (that.value, that.low, that.high), strict=True)
        assert all(a == pytest.approx(b) for a, b in pairs)


def test_intervals_are_drawn_over_tasks_not_runs() -> None:
    hits = np.tile([1.0, 0.0], 50)
    alone = [case("P1", "P1" if hit else "E1", run=i) for i, hit in enumerate(hits)]
    five_a_task = [one.model_copy(update={"group": f"task{i % 2}{i // 10}"}) for i, one in enumerate(alone)]
    narrow, wide = (evaluate(part, LU).overall.tier("cause").accuracy for part in (alone, five_a_task))
    assert narrow.value == wide.value == 0.5
    assert width(wide) > 2 * width(narrow)


def width(figure: object) -> float:
    low, high = getattr(figure, "low", None), getattr(figure, "high", None)
    assert low is not None
    assert high is not None
    return float(high - low)


def test_nothing_to_evaluate_is_an_error() -> None:
    with pytest.raises(ValueError, match="no prediction has a label"):
        evaluate([], LU)


def test_no_figure_warns_on_a_draw_that_leaves_it_undefined() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = evaluate([case("P1", "P1"), case("E1", "P1", run=1, step=3, steps=[3])], LU, resamples=200)
    assert report.overall.tier("cause").kappa.value == 0
    assert draws([]).shape == (1001, 0)


def example(run: str, *notes: Annotation) -> Example:
    steps = (Step(index=0, agent="Planner", role=Role.ASSISTANT, content="plan"),)
    trace = Trace(id=run, format="f", framework="fw", task="t", steps=steps)
    return Example(trace=trace, annotations=notes, group="g", system="fw", source="s")


def test_predictions_meet_the_examples_of_the_same_run() -> None:
    note = Annotation(trace="r1", annotator="ann", provenance=HUMAN, cause="P1", native_category="System failure")
    prediction = Prediction(trace_id="r1", best="P1", named=None, confidence=0.3)
    (found,) = cases([example("r1", note), example("r2")], [prediction])
    assert (found.label.cause, found.agents, found.group) == ("P1", ("Planner",), "g")
    (native,) = cases([example("r1", note)], [prediction], native=load("agentrx"))
    assert native.label.cause in load("agentrx")
    assert native.label.cause_by is HUMAN


def test_a_diagnosis_that_abstains_still_has_a_likeliest_cause() -> None:
    diagnosis = Diagnosis(
        trace_id="r1",
        file=None,
        outcome=Outcome.FAILED,
        cause=None,
        phase=Phase.PLANNING,
        step=4,
        agent="Planner",
        confidence=0.2,
        steps=(
            StepChoice(step=4, agent="Planner", probability=0.5),
            StepChoice(step=2, agent="Coder", probability=0.1),
        ),
        candidates=(Candidate(cause="P1", probability=0.2), Candidate(cause="P3", probability=0.1)),
        versions=Versions(coroner="0", index="0", taxonomy="0", embedder="0"),
    )
    prediction = Prediction.of(diagnosis)
    assert (prediction.best, prediction.named, prediction.steps) == ("P1", None, (4, 2))
    note = prediction.annotation()
    assert (note.annotator, note.provenance, note.cause, note.step) == ("coroner", MODEL, "P1", 4)
