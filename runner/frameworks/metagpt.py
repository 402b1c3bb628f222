r"""MetaGPT 0.8.1's Data Interpreter, plan and act: a plan of tasks, for each task code in one Jupyter kernel.

What it asks its model: streamed chat completions (temperature 0, no usage: a last chunk with `"usage": null` crashes
it), of three kinds.

Plan: the system prompt "You are a helpful assistant."; the user message holds "Output a list of jsons following the
format" and "## Current Plan", with [] the first time. To be answered with a fenced json list of `{"task_id",
"dependent_task_ids", "instruction", "task_type"}`. It is asked again once a task's code has failed three times; the
plan so far and the failed attempts are then in the message, and the answer is that one task anew, under its old id, or
a whole plan. A plan that cannot be used is asked for again, the problem named, three times; then the run fails.

Code: the system prompt begins "As a data scientist"; the first user message has "# User Requirement" (the task),
"# Plan Status" with the code and results of finished tasks, and "## Current Task". Each failed attempt follows as an
assistant message (the bare code) and a user message (what came of it: the last 2000 characters, outputs joined by
","). To be answered with one fenced python block, which becomes a cell; an answer without a fence is run as it stands.
A cell fails where it raises, or holds "!pip".

Check: the user message begins "# Background\nCheck latest data info". Before a task of type data preprocessing,
feature engineering or model train, if any is finished. To be answered with a python block, or nothing at all; its
output is then a user message "# Latest Data Info" of the code prompt.

The run ends when every task has succeeded, or after `max_rounds` pieces of code. There is no last word: what the last
cell prints is the answer.

Native logs: console.txt (metagpt_log: every answer as it came), result.json (metagpt_di: the last plan, and the
notebook with its outputs), the log file (metagpt_log: prompts, and of the answers only what later prompts repeat).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.frameworks import Collected, Installed, Setup, Start, _environment, _run

if TYPE_CHECKING:
    from pathlib import Path

VERSION = "0.8.1"
# What MetaGPT's own metadata asks for cannot be resolved (one release is gone): these do, and are what it was written
# for. Its vendors' SDKs are stood in for by drivers/standins.
PACKAGES = (
    *_environment.TASK_PACKAGES,
    _environment.BUILDER,  # jieba, python-docx and gitignore-parser have no wheel
    "aiofiles==23.2.1",
    "aiohttp==3.8.6",
    "beautifulsoup4==4.12.3",
    "chardet",
    "gitignore-parser==0.1.9",
    "gitpython==3.1.40",
    "httpx==0.27.2",
    "imap-tools==1.5.0",
    "ipykernel==6.27.1",
    "ipython==8.17.2",
    "jieba==0.42.1",
    "loguru==0.6.0",
    "nbclient==0.9.0",
    "nbformat==5.9.2",
    "numpy==1.24.3",
    "openai==1.6.1",
    "pandas==2.1.1",
    "pillow",
    "playwright>=1.26",
    "pydantic==2.6.4",
    "python-docx==0.8.11",
    "PyYAML==6.0.1",
    "rank-bm25==0.2.2",
    "rich==13.6.0",
    "scikit-learn==1.3.2",
    "tenacity==8.2.3",
    "tiktoken==0.6.0",
)
BARE = (f"metagpt=={VERSION}",)


def install(home: Path) -> Installed:
    """Make its environment below `home`, once. Raises InstallError."""
    return _environment.make(home, "metagpt", VERSION)


def prepare(setup: Setup) -> Start:
    """Write what the run needs into its workspace, and say how it is started there."""
    env = {
        "PYTHONPATH": f"{_run.PLACE}/standins",
        "GIT_PYTHON_REFRESH": "quiet",  # it wants git at import, and uses it nowhere here
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # the kernel's debugger warns otherwise
        "COLUMNS": "200",  # it lists code on the console, cut at this width
    }
    return _run.prepare(setup, "metagpt", env)


def collect(workspace: Path) -> Collected:
    """Gather what the run left."""
    logs = sorted(f"logs/{path.name}" for path in (workspace / _run.RUN / "logs").glob("*.txt"))
    found = _run.native(workspace, ("console.txt", "result.json", *logs[:3]))
    result = next((_run.read(path) for path in found if path.name == "result.json"), None)
    return Collected(native=found, final=_final(result))


def _final(result: Any) -> str:
    """Return what the last cell printed or came to, without tracebacks: the Data Interpreter has no other last word."""
    cells = result.get("cells") if isinstance(result, dict) else None
    last = cells[-1] if isinstance(cells, list) and cells else None
    outputs = last.get("outputs") if isinstance(last, dict) else None
    shown = [_text(output) for output in outputs if isinstance(output, dict)] if isinstance(outputs, list) else []
    return "\n".join(filter(None, shown))


def _text(output: dict[str, Any]) -> str:
    data = output.get("data")
    text = data.get("text/plain") if isinstance(data, dict) else output.get("text")
    return ("".join(map(str, text)) if isinstance(text, list) else str(text or "")).strip()
