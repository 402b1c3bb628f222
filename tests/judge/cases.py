"""Cases to judge: an invented run, with whatever a test wants in it."""

from __future__ import annotations

from classifier import taxonomy
from classifier.diagnosis import Evidence, Provenance, StepChoice
from classifier.judge import Case, LabelledWindow
from classifier.trace import Role, Step, ToolCall, Trace

TAXONOMY = taxonomy.load()
TASK = "How many ferries leave Ellerwick on a Sunday? Answer with one integer."
QUOTE = "The timetable lists 14 departures, so the answer is 14."
HONEST: dict[str, object] = {
    "quotes": [QUOTE],
    "reason": "The weekday table was read for the Sunday one.",
    "step": 3,
    "agent": "Reader",
    "cause": "E2.2",
    "second_cause": "P1",
    "probability": 0.7,
}


FIELDS = ("agent", "to", "kind", "error")
PLACES = ("content", "arguments", "tool name", *FIELDS, "task", "framework", "signal", "example")


def trace(extra: str = "", *, at: tuple[str, ...] = ("content",)) -> Trace:
    """Return a run of five steps; `extra` stands in fields of the tool's step, or of the run."""
    page = "Sunday: see table B. Weekdays: table A, 14 departures."
    fields: dict[str, object] = {"content": f"{page}\n{extra}\nEnd of page." if extra and "content" in at else page}
    fields["tool_calls"] = (
        *([ToolCall(name="open", arguments=extra)] if "arguments" in at else []),
        *([ToolCall(name=extra)] if "tool name" in at else []),
    )
    fields |= {field: extra for field in FIELDS if field in at}
    opened = Step.model_validate({"index": 2, "agent": "Browser", "role": Role.TOOL, **fields})
    return Trace(
        id="ferry",
        format="coroner",
        framework=extra if "framework" in at else "invented",
        task=f"{TASK} {extra}" if "task" in at else TASK,
        steps=(
            Step(index=0, agent="user", role=Role.USER, content=TASK),
            Step(index=1, agent="Planner", role=Role.ASSISTANT, content="Plan: open the timetable, then count."),
            opened,
            Step(index=3, agent="Reader", role=Role.ASSISTANT, content=f"I read table A. {QUOTE}"),
            Step(index=4, agent="Planner", role=Role.ASSISTANT, content="FINAL ANSWER: 14"),
        ),
        succeeded=False,
    )


def case(extra: str = "", *, at: tuple[str, ...] = ("content",)) -> Case:
    """Return a case on that run; `extra` may also stand in a signal's quote or in an example."""
    examples = (LabelledWindow(cause="P1", text=extra or "A window.", provenance=Provenance.HUMAN, group="bus"),)
    return Case(
        trace=trace(extra, at=at),
        taxonomy=TAXONOMY,
        candidates=("E2.2", "P1"),
        steps=(StepChoice(step=3, agent="Reader", probability=0.6),),
        signals=(Evidence(step=3, quote=extra if "signal" in at else QUOTE, signal="answer_form"),),
        examples=examples if "example" in at else (),
        group="ferry",
    )
