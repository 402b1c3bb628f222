"""Moves: what a scripted agent does, one after another, whatever the framework's answer format.

A script is a tuple of moves. A fault changes moves and knows which one is decisive, so that the label of a run is known
by construction. How a move is said is a voice's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from classifier.trace import Frozen

if TYPE_CHECKING:
    from collections.abc import Sequence


class Plan(Frozen):
    """How the agent means to go about it.

    `steps` holds one per `Act` that works, and one for the `Finish`; `mark` is how they are numbered. `alone`: it is a
    message of its own; else it is said in one message with the next move, where the framework lets an agent write
    freely.
    """

    kind: Literal["plan"] = "plan"
    steps: tuple[str, ...] = Field(min_length=1)
    said: str = ""
    mark: str = "{n}. {step}"
    alone: bool = False


class Act(Frozen):
    """Code that is to be run.

    `kept`: later code builds on it, so that a framework without a kernel sends it again with what follows. What fails,
    or only takes a look, is not kept. `aim` is the part of the plan that it carries out, `works` whether it is meant to
    run through.
    """

    kind: Literal["act"] = "act"
    aim: str
    thought: str
    code: str
    language: Literal["python", "sh"] = "python"
    kept: bool = True
    works: bool = True
    closing: str = ""  # said after the code


class Say(Frozen):
    """Something said in the middle of a run without doing anything, such as a question."""

    kind: Literal["say"] = "say"
    text: str


class Finish(Frozen):
    """The agent's last word.

    In `text`, `{answer}` stands for what the executed code printed in the answer's form (`@name[value]`, as often as
    there are names), in the shape that is named; `{last}` for the last number that was printed. `otherwise` is said
    where nothing of the kind was printed.
    """

    kind: Literal["finish"] = "finish"
    text: str
    otherwise: str = "I have no answer to this."
    shape: str = "as_printed"


Move = Annotated[Plan | Act | Say | Finish, Field(discriminator="kind")]


def rounds(moves: Sequence[Move], framework: str) -> int:
    """Count the rounds that moves take in a framework.

    AutoGen counts answers, MetaGPT pieces of code, TaskWeaver what its roles post: a step is handed over, then tried.
    """
    count, failed = 0, False
    for move in moves:
        if isinstance(move, Plan):
            count += move.alone and framework == "autogen"
            continue
        handed_over = isinstance(move, Act) and framework == "taskweaver" and not failed
        count += 1 + handed_over
        failed = isinstance(move, Act) and not move.works
    return count


class Script(Frozen):
    """What a run plays: its moves, and if it plays a fault, which, where, and what else the run needs for it to show.

    `decisive` is the index of the move that sinks the run. `max_rounds` and `window` (tokens), where set, replace the
    run's own. `note` says in one sentence what is wrong, for whoever reads the label.
    """

    moves: tuple[Move, ...] = Field(min_length=1)
    cause: str | None = None
    decisive: int | None = None
    variant: str = ""
    note: str = ""
    max_rounds: int | None = None
    window: int | None = None
