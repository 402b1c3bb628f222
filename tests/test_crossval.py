from __future__ import annotations

from typing import TYPE_CHECKING

import invented_traces as invented
import pytest

from classifier.crossval import ADDED, ALL, CrossValidation, curve
from classifier.prediction import Prediction
from classifier.training import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from classifier.corpus import Example

RUNS = invented.examples(30, systems=invented.SYSTEMS[:2], seed=2)
MANY = invented.examples(220, seed=3)
HALF, REST = MANY[::2], MANY[1::2]


class Noted(CrossValidation):
    """Notes what is trained on and what is asked, and answers without training."""

    def __init__(self, examples: Sequence[Example], besides: Sequence[Example] = ()) -> None:
        super().__init__(examples, invented.embedder(), invented.scheme(), besides=besides)
        self.splits: list[tuple[list[int], list[int]]] = []

    def predict(self, train: Iterable[int], test: Iterable[int]) -> list[Prediction]:
        split = list(train), list(test)
        self.splits.append(split)
        return [Prediction(trace_id=self.runs[i].run, best="P1", named=None, confidence=0.1) for i in split[1]]

    def groups(self, rows: Iterable[int]) -> set[str]:
        return {self.runs[i].group for i in rows}


def validation(runs: Sequence[Example]) -> CrossValidation:
    return CrossValidation(runs, invented.embedder(), invented.scheme())


@pytest.fixture(scope="module")
def noted() -> Noted:
    return Noted(MANY)


@pytest.fixture(scope="module")
def honest() -> list[Prediction]:
    return validation(RUNS).folds(seed=0, k=3)


def relabelled(run: Example) -> Example:
    return invented.example(run.trace, "R3", 0, group=run.group)


def test_the_runs_share_tasks_within_and_across_systems(noted: Noted) -> None:
    systems = [{run.system for run in noted.runs if run.group == group} for group in noted.groups(range(220))]
    assert 0 < sum(len(of) > 1 for of in systems) < len(systems) < len(noted.runs)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [2, 5, 7])
def test_no_task_is_on_both_sides_of_a_fold_and_every_run_is_predicted_once(noted: Noted, seed: int, k: int) -> None:
    noted.splits.clear()
    predicted = noted.folds(seed, k)
    assert [one.trace_id for one in predicted] == [run.run for run in noted.runs]
    assert len(noted.splits) == k
    assert sorted(i for _, test in noted.splits for i in test) == list(range(len(noted.runs)))
    for train, test in noted.splits:
        assert noted.groups(train).isdisjoint(noted.groups(test))
        assert sorted(train + test) == list(range(len(noted.runs)))


def test_another_seed_splits_in_another_way(noted: Noted) -> None:
    noted.splits.clear()
    for seed in (0, 0, 1):
        noted.folds(seed)
    assert noted.splits[:5] == noted.splits[5:10] != noted.splits[10:]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("system", invented.SYSTEMS)
def test_a_system_held_out_is_asked_about_the_same_runs_however_many_are_added(
    noted: Noted, system: str, seed: int
) -> None:
    noted.splits.clear()
    held = [noted.hold_out(system, added, seed) for added in ADDED]
    asked = {tuple(test) for _, test in noted.splits}
    assert len(asked) == 1
    assert len(*asked) >= 20
    own = {i for i, run in enumerate(noted.runs) if run.system == system}
    for (train, test), one in zip(noted.splits, held, strict=True):
        assert noted.groups(train).isdisjoint(noted.groups(test))
        assert set(test) <= own
        assert [prediction.trace_id for prediction in one.predictions] == [noted.runs[i].run for i in test]
        assert one.labelled == len(own & set(train))
        assert one.added <= one.labelled <= one.added + 2  # whole tasks, of three runs at most
        assert set(range(len(noted.runs))) - own - set(train) == {
            i for i, run in enumerate(noted.runs) if run.system != system and run.group in noted.groups(test)
        }
    assert held[0].labelled == 0
    assert all(set(noted.splits[i][0]) <= set(noted.splits[i + 1][0]) for i in range(len(ADDED) - 1))


def test_a_small_system_keeps_half_of_its_runs_to_be_asked_about() -> None:
    small = Noted(RUNS)
    own = sum(run.system == "autogen" for run in small.runs)
    held = small.hold_out("autogen", max(ADDED))
    assert own // 2 - 2 <= len(held.predictions) <= own - own // 2
    assert held.labelled + len(held.predictions) == own


def test_what_is_said_of_a_run_does_not_hang_on_the_labels_of_its_task(honest: list[Prediction]) -> None:
    group = RUNS[0].group
    flipped = [relabelled(run) if run.group == group else run for run in RUNS]
    mine = [i for i, run in enumerate(RUNS) if run.group == group]
    others = validation(flipped).folds(seed=0, k=3)
    assert [others[i] for i in mine] == [honest[i] for i in mine]
    assert others != honest  # the others have learnt from them


def test_a_system_held_out_does_not_hang_on_its_own_labels() -> None:
    flipped = [relabelled(run) if run.system == "autogen" else run for run in RUNS]
    assert validation(flipped).hold_out("autogen", 0) == validation(RUNS).hold_out("autogen", 0)


def test_a_prediction_is_whole_and_of_the_run_that_was_asked_about(honest: list[Prediction]) -> None:
    for one, run in zip(honest, RUNS, strict=True):
        shares = [candidate.probability for candidate in one.probabilities]
        assert one.trace_id == run.trace.id
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1)
        assert one.best == one.probabilities[0].cause == one.candidates[0]
        assert one.steps
        assert set(one.steps) <= {step.index for step in run.trace.steps}
        assert one.agent == run.trace.steps[one.steps[0]].agent
    assert sum(one.best == run.label.cause for one, run in zip(honest, RUNS, strict=True)) > 15  # of 30, by chance 6


def test_the_curve_has_a_point_for_each_number_of_runs_added_and_one_for_all_systems() -> None:
    noted = Noted(MANY[:90])
    held = [noted.hold_out(system, added) for system in invented.SYSTEMS[:2] for added in (0, 10)]
    points = curve(held, MANY[:90], invented.scheme())
    assert [(point.system, point.added) for point in points] == [
        (system, added) for system in (*invented.SYSTEMS[:2], ALL) for added in (0, 10)
    ]
    by_name = {(point.system, point.added): point for point in points}
    for added in (0, 10):
        whole, parts = by_name[ALL, added], [by_name[system, added] for system in invented.SYSTEMS[:2]]
        assert whole.runs == sum(point.runs for point in parts)
        assert whole.labelled == pytest.approx(sum(point.labelled for point in parts) / 2)
        assert whole.named.value == 0


def test_too_few_runs_to_train_on_are_refused() -> None:
    with pytest.raises(TrainingError, match="label at least"):
        validation(RUNS[:12]).folds(k=5)


def test_runs_besides_are_learnt_from_and_never_asked_about() -> None:
    noted = Noted(HALF, REST)
    predictions = noted.folds(seed=1)
    assert [prediction.trace_id for prediction in predictions] == [run.trace.id for run in HALF]
    assert all(any(i >= 110 for i in train) and max(test) < 110 for train, test in noted.splits)


def test_runs_besides_of_a_task_that_is_asked_about_are_left_out() -> None:
    noted = Noted(HALF, REST)
    noted.folds(seed=1)
    assert any(noted.groups(range(110)) & noted.groups(range(110, 220)))
    for train, test in noted.splits:
        assert not noted.groups(train) & noted.groups(test)


def test_runs_besides_change_no_fold() -> None:
    alone, accompanied = Noted(HALF), Noted(HALF, REST)
    alone.folds(seed=2)
    accompanied.folds(seed=2)
    assert [test for _, test in alone.splits] == [test for _, test in accompanied.splits]


def test_runs_besides_of_a_held_out_system_stay_in_the_index_and_are_not_counted_as_added() -> None:
    system = HALF[0].system
    noted = Noted(HALF, REST)
    held = noted.hold_out(system, 0)
    (train, test) = noted.splits[-1]
    assert held.labelled == 0
    assert any(noted.runs[i].system == system for i in train)
    assert max(test) < 110
