"""Hub: what all endpoints share. The database, each project's classifier, and the bell that wakes the workers."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from classifier.trace import Frozen
from service.cache import Cache
from service.storage import ConflictError, indices, projects
from service.storage.database import Database
from service.work.reader import PlainReader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from opentelemetry.trace import Tracer

    from classifier.intake import Classifies
    from service.settings import Settings
    from service.work.reader import Reads


MANY = 100_000


class Wakes(Protocol):
    """The queue, as endpoints see it."""

    def wake(self, items: Sequence[int]) -> None:
        """Tell the workers that these items of batches are to be had. To tell it twice does no harm."""

    @property
    def length(self) -> int:
        """How many calls wait. Raises whatever its library does where it cannot be reached."""


class Training(Frozen):
    """A training of a project's index: under way, or how the last one ended. `said`: its last words."""

    running: bool
    began: datetime | None = None
    failed: bool = False
    said: str = ""


class Trains(Protocol):
    """What trains a project's index beside the requests."""

    def start(self, project: str, person: str) -> Training:
        """Begin. Raises ConflictError where one is under way."""

    def state(self, project: str) -> Training:
        """Return how far it is."""


class NoTrainer:
    """No training from here."""

    def start(self, project: str, person: str) -> Training:
        """Refuse."""
        del person
        raise ConflictError(f"this process does not train: `coroner index train --project {project}`")

    def state(self, project: str) -> Training:
        """Return that nothing is under way."""
        del project
        return Training(running=False)


class Asleep:
    """No queue: whoever works the items off finds them in the database."""

    def wake(self, items: Sequence[int]) -> None:
        """Do nothing."""
        del items

    @property
    def length(self) -> int:
        """Nothing waits."""
        return 0


class Classifiers:
    """The classifier of each project: by its active index, or by the shipped one.

    A new active index is taken up by the next request; those under way keep the classifier that they began with.
    """

    def __init__(self, shipped: Classifies, load: Callable[[Path], Classifies], folder: Path) -> None:
        self.shipped, self._load, self._folder = shipped, load, folder
        self._held: dict[int, tuple[str, Classifies]] = {}
        self._lock = threading.Lock()

    def of(self, database: Database, project: int) -> Classifies:
        """Return the classifier that answers for a project now."""
        with database.begin(write=False) as session:
            active = indices.active(session, project)
        if active is None:
            return self.shipped
        with self._lock:
            held = self._held.get(project)
            if held is None or held[0] != active.version:
                held = self._held[project] = (active.version, self.load(active.path))
            return held[1]

    def load(self, path: str) -> Classifies:
        """Load the classifier of an index, by its path below the folder. Raises IndexRefusedError."""
        return self._load(self._folder / path)


class Hub:
    """Everything behind the endpoints. Close it in the end."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        classifiers: Classifiers,
        *,
        queue: Wakes | None = None,
        read: Reads | None = None,
        trainer: Trains | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self.settings, self.database, self.classifiers = settings, database, classifiers
        self.queue: Wakes = queue or Asleep()
        self.trainer: Trains = trainer or NoTrainer()
        self.tracer = tracer  # of OpenTelemetry; none: no spans
        self.cache = Cache()
        self.lasting = Cache(MANY)  # of single runs, which never change
        self.read: Reads = read or PlainReader(settings.max_bytes, settings.max_steps)

    @classmethod
    def open(
        cls,
        settings: Settings,
        shipped: Classifies,
        load: Callable[[Path], Classifies],
        *,
        queue: Wakes | None = None,
        read: Reads | None = None,
        trainer: Trains | None = None,
        tracer: Tracer | None = None,
    ) -> Hub:
        """Open the database, bring it up to date, and make the first project. Raises DatabaseError.

        `read` None: logs are read in this process.
        """
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = Database(settings.database_url)
        database.upgrade()
        with database.begin() as session:
            projects.ensure(session)
        classifiers = Classifiers(shipped, load, settings.folder)
        return cls(settings, database, classifiers, queue=queue, read=read, trainer=trainer, tracer=tracer)

    def classifier(self, project: int) -> Classifies:
        """Return the classifier that answers for a project now."""
        return self.classifiers.of(self.database, project)

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()
