"""Databases for the service's tests: SQLite in a file, and a PostgreSQL server of the tests' own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import postgres as server
import pytest
from hubs import close_all, open_hub

from service.storage import projects
from service.storage.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from service.hub import Hub


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Start a PostgreSQL server that listens on a unix socket alone; give its URL."""
    programs = server.programs()
    if programs is None:
        pytest.skip(server.MISSING)
    with server.running(programs) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'coroner.db'}"
    return server.empty(request.getfixturevalue("postgres"))


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Give an empty database with its tables."""
    opened = Database(url)
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def project(database: Database) -> int:
    with database.begin() as session:
        return projects.ensure(session)


@pytest.fixture
def another(url: str) -> Callable[[], Database]:
    """Open the same database once more, as another process would."""
    return lambda: Database(url)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Leave no connection open behind a test: a later one would be told of it."""
    yield
    close_all()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """Give the inside of a service on loopback, with small limits."""
    opened = open_hub(tmp_path, max_bytes=50_000)
    yield opened
    opened.close()
