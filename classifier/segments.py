"""Trace -> phases: planning, execution or response for every step, from roles, structure and text.

Tier 1 of the taxonomy (Lu, Li and Huo 2025, section IV-B): planning says what is to be done, execution does it and
sees what comes of it, response tells the user. The rules name no framework; docs/signals.md has how often they agree
with what TaskWeaver says of its own steps.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from classifier.diagnosis import Segment
from classifier.trace import Phase, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.trace import Step, Trace

_END = 4_000  # characters read from either end of a step: what it is for is said there, not in a page's middle
_QUESTION = 400  # a question put to the user stands at the end

_PLANNER = re.compile(
    r"(?i)plan|orchestrat|manager|coordinat|supervis|director|strateg|delegat|dispatch|architect|team.?lead|router"
)
_PEOPLE = frozenset({"user", "human", "customer", "client"})
_ANYONE = re.compile(r"(?i)proxy|manager|group|^all$|everyone")  # a chat's hub, or a stand-in that may run code
_THINKING = re.compile(r"(?i)think|thought|plan|todo|reason|reflect")
_ANSWERING = re.compile(r"(?i)^(?:final_?answer|submit|finish|complete|attempt_completion|respond|answer|terminate)")

# What a machine, a page or an action looks like inside an agent's message. Literal or anchored: no backtracking.
_DOES = re.compile(
    r"(?im)^[ \t]*```[ \t]*(?:python|py|sh|bash|shell|sql|javascript|js|r|code|tool_code)\b"
    r"|^Traceback \(most recent call last\)"
    r"|^exitcode: \d"
    r"|^Here is a screenshot of \["
    r"|^Address: .{1,300}\nTitle: "
    r"|<(?:action|tool_call|function_call|execute|code)>"
    r"|^(?:Action|Action Input|Observation|Code output|Tool|Result)[ \t]*:"
    r"|\b(?:code|command|script)\b[^.\n]{0,40}\bhas been executed\b"
    r"|\bexecution of the\b[^.\n]{0,60}\bhas (?:failed|succeeded)\b"
    r"|^I (?:clicked|typed|scrolled|hovered|visited|opened|navigated|downloaded|searched|ran|executed)\b"
)
_CODE_LINE = re.compile(
    r"(?m)^[ \t]*(?:import \w+|from [\w.]+ import |def \w+\(|class \w+[(:]|print\(|return\b|for .{1,80}:$|if .{1,80}:$"
    r"|with .{1,80}:$|[\w.]{1,60} ?= ?\S|[\w.]{1,60}\()"
)
_PLANS = re.compile(
    r"(?im)^[ \t#*]*(?:(?:initial|new|updated|revised) plan|init_plan|plan|next steps?|to-?do|task list)\b[^\n]{0,40}:"
    r"|^[ \t#*]*(?:updated ledger|stalled|replanning|next speaker|here is the plan|our plan)\b"
    r"|\"(?:is_request_satisfied|next_speaker|instruction_or_question|dependent_task_ids|task_id)\"[ \t]*:"
    r"|<plan>"
    r"|<(?:sequentially|interactively|narrow|wide)[^>\n]{0,20}depends? on\b"
    r"|\b(?:the plan is|my plan|we should first|the first step is|the next step is|as a first step)\b"
)
_STEP_LINE = re.compile(r"(?im)^[ \t]*(?:\d{1,2}[.)]|step \d{1,2}[:.)]|[-*] \[[ x]\])[ \t]+\S")
_AHEAD = re.compile(
    r"(?i)\b(?:(?:we|I)(?:'ll| will| need to| should| must| can then)|let(?:'|\u2019)?s|going to|next|instruct)\b"
)
_ASKS_FOR_WORK = re.compile(
    r"(?i)^(?:\W{0,5}\w+, )?(?:please\b|could you|can you|instruct\b|next, |let'?s\b|first,? |look up|search for|find\b"
    r"|use\b)"
)
_ANSWERS = re.compile(
    r"(?im)^[ \t*#]*final answer\b[ \t*]*:"
    r"|<answer>"
    r"|\\boxed\{"
    r"|\bthe (?:final |correct )?answer (?:is|to the (?:question|task)[^.\n]{0,80} is)\b"
)
_OVER = re.compile(r"(?i)^\W{0,4}(?:terminate|task[ _]completed?|###stop###|done|exit)\W{0,4}$")
_ENDS = re.compile(
    r"\b(?:TERMINATE|TASK_COMPLETED?|###STOP###)\W{0,4}$"
    r"|\b(?:conclude|end|close|terminate) (?:the|this) (?:task|conversation|session|discussion|chat)\b"
    r"|\btask is (?:now )?completed?\b"
)


class _Place(NamedTuple):
    """Where an agent's step stands in its run."""

    leads: bool  # its agent hands out the work
    told: bool  # it is put to one other agent
    to_user: bool  # it is put to a human
    is_last: bool
    before_user: bool  # a human speaks next
    opens: bool  # the first message of a run that no user opens: the task


def segment(trace: Trace, *, ignore_source: bool = False) -> tuple[Segment, ...]:
    """Return the maximal runs of steps in one phase, in order; together they hold every step of the trace once."""
    return tuple(_runs(trace, phase_of_steps(trace, ignore_source=ignore_source)))


def phase_of_steps(trace: Trace, *, ignore_source: bool = False) -> tuple[Phase, ...]:
    """Return one phase per step, in the order of `trace.steps`.

    What the source itself says of a step (`Step.phase`) wins, unless `ignore_source`: that is there to measure the
    rules against it, and hides `Step.kind` too, the framework's own word for the message.
    """
    last = max((i for i, step in enumerate(trace.steps) if step.role is Role.ASSISTANT), default=len(trace.steps))
    people, leads = _people(trace), _leads(trace)
    phases = []
    for i, step in enumerate(trace.steps):
        if step.phase is not None and not ignore_source:
            phases.append(step.phase)
        elif step.role is not Role.ASSISTANT:
            phases.append(_phase_of_others(step, after_last=i > last))
        else:
            to_user = step.to is not None and step.to.lower() in people
            place = _Place(
                leads=step.agent in leads,
                told=step.to is not None and not to_user and not _ANYONE.search(step.to),
                to_user=to_user,
                is_last=i == last,
                before_user=i + 1 < len(trace.steps) and trace.steps[i + 1].role is Role.USER,
                opens=not i and last > 0 and not step.tool_calls,
            )
            phases.append(_phase_of_agent(step, None if ignore_source else step.kind, place))
    return tuple(phases)


def _people(trace: Trace) -> frozenset[str]:
    """Return who is human, in lower case: called so, or speaking as one and never as a tool."""
    tools = {step.agent.lower() for step in trace.steps if step.role is Role.TOOL}
    users = {step.agent.lower() for step in trace.steps if step.role is Role.USER and not _ANYONE.search(step.agent)}
    return frozenset((users | _PEOPLE) - tools)


def _leads(trace: Trace) -> frozenset[str]:
    """Return the agents who plan: called so, or handing out work to two others or more."""
    others: dict[str, set[str]] = {}
    for step in trace.steps:
        if step.role is Role.ASSISTANT:
            told = others.setdefault(step.agent, set())
            if step.to and step.to.lower() not in _PEOPLE and step.to != step.agent:
                told.add(step.to)
    return frozenset(agent for agent, told in others.items() if len(told) > 1 or _PLANNER.search(agent))


def _runs(trace: Trace, phases: tuple[Phase, ...]) -> Iterator[Segment]:
    for phase, run in groupby(zip(trace.steps, phases, strict=True), key=lambda pair: pair[1]):
        steps = [step for step, _ in run]
        yield Segment(phase=phase, start=steps[0].index, end=steps[-1].index)


def _phase_of_others(step: Step, *, after_last: bool) -> Phase:
    """Return the phase of a tool's output, a rule of the system or a word of the user."""
    if step.role is Role.TOOL or (step.role is Role.USER and _DOES.match(step.content)):
        return Phase.EXECUTION
    return Phase.RESPONSE if after_last and step.role is Role.USER else Phase.PLANNING


def _phase_of_agent(step: Step, kind: str | None, place: _Place) -> Phase:
    """Return the phase by the first rule that knows: its beginning, its addressee, what it does, where it stands."""
    text = _ends(step.content)
    thinks = kind is not None and _THINKING.search(kind) is not None
    if thinks and _PLANS.match(text):
        return Phase.PLANNING
    known = _by_opening(step, text, place) or _by_addressee(step, text, place) or _by_act(step, text)
    if known is not None:
        return known
    if place.told:
        return Phase.PLANNING if _plans(text) else Phase.EXECUTION
    return Phase.PLANNING if thinks else _by_place(text, place)


def _by_opening(step: Step, text: str, place: _Place) -> Phase | None:
    """Return the phase that a step begins in, whatever a harness or a quoted page adds to its end."""
    if place.opens:
        return Phase.PLANNING
    if _OVER.match(text):
        return Phase.RESPONSE
    if step.tool_calls or place.told or place.to_user:
        return None
    if _DOES.match(text):
        return Phase.EXECUTION
    return Phase.PLANNING if _PLANS.match(text) and not place.is_last else None


def _by_addressee(step: Step, text: str, place: _Place) -> Phase | None:
    if step.tool_calls:
        return None
    if _ANSWERS.search(text) or place.to_user:
        return Phase.RESPONSE
    return Phase.PLANNING if place.leads and place.told else None  # an order may hold code: it is an order still


def _by_act(step: Step, text: str) -> Phase | None:
    """Return the phase of a step that acts (calls, runs, browses), None where it does not."""
    if any(_ANSWERING.match(call.name) for call in step.tool_calls):
        return Phase.RESPONSE
    if step.tool_calls:
        thinks = all(_THINKING.search(call.name) for call in step.tool_calls)
        return Phase.PLANNING if thinks else Phase.EXECUTION
    return Phase.EXECUTION if _DOES.search(text) or _looks_like_code(text) else None


def _by_place(text: str, place: _Place) -> Phase:
    if place.before_user and not place.is_last:
        return Phase.PLANNING if "?" in text[-_QUESTION:] else Phase.RESPONSE
    if place.is_last or _ENDS.search(text):  # a plan told once more on the way to the answer is no planning
        return Phase.RESPONSE
    return Phase.PLANNING if place.leads or _plans(text) else Phase.EXECUTION


def _plans(text: str) -> bool:
    if _PLANS.search(text) or _ASKS_FOR_WORK.match(text):
        return True
    steps = sum(1 for _ in _STEP_LINE.finditer(text))
    if steps and steps + 1 >= sum(1 for line in text.splitlines() if line.strip()):
        return True  # a list of steps and nothing else
    return steps >= 2 and _AHEAD.search(text) is not None


def _looks_like_code(text: str) -> bool:
    """Say whether at least three lines, and a third of all, are code (some frameworks fence none)."""
    lines = sum(1 for line in text.splitlines() if line.strip())
    code = sum(1 for _ in _CODE_LINE.finditer(text))
    return code >= 3 and code * 3 >= lines


def _ends(content: str) -> str:
    """Return the text without its middle, if it is long."""
    text = content.strip()
    return text if len(text) <= 2 * _END else f"{text[:_END]}\n{text[-_END:]}"
