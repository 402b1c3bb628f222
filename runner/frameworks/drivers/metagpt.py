"""Runs one task with MetaGPT 0.8.1's Data Interpreter, which plans and acts.

One round is one piece of code written for a task of the plan, and its execution: a retry is a round, checking the data
is none. MetaGPT has no such bound (code that always fails is re-planned for ever), so the driver ends the run after
`max_rounds`. Plan and notebook are written before and after every cell.
"""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import sys
from typing import Any

import _driver

CODE_SECONDS = 120


class RoundsSpentError(BaseException):
    """Ends the run. No Exception, which MetaGPT would catch, print and raise as another."""


def main() -> None:
    """Run it."""
    told = _driver.start()
    _configure(told)
    from metagpt.actions.di.execute_nb_code import ExecuteNbCode  # noqa: PLC0415 - not before it is configured
    from metagpt.logs import logger  # noqa: PLC0415
    from metagpt.roles.di.data_interpreter import DataInterpreter  # noqa: PLC0415

    class Interpreter(DataInterpreter):  # type: ignore[misc] # foreign, without types
        rounds: int = 0

        async def _write_code(self, *arguments: Any, **named: Any) -> Any:
            if self.rounds >= told["max_rounds"]:
                raise RoundsSpentError
            self.rounds += 1
            return await super()._write_code(*arguments, **named)

    class Notebook(ExecuteNbCode):  # type: ignore[misc] # foreign, without types
        async def run_cell(self, *arguments: Any, **named: Any) -> Any:
            keep("running")
            done = await super().run_cell(*arguments, **named)
            keep("running")
            return done

    notebook = Notebook(timeout=CODE_SECONDS)
    interpreter = Interpreter(execute_code=notebook)

    def keep(state: str) -> None:
        plan = interpreter.planner.plan.model_dump(exclude={"task_map"})
        _driver.write("result.json", {"state": state, "plan": plan, "cells": notebook.nb.cells})

    async def run() -> None:
        state = "failed"
        try:
            logger.info("ready to WritePlan")  # MetaGPT says so of code only; here the console's first answer begins
            await interpreter.run(told["prompt"])
            state = "finished"
        except RoundsSpentError:
            state = "max_rounds"
            logger.warning(f"the maximum of {told['max_rounds']} rounds is reached: the run ends here")
        finally:
            keep(state)
            await notebook.terminate()

    asyncio.run(run())


def _configure(told: dict[str, Any]) -> None:
    """Write MetaGPT's configuration, which it wants to find when it is imported."""
    root = pathlib.Path.home() / "metagpt"
    (root / "config").mkdir(parents=True)
    (_driver.RUN / "logs").mkdir()
    (root / "logs").symlink_to(_driver.RUN / "logs")  # of all that it writes there, only the logs come home
    model = {"api_type": "openai", "model": told["model"], "base_url": told["base_url"], "api_key": told["key"]}
    config = {"llm": model | {"calc_usage": False}}  # counting wants tiktoken's file, from the network
    (root / "config" / "config2.yaml").write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
    os.environ["METAGPT_PROJECT_ROOT"] = str(root)
    sys.argv = sys.argv[:1]


if __name__ == "__main__":
    main()
