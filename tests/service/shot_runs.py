"""Invented runs to look at: for the screenshots, and for the tests in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fake_classifier import FakeClassifier
from runs import EXAMPLE, run

from classifier.bootstrap import Estimate
from classifier.diagnosis import Candidate, Diagnosis, Evidence, Familiarity, StepChoice
from classifier.risk import Promise
from classifier.trace import Role, Step, ToolCall, Trace
from service.learning.comparison import Comparison, CurvePoint, Figures
from service.storage import diagnoses, indices, traces

if TYPE_CHECKING:
    from service.hub import Hub

FERRY = "Which ferry reaches Holm first on a Sunday in March? Answer with the time, as HH:MM."
RENT = "What is the median rent over all twelve districts in rents.csv? One decimal."
LOANS = "How many readers borrowed three books or more in October 2023? Answer with one integer."


def ferry(name: str = "ferry-041") -> Trace:
    """A run with code, a traceback, tool calls and an answer from memory."""
    plan = """\
Plan:
1. WebSurfer opens the operator's timetable.
2. Coder parses it.
3. I answer with the time alone.

WebSurfer, please open the timetable of the Holm line."""
    code = """\
```python
import pandas as pd

page = pd.read_html('timetable.html')
sunday = page[0][page[0]['days'] == 'Sun']  # March has its own table
print(sunday.head())
```"""
    error = """\
exitcode: 1 (execution failed)
Code output:
Traceback (most recent call last):
  File "run.py", line 3, in <module>
    page = pd.read_html('timetable.html')
FileNotFoundError: [Errno 2] No such file or directory: 'timetable.html'"""
    hits = '{"hits": [{"title": "Holm line, summer", "url": "https://ferries.example/holm"}], "total": 1}'
    guess = "Ferries to islands typically leave at 06:30, so the first one is at 06:30. No need to open the timetable."
    said = (
        ("Orchestrator", Role.ASSISTANT, plan, None),
        ("WebSurfer", Role.ASSISTANT, "I opened the start page. There is a link 'Timetables' and one 'Fares'.", None),
        ("Orchestrator", Role.ASSISTANT, "Coder, read the departures from the page that was saved.", None),
        ("Coder", Role.ASSISTANT, code, None),
        ("Terminal", Role.TOOL, error, None),
        ("Orchestrator", Role.ASSISTANT, "It is not there. WebSurfer, look for the first departure yourself.", None),
        ("WebSurfer", Role.ASSISTANT, "I search for the time.", "search"),
        ("Search", Role.TOOL, hits, None),
        ("WebSurfer", Role.ASSISTANT, guess, None),
        ("Orchestrator", Role.ASSISTANT, "FINAL ANSWER: 06:30", None),
    )
    steps = [Step(index=0, agent="user", role=Role.USER, content=FERRY)]
    for index, (agent, role, content, tool) in enumerate(said, start=1):
        calls = (ToolCall(name=tool, arguments='{"query": "first ferry Holm Sunday"}'),) if tool else ()
        steps.append(Step(index=index, agent=agent, role=role, content=content, tool_calls=calls))
    return Trace(
        id=name,
        format="coroner",
        framework="magentic-one",
        task=FERRY,
        steps=tuple(steps),
        expected="05:55",
        succeeded=False,
    )


def verdict_on_ferry(trace: Trace) -> Diagnosis:
    found = FakeClassifier(blames="E1.1").classify(trace, f"{trace.id}.json")
    guess = trace.steps[9].content.split(" No need")[0]
    return found.model_copy(
        update={
            "step": 9,
            "agent": "WebSurfer",
            "confidence": 0.68,
            "steps": (
                StepChoice(step=9, agent="WebSurfer", probability=0.61),
                StepChoice(step=3, agent="Orchestrator", probability=0.2),
            ),
            "evidence": (
                Evidence(step=9, quote=guess),
                Evidence(step=5, quote="FileNotFoundError: [Errno 2] No such file", signal="missing_file"),
            ),
            "candidates": (
                Candidate(cause="E1.1", probability=0.68),
                Candidate(cause="E3.2", probability=0.17),
                Candidate(cause="P1", probability=0.08),
            ),
            "familiarity": Familiarity.SIMILAR,
            "neighbours": tuple(
                each.model_copy(
                    update={"trace_id": run_id, "system": "magentic-one", "cause": "E1.1", "similarity": near}
                )
                for each, run_id, near in zip(found.neighbours * 2, ("ferry-007", "mo-113"), (0.83, 0.71), strict=True)
            ),
        }
    )  # fmt: skip


def long_run(steps: int, name: str = "long-1") -> Trace:
    """A run of many steps, of three agents in turn."""
    made = [Step(index=0, agent="user", role=Role.USER, content=RENT)]
    for index in range(1, steps):
        turn = index % 3
        content = (
            f"Step {index}: next I look at district {index % 12}, as the plan says.",
            f"```python\nrents = load({index % 12})\nprint(rents.median())\n```\nThis prints one figure.\n"
            * (1 + index % 2),
            f"exitcode: 0 (execution succeeded)\nCode output:\n{index * 7 % 900}.5\n" + "row\n" * (index % 40),
        )[turn]
        agent, role = (("Planner", Role.ASSISTANT), ("Coder", Role.ASSISTANT), ("Terminal", Role.TOOL))[turn]
        made.append(Step(index=index, agent=agent, role=role, content=content))
    return Trace(id=name, format="coroner", framework="autogen", task=RENT, steps=tuple(made))


def fill(hub: Hub, *, more: int = 8) -> dict[str, str]:
    """Store runs with verdicts; return their uids by name."""
    kept = [(ferry(), verdict_on_ferry(ferry())), (ferry("ferry-007"), verdict_on_ferry(ferry("ferry-007")))]
    kept.append((EXAMPLE, FakeClassifier(blames="E2.2").classify(EXAMPLE, "failed_run.json")))
    systems, causes = ("autogen", "metagpt", "taskweaver"), ("E2.2", "P1", "R2.2", "E3.1")
    for number in range(more):
        trace = run(f"loans-{number:02}", LOANS if number % 2 else RENT, systems[number % 3])
        found = FakeClassifier(blames=causes[number % 4]).classify(trace)
        kept.append((trace, found.model_copy(update={"confidence": 0.35 + 0.06 * number})))
    uids = {}
    with hub.database.begin() as session:
        for trace, found in kept:
            stored, _ = traces.put_trace(session, 1, trace, file=f"{trace.id}.json", model="gpt-4o")
            diagnoses.add(session, 1, stored.uid, found)
            uids[trace.id] = stored.uid
    return uids


def measured(hub: Hub) -> None:
    """Store a version of the index with figures that are invented, as the picture's runs are."""

    def of(value: float, half: float, n: int = 40) -> Estimate:
        return Estimate(value=value, low=max(value - half, 0), high=min(value + half, 1), n=n)

    def figures(kappa: float, right: float) -> Figures:
        return Figures(
            kappa=of(kappa, 0.17),
            accuracy=of(right, 0.15),
            step=of(0.4, 0.1),
            named=of(0.9, 0.1),
            named_right=of(0.5, 0.1),
        )

    curve = [(0, 0.03, 0.05), (10, 0.16, 0.13), (20, 0.28, 0.14), (40, 0.41, 0.15)]
    found = Comparison(
        current="shipped",
        runs=40,
        tasks=38,
        new=figures(0.41, 0.55),
        old=figures(0.03, 0.15),
        better_kappa=of(0.38, 0.2),
        better_accuracy=of(0.4, 0.17),
        curve=tuple(CurvePoint(labels=n, kappa=of(k, half), accuracy=of(k + 0.1, half)) for n, k, half in curve),
        promises=tuple(
            Promise(risk=risk, sure=0.95, threshold=at, runs=40, accepted=many, wrong=wrong, bound=risk)
            for risk, at, many, wrong in ((0.1, None, 12, 2), (0.2, None, 18, 3), (0.3, 0.62, 21, 3))
        ),
        learnt=(),
    )
    with hub.database.begin() as session:
        indices.add(session, 1, "0f3a5c7e9b12", "x.npz", by="Ann", labels=40, evaluation=found.model_dump_json())
