"""A small AutoGen: two agents that talk, one of them runs the other's code in a lab. Enough to play scripts on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.scripted import Player
    from runner.scripted.lab import Lab

_BLOCK = re.compile(r"```python\n(.*?)\n```", re.DOTALL)


def chat(player: Player, task: str, lab: Lab, rounds: int = 20) -> list[dict[str, str]]:
    """Return the messages of a run, the task first."""
    messages = [{"role": "system", "content": "You solve tasks."}, {"role": "user", "content": task}]
    for _ in range(rounds):
        said = player.complete({"model": "scripted", "messages": messages})["choices"][0]["message"]["content"]
        messages.append({"role": "assistant", "content": said})
        if said.rstrip().endswith("TERMINATE"):
            break
        block = _BLOCK.search(said)
        if not block:
            messages.append({"role": "user", "content": ""})
            continue
        outcome = lab.run(block[1])
        status = "exitcode: 1 (execution failed)" if outcome.error else "exitcode: 0 (execution succeeded)"
        messages.append({"role": "user", "content": f"{status}\nCode output: {outcome.printed}"})
    return messages[1:]
