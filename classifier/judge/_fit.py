"""A run fitted to a token budget: what matters in full, the rest by its heads and tails, every omission marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.judge._clean import clean, one_line
from classifier.judge._passage import Edit, Passage, Why, merge
from classifier.secrets import find
from classifier.trace import Phase, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.judge._case import Case, Count
    from classifier.judge._secrets import Veil
    from classifier.secrets import Found
    from classifier.trace import Step

_FOCUS = 5  # likely decisive steps that are shown in full
_SHARE = 0.7  # of the room goes to task, plan and those steps first, if they need it
_LEAST = 160  # characters: what would get less is left out with its neighbours
_HEAD = 0.6  # of a cut step's room; errors and answers stand at the end
_MARGIN = 300  # characters read beyond a cut, so that no secret is split by it
_TASK = 4_000  # characters of a task that no step tells
_NAME = 60  # characters of an agent's name


@dataclass(frozen=True)
class Shown:
    """A step as it is sent; `passage` is None where the step is left out."""

    step: Step
    passage: Passage | None


def fit(case: Case, veil: Veil, budget: int, count: Count) -> tuple[str, tuple[Shown, ...]]:
    """Return the log as it is sent, at most `budget` tokens by `count`, and its steps. Pure and deterministic."""
    bodies = [body(step) for step in case.trace.steps]
    first, weights = _focus(case), _weights(case)
    room, best = budget * 4, None
    for _ in range(9):
        shown = _show(case, bodies, _rooms([len(text) for text in bodies], first, weights, room), veil)
        text = render(case, shown, veil)
        used = count(text)
        whole = all(each.passage and not each.passage.cut for each in shown)
        if used <= budget:
            best = (text, shown)
            if whole or used >= 0.93 * budget:
                break
        room = max(200, int(room * min(2.0, 0.98 * budget / max(used, 1))))
    while best is None:  # a count that does not grow with the text: give up text until it fits
        room //= 2
        shown = _show(case, bodies, _rooms([len(text) for text in bodies], first, weights, room), veil)
        text = render(case, shown, veil)
        if count(text) <= budget or room == 0:
            best = (text, shown)
    return best


def body(step: Step) -> str:
    """Return what a step says, calls and fails with, in one text."""
    calls = [f"(calls {call.name}) {call.arguments}" for call in step.tool_calls]
    return "\n".join(part for part in (step.content, *calls, f"(error) {step.error}" if step.error else "") if part)


def passage(text: str, room: int, veil: Veil) -> Passage:
    """Return a text in at most about `room` characters, made harmless, the secrets that the veil knows hidden."""
    kept = _kept(text, room)
    cut = [Edit(kept[0][1], kept[1][0], "", Why.CUT)] if len(kept) > 1 else []
    edits = [
        *cut,
        *(edit for start, end in kept for edit in clean(text, start, end)),
        *veil.edits(text, _found(text, kept)),
    ]
    return Passage(text, tuple(_marked(edit) for edit in merge(edits)))


def learn(text: str, room: int, veil: Veil) -> None:
    """Tell the veil the secrets in what `passage` will show of a text."""
    veil.learn(text, _found(text, _kept(text, room)))


def _kept(text: str, room: int) -> tuple[tuple[int, int], ...]:
    """Return what is shown of a text: all of it, or its head and its tail."""
    if len(text) <= room:
        return ((0, len(text)),)
    head = int(room * _HEAD)
    return (0, head), (len(text) - room + head, len(text))


def _found(text: str, kept: Sequence[tuple[int, int]]) -> list[Found]:
    hits = {hit for start, end in kept for hit in find(text, max(0, start - _MARGIN), min(len(text), end + _MARGIN))}
    return sorted(hit for hit in hits if any(hit.start < end and hit.end > start for start, end in kept))


def render(case: Case, shown: Sequence[Shown], veil: Veil) -> str:
    """Return the log as text: a head for every step, its lines behind bars, runs of left-out steps as one line."""
    lines, gap = [f"[framework: {name(case.trace.framework, veil)}]"], []
    if not any(case.trace.task.strip() in step.content for step in case.trace.steps):
        learn(case.trace.task, _TASK, veil)
        lines += ["[task]", bars(passage(case.trace.task, _TASK, veil).shown)]
    for each in shown:
        if each.passage is None:
            gap.append(each.step)
            continue
        lines += [*_gap(gap), _title(each.step, veil), bars(each.passage.shown)]
        gap = []
    return "\n".join([*lines, *_gap(gap)])


def bars(text: str) -> str:
    """Put a bar before every line: no line of the source begins a line of the prompt."""
    return "\n".join(f"| {line}" for line in text.split("\n"))


def name(text: str, veil: Veil, most: int = _NAME) -> str:
    """Return a name or short quote as one harmless line."""
    text = text[: 8 * most]
    found = find(text)
    veil.learn(text, found)
    return one_line(Passage(text, merge(veil.edits(text, found))).shown, most)


def _title(step: Step, veil: Veil) -> str:
    told = [name(step.agent, veil)]
    told += [f"to {name(step.to, veil)}"] if step.to else []
    told += [step.role.value] + ([name(step.kind, veil)] if step.kind else [])
    return f"[step {step.index}] {', '.join(told)}"


def _gap(steps: Sequence[Step]) -> list[str]:
    if not steps:
        return []
    size = sum(len(body(step)) for step in steps)
    which = f"step {steps[0].index}" if len(steps) == 1 else f"steps {steps[0].index} to {steps[-1].index}"
    return [f"[... {which} left out: {size:,} characters]"]


def _show(case: Case, bodies: Sequence[str], rooms: Sequence[int], veil: Veil) -> tuple[Shown, ...]:
    steps = case.trace.steps
    for text, room in zip(
        bodies, rooms, strict=True
    ):  # all before any is shown: a secret may be used before it is told
        learn(text, room, veil)
    return tuple(
        Shown(step, passage(text, room, veil) if room or not text else None)
        for step, text, room in zip(steps, bodies, rooms, strict=True)
    )


def _marked(edit: Edit) -> Edit:
    if edit.why is not Why.CUT:
        return edit
    return edit._replace(shown=f"\n[... {edit.end - edit.start:,} characters left out]\n")


def _focus(case: Case) -> set[int]:
    """Return the positions of the task, the plan and the likely decisive steps."""
    steps = case.trace.steps
    at = {step.index: position for position, step in enumerate(steps)}
    task = next((i for i, step in enumerate(steps) if case.trace.task.strip() in step.content), 0)
    plan = next(
        (i for i, step in enumerate(steps) if step.phase is Phase.PLANNING or "plan" in (step.kind or "")), None
    )
    if plan is None:
        plan = next((i for i, step in enumerate(steps) if step.role is Role.ASSISTANT and i != task), task)
    likely = [at[choice.step] for choice in case.steps if choice.step in at]
    return {task, plan, *likely[:_FOCUS]}


def _weights(case: Case) -> list[float]:
    """Return how much of the rest of the room each step is worth: near a likely step, the end, a signal, an agent."""
    steps, near = case.trace.steps, _focus(case)
    told = {signal.step for signal in case.signals}
    weights = []
    for position, step in enumerate(steps):
        away = min(abs(position - other) for other in near)
        weight = 3.0 if away <= 1 else 1.5 if away == 2 else 1.0
        weight *= 2.0 if position >= len(steps) - 2 or step.index in told else 1.0
        weights.append(weight * (0.7 if step.role is Role.TOOL else 1.0))
    return weights


def _rooms(lengths: Sequence[int], first: set[int], weights: Sequence[float], capacity: int) -> list[int]:
    """Share `capacity` characters out: the first ones get what they need as far as it goes, then the rest by weight."""
    rooms = [0] * len(lengths)
    order = sorted(first)
    _pour(rooms, lengths, order, [1.0] * len(lengths), int(capacity * _SHARE))
    rest = sorted((i for i in range(len(lengths)) if i not in first), key=lambda i: (-weights[i], i))
    left = capacity - sum(rooms)
    kept, need = [], 0
    for i in rest:
        need += min(lengths[i], _LEAST)
        if need > left:
            break
        kept.append(i)
    _pour(rooms, lengths, kept, weights, left)
    _pour(rooms, lengths, order, [1.0] * len(lengths), sum(rooms[i] for i in order) + capacity - sum(rooms))
    return rooms


def _pour(rooms: list[int], lengths: Sequence[int], which: Sequence[int], weights: Sequence[float], room: int) -> None:
    """Fill the steps `which` evenly by weight until they are full or the room is spent."""
    order = sorted(which, key=lambda i: lengths[i] / weights[i])
    weight = sum(weights[i] for i in order)
    for i in order:
        rooms[i] = min(lengths[i], int(room * weights[i] / weight))
        room -= rooms[i]
        weight -= weights[i]
