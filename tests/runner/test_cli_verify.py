from __future__ import annotations

import json
import venv
from typing import TYPE_CHECKING

import typer
from typer.testing import CliRunner

from runner.cli_verify import verify

if TYPE_CHECKING:
    from pathlib import Path

APP = typer.Typer()
APP.command()(verify)


def test_tasks_are_verified_as_a_table_and_as_json() -> None:
    shown = CliRunner().invoke(APP, ["--tasks", "web_settings,web_letters"])
    assert shown.exit_code == 0, shown.output
    assert "web_settings" in shown.stdout
    told = CliRunner().invoke(APP, ["--tasks", "web_settings", "--json"])
    (found,) = json.loads(told.stdout)
    assert found["task"] == "web_settings"
    assert found["passed"] is True
    assert found["problems"] == {"files": "", "guess": "", "script": "", "kernel": ""}


def test_a_python_without_the_packages_fails_with_exit_code_one_and_the_reason(tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", symlinks=True)
    ended = CliRunner().invoke(APP, ["--tasks", "web_settings", "--python", str(tmp_path / "bare/bin/python")])
    assert ended.exit_code == 1
    assert "ModuleNotFoundError" in ended.stdout


def test_what_is_not_there_is_said() -> None:
    unknown = CliRunner().invoke(APP, ["--tasks", "web_nothing"])
    assert unknown.exit_code == 1
    assert "web_nothing" in unknown.stderr
    missing = CliRunner().invoke(APP, ["--python", "no/python"])
    assert missing.exit_code == 1
    assert "no such file" in missing.stderr
