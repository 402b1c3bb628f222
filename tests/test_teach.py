from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from invented_runs import MARKS, runs

from classifier import risk, teach, training
from classifier.calibration import Calibration
from classifier.combine import Combiner
from classifier.diagnosis import Candidate, Provenance, StepChoice
from classifier.index import is_taught
from classifier.teach import Lesson, Told

if TYPE_CHECKING:
    from classifier.features import StepTable
    from classifier.index import Index

CAUSES = (*MARKS, "R1", "R2")
STATED = Combiner.stated(CAUSES)
NEW = "gamma"


def lesson(
    run: str = "new",
    said: str | None = "P1",
    *,
    likely: str = "E1.1",
    sure: float = 0.4,
    human: str | None = None,
    group: str = "task",
) -> Lesson:
    rest = [cause for cause in CAUSES if cause != likely]
    before = (
        Candidate(cause=likely, probability=sure),
        *(Candidate(cause=cause, probability=(1 - sure) / len(rest)) for cause in rest),
    )
    return Lesson(
        run=run,
        system=NEW,
        group=group,
        before=before,
        trust=0.5,
        steps=(
            StepChoice(step=1, agent="coder", probability=0.5),
            StepChoice(step=2, agent="planner", probability=0.2),
        ),
        length=6,
        opinion=Told(cause=said, second_cause=None, step=1, agent="coder") if said else None,
        cause=human,
    )


class School:
    """Two known systems in an index, and a new one whose runs a judge has opinions on."""

    def __init__(self, count: int, *, right: float) -> None:
        known, new = runs(30, seed=1), runs(count, seed=2, systems=(NEW,))
        self.base = training.fit(known.labelled, known.tables, embedder="e", taxonomy="t")
        generator = np.random.default_rng(0)
        self.truth = {f"{NEW}-{i}": run for i, run in enumerate(new.labelled)}
        self.tables: dict[str, StepTable] = dict(zip(self.truth, new.tables, strict=True))
        self.lessons = []
        for name, run in self.truth.items():
            cause, others = run.cause or "", [label for label in MARKS if label != run.cause]
            said = cause if generator.random() < right else others[int(generator.integers(2))]
            flat = lesson(name, said, likely="E1.1", sure=0.21, group=f"{NEW} {run.group}")
            self.lessons.append(
                flat.model_copy(update={"opinion": Told(cause=said, second_cause=None, step=run.step or 0, agent="x")})
            )

    def extended(self, lessons: list[Lesson], combiner: Combiner = STATED) -> Index:
        return teach.extend(self.base, lessons, self.tables, combiner)


@pytest.fixture(scope="module")
def school() -> School:
    return School(30, right=0.8)


@pytest.fixture(scope="module")
def taught(school: School) -> Index:
    return school.extended(school.lessons)


def test_an_opinion_teaches_its_cause_as_a_models_and_weighs_by_what_is_left_of_it() -> None:
    label = lesson(said="P1", likely="P1").label(STATED)
    assert label.cause == "P1"
    assert label.provenance is Provenance.MODEL
    assert label.step == 1
    contradicted = lesson(said="P1", likely="E1.1", sure=0.4).label(STATED)
    left = STATED.causes(
        lesson(likely="E1.1", sure=0.4).causes, Told(cause="P1", second_cause=None, step=1, agent="x")
    )["P1"]
    assert contradicted.cause == "P1"
    assert contradicted.weight == pytest.approx(left**teach.ROOT)
    assert contradicted.weight < label.weight < 1
    assert is_taught(label)


def test_no_opinion_weighs_as_much_as_a_label_that_somebody_vouches_for() -> None:
    label = lesson(said="P1", likely="P1", sure=0.999).label(STATED)
    assert label.weight == teach.SUREST < 1


def test_neighbours_who_prevail_over_the_judge_teach_themselves_nothing() -> None:
    label = lesson(said="P1", likely="E1.1", sure=0.99).label(STATED)
    assert (label.cause, label.weight, label.step) == (None, 0, None)
    assert lesson(said=None).label(STATED).cause is None


def test_of_a_system_that_nobody_has_labelled_the_judges_word_is_taught() -> None:
    unknown = lesson(said="P1", likely="E1.1", sure=0.99).model_copy(update={"trust": 0.0})
    assert next(iter(unknown.verdict(STATED))) == "P1"
    label = unknown.label(STATED)
    assert label.cause == "P1"
    assert label.weight < lesson(said="P1", likely="P1").label(STATED).weight  # half of what both hold is its


def test_a_persons_word_stands_alone() -> None:
    label = lesson(said="P1", likely="P1", human="R1").label(STATED)
    assert (label.cause, label.provenance, label.weight) == ("R1", Provenance.HUMAN, 1)
    assert lesson(human="R1").verdict(STATED) == {"R1": 1}


def test_a_step_that_is_not_likely_is_not_taught() -> None:
    unsure = lesson(said="P1", likely="P1").model_copy(update={"steps": (), "length": 500})
    assert unsure.label(STATED).step is None


def test_what_a_judge_has_taught_is_kept_apart_and_counted(school: School, taught: Index) -> None:
    counts = teach.counts(taught)
    assert counts[NEW, Provenance.MODEL, True] > 22
    assert counts[NEW, Provenance.HUMAN, False] == 0
    assert counts["alpha", Provenance.HUMAN, False] == 15
    assert {run.weight for run in taught.runs if run.system == NEW}.isdisjoint({1.0})
    assert [run for run in taught.runs if run.system != NEW] == [*school.base.runs]


def test_neighbours_learn_a_new_system_from_opinions(school: School, taught: Index) -> None:
    reviewed = teach.review(taught, school.lessons, {})
    right = [each.before[0].cause == school.truth[each.run].cause for each in reviewed]
    before = [each.before[0].cause == school.truth[each.run].cause for each in school.lessons]
    assert np.mean(right) > np.mean(before) + 0.2


def test_lessons_do_not_confirm_each_other(school: School) -> None:
    # the judge takes each E1.1 for R1, in every task
    habit = [
        each.model_copy(update={"opinion": Told(cause="R1", second_cause=None, step=1, agent="x")})
        if school.truth[each.run].cause == "E1.1"
        else each
        for each in school.lessons
    ]
    index = school.extended(habit)
    mine = [i for i, each in enumerate(habit) if school.truth[each.run].cause == "E1.1"]
    among_themselves = teach.review(index, habit, {})
    by_others = teach.review(index, habit, {}, vouched=True)
    # what is left is that the cause has become frequent, the same for every run
    assert len({round(by_others[i].causes["R1"], 6) for i in mine}) == 1
    assert len({round(among_themselves[i].causes["R1"], 6) for i in mine}) == len(mine)
    assert max(among_themselves[i].causes["R1"] for i in mine) > 2 * max(by_others[i].causes["R1"] for i in mine)


def test_a_wrong_opinion_that_labelled_runs_contradict_grows_lighter(school: School) -> None:
    people = [
        each.model_copy(update={"cause": school.truth[each.run].cause, "step": school.truth[each.run].step})
        for each in school.lessons[:20]
    ]
    later = school.lessons[20:]
    index = school.extended([*people, *later])
    reviewed = teach.review(index, later, {}, vouched=True)
    wrong = [i for i, each in enumerate(later) if each.opinion and each.opinion.cause != school.truth[each.run].cause]
    assert wrong
    before, after = (np.mean([lessons[i].label(STATED).weight for i in wrong]) for lessons in (later, reviewed))
    assert after < before


def test_the_neighbours_that_weigh_a_lesson_anew_have_not_seen_its_task(school: School) -> None:
    # every run of one task is taught the same wrong cause: only its own label could speak for it
    flipped = [
        each.model_copy(update={"opinion": Told(cause="R1", second_cause=None, step=1, agent="x")})
        if each.group == school.lessons[0].group
        else each
        for each in school.lessons
    ]
    reviewed = teach.review(school.extended(flipped), flipped, {})
    mine = [each for each in reviewed if each.group == flipped[0].group]
    assert len(mine) == 2
    assert all(each.causes["R1"] < 0.1 for each in mine)


def test_a_persons_label_takes_the_place_of_a_taught_one_and_never_the_other_way(school: School, taught: Index) -> None:
    name = school.lessons[0].run
    corrected = [school.lessons[0].model_copy(update={"cause": "R1"}), *school.lessons[1:]]
    again = teach.extend(taught, corrected, {}, STATED)
    label = next(run for run in again.runs if run.run == name)
    assert (label.cause, label.provenance) == ("R1", Provenance.HUMAN)
    back = teach.extend(again, [school.lessons[0]], {}, STATED)
    assert next(run for run in back.runs if run.run == name) == label


def test_an_index_that_was_taught_keeps_what_the_judge_is_worth(taught: Index) -> None:
    assert Combiner.from_arrays(taught.group("combiner")).labels == CAUSES


def test_what_is_promised_rests_on_no_taught_label(school: School, taught: Index) -> None:
    assert len(Calibration.from_arrays(taught.group("calibration")).accepted) == len(school.base.runs)


def test_people_who_contradict_a_judge_make_all_its_lessons_lighter() -> None:
    def told(run: int, human: str | None) -> Lesson:
        return lesson(f"run {run}", "P1", likely="P1", sure=0.3, human=human, group=f"task {run}")

    lessons = [told(run, None) for run in range(20)]
    contradicted = teach.learn_worth([*lessons, *(told(run, "E2.2") for run in range(100, 130))], CAUSES)
    confirmed = teach.learn_worth([*lessons, *(told(run, "P1") for run in range(100, 130))], CAUSES)
    assert lessons[0].label(confirmed).weight > lessons[0].label(STATED).weight
    assert lessons[0].label(contradicted).weight < lessons[0].label(STATED).weight
    assert lessons[0].label(contradicted).cause != "P1"


def test_the_judge_is_asked_until_enough_is_known_to_promise() -> None:
    few = [lesson(f"run {i}", human="E1.1", likely="E1.1", sure=0.9, group=str(i)) for i in range(10)]
    promised = teach.promise(few, few, STATED, 0.1)
    assert promised.threshold is None
    assert risk.ask("any", 0.99, promised) is risk.Ask.UNSURE
    many = [lesson(f"run {i}", human="E1.1", likely="E1.1", sure=0.9, group=str(i)) for i in range(60)]
    promised = teach.promise(many, many, STATED, 0.1)
    assert promised.threshold is not None
    assert risk.ask("any", 0.95, promised, audit=0) is None
    assert promised.bound <= 0.1


def test_a_promise_counts_an_opinion_by_its_probability_and_never_less_than_expected() -> None:
    lessons = [lesson(f"run {i}", "E1.1", likely="E1.1", sure=0.9, group=str(i)) for i in range(60)]
    right = lessons[0].verdict(STATED)["E1.1"]
    promised = teach.promise(lessons, lessons, STATED, 0.3)
    assert promised.accepted == 60
    assert promised.wrong == int(np.ceil(60 * (1 - right)))
    assert promised.bound == pytest.approx(risk.upper(promised.wrong, 60, 0.975))  # each of two sequences


def test_what_a_promise_rests_on_is_kept_by_system() -> None:
    lessons = [lesson(f"run {i}", human="E1.1" if i else None, likely="E1.1", sure=0.9, group=str(i)) for i in range(9)]
    other = [each.model_copy(update={"system": "delta"}) for each in lessons[:4]]
    unheard = lesson("nobody spoke", None)
    grounds = teach.told([*lessons, *other, unheard], [*lessons, *other, unheard], STATED)
    back = risk.grounds(risk.kept(grounds))
    assert {system: len(told) for system, told in back.items()} == {NEW: 9, "delta": 4}
    assert np.array_equal(back[NEW], grounds[NEW])
    assert risk.expect(back[NEW]).opinions == 1
    assert risk.grounds({}) == {}


def test_learning_keeps_what_is_promised_of_its_systems_and_later_training_does_not_lose_it(school: School) -> None:
    made, weighed, combiner = teach.learn(school.base, school.lessons[:12], school.tables, CAUSES)
    assert list(risk.grounds(made.group("taught"))) == [NEW]
    again = teach.extend(made, weighed, school.tables, combiner)
    assert np.array_equal(again.arrays["taught/told"], made.arrays["taught/told"])


def test_of_runs_that_are_not_asked_about_a_few_are_all_the_same_and_always_the_same_ones() -> None:
    lessons = [lesson(f"run {i}", human="E1.1", likely="E1.1", sure=0.9, group=str(i)) for i in range(60)]
    promised = teach.promise(lessons, lessons, STATED, 0.1)
    names = [f"later {i}" for i in range(2000)]
    first = [risk.ask(name, 0.95, promised, audit=0.05) for name in names]
    assert first == [risk.ask(name, 0.95, promised, audit=0.05) for name in names]
    assert set(first) == {None, risk.Ask.AUDIT}
    assert 60 < sum(each is risk.Ask.AUDIT for each in first) < 140


def test_a_lesson_is_stored_and_read_back() -> None:
    kept = lesson(human="R1")
    assert Lesson.model_validate_json(kept.model_dump_json()) == kept
