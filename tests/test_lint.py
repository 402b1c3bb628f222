"""The linter finds what cannot be meant, and is silent on what can."""

from __future__ import annotations

from classifier.annotation import Annotation
from classifier.corpus import Example
from classifier.diagnosis import Provenance
from classifier.lint import Finding, Kind, lint
from classifier.taxonomy import load
from classifier.trace import Role, Step, Trace

LU = load()


def annotation(run: str = "r1", annotator: str = "ann", **fields: object) -> Annotation:
    return Annotation.model_validate({"trace": run, "annotator": annotator, "provenance": Provenance.HUMAN, **fields})


def example(*notes: Annotation, run: str = "r1", group: str = "g", succeeded: bool = False, text: str = "") -> Example:
    """Give a run of three steps, 0, 1 and 4: Planner, Coder (tool), Planner."""
    steps = tuple(
        Step(index=index, agent=agent, role=Role.ASSISTANT, content=f"{text or run} step {index}")
        for index, agent in ((0, "Planner"), (1, "Coder (tool)"), (4, "Planner"))
    )
    trace = Trace(id=run, format="f", framework="fw", task="t", steps=steps, succeeded=succeeded)
    return Example(trace=trace, annotations=notes, group=group, system="fw", source="s")


def kinds(*examples: Example) -> list[Kind]:
    return [finding.kind for finding in lint(examples, taxonomy=LU)]


def only(*examples: Example) -> Finding:
    (finding,) = lint(examples, taxonomy=LU)
    return finding


def test_good_annotations_pass() -> None:
    good = annotation(cause="E2.1", secondary=["P1"], step=1, agent="coder", note="The code does not parse at all.")
    coder = annotation(annotator="coder", cause="unknown")
    assert lint([example(good, coder), example(annotation("r2"), run="r2")], taxonomy=LU, split={"r1": "train"}) == ()


def test_the_same_record_twice_is_found_once() -> None:
    note = annotation(cause="P1", note="The plan leaves out the second half.")
    assert only(example(note, note)).kind is Kind.DUPLICATE


def test_a_note_copied_to_another_run_is_found_with_both() -> None:
    words = "The plan  leaves out the second half."
    finding = only(
        example(annotation(note=words)), example(annotation("r2", note=words.upper().replace("  ", " ")), run="r2")
    )
    assert (finding.kind, finding.runs, finding.annotator) == (Kind.COPIED_NOTE, ("r1", "r2"), "ann")


def test_a_note_copied_by_another_annotator_is_nobodys() -> None:
    words = "The plan leaves out the second half."
    finding = only(example(annotation(note=words), annotation(annotator="bob", note=words)))
    assert (finding.kind, finding.annotator) == (Kind.COPIED_NOTE, None)


def test_short_notes_may_be_the_same() -> None:
    assert kinds(example(annotation(note="wrong plan")), example(annotation("r2", note="wrong plan"), run="r2")) == []


def test_an_annotator_who_says_two_things_of_a_run_is_found() -> None:
    finding = only(example(annotation(cause="P1", step=1), annotation(cause="E1", step=1)))
    assert (finding.kind, finding.message) == (Kind.CONFLICT, "cause is P1 and E1")


def test_two_annotators_may_differ_and_one_may_add_a_field() -> None:
    assert kinds(example(annotation(cause="P1"), annotation(step=1), annotation(annotator="bob", cause="E1"))) == []


def test_an_annotator_who_says_two_things_of_two_copies_is_found() -> None:
    finding = only(example(annotation(step=0), text="same"), example(annotation("r2", step=1), run="r2", text="same"))
    assert (finding.kind, finding.runs, finding.message) == (Kind.COPY_CONFLICT, ("r1", "r2"), "step is 0 and 1")


def test_a_step_beyond_the_run_or_between_its_messages_is_found() -> None:
    assert only(example(annotation(step=5))).message == "step 5, but the run has 0 to 4"
    assert only(example(annotation(step=3))).message == "step 3, but the run has 0 to 4 without it"


def test_an_agent_that_acts_elsewhere_is_found_with_where() -> None:
    finding = only(example(annotation(step=0, agent="Coder")))
    assert finding.kind is Kind.AGENT_NOT_AT_STEP
    assert finding.message == "agent Coder at step 0, but there acts Planner; Coder acts nearest at 1"


def test_an_agent_that_is_not_in_the_run_is_found_once() -> None:
    finding = only(example(annotation(step=0, agent="memory")))
    assert (finding.kind, finding.message) == (
        Kind.AGENT_NOT_IN_RUN,
        "agent memory, but the run has Coder (tool), Planner",
    )


def test_a_step_out_of_range_is_not_reported_again_for_its_agent() -> None:
    assert kinds(example(annotation(step=9, agent="Coder"))) == [Kind.STEP_OUT_OF_RANGE]


def test_a_cause_that_the_taxonomy_lacks_is_found_and_the_one_meant_is_proposed() -> None:
    first, second = lint([example(annotation(cause="syntax error", secondary=["E9"]))], taxonomy=LU)
    assert first.message == "cause 'syntax error' is not in lu2025: E2.1?"
    assert second.message == "secondary 'E9' is not in lu2025"
    assert lint([example(annotation(cause="syntax error"))]) == ()


def test_a_cause_of_a_run_that_succeeded_is_found() -> None:
    assert only(example(annotation(cause="P1"), succeeded=True)).kind is Kind.CAUSE_OF_SUCCESS


def test_one_task_on_both_sides_of_a_split_is_found() -> None:
    runs = [example(run="a"), example(run="b"), example(run="c", group="h"), example(run="d", group="h")]
    (finding,) = lint(runs, split={"a": "train", "b": "test", "c": "test", "d": "test"})
    assert (finding.kind, finding.runs) == (Kind.SPLIT_TASK, ("a", "b"))
    assert finding.message == "one task on both sides: a in train, b in test"
