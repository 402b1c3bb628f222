"""Hubs for the service's tests: a database in a folder, a classifier that needs no index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fake_classifier import FakeClassifier

from service.hub import Hub
from service.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.intake import Classifies


OPENED: list[Hub] = []


def open_hub(folder: Path, classifier: Classifies | None = None, **settings: Any) -> Hub:
    """Open a service's inside in a folder. An index that is activated is named by its file: it blames that cause."""
    opened = Hub.open(
        Settings(folder=folder, **settings),
        classifier or FakeClassifier(),
        lambda path: FakeClassifier(blames=path.stem),
    )
    OPENED.append(opened)
    return opened


def close_all() -> None:
    """Close the connections of all that were opened; one that is still in use opens new ones."""
    for hub in OPENED:
        hub.close()
    OPENED.clear()
