"""Hubs for the service's tests: a database in a folder, a classifier that needs no index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import invented_traces
from fake_classifier import FakeClassifier

from classifier.pipeline import Classifier
from service.hub import Hub
from service.settings import Settings
from service.storage import batches, items
from service.storage.parcels import Parcel
from service.work import worker

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sqlalchemy.orm import Session

    from classifier.intake import Classifies
    from service.storage.batches import Batch
    from service.storage.parcels import Input


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


def open_learner(folder: Path) -> Hub:
    """Open a service's inside whose shipped classifier learns from labels."""
    opened = Hub.open(
        Settings(folder=folder),
        invented_traces.classifier(),
        lambda path: Classifier.load(path, embedder=invented_traces.EMBEDDER),
    )
    OPENED.append(opened)
    return opened


def close_all() -> None:
    """Close the connections of all that were opened; one that is still in use opens new ones."""
    for hub in OPENED:
        hub.close()
    OPENED.clear()


def work_off(hub: Hub) -> None:
    """Do what the workers would."""
    with hub.database.begin(write=False) as session:
        waiting = items.pending(session)
    for item in waiting:
        worker.take(hub, item)


def batch_of(session: Session, project: int, name: str, inputs: Iterable[Input], **more: Any) -> Batch:
    """Store a batch by ann."""
    with Parcel.of(inputs) as parcel:
        return batches.create(session, project, name, parcel, **{"by": "ann", **more})[0]
