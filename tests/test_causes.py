from dataclasses import replace

import numpy as np
import pytest
from invented_runs import Runs, runs

from classifier import causes
from classifier.causes import CauseModel, Fitted
from classifier.metric import TOP, likely


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return causes.fit(*runs(40))


def _right(model: CauseModel, asked: Runs) -> float:
    said = [
        model.predict(table, posterior, run.system)
        for table, posterior, run in zip(asked.tables, asked.posteriors, asked.labelled, strict=True)
    ]
    named = [vote.labels[int(vote.probabilities.argmax())] for vote in said]
    return float(np.mean([name == run.cause for name, run in zip(named, asked.labelled, strict=True)]))


def test_runs_it_has_not_seen_get_the_cause_that_their_decisive_step_shows(fitted: Fitted) -> None:
    assert _right(fitted.model, runs(30, seed=9)) >= 0.8


def test_neighbours_alone_and_the_linear_part_alone_both_name_causes(fitted: Fitted) -> None:
    for pool in (0.0, 1.0):
        knobs = replace(fitted.model.knobs, pool=pool)
        assert _right(replace(fitted.model, knobs=knobs), runs(30, seed=9)) >= 0.7


def test_the_vote_names_labelled_runs_of_the_cause_that_it_names(fitted: Fitted) -> None:
    asked = runs(5, seed=9)
    for table, posterior, run in zip(*asked, strict=True):
        vote = fitted.model.predict(table, posterior, run.system)
        first = vote.labels[int(vote.probabilities.argmax())]
        assert vote.carriers
        assert all(carrier.labelled.cause == first for carrier in vote.carriers)
        shares = [carrier.share for carrier in vote.carriers]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) <= 1 + 1e-9


def test_probabilities_of_causes_and_of_steps_each_sum_to_one(fitted: Fitted) -> None:
    asked = runs(1, seed=3)
    vote = fitted.model.predict(asked.tables[0], asked.posteriors[0], "alpha")
    assert vote.probabilities.sum() == pytest.approx(1)
    assert vote.steps.sum() == pytest.approx(1)
    assert vote.steps.shape == (len(asked.tables[0]),)


def test_a_run_of_an_unseen_system_is_answered(fitted: Fitted) -> None:
    asked = runs(20, seed=5, systems=("gamma",))
    assert _right(fitted.model, asked) > 0.5  # here the marks mean the same in every system


def test_what_is_said_of_training_runs_held_out_comes_from_models_that_have_not_seen_their_task(fitted: Fitted) -> None:
    invented = runs(40)
    labels = [run.cause for run in invented.labelled]
    shuffled = [
        run.model_copy(update={"cause": cause})
        for run, cause in zip(invented.labelled, np.random.default_rng(0).permutation(labels), strict=True)
    ]
    noise = causes.fit(invented.tables, invented.posteriors, shuffled)

    def held_out_accuracy(of: Fitted, wanted: list[str | None]) -> float:
        found = [of.model.labels[i] for i in of.held_out[0].argmax(axis=1)]
        return float(np.mean([a == b for a, b in zip(found, wanted, strict=True)]))

    assert held_out_accuracy(fitted, labels) >= 0.7
    assert held_out_accuracy(noise, [run.cause for run in shuffled]) <= 0.6


def test_a_model_survives_its_arrays(fitted: Fitted) -> None:
    back = CauseModel.from_arrays(fitted.model.to_arrays(), tuple(reversed(fitted.model.runs)))
    asked = runs(6, seed=4)
    for table, posterior, run in zip(*asked, strict=True):
        one = fitted.model.predict(table, posterior, run.system)
        two = back.predict(table, posterior, run.system)
        assert np.allclose(one.probabilities, two.probabilities, atol=1e-4)
        assert [c.labelled for c in one.carriers] == [c.labelled for c in two.carriers]


def test_fitting_twice_gives_the_same_bytes(fitted: Fitted) -> None:
    again = causes.fit(*runs(40)).model.to_arrays()
    assert {name: value.tobytes() for name, value in fitted.model.to_arrays().items()} == {
        name: value.tobytes() for name, value in again.items()
    }


def test_labels_may_be_of_any_taxonomy() -> None:
    invented = runs(24)
    other = [run.model_copy(update={"cause": f"module {run.cause}"}) for run in invented.labelled]
    assert set(causes.fit(invented.tables, invented.posteriors, other).model.labels) == {
        "module P1", "module E2.2", "module E1.1",
    }  # fmt: skip


def test_runs_whose_step_was_not_named_teach_as_well() -> None:
    invented = runs(40)
    stepless = [run.model_copy(update={"step": None}) for run in invented.labelled]
    assert _right(causes.fit(invented.tables, invented.posteriors, stepless).model, runs(30, seed=9)) >= 0.7


def test_columns_made_from_a_reference_answer_change_nothing(fitted: Fitted) -> None:
    asked = runs(1, seed=8)
    table = asked.tables[0]
    marked = table.matrix.copy()
    marked[:, -1] = 9.0
    one = fitted.model.predict(table, asked.posteriors[0], "alpha")
    two = fitted.model.predict(replace(table, matrix=marked), asked.posteriors[0], "alpha")
    assert np.array_equal(one.probabilities, two.probabilities)


def test_a_table_with_other_columns_is_refused(fitted: Fitted) -> None:
    asked = runs(1)
    with pytest.raises(ValueError, match="columns"):
        fitted.model.predict(replace(asked.tables[0], names=("x",) * 5), asked.posteriors[0], "alpha")


def test_a_run_without_a_cause_is_refused() -> None:
    invented = runs(4)
    causeless = [invented.labelled[0].model_copy(update={"cause": None}), *invented.labelled[1:]]
    with pytest.raises(ValueError, match="leave them out"):
        causes.fit(invented.tables, invented.posteriors, causeless)


def test_one_labelled_run_is_enough_to_answer() -> None:
    invented = runs(1)
    model = causes.fit(*invented).model
    vote = model.predict(invented.tables[0], invented.posteriors[0], "alpha")
    assert vote.probabilities.tolist() == [1.0]


def test_a_run_of_one_step_is_answered(fitted: Fitted) -> None:
    asked = runs(1, seed=2)
    table = asked.tables[0]
    one = replace(
        table,
        indices=table.indices[:1],
        agents=table.agents[:1],
        candidates=table.candidates[:1],
        matrix=table.matrix[:1],
        vectors=table.vectors[:1],
    )
    assert fitted.model.predict(one, np.ones(1), "alpha").steps.tolist() == [pytest.approx(1)]


def test_a_window_is_the_step_and_those_beside_it(fitted: Fitted) -> None:
    table = runs(1, seed=2).tables[0]
    space = fitted.model.metric
    before, _ = space.describe(table, "alpha", np.array([0, 2, 5]))
    for far, near in ((4, 3), (0, 1)):
        vectors = table.vectors.copy()
        vectors[far] = 0.0
        moved, _ = space.describe(replace(table, vectors=vectors), "alpha", np.array([0, 2, 5]))
        assert np.array_equal(moved[1], before[1])
        vectors[near] = 0.0
        moved, _ = space.describe(replace(table, vectors=vectors), "alpha", np.array([0, 2, 5]))
        assert not np.array_equal(moved[1], before[1])


def test_only_the_likeliest_steps_of_a_long_run_are_looked_at_in_order() -> None:
    posterior = np.random.default_rng(0).dirichlet(np.ones(500))
    chosen = likely(posterior)
    assert len(chosen) == TOP
    assert sorted(chosen.tolist()) == chosen.tolist()
    assert posterior[chosen].min() >= np.sort(posterior)[-TOP]
