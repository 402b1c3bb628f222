"""What the annotators of a source said never reaches a Trace."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from classifier import formats

if TYPE_CHECKING:
    from pathlib import Path

ANNOTATIONS = {
    "who_and_when": ("mistake_agent", "mistake_step", "mistake_reason", "mistake_type"),
    "tau_bench": ("records",),
    "agent_error_bench": ("critical_step", "critical_module", "failure_type"),
}


def annotated(request: pytest.FixtureRequest) -> list[tuple[Path, Any]]:
    fixtures = request.path.parent / "fixtures"
    paths = [p for folder in ANNOTATIONS for p in sorted((fixtures / folder).glob("*.json"))]
    return [(p, json.loads(p.read_text("utf-8"))) for p in paths if not p.name.endswith(".expected.json")]


def changed(value: Any, fields: tuple[str, ...], new: Any) -> Any:
    """The record (or list of them) with the annotation fields replaced, or removed where `new` is None."""
    if isinstance(value, list):
        return [changed(item, fields, new) for item in value]
    kept = {key: item for key, item in value.items() if key not in fields}
    return kept if new is None else {**kept, **dict.fromkeys(fields, new)}


@pytest.mark.parametrize("new", [None, "someone else", 3, {"step": 2}, ["a", "b"]])
def test_changing_or_removing_annotations_changes_nothing_in_the_trace(
    request: pytest.FixtureRequest, new: object
) -> None:
    for path, record in annotated(request):
        other = json.dumps(changed(record, ANNOTATIONS[path.parent.name], new)).encode()
        assert formats.read(other, name=path.name) == formats.read(path.read_bytes(), name=path.name)


def test_no_word_of_an_annotation_is_in_a_trace(request: pytest.FixtureRequest) -> None:
    seen = 0
    for path, record in annotated(request):
        seen += json.dumps(record).count("ANNOTATION-CANARY")
        for trace in formats.read(path.read_bytes(), name=path.name):
            assert "ANNOTATION-CANARY" not in trace.model_dump_json()
    assert seen > 5


def test_no_note_of_a_human_on_a_real_run_is_in_its_trace(shared: Path) -> None:
    lines = (shared / "real_traces" / "annotations.jsonl").read_text("utf-8").splitlines()
    notes = [a for a in map(json.loads, lines) if a["provenance"] == "human" and len(a.get("note") or "") > 40]
    assert len(notes) > 150
    for annotation in notes:
        path = shared / "real_traces" / annotation["file"]
        trace = formats.read(path.read_bytes(), name=path.name)[0]
        assert all(annotation["note"][:60] not in step.content for step in trace.steps)
