"""What the tests of the formats share: the fixtures of every format, and the real traces where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parent / "fixtures"


def inputs() -> list[Path]:
    """Every fixture input, whatever its format."""
    return sorted(p for p in FIXTURES.glob("*/*") if not p.name.endswith(".expected.json"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `fixture_input` on every input, one that asks for `text_input` on those of text."""
    for argument, of_text in (("fixture_input", False), ("text_input", True)):
        if argument in metafunc.fixturenames:
            paths = [p for p in inputs() if not (of_text and p.suffix == ".db")]
            metafunc.parametrize(argument, paths, ids=[f"{p.parent.name}/{p.name}" for p in paths])


@pytest.fixture
def shared() -> Path:
    """The folder of real traces, which is no part of the project."""
    folder = Path(os.environ.get("CORONER_SHARED", Path(__file__).parents[2] / "../shared"))
    if not (folder / "real_traces").is_dir():
        pytest.skip("no real traces here (set CORONER_SHARED to their folder)")
    return folder
