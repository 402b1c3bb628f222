"""Several annotators' words made one label."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from runs import run, said

from classifier.diagnosis import Provenance
from service.learning import skene
from service.learning.resolve import How, resolve
from service.storage.annotations import Statement

# Dawid and Skene (1979), table 1: five anaesthetists on the fitness of 45 patients (1 to 4), the first one three times
ANAESTHETISTS = """
111 1 1 1 1|333 4 3 3 4|112 2 1 2 2|222 3 1 2 1|222 3 2 2 2|222 3 3 2 2|122 2 1 1 1|333 3 4 3 3|222 2 2 2 3|232 2 2 2 3
444 4 4 4 4|222 3 3 4 3|111 1 1 1 1|222 3 2 1 2|121 1 1 1 1|111 2 1 1 1|111 1 1 1 1|111 1 1 1 1|222 2 2 2 1|222 1 3 2 2
222 2 2 2 2|222 2 2 2 1|222 3 2 2 2|221 2 2 2 2|111 1 1 1 1|111 1 1 1 1|232 2 2 2 2|111 1 1 1 1|111 1 1 1 1|112 1 1 2 1
111 1 1 1 1|333 3 2 3 3|111 1 1 1 1|222 2 2 2 2|222 3 2 3 2|433 4 3 4 3|221 2 2 3 2|232 3 2 3 3|333 3 4 3 2|111 1 1 1 1
111 1 1 1 1|121 2 1 1 1|232 2 2 2 2|121 1 1 1 1|222 2 2 2 2
"""


def anaesthetists() -> np.ndarray[Any, np.dtype[np.float64]]:
    patients = ANAESTHETISTS.replace("\n", "|").strip("|").split("|")
    counts = np.zeros((len(patients), 5, 4))
    for i, patient in enumerate(patients):
        for observer, marks in enumerate(patient.split()):
            for mark in marks:
                counts[i, observer, int(mark) - 1] += 1
    return counts


def test_dawid_skene_gives_the_papers_figures_on_its_data() -> None:
    counts = anaesthetists()
    assert counts.shape == (45, 5, 4)
    assert counts.sum() == 315
    fitted = skene.fit(counts)
    assert fitted.prior.round(2).tolist() == [0.40, 0.42, 0.11, 0.07]  # table 2's estimates of the marginals
    first = fitted.errors[0].round(2)
    assert first[0].tolist() == [0.89, 0.11, 0.0, 0.0]
    assert first[1].tolist() == [0.07, 0.88, 0.05, 0.0]
    assert fitted.posteriors.sum(axis=1) == pytest.approx(np.ones(45))


def test_nobody_becomes_infallible_where_labels_are_few() -> None:
    counts = np.zeros((2, 2, 2))
    counts[0, 0, 0] = counts[0, 1, 0] = counts[1, 0, 0] = counts[1, 1, 1] = 1
    alone = skene.fit(counts, tied=True, right=4.0, wrong=1.0).posteriors
    assert alone[0, 0] > 0.9
    assert alone[1] == pytest.approx([0.5, 0.5])


BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def statement(name: str, annotator: str, cause: str | None, step: int | None = 2, **more: Any) -> Statement:
    provenance = more.pop("provenance", Provenance.HUMAN)
    record = said(run(name), annotator, cause, step).model_copy(update={"provenance": provenance})
    return Statement(uid=f"{name}-{annotator}", run=name, annotation=record, made=more.pop("made", BEGAN), **more)


def test_one_word_and_one_mind_are_labels() -> None:
    found = resolve([statement("a", "ann", "P1"), statement("b", "ann", "P1"), statement("b", "bob", "P1", 1)])
    assert {each.run: (each.how, each.label.cause, each.label.step) for each in found.labels} == {
        "a": (How.ONE, "P1", 2),
        "b": (How.AGREED, "P1", 2),
    }


def test_two_who_differ_and_are_equally_good_wait_for_an_adjudicator() -> None:
    words = [statement(name, who, "P1") for name in "abc" for who in ("ann", "bob")]
    found = resolve([*words, statement("d", "ann", "P1"), statement("d", "bob", "E2.2")])
    assert found.disputed == ("d",)
    last = statement("d", "boss", "E1.1", 1, adjudicated=True)
    settled = resolve([*words, statement("d", "ann", "P1"), statement("d", "bob", "E2.2"), last])
    assert settled.disputed == ()
    assert (settled.by_run["d"].how, settled.by_run["d"].label.cause) == (How.ADJUDICATED, "E1.1")


def test_whoever_has_shown_to_be_reliable_outweighs_who_has_not() -> None:
    words = []
    for i in range(20):
        truth, other = ("P1", "E2.2") if i % 2 else ("E2.2", "P1")
        words += [statement(f"run-{i}", who, truth) for who in ("ann", "cat")]
        words.append(statement(f"run-{i}", "bob", other if i % 3 == 0 else truth))
    asked = resolve([*words, statement("last", "ann", "P1", 1), statement("last", "bob", "E2.2")])
    last = asked.by_run["last"]
    assert (last.how, last.label.cause, last.label.step) == (How.WEIGHED, "P1", 1)
    assert 0.75 <= last.probability < 1


def test_not_sure_teaches_nothing() -> None:
    found = resolve([statement("a", "ann", "P1", unsure=True), statement("b", "ann", "P1")])
    assert [each.run for each in found.labels] == ["b"]
    assert found.unsure == ("a",)


def test_a_person_goes_before_a_model_and_the_latest_last_word_before_earlier_ones() -> None:
    model = statement("a", "gpt", "E1.1", provenance=Provenance.MODEL)
    assert resolve([model, statement("a", "ann", "P1")]).by_run["a"].label.cause == "P1"
    words = [
        statement("b", who, cause, adjudicated=True, made=BEGAN + timedelta(days=day))
        for who, cause, day in (("boss", "P1", 1), ("chief", "E1.1", 2))
    ]
    assert resolve(words).by_run["b"].label.cause == "E1.1"


def test_what_was_superseded_does_not_count() -> None:
    old = statement("a", "ann", "E1.1", superseded=BEGAN)
    assert resolve([old]).labels == ()
