"""Runs one task with AutoGen 0.2: an AssistantAgent, and a UserProxyAgent that executes code at the command line.

One round is one answer of the assistant. The history is written message by message (a kill loses none that was sent),
beside AutoGen's own runtime log in SQLite.
"""

from __future__ import annotations

import warnings
from typing import Any

import _driver

CODE_SECONDS = 120


def main() -> None:
    """Run it."""
    told = _driver.start()
    warnings.filterwarnings("ignore", message="flaml.automl is not available")
    with _driver.at_home():  # its import leaves a .cache in the working folder
        from autogen import AssistantAgent, UserProxyAgent, runtime_logging  # noqa: PLC0415 - not before the path is right

    runtime_logging.start(logger_type="sqlite", config={"dbname": str(_driver.RUN / "autogen.db")})
    model = {"model": told["model"], "base_url": told["base_url"], "api_key": told["key"], "price": [0, 0]}
    assistant = AssistantAgent(
        "assistant",
        llm_config={"config_list": [model], "temperature": 0, "cache_seed": None, "timeout": 600},
    )
    user = UserProxyAgent(
        "user_proxy",
        human_input_mode="NEVER",
        max_consecutive_auto_reply=told["max_rounds"],
        is_termination_msg=lambda message: (message.get("content") or "").rstrip().endswith("TERMINATE"),
        # As a dict: an executor object crashes the SQLite log of 0.2.36.
        code_execution_config={
            "executor": "commandline-local",
            "commandline-local": {"work_dir": ".", "timeout": CODE_SECONDS},
        },
    )
    history: list[dict[str, Any]] = []

    def note(sender: Any, message: Any, recipient: Any, silent: Any) -> Any:  # noqa: ARG001 - AutoGen names them so
        said = dict(message) if isinstance(message, dict) else {"content": message}
        # The roles are as the one who opened the chat sees them, as in AutoGen's own ChatResult.
        history.append({"role": "assistant" if sender is user else "user", "name": sender.name} | said)
        _driver.write("history.json", {"chat_history": history})
        return message

    for agent in (assistant, user):
        agent.register_hook("process_message_before_send", note)
    try:
        result = user.initiate_chat(assistant, message=told["prompt"], max_turns=told["max_rounds"])
        _driver.write("history.json", {"chat_history": result.chat_history, "cost": result.cost})
    finally:
        runtime_logging.stop()


if __name__ == "__main__":
    main()
