"""MetaGPT's Data Interpreter.

It wants a plan as a fenced JSON list, then for each of the plan's tasks one fenced python block, which is run in a
notebook that remembers. It has no place for prose alone: what is said is printed.
"""

from __future__ import annotations

import json
import zlib
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from runner.scripted import answers
from runner.scripted.moves import Act, Finish, Plan, Say
from runner.scripted.voices import Reply

if TYPE_CHECKING:
    from runner.scripted.moves import Script
    from runner.scripted.voices import Messages

_TYPES = ("other", "eda", "other", "other")
_NOTHING = ("Nothing further in this step.", "No more to do here.", "See above.", "This step adds nothing.")


class Ask(Enum):
    """What a prompt of the Data Interpreter asks for."""

    PLAN = auto()
    CODE = auto()
    THINK = auto()
    CHECK = auto()
    REFLECT = auto()
    TOOLS = auto()


def recognise(messages: Messages) -> Ask:
    """Tell by the prompt's own words what is asked for; code, where none of them is there."""
    text = "\n".join(message.content for message in messages)
    if "Output a list of jsons following the format" in text:
        return Ask.PLAN
    if '"thoughts"' in text and '"state"' in text:
        return Ask.THINK
    if "Check latest data info" in text or "Check code in finished tasks" in text:
        return Ask.CHECK
    if "[reflection on previous impl]" in text or "improved_impl" in text:
        return Ask.REFLECT
    if "Recommend up to" in text and "tools" in text:
        return Ask.TOOLS
    return Ask.CODE


def reply(messages: Messages, script: Script, at: int) -> Reply:
    """Answer with the next move, as what is asked for; of what is not in the script, with as little as does."""
    match recognise(messages):
        case Ask.PLAN:
            return _plan(messages, script, at)
        case Ask.THINK:
            over = at >= len(script.moves)
            return Reply(_fenced("json", json.dumps({"thoughts": "", "state": not over})), (), at)
        case Ask.CHECK:
            return Reply("", (), at)  # nothing that would be worth a cell
        case Ask.REFLECT:
            code = _code(messages, script, at)
            improved = {"reflection": "", "improved_impl": code.text.partition("```python\n")[2].rstrip("`\n")}
            return code._replace(text=_fenced("json", json.dumps(improved)))
        case Ask.TOOLS:
            return Reply(_fenced("json", "[]"), (), at)
        case Ask.CODE:
            return _code(messages, script, at)


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text.strip()}\n```"


def _plan(messages: Messages, script: Script, at: int) -> Reply:
    finished = [task for task in _current_plan(messages) if task.get("is_finished")]
    kept = [
        {key: task.get(key) for key in ("task_id", "dependent_task_ids", "instruction", "task_type")}
        for task in finished
    ]
    played: tuple[int, ...]
    move = script.moves[at] if at < len(script.moves) else None
    if isinstance(move, Plan):
        said, steps, played, at = move.said, move.steps, (at,), at + 1
    else:  # it plans anew though the script does not: what is left of it
        said, steps, played = "", _remaining(script, at, {str(task.get("instruction")) for task in finished}), ()
    tasks = [*kept]
    for step in steps:
        before = [tasks[-1]["task_id"]] if tasks else []
        number = str(len(tasks) + 1)
        kind = _TYPES[zlib.crc32(step.encode()) % len(_TYPES)]
        tasks.append({"task_id": number, "dependent_task_ids": before, "instruction": step, "task_type": kind})
    return Reply(f"{said}\n{_fenced('json', json.dumps(tasks, indent=4))}".strip(), played, at)


def _current_plan(messages: Messages) -> list[dict[str, Any]]:
    text = messages[-1].content
    _, found, rest = text.rpartition("## Current Plan\n")
    if not found:
        return []
    try:
        tasks, _ = json.JSONDecoder().raw_decode(rest.lstrip())
    except ValueError:
        return []
    return [task for task in tasks if isinstance(task, dict)] if isinstance(tasks, list) else []


def _remaining(script: Script, at: int, finished: set[str]) -> tuple[str, ...]:
    """Return what is left of the plan; its report alone, where the next move is the last word."""
    plans = [move for move in script.moves[:at] if isinstance(move, Plan)]
    left = tuple(step for step in plans[-1].steps if step not in finished) if plans else ()
    if at >= len(script.moves) or isinstance(script.moves[at], Finish):
        left = left[-1:]
    return left or ("Report what was found",)


def _code(messages: Messages, script: Script, at: int) -> Reply:
    moves = script.moves
    prose: list[str] = []
    played: list[int] = []
    while at < len(moves) and isinstance(plan := moves[at], Plan):  # a plan that nobody asked for is prose
        prose.append("\n".join(filter(None, (plan.said, *(f"{n}. {step}" for n, step in enumerate(plan.steps, 1))))))
        played.append(at)
        at += 1
    if at >= len(moves):
        shown = _NOTHING[zlib.crc32(messages[-1].content.encode()) % len(_NOTHING)]
        return Reply("\n\n".join([*prose, _fenced("python", f"print({shown!r})")]), tuple(played), at)
    match moves[at]:
        case Act() as act:
            code = act.code if act.language == "python" else f"%%bash\n{act.code}"
            prose.append(act.thought)
        case Say() as said:
            code = _print(said.text)
        case Finish() as finish:
            code = _print(answers.word(finish, _output(messages)))
        case _:  # pragma: no cover - plans were taken above
            code = ""
    text = "\n\n".join(filter(None, [*prose, _fenced("python", code)]))
    return Reply(text, (*played, at), at + 1)


def _print(text: str) -> str:
    if "\n" not in text:
        return f"print({text!r})"
    lines = ",\n".join(f"    {line!r}" for line in text.split("\n"))
    return f'print(\n{lines},\n    sep="\\n",\n)'


def _output(messages: Messages) -> str:
    """Return what the notebook printed: of the finished tasks, and of the attempts at the current one."""
    shown = []
    for message in messages:
        if message.role == "system":
            continue
        _, found, rest = message.content.partition("### execution result")
        if found:
            shown.append(rest.partition("## Current Task")[0])
        elif message.role == "user" and "User Requirement" not in message.content:
            shown.append(message.content)
    return "\n".join(shown)
