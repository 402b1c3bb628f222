"""AutoGen's two agents: plain chat.

The assistant writes fenced code blocks, which the other agent runs as files of their own, without a kernel between
them; a message that ends with TERMINATE ends the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.scripted import answers
from runner.scripted.moves import Act, Finish, Plan, Say
from runner.scripted.voices import Reply

if TYPE_CHECKING:
    from runner.scripted.moves import Script
    from runner.scripted.voices import Messages

_END = "TERMINATE"


def reply(messages: Messages, script: Script, at: int) -> Reply:
    """Say the next move; the last one again, shortly, where the chat goes on after it."""
    moves = script.moves
    if at >= len(moves):
        return Reply(_END, (), at)
    played, parts = [], []
    while at < len(moves):
        move = moves[at]
        played.append(at)
        at += 1
        parts.append(_say(script, at - 1, _output(messages)))
        if not isinstance(move, Plan) or move.alone:
            break
    return Reply("\n\n".join(part for part in parts if part), tuple(played), at)


def _say(script: Script, at: int, output: str) -> str:
    match script.moves[at]:
        case Plan() as plan:
            steps = (plan.mark.format(n=n, step=step) for n, step in enumerate(plan.steps, start=1))
            return "\n".join(filter(None, (plan.said, *steps)))
        case Act() as act:
            code = f"```{act.language}\n{_whole(script, at, act).strip()}\n```"
            return "\n\n".join(filter(None, (act.thought, code, act.closing)))
        case Say() as say:
            return say.text
        case Finish() as finish:
            return f"{answers.word(finish, output)}\n\n{_END}"


def _whole(script: Script, at: int, own: Act) -> str:
    """Put the kept code so far before that of the move: nothing else remembers it."""
    if own.language != "python":
        return own.code
    before = [
        move.code for move in script.moves[:at] if isinstance(move, Act) and move.kept and move.language == "python"
    ]
    return "\n\n".join(code.strip("\n") for code in (*before, own.code))


def _output(messages: Messages) -> str:
    """Return what the code printed so far: what the other agent said after the task."""
    said = [message.content for message in messages if message.role in ("user", "tool", "function")]
    return "\n".join(said[1:])
