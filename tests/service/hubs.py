"""Hubs for the service's tests: a database in a folder, a classifier that needs no index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fake_classifier import FakeClassifier

from service.hub import Hub
from service.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.intake import Classifies


def open_hub(folder: Path, classifier: Classifies | None = None, **settings: Any) -> Hub:
    """Open a service's inside in a folder. An index that is activated is named by its file: it blames that cause."""
    return Hub.open(
        Settings(folder=folder, **settings),
        classifier or FakeClassifier(),
        lambda path: FakeClassifier(blames=path.stem),
    )
