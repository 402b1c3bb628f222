"""TaskWeaver's two roles, in bare JSON.

The Planner keeps the plan and hands one step after the other to the CodeInterpreter, whose code runs in one kernel;
what it says to the User ends the run.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from runner.scripted import answers
from runner.scripted.moves import Act, Finish, Plan, Say
from runner.scripted.voices import Reply

if TYPE_CHECKING:
    from runner.scripted.moves import Script
    from runner.scripted.voices import Messages

_PLANNER = "You are the Planner"
_CODE = re.compile(r"```python\n.*?\n```", re.DOTALL)
_STUCK = "This step did not work out."


def reply(messages: Messages, script: Script, at: int) -> Reply:
    """Answer as the Planner or as the CodeInterpreter, whichever is asked."""
    if messages[0].content.lstrip().startswith(_PLANNER):
        return _plan(messages, script, at)
    return _code(script, at)


def _plan(messages: Messages, script: Script, at: int) -> Reply:
    played = []
    while at < len(script.moves) and isinstance(script.moves[at], Plan):
        played.append(at)
        at += 1
    steps = next(
        (move.steps for move in reversed(script.moves[:at]) if isinstance(move, Plan)), ("Report to the User",)
    )
    move = script.moves[at] if at < len(script.moves) else None
    match move:
        case Act() as act:  # the CodeInterpreter will play it
            return Reply(
                _planned(steps, act.aim, "CodeInterpreter", f"Please {act.aim[:1].lower()}{act.aim[1:]}."),
                tuple(played),
                at,
            )
        case Say() as said:
            text = said.text
        case Finish() as finish:
            text = answers.word(finish, _output(messages))
        case _:
            return Reply(_planned(steps, steps[-1], "User", "There is nothing more to report."), tuple(played), at)
    return Reply(_planned(steps, steps[-1], "User", text), (*played, at), at + 1)


def _planned(steps: tuple[str, ...], now: str, to: str, message: str) -> str:
    listed = [f"{n}. {step}" for n, step in enumerate(steps, start=1)]
    current = next((line for line, step in zip(listed, steps, strict=True) if step == now.rstrip(".")), listed[-1])
    first = [line if n == 0 else f"{line} <sequentially depends on {n}>" for n, line in enumerate(listed)]
    parts = {
        "init_plan": "\n".join(first),
        "plan": "\n".join(listed),
        "current_plan_step": current,
        "send_to": to,
        "message": message,
    }
    return json.dumps({"response": parts})


def _code(script: Script, at: int) -> Reply:
    move = script.moves[at] if at < len(script.moves) else None
    if not isinstance(move, Act):
        return Reply(json.dumps({"response": {"thought": "", "reply_type": "text", "reply_content": _STUCK}}), (), at)
    code = move.code
    if move.language == "sh":
        code = "\n".join(f"!{line}" for line in code.split("\n") if not line.startswith("set "))
    thought = " ".join(filter(None, (move.thought, move.closing)))
    return Reply(
        json.dumps({"response": {"thought": thought, "reply_type": "python", "reply_content": code}}), (at,), at + 1
    )


def _output(messages: Messages) -> str:
    """Return what the code printed: what the CodeInterpreter reported, without the code."""
    said = [message.content for message in messages if message.content.startswith("From: CodeInterpreter")]
    return "\n".join(_CODE.sub("", text) for text in said)
