"""Hub: what all endpoints share. The database, each project's classifier, and the bell that wakes the workers."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from service.storage import indices, projects
from service.storage.database import Database
from service.work.reader import PlainReader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from classifier.intake import Classifies
    from service.settings import Settings
    from service.work.reader import Reads


class Wakes(Protocol):
    """The queue, as endpoints see it."""

    def wake(self, items: Sequence[int]) -> None:
        """Tell the workers that these items of batches are to be had. To tell it twice does no harm."""


class Asleep:
    """No queue: whoever works the items off finds them in the database."""

    def wake(self, items: Sequence[int]) -> None:
        """Do nothing."""
        del items


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
                held = self._held[project] = (active.version, self._load(self._folder / active.path))
            return held[1]


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
    ) -> None:
        self.settings, self.database, self.classifiers = settings, database, classifiers
        self.queue: Wakes = queue or Asleep()
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
    ) -> Hub:
        """Open the database, bring it up to date, and make the first project. Raises DatabaseError.

        `read` None: logs are read in this process.
        """
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = Database(settings.database_url)
        database.upgrade()
        with database.begin() as session:
            projects.ensure(session)
        return cls(settings, database, Classifiers(shipped, load, settings.folder), queue=queue, read=read)

    def classifier(self, project: int) -> Classifies:
        """Return the classifier that answers for a project now."""
        return self.classifiers.of(self.database, project)

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()
