from __future__ import annotations

import numpy as np
import pytest
from judged_runs import SLIPS, TAXONOMY, Hashed, trace

from classifier import training
from classifier.annotation import Annotation
from classifier.coefficients import cohen_kappa
from classifier.corpus import Example
from classifier.diagnosis import Provenance, StepChoice
from classifier.simulate import Run, SimulatedJudge, _tables, frequencies
from classifier.simulate.__main__ import main
from classifier.simulate._combine import SHARES, Asked, kappa, together
from classifier.simulate._teach import Policy, School

LABELS = ("P1", "P2", "E1.1", "E1.2", "R1", "R2")


def asked(count: int = 240, seed: int = 0) -> Asked:
    """Runs whose neighbours' probabilities hold."""
    generator = np.random.default_rng(seed)
    runs, neighbours, steps = [], [], []
    for i in range(count):
        p = generator.dirichlet(np.full(len(LABELS), 0.6))
        cause = LABELS[int(generator.choice(len(LABELS), p=p))]
        length = 4 + i % 40
        runs.append(Run(cause, i % length, tuple(range(length)), ("coder",) * length))
        neighbours.append(dict(zip(LABELS, p.tolist(), strict=True)))
        steps.append((StepChoice(step=0, agent="coder", probability=0.2),))
    return Asked(tuple(runs), tuple(f"task {i // 2}" for i in range(count)), tuple(neighbours), tuple(steps))


@pytest.mark.parametrize("accuracy", [0.3, 0.8])
@pytest.mark.parametrize("likeness", [0.0, 1.0])
def test_a_simulated_judge_is_as_good_as_was_asked_for(accuracy: float, likeness: float) -> None:
    of = asked()
    judge = SimulatedJudge(LABELS, accuracy, likeness=likeness)
    opinions = judge.opinions(of.runs, of.neighbours, np.random.default_rng(1))
    right = np.mean([said.cause == run.cause for said, run in zip(opinions, of.runs, strict=True)])
    assert right == pytest.approx(accuracy, abs=0.01)
    missed = [(said, run) for said, run in zip(opinions, of.runs, strict=True) if said.cause != run.cause]
    caught = np.mean([said.second_cause == run.cause for said, run in missed])
    assert caught == pytest.approx(0.413 * accuracy / 0.54, abs=0.15)
    assert all(said.cause != said.second_cause for said in opinions)


def test_its_mistakes_are_the_neighbours_where_they_are_to_be() -> None:
    of = asked()

    def agreement(likeness: float) -> float:
        judge = SimulatedJudge(LABELS, 0.5, likeness=likeness)
        opinions = judge.opinions(of.runs, of.neighbours, np.random.default_rng(1))
        wrong = [
            max(causes, key=causes.__getitem__) == said.cause
            for said, run, causes in zip(opinions, of.runs, of.neighbours, strict=True)
            if said.cause != run.cause
        ]
        return float(np.mean(wrong))

    assert agreement(1.0) > agreement(0.0) + 0.25


def test_it_finds_fewer_decisive_steps_in_longer_runs() -> None:
    def found(length: int) -> float:
        run = Run("P1", 2, tuple(range(length)), ("coder",) * length)
        judge = SimulatedJudge(LABELS)
        opinions = judge.opinions([run] * 1500, [{}] * 1500, np.random.default_rng(0))
        return float(np.mean([said.step == 2 for said in opinions]))

    assert found(9) == pytest.approx(0.54 + 0.46 * 0.6 / 9, abs=0.04)
    assert found(44) == pytest.approx(0.25 + 0.75 * 0.6 / 44, abs=0.04)


def test_a_habit_is_kept() -> None:
    of = asked()
    judge = SimulatedJudge(LABELS, 0.5, habit={"P1": "R2"})
    opinions = judge.opinions(of.runs, of.neighbours, np.random.default_rng(1))
    assert {said.cause for said, run in zip(opinions, of.runs, strict=True) if run.cause == "P1"} == {"R2"}


def test_frequent_causes_are_named_wrongly_more_often() -> None:
    of = asked()
    usual = frequencies(of.runs)
    assert sum(usual.values()) == pytest.approx(1)
    judge = SimulatedJudge(LABELS, 0.2, favourites={"R2": 1.0})
    opinions = judge.opinions(of.runs, of.neighbours, np.random.default_rng(1))
    wrong = [said.cause for said, run in zip(opinions, of.runs, strict=True) if said.cause != run.cause]
    assert wrong.count("R2") > len(wrong) / 2


@pytest.mark.parametrize("accuracy", [0.2, 0.5, 0.8])
def test_both_together_are_not_worse_than_the_better_of_the_two(accuracy: float) -> None:
    of = asked()
    draws = [together(of, SimulatedJudge(LABELS, accuracy), [draw]) for draw in range(2)]
    gain = np.mean([each.fitted - max(each.neighbours, each.judge) for each in draws])
    assert gain > -0.03


def test_asking_about_none_and_about_all_are_the_ends_of_the_frontier() -> None:
    one = together(asked(), SimulatedJudge(LABELS, 0.7), [0])
    assert len(one.frontier) == len(SHARES)
    assert one.frontier[0] == pytest.approx(one.neighbours)
    assert one.frontier[-1] == pytest.approx(one.fitted)
    assert all(0 <= each.asked <= 1 for each in one.auto)
    assert [each.asked for each in one.auto] == sorted((each.asked for each in one.auto), reverse=True)


def test_kappa_is_cohens() -> None:
    truth, said = ["a", "b", "b", "c", "a", "b"], ["a", "b", "c", "c", "b", "d"]
    assert kappa(truth, said) == pytest.approx(cohen_kappa(truth, said))


def test_where_there_are_no_labels_it_says_so(tmp_path: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["combine", str(tmp_path)]) == 2
    assert "Error" in capsys.readouterr().err


@pytest.fixture(scope="module")
def school() -> School:
    """Two systems of the invented runs, 24 of each."""
    labelled, tables = [], []
    for number in range(48):
        cause, system = list(SLIPS)[number % 3], "alpha" if number < 24 else "beta"
        run = trace(number, cause, system)
        note = Annotation(trace=run.id, annotator="ann", provenance=Provenance.HUMAN, cause=cause, step=2)
        example = Example(trace=run, annotations=(note,), group=f"t{number}", system=system, source="ann")
        table = training.describe(example, Hashed())
        tables.append(table)
        labelled.append(training.label(example, table, TAXONOMY))
    return School(labelled, tables, Hashed(), TAXONOMY)


def test_a_course_asks_until_it_may_go_on_alone_and_its_labels_are_the_judges(school: School) -> None:
    base, judge = school.base("beta"), school.judge({})
    assert {run.system for run in base.runs} == {"alpha"}
    course = school.attend(base, "beta", judge, Policy(), seed=0)
    assert [held.seen for held in course.held] == [0, 10, 20]
    assert [len(held.pairs) for held in course.held] == [24, 24, 24]
    assert all(verdict.asked for verdict in course.verdicts[:10])
    assert len(course.verdicts) == 24
    last = course.held[-1].taught
    assert 10 < len(last) <= 20
    assert all(0 < weight < 1 for *_, weight in last)
    lines = list(_tables.teach([course], cost=0.01))
    assert any(line.startswith("| 0 |") and line.endswith("| 100% | 0.0100 |") for line in lines)


def test_where_people_label_every_run_nothing_is_taught_by_the_judge(school: School) -> None:
    course = school.attend(school.base("beta"), "beta", school.judge({}), Policy(people=1.0, wrong=0.6), seed=0)
    assert course.held[-1].taught == ()
