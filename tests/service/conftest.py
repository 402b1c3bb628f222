"""Databases for the service's tests: SQLite in a file, and a PostgreSQL server of the tests' own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hubs import close_all, open_hub
from sqlalchemy import create_engine, text

from service.storage.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from service.hub import Hub

NOBODY = "postgres"  # PostgreSQL refuses to run as root; Debian's package brings this account


def _programs() -> Path | None:
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in reversed(folders) if (folder / "initdb").exists()), None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Start a PostgreSQL server that listens on a unix socket alone; give its URL."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="coroner-pg-"))  # pytest's own folder is closed to other accounts
    as_nobody = []
    if os.geteuid() == 0:
        as_nobody = ["runuser", "-u", NOBODY, "--"]
        shutil.chown(folder, NOBODY)
    data = folder / "data"

    def run(*command: str) -> None:
        subprocess.run([*as_nobody, *command], check=True, capture_output=True, cwd="/")  # noqa: S603 - its own

    run(str(programs / "initdb"), "-D", str(data), "-U", "coroner", "--auth=trust", "--no-sync", "-E", "UTF8")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=100"
    run(str(programs / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql://coroner@/postgres?host={folder}"
    finally:
        run(str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'coroner.db'}"
    server = request.getfixturevalue("postgres")
    name = f"t{uuid.uuid4().hex[:12]}"
    engine = create_engine(server.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return str(server.replace("/postgres?", f"/{name}?"))


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Give an empty database with its tables."""
    opened = Database(url)
    opened.upgrade()
    yield opened
    opened.close()


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
