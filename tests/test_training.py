from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import invented_traces as invented
import numpy as np
import pytest

from classifier import causes, embedders, localise, taxonomy, training
from classifier.annotation import Annotation
from classifier.diagnosis import Provenance
from classifier.index import Index, IndexRefusedError
from classifier.pipeline import Classifier
from classifier.training import FEWEST, TrainingError, tables_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from classifier.corpus import Example

RUNS = invented.examples(24, systems=invented.SYSTEMS[:2], seed=1)


def train(runs: Sequence[Example], base: Index | None = None) -> Index:
    return training.train(runs, invented.embedder(), invented.scheme(), base=base)


def relabelled(run: Example, cause: str | None, step: int | None) -> Example:
    return invented.example(run.trace, cause, step, group=run.group)


@pytest.fixture(scope="module")
def index() -> Index:
    return train(RUNS)


def test_the_order_of_the_runs_does_not_change_a_byte(index: Index) -> None:
    shuffled = random.Random(3).sample(RUNS, len(RUNS))  # noqa: S311 - any other order
    assert train(shuffled).to_bytes() == index.to_bytes()


def test_to_add_to_an_index_is_to_train_on_all_runs_byte_for_byte(index: Index, tmp_path: Path) -> None:
    train(RUNS[:13]).save(tmp_path / "first.npz")
    assert train(RUNS[13:], base=Index.load(tmp_path / "first.npz")).to_bytes() == index.to_bytes()


def test_a_run_added_again_replaces_the_one_of_its_id(index: Index) -> None:
    corrected = relabelled(RUNS[5], "R3", 0)
    added = train([corrected], base=index)
    assert len(added.runs) == len(RUNS)
    assert [run.cause for run in added.runs if run.run == corrected.trace.id] == ["R3"]
    assert added.to_bytes() == train([*RUNS[:5], corrected, *RUNS[6:]]).to_bytes() != index.to_bytes()


def test_an_index_holds_of_a_run_what_it_was_trained_on() -> None:
    long = invented.trace(900, steps=2100)  # positions past 2,048 are not whole in half precision
    runs = [*RUNS[:12], invented.example(long, "P1", 3, group="long")]
    made = train(runs)
    by_id = {run.run: table for run, table in zip(made.runs, tables_of(made), strict=True)}
    for run in runs:
        held, seen = by_id[run.trace.id], training.describe(run, invented.embedder())
        assert (held.indices, held.agents, held.names) == (seen.indices, seen.agents, seen.names)
        assert all(np.array_equal(getattr(held, f), getattr(seen, f)) for f in ("candidates", "matrix", "vectors"))


def test_runs_without_a_cause_teach_the_step_and_runs_without_a_step_the_cause() -> None:
    runs = [
        relabelled(run, None if i % 3 == 0 else run.label.cause, None if i % 3 == 1 else run.label.step)
        for i, run in enumerate(RUNS)
    ]
    made = train(runs)
    assert len(made.group("localiser")["decisive"]) == sum(run.label.step is not None for run in runs) == 16
    named = {run.trace.id for run in runs if run.label.cause is not None}
    assert set(made.group("causes")["ids"].tolist()) == named
    assert len(named) == 16
    assert len(made.runs) == len(runs)


@pytest.mark.parametrize(
    ("cause", "step", "missing"), [("P1", None, "a decisive step"), (None, 2, "a cause"), ("unknown", 2, "a cause")]
)
def test_too_few_labels_are_refused_with_what_to_do(cause: str | None, step: int | None, missing: str) -> None:
    runs = [run if i < FEWEST - 1 else relabelled(run, cause, step) for i, run in enumerate(RUNS)]
    with pytest.raises(TrainingError, match=rf"9 of 24 runs have {missing}; label at least {FEWEST}"):
        train(runs)


def test_the_fewest_labels_asked_for_are_enough() -> None:
    assert len(train(RUNS[:FEWEST]).runs) == FEWEST


def test_no_runs_at_all_are_refused() -> None:
    with pytest.raises(TrainingError, match=f"label at least {FEWEST}"):
        train([])


def test_labels_of_one_task_alone_are_refused_for_nothing_can_be_held_out() -> None:
    with pytest.raises(TrainingError, match="one task"):
        train([run.model_copy(update={"group": "same"}) for run in RUNS])


def test_causes_are_learnt_at_the_steps_that_a_localiser_finds_without_the_run_s_own_label(index: Index) -> None:
    tables, groups = tables_of(index), sorted({run.group for run in index.runs})
    unseen = localise.cross_rank(
        tables,
        [run.step or 0 for run in index.runs],
        [run.system for run in index.runs],
        [groups.index(run.group) for run in index.runs],
    )
    honest = causes.settle(tables, unseen, index.runs).coordinates
    assert np.allclose(honest, index.group("causes")["coordinates"], atol=1e-4)


def test_nothing_is_known_of_a_system_s_steps_where_it_stands_for_a_system_never_seen(index: Index) -> None:
    tables = tables_of(index)
    even = [np.full(len(table), 1 / len(table)) for table in tables]
    model = causes.CauseModel.from_arrays(index.group("causes"), index.runs)
    moved = [run.model_copy(update={"step": 1}) for run in index.runs if run.system == "autogen"]
    flipped = [*moved, *(run for run in index.runs if run.system != "autogen")]
    assert [run.run for run in flipped] == [run.run for run in index.runs]
    said = []
    for runs in (index.runs, flipped):
        ratios = localise.ratios(*training._steps(runs, tables, range(len(runs))))
        said.append(training._strangers(runs, tables, even, model, dict(enumerate(ratios)))[0])
    before, after = said
    assert np.array_equal(before.votes, after.votes)


def test_two_runs_of_one_id_are_refused_by_name() -> None:
    with pytest.raises(TrainingError, match=RUNS[3].trace.id):
        train([*RUNS, RUNS[3]])


def test_labels_all_of_one_cause_make_an_index_that_knows_no_other() -> None:
    made = train([relabelled(run, "R3", run.label.step) for run in RUNS])
    verdict = Classifier(invented.embedder(), made, invented.scheme()).classify(invented.trace(70))
    assert [candidate.cause for candidate in verdict.candidates] == ["R3"]


@pytest.mark.parametrize(
    ("cause", "step", "held"), [("unknown", 2, (None, 2)), ("Z9", 2, (None, 2)), ("P1", 99, ("P1", None))]
)
def test_a_cause_that_the_taxonomy_lacks_and_a_step_that_the_run_lacks_are_not_learnt(
    cause: str, step: int, held: tuple[str | None, int | None]
) -> None:
    run = relabelled(RUNS[0], cause, step)
    label = training.label(run, training.describe(run, invented.embedder()), invented.scheme())
    assert (label.cause, label.step) == held


def test_a_label_is_vouched_for_by_who_gave_the_cause() -> None:
    name = RUNS[0].trace.id
    notes = (
        Annotation(trace=name, annotator="ann", provenance=Provenance.HUMAN, step=2),
        Annotation(trace=name, annotator="llm", provenance=Provenance.MODEL, step=1, cause="P1"),
    )
    table = training.describe(RUNS[0], invented.embedder())
    both, one = (RUNS[0].model_copy(update={"annotations": part}) for part in (notes, notes[:1]))
    label = training.label(both, table, invented.scheme())
    assert (label.step, label.cause, label.provenance) == (2, "P1", Provenance.MODEL)
    assert training.label(one, table, invented.scheme()).provenance is Provenance.HUMAN


def test_an_index_is_refused_with_another_embedder_or_taxonomy(index: Index, tmp_path: Path) -> None:
    other, mast = embedders.build("hashing:64"), taxonomy.load("mast")
    with pytest.raises(TrainingError, match="another embedder or taxonomy"):
        training.train(RUNS, other, invented.scheme(), base=index)
    with pytest.raises(TrainingError, match="another embedder or taxonomy"):
        training.train(RUNS, invented.embedder(), mast, base=index)
    index.save(tmp_path / "index.npz")
    with pytest.raises(IndexRefusedError, match="embedder"):
        Classifier.load(tmp_path / "index.npz", embedder="hashing:64")
    with pytest.raises(IndexRefusedError, match="taxonomy"):
        Classifier.load(tmp_path / "index.npz", taxonomy="mast")
    assert Classifier.load(tmp_path / "index.npz").versions.index == index.version


def test_not_a_word_of_the_runs_is_in_an_index(index: Index) -> None:
    data = index.to_bytes()
    texts = data, data.replace(b"\0", b"")  # numpy writes strings with four bytes a letter
    assert all(any(agent.encode() in text for text in texts) for agent in invented.TEAMS["autogen"])  # would be found
    said = [text for run in RUNS for text in (run.trace.task, *(step.content for step in run.trace.steps))]
    sequences = {found[1] for text in said for found in re.finditer(r"(?=(?<!\S)(\S+(?:\s+\S+){4}))", text)}
    assert len(sequences) > 500
    assert not [words for words in sequences if any(words.encode() in text for text in texts)]
    assert not [noun for noun in invented.NOUNS if any(noun.encode() in text for text in texts)]


def test_the_examples_are_watched_as_they_go_by() -> None:
    seen: list[str] = []

    def watch(runs: Iterable[Example]) -> Iterator[Example]:
        for run in runs:
            seen.append(run.trace.id)
            yield run

    training.train(RUNS[:12], invented.embedder(), invented.scheme(), watch=watch)
    assert seen == [run.trace.id for run in RUNS[:12]]
