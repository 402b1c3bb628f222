"""The service's inside as `coroner serve` opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import typer
from fake_classifier import FakeClassifier

from service.settings import Settings
from service.terminal import hub_for

if TYPE_CHECKING:
    from pathlib import Path


def test_the_first_start_of_all_makes_its_folder_which_nobody_else_reads(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"
    with hub_for(Settings(folder=folder), FakeClassifier(), None, queue=True) as hub:
        hub.queue.wake([1])
        assert hub.queue.length == 1
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"queue": "amqp://here"}, "is no queue"), ({"database": "oracle://here"}, "oracle"), ({}, "Not a directory")],
)
def test_what_cannot_be_used_is_told_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: dict[str, str], said: str
) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path if settings else tmp_path / "file" / "below"
    with pytest.raises(typer.Exit), hub_for(Settings(folder=folder, **settings), FakeClassifier(), None, queue=True):
        pass
    assert said in capsys.readouterr().err
