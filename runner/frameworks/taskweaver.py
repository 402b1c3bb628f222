r"""TaskWeaver at the study's commit: a Planner instructs a CodeInterpreter, which has one Jupyter kernel.

What it asks its model: streamed chat completions (`response_format: json_object`, temperature 0, top_p 0, seed,
`stop: ["<EOS>"]`, max_tokens 1024), of two kinds. The end of either's system prompt holds the JSON schema of the
answer; an answer must hold the schema's properties and no others, all of them strings (later commits ask for others).

Planner: the system prompt begins "You are the Planner". The first user message is "From: User\nMessage: Let's start
the new conversation!\n" and the task; then the Planner's own answers (role "assistant") and what the worker reported
("From: CodeInterpreter\nMessage: The following python code has been executed: ..."). To be answered with
`{"response": {"init_plan", "plan", "current_plan_step", "send_to": "CodeInterpreter" or "User", "message"}}`. What is
sent to the User ends the run. An answer that lacks a part is asked for again, the defect named, at most four times.

Code: the system prompt begins "## On current environment context"; the last user message holds "### Feedback of the
code in the last round" (what came of the last code, or None) and "### Request from the User in this round" (the task,
the plan and "The task for this specific step is: ..."). To be answered with `{"response": {"thought", "reply_type":
"python" or "text", "reply_content"}}`. Python runs in the kernel, so names live on. What comes of it is the value of
the last line where it has one, and only else what was printed. Code that fails is asked for anew up to three times,
then the Planner hears of it.

`max_rounds` is TaskWeaver's own `session.max_internal_chat_round_num`: posts, by whomever. One more fails the round.

Native logs: rounds.json (taskweaver), events.jsonl (taskweaver_events), task_weaver.log (taskweaver_log).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.frameworks import Collected, Installed, Setup, Start, _environment, _run

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = "0.0.12a0"
COMMIT = "cf76c3b70b29ef64185fd3c9af0510c9e2fcc51e"  # 10 October 2024, which the study ran
SOURCE = "https://github.com/microsoft/TaskWeaver"  # it is on no package index
# Its own requirements.txt, without what only its developers need.
PACKAGES = (
    *_environment.TASK_PACKAGES,
    _environment.BUILDER,
    "click>=8.0.1",
    "colorama>=0.4.6",
    "docker>=7.0.0",
    "ijson>=3.2.3",
    "injector>=0.21.0",
    "ipykernel==6.26.0",
    "jsonschema==4.20.0",
    "matplotlib>=3.4",
    "numpy>=1.24.2",
    "openai>=1.2.4",
    "pandas>=2.0.0",
    "plotly>=5.14.1",
    "python-dotenv>=1.0.0",
    "pyyaml>=6.0",
    "requests>=2.31.0",
    "scikit-learn>=1.2.2",
    "seaborn>=0.11",
    "tenacity>=8.2.2",
    "urllib3>=1.26.17",
)


def install(home: Path) -> Installed:
    """Make its environment below `home`, once. Raises InstallError.

    Its source is fetched with git from the repository that TASKWEAVER_SOURCE names, or from its public one: an
    address, or a folder with a clone (COMMIT is taken from it) or with an unpacked copy (which is taken as it is).
    """
    # Without this name of a branch, its version is another at every look, and no installer takes it.
    build = {"BUILD_SOURCEBRANCHNAME": "main"}
    where, label = _source(os.environ.get("TASKWEAVER_SOURCE") or SOURCE)
    return _environment.make(home, "taskweaver", VERSION, source={label: f"taskweaver @ {where}"}, env=build)


def prepare(setup: Setup) -> Start:
    """Write what the run needs into its workspace, and say how it is started there."""
    return _run.prepare(setup, "taskweaver", {"PYDEVD_DISABLE_FILE_VALIDATION": "1"})


def collect(workspace: Path) -> Collected:
    """Gather what the run left."""
    found = _run.native(workspace, ("rounds.json", "events.jsonl", "task_weaver.log"))
    session = next((_run.read(path) for path in found if path.name == "rounds.json"), None)
    return Collected(native=found, final=next(_told(session), ""))


def _source(named: str) -> tuple[str, str]:
    """Return where uv finds the source, and what tells it from others: the commit, whoever has it."""
    folder = Path(named).expanduser()
    if not folder.is_dir():
        return f"git+{named.removeprefix('git+')}@{COMMIT}", COMMIT
    if (folder / ".git").exists() or (folder / "objects").is_dir():
        return f"git+{folder.absolute().as_uri()}@{COMMIT}", COMMIT
    return folder.absolute().as_uri(), str(folder.absolute())


def _told(session: Any) -> Iterator[str]:
    """Yield what the Planner told the User, last first."""
    rounds = session.get("rounds") if isinstance(session, dict) else None
    for round_ in reversed(rounds if isinstance(rounds, list) else []):
        posts = round_.get("post_list") if isinstance(round_, dict) else None
        for post in reversed(posts if isinstance(posts, list) else []):
            if isinstance(post, dict) and (post.get("send_from"), post.get("send_to")) == ("Planner", "User"):
                yield str(post.get("message") or "")
