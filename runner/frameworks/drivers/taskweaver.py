"""Runs one task with TaskWeaver: a Planner talks to the user and to a CodeInterpreter with a kernel of its own.

One round is one of TaskWeaver's own internal chat rounds (`session.max_internal_chat_round_num`): one post, by the
Planner or by the CodeInterpreter. Its events are written as they come; the round with its posts, whenever one ends.
"""

from __future__ import annotations

import json
import pathlib
import time
from typing import Any

import _driver


def main() -> None:
    """Run it."""
    told = _driver.start()
    home = pathlib.Path.home() / "taskweaver"
    for folder in ("plugins", "examples/planner_examples", "examples/code_generator_examples"):
        (home / folder).mkdir(parents=True)
    (home / "taskweaver_config.json").write_text("{}", encoding="utf-8")
    from taskweaver.app.app import TaskWeaverApp  # noqa: PLC0415 - the path has to be right

    _keep_requests()
    app = TaskWeaverApp(app_dir=str(home), config=_configuration(told))
    try:
        session = app.get_session()
        # Its working folder is ours, where the task's files are.
        pathlib.Path(session.execution_cwd).rmdir()
        pathlib.Path(session.execution_cwd).symlink_to(pathlib.Path.cwd())
        with (_driver.RUN / "events.jsonl").open("w", encoding="utf-8") as file:
            keeper = _keeper(session, file)
            keeper.keep(session.send_message(told["prompt"], event_handler=keeper))
    finally:
        app.stop()


def _keep_requests() -> None:
    """Have the kernel take every request, also the one after code that failed.

    TaskWeaver asks it to drop what is queued when code fails, and then sends its own next request. On a busy machine
    the kernel drops that one, too, and the round fails with "No text returned." though the agent did nothing wrong.
    """
    from taskweaver.ces import environment  # noqa: PLC0415 - the path has to be right

    class Client(environment.BlockingKernelClient):  # type: ignore[misc] # foreign, without types
        def execute(self, *arguments: Any, **named: Any) -> Any:
            return super().execute(*arguments, **named | {"stop_on_error": False})

    environment.BlockingKernelClient = Client


def _configuration(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "llm.api_type": "openai",
        "llm.api_base": told["base_url"],
        "llm.api_key": told["key"],
        "llm.model": told["model"],
        "llm.response_format": "json_object",
        "execution_service.kernel_mode": "local",  # the sandbox is ours; a container in it could not be had
        # Verification bans modules and functions (open, for one) in local mode, which the other frameworks may use.
        "code_interpreter.code_verification_on": False,
        "session.max_internal_chat_round_num": told["max_rounds"],
        "logging.log_folder": str(_driver.RUN),
    }


def _keeper(session: Any, file: Any) -> Any:
    from taskweaver.module.event_emitter import SessionEventHandler  # noqa: PLC0415 - the path has to be right

    class Keeper(SessionEventHandler):  # type: ignore[misc] # foreign, without types
        def handle(self, event: Any) -> None:
            told = {
                "t": time.time(),
                "scope": event.scope.value,
                "type": event.t.value,
                "round": event.round_id,
                "post": event.post_id,
                "msg": event.msg,
                "extra": event.extra,
            }
            print(json.dumps(told, ensure_ascii=False, default=str), file=file, flush=True)
            if event.t.value in ("post_start", "post_end", "round_end", "round_error"):
                self.keep(session.memory.conversation.rounds[-1])

        def keep(self, round_: Any) -> None:
            _driver.write("rounds.json", {"id": session.session_id, "rounds": [round_.to_dict()]})

    return Keeper()


if __name__ == "__main__":
    main()
