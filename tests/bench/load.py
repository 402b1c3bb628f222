"""`make load`: 16 people at once against a real `coroner serve` and its worker, on SQLite and on PostgreSQL.

They send runs and batches, read pages and label; afterwards everything that the service took must be there once. Only
answers count for the times, not the waiting of those who were turned away (429, 503). Ends with 1 where anything is
lost.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from service.storage import projects
from service.storage.database import Database
from service.storage.projects import Role
from tests.bench.measure import quantile
from tests.bench.service import HOST, served
from tests.bench.traces import run
from tests.service import postgres
from tests.service.load import TURNED_AWAY, Mix, Told, drive

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from classifier.trace import Trace

FIRST_SEED = 900_000  # no other measurement's runs
STEPS = 20
CLIENTS = 16


def unseen(seed: int) -> Trace:
    """Return a run that nothing has read."""
    return run(FIRST_SEED + seed, STEPS)


@contextlib.contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Give the URL of an empty database."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'load.db'}"
        return
    programs = postgres.programs()
    if programs is None:
        raise SystemExit(postgres.MISSING)
    with postgres.running(programs) as server:
        yield postgres.empty(server)


def keys(url: str, clients: int) -> dict[str, str]:
    """Issue a key for each client."""
    opened = Database(url)
    with opened.begin() as session:
        project = projects.ensure(session)
        names = [f"person-{i}" for i in range(clients)]
        issued = {name: projects.issue(session, project, name, Role.ANNOTATOR)[1] for name in names}
    opened.close()
    return issued


def memory(pid: int) -> Iterator[tuple[str, float]]:
    """Give the peak memory of a process and of all below it, in MiB, where Linux tells."""
    folder = Path("/proc", str(pid))
    if not folder.exists():
        return
    status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    words = (folder / "cmdline").read_text().split("\0")
    name = next((word for word in words if word in {"serve", "worker"}), "reads logs")
    yield name, int(status["VmHWM"].split()[0]) / 1024
    for thread in (folder / "task").iterdir():
        for child in (thread / "children").read_text().split():
            yield from memory(int(child))


def measured(kind: str, mix: Mix, clients: int, environment: Mapping[str, str]) -> tuple[Told, str]:
    """Start a service on a new database, load it; return what came of it, and the memory that it took."""
    with tempfile.TemporaryDirectory() as name, database(kind, Path(name)) as url:
        settings = {"CORONER_DATABASE": url, "CORONER_KEYS": "true", "CORONER_OVERLAP": str(clients)}
        with served({**environment, **settings}) as (port, pid):
            told = drive(f"http://{HOST}:{port}", keys(url, clients), unseen, mix)
            took = ", ".join(f"{what} {mib:,.0f}" for what, mib in memory(pid))
    return told, took


def table(told: Told) -> Iterator[str]:
    """Give the rows: a line for each kind of request."""
    yield "| what | answers | p50 | p99 | per second | turned away |"
    yield "|---|---|---|---|---|---|"
    for kind in sorted({each.kind for each in told.asked}):
        of = [each for each in told.asked if each.kind == kind]
        times = [each.seconds * 1000 for each in of if each.status not in TURNED_AWAY]
        away = [str(each.status) for each in of if each.status in TURNED_AWAY]
        counted = ", ".join(f"{away.count(status)} x {status}" for status in sorted(set(away))) or "none"
        row = (
            f"{quantile(times, 0.5):,.0f} ms",
            f"{quantile(times, 0.99):,.0f} ms",
            f"{len(times) / told.seconds:.1f}",
        )
        yield f"| `{kind}` | {len(times)} | {' | '.join(row)} | {counted} |"


def main() -> None:
    """Load each database in turn and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="only this one")
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--times", type=int, default=1, help="how often each does all of it; at most 10")
    given = parser.parse_args()
    times, plain = min(given.times, 10), Mix()
    mix = Mix(*(times * each for each in (plain.classify, plain.keep, plain.pages, plain.batches)), plain.inputs,
              times * plain.annotations, times * plain.agreement)  # fmt: skip
    lost = False
    for kind in (given.database,) if given.database else ("sqlite", "postgresql"):
        load = os.getloadavg()[0]
        with tempfile.TemporaryDirectory() as vectors:  # nothing has been read before
            told, took = measured(kind, mix, given.clients, {"CORONER_VECTORS": vectors})
        head = (
            f"{kind}, {dt.datetime.now(tz=dt.UTC).date()}, {os.cpu_count()} cores, load before {load:.1f}: "
            f"{given.clients} clients, {len(told.asked)} requests in {told.seconds:.1f} s, batches ended after "
            f"{told.drained:.1f} s; {told.stored} runs of {STEPS} steps stored; peak MiB: {took}"
        )
        lines = [
            f"\n{head}\n",
            *table(told),
            "",
            *(told.problems or ("nothing lost, nothing twice",)),
        ]
        print("\n".join(lines), flush=True)  # noqa: T201 - what the command is for
        lost = lost or bool(told.problems)
    sys.exit(int(lost))


if __name__ == "__main__":
    main()
