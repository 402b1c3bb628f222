"""A PostgreSQL server of the tests' own, from Debian's programs, on a unix socket alone."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = "postgres"  # PostgreSQL refuses to run as root; Debian's package brings this account
MISSING = "no PostgreSQL server is installed (Debian: apt-get install postgresql)"


def programs() -> Path | None:
    """Return the folder of its programs; None where it is not installed."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in reversed(folders) if (folder / "initdb").exists()), None)


@contextlib.contextmanager
def running(folder_of_programs: Path) -> Iterator[str]:
    """Start a server; give its URL, and stop it in the end."""
    folder = Path(tempfile.mkdtemp(prefix="coroner-pg-"))  # pytest's own folder is closed to other accounts
    if os.geteuid() == 0:
        shutil.chown(folder, NOBODY)
    data = folder / "data"
    initdb, control = str(folder_of_programs / "initdb"), str(folder_of_programs / "pg_ctl")
    _run(initdb, "-D", str(data), "-U", "coroner", "--auth=trust", "--no-sync", "-E", "UTF8")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=100"
    _run(control, "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql://coroner@/postgres?host={folder}"
    finally:
        _run(control, "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder)


def restart(folder_of_programs: Path, url: str) -> None:
    """Break a server off, with all its connections, and start it again."""
    folder = Path(url.partition("host=")[2])
    control = str(folder_of_programs / "pg_ctl")
    _run(control, "-D", str(folder / "data"), "-w", "-m", "immediate", "-l", str(folder / "log"), "restart")


def _run(*command: str) -> None:
    as_nobody = ["runuser", "-u", NOBODY, "--"] if os.geteuid() == 0 else []
    subprocess.run([*as_nobody, *command], check=True, capture_output=True, cwd="/")  # noqa: S603 - its own


def empty(server: str) -> str:
    """Make an empty database on a server; return its URL."""
    name = f"t{uuid.uuid4().hex[:12]}"
    engine = create_engine(server.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.replace("/postgres?", f"/{name}?")
