"""Annotations are read, written and resolved without losing or inventing a label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.annotation import (
    Annotation,
    AnnotationError,
    Judged,
    Label,
    agent_key,
    dump,
    field_value,
    in_terms_of,
    merge,
    parse,
    read,
    write,
)
from classifier.diagnosis import Provenance
from classifier.taxonomy import load

if TYPE_CHECKING:
    from pathlib import Path

HUMAN, INJECTED, MODEL = Provenance.HUMAN, Provenance.INJECTED, Provenance.MODEL
GOOD = '{"trace": "r1", "annotator": "ann", "provenance": "human", "step": 3}'


def said(annotator: str, provenance: Provenance, **fields: object) -> Annotation:
    return Annotation.model_validate({"trace": "r1", "annotator": annotator, "provenance": provenance, **fields})


def test_absent_and_null_fields_read_the_same() -> None:
    line = GOOD[:-1] + ', "cause": null, "secondary": null, "agent": null, "confidence": null}'
    assert parse(line).records == parse(GOOD).records
    assert parse(GOOD).records[0].secondary == ()


@given(
    st.builds(
        Annotation,
        trace=st.text(min_size=1),
        annotator=st.text(min_size=1),
        provenance=st.sampled_from(Provenance),
        file=st.none() | st.text(),
        cause=st.none() | st.text(),
        secondary=st.lists(st.text(), max_size=3).map(tuple),
        step=st.none() | st.integers(min_value=0, max_value=10**6),
        agent=st.none() | st.text(),
        native_category=st.none() | st.text(),
        confidence=st.none() | st.sampled_from(["low", "medium", "high"]) | st.floats(0, 1),
        note=st.none() | st.text(),
    )
)
def test_what_is_written_reads_back_the_same(record: Annotation) -> None:
    assert parse(dump([record, record])).records == (record, record)


def test_a_bad_line_is_reported_with_its_place_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(f'{GOOD}\n\n{{"trace": "r2",\n{GOOD}\n', encoding="utf-8")
    found = read(path)
    assert [record.trace for record in found.records] == ["r1", "r1"]
    assert [(bad.file, bad.line) for bad in found.bad] == [(str(path), 3)]
    assert str(found.bad[0]).startswith(f"{path}:3: Invalid JSON")
    with pytest.raises(AnnotationError, match=r"labels\.jsonl:3: Invalid JSON"):
        read(path, strict=True)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ('"step": 3, "casue": "E1"', "casue"),
        ('"step": -1', "step"),
        ('"step": 3, "confidence": "sure"', "confidence"),
        ('"step": 3, "confidence": 1.5', "confidence"),
    ],
)
def test_a_key_or_value_that_is_not_known_is_named(change: str, named: str) -> None:
    found = parse(GOOD.replace('"step": 3', change))
    assert found.records == ()
    assert named in found.bad[0].problem


@pytest.mark.parametrize("key", ["trace", "annotator", "provenance"])
def test_a_label_of_nobody_is_refused(key: str) -> None:
    found = parse(GOOD.replace(f'"{key}"', '"note"'))
    assert f"{key}: Field required" in found.bad[0].problem


def test_a_line_separator_inside_a_note_does_not_break_the_line(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    record = said("ann", HUMAN, note="one\u2028two\nthree")
    write(path, [record])
    assert read(path).records == (record,)


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=r"absent\.jsonl: No such file"):
        read(tmp_path / "absent.jsonl")
    (tmp_path / "binary.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(AnnotationError, match=r"binary\.jsonl: not UTF-8 text"):
        read(tmp_path / "binary.jsonl")


def test_each_field_is_resolved_by_itself_human_before_injected_before_model() -> None:
    label = merge(
        [
            said("coder", MODEL, cause="E1.1", step=9, secondary=["P1"]),
            said("injector", INJECTED, cause="E2.1", step=4, secondary=["E2"]),
            said("ann", HUMAN, step=3, agent="Planner"),
        ]
    )
    assert (label.cause, label.cause_by, label.secondary) == ("E2.1", INJECTED, ("E2",))
    assert (label.step, label.step_by) == (3, HUMAN)
    assert (label.agent, label.agent_by) == ("Planner", HUMAN)
    assert (label.native_category, label.native_category_by) == (None, None)


def test_the_majority_of_one_provenance_holds_and_a_tie_goes_to_the_first() -> None:
    votes = [said("a", HUMAN, cause="P1"), said("b", HUMAN, cause="E3"), said("c", HUMAN, cause="E3")]
    assert merge(votes).cause == "E3"
    assert merge(votes[:2]).cause == "P1"
    assert merge(votes[1::-1]).cause == "E3"


def test_unknown_is_a_statement_and_outranks_a_models_guess() -> None:
    assert merge([said("coder", MODEL, cause="E1"), said("ann", HUMAN, cause="unknown")]).cause == "unknown"


def test_no_annotation_gives_an_empty_label() -> None:
    assert merge([]) == Label()


def test_the_annotators_own_category_can_stand_for_the_cause() -> None:
    label = merge([said("coder", MODEL, cause="E1.1"), said("ann", HUMAN, native_category="System failure")])
    native = in_terms_of(label, load("agentrx"))
    assert native.cause in load("agentrx")
    assert native.cause_by is HUMAN


def test_a_category_of_two_modules_is_looked_up_under_the_module_at_fault() -> None:
    label = merge([said("ann", HUMAN, native_category="hallucination", agent="Memory")])
    assert in_terms_of(label, load("agenterrorbench")).cause == "memory.hallucination"


def test_a_category_that_the_taxonomy_lacks_gives_no_cause() -> None:
    label = merge([said("coder", MODEL, cause="E1.1"), said("ann", HUMAN, native_category="bad luck")])
    assert (in_terms_of(label, load("agentrx")).cause, in_terms_of(label, load("agentrx")).cause_by) == (None, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cause", "E1.1"),
        ("tier2", "E1"),
        ("phase", "execution"),
        ("step", "4"),
        ("agent", "websurfer"),
        ("native_category", "Other"),
    ],
)
def test_a_field_is_given_as_comparable_text(field: Judged, value: str) -> None:
    note = said("ann", HUMAN, cause="E1.1", step=4, agent="Web_Surfer", native_category="Other")
    assert field_value(note, field, load()) == value
    assert field_value(said("ann", HUMAN), field, load()) is None


def test_unknown_stays_unknown_on_every_tier() -> None:
    note = said("ann", HUMAN, cause="unknown")
    fields: tuple[Judged, ...] = ("cause", "tier2", "phase")
    assert [field_value(note, field, load()) for field in fields] == ["unknown"] * 3


def test_a_tier_without_a_taxonomy_is_refused() -> None:
    with pytest.raises(ValueError, match="phase needs a taxonomy"):
        field_value(said("ann", HUMAN, cause="E1"), "phase")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("WebSurfer", "Websurfer"),
        ("Orchestrator (-> WebSurfer)", "Orchestrator (thought)"),
        ("Data_Expert", "data expert"),
        ("(system)", "(SYSTEM)"),
    ],
)
def test_spellings_of_one_agent_are_one(one: str, other: str) -> None:
    assert agent_key(one) == agent_key(other)


def test_agents_of_other_names_stay_apart() -> None:
    assert agent_key("WebSurfer") != agent_key("FileSurfer")
    assert agent_key("(system)") != agent_key("(user)")
