r"""AutoGen 0.2.36: an AssistantAgent writes code, a UserProxyAgent executes it at the command line.

What it asks its model: one plain chat completion per round (`stream: false`, temperature 0), of one kind. Messages are
the system prompt of AssistantAgent ("You are a helpful AI assistant. ..."), the task as the first user message, then
the assistant's answers (role "assistant") and what came of them (role "user").

What must be answered: prose with fenced blocks. Every ```python or ```sh block is written to a file in the workspace
and executed, in order, up to the first that fails; each python block is a process of its own, so names do not outlive
it. The next request's last message is

    exitcode: 0 (execution succeeded)\nCode output: <stderr, then stdout, of all blocks>
    exitcode: 1 (execution failed)\nCode output: Traceback ...

and where the answer held no block, it is the empty text. The run ends when an answer ends in TERMINATE (a block in it
is not executed), or after `max_rounds` answers.

Native logs: history.json (autogen_history), autogen.db (autogen_sqlite), console.txt (autogen_console).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from runner.frameworks import Collected, Installed, Setup, Start, _environment, _run

if TYPE_CHECKING:
    from pathlib import Path

VERSION = "0.2.36"
PACKAGES = (f"autogen-agentchat=={VERSION}", *_environment.TASK_PACKAGES)
PYTHON_LOCK = "autogen.lock"

_BLOCK = re.compile(r"```[ \t]*(?:python|py|sh|bash|shell)\b.*?(?:```|\Z)", re.DOTALL | re.IGNORECASE)
_OUTPUT = re.compile(r"exitcode: 0 \(execution succeeded\)\nCode output: ?(.*)", re.DOTALL)


def install(home: Path) -> Installed:
    """Make its environment below `home`, once. Raises InstallError."""
    return _environment.make(home, "autogen", VERSION)


def prepare(setup: Setup) -> Start:
    """Write what the run needs into its workspace, and say how it is started there."""
    return _run.prepare(setup, "autogen")


def collect(workspace: Path) -> Collected:
    """Gather what the run left."""
    found = _run.native(workspace, ("history.json", "autogen.db", "console.txt"))
    history = next((_run.read(path) for path in found if path.name == "history.json"), None)
    return Collected(native=found, final=_final(history))


def _final(history: Any) -> str:
    """Return the assistant's last word: its last message without the code that was to be executed.

    Where that is TERMINATE and nothing else, the assistant lets the output that it has just seen speak for it.
    """
    messages = history.get("chat_history") if isinstance(history, dict) else None
    said = [message for message in messages if isinstance(message, dict)] if isinstance(messages, list) else []
    at = next((i for i in reversed(range(len(said))) if said[i].get("name") == "assistant"), None)
    if at is None:
        return ""
    content = str(said[at].get("content") or "")
    if at == 0 or re.sub(r"\s*TERMINATE\W*\Z", "", content).strip() or not content.strip():
        return re.sub(r"\s*TERMINATE\W*\Z", "", _BLOCK.sub("", content)).strip()
    output = _OUTPUT.fullmatch(str(said[at - 1].get("content") or ""))
    return output[1].strip() if output else ""
