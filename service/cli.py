"""coroner serve, db and keys: the service's part of the command line, hung into it by name.

What a command needs is imported inside it: this file is read at every start of `coroner`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.judge_options import Chosen, judged, takes_judge
from classifier.terminal import (
    EmbedderOption,
    Exit,
    IndexOption,
    TaxonomyOption,
    fail,
    load_classifier,
    say,
    write,
)
from service import cli_index
from service.terminal import ProjectOption, configured, hub_for, open_database, opened, ready_database

if TYPE_CHECKING:
    from service.settings import Settings

db = typer.Typer(name="db", help="The service's database.", no_args_is_help=True, rich_markup_mode=None)
keys = typer.Typer(name="keys", help="Keys that open the service.", no_args_is_help=True, rich_markup_mode=None)


def mount(app: typer.Typer) -> None:
    """Hang the service's commands into coroner's command line."""
    app.command()(serve)
    app.command()(worker)
    app.add_typer(db)
    app.add_typer(keys)
    app.add_typer(cli_index.app)


@takes_judge
def serve(
    context: typer.Context,
    *,
    chosen: Chosen,
    host: Annotated[str | None, typer.Option(help="Address to listen on: 127.0.0.1 unless set.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on: 8080 unless set.")] = None,
    index: IndexOption = None,
    embedder: EmbedderOption = None,
    taxonomy: TaxonomyOption = None,
    max_mib: Annotated[int | None, typer.Option(min=1, help="Largest request body, in MiB.")] = None,
    at_once: Annotated[int | None, typer.Option(min=1, help="Requests that are worked on at once.")] = None,
) -> None:
    """Start the web service: pages for annotators, and an API. `CORONER_...` in the environment sets the rest.

    Another address than loopback demands a key of every request: `coroner keys issue`.
    """
    from service.app import serve as run  # noqa: PLC0415 - see the module
    from service.work.children import workers  # noqa: PLC0415 - as above
    from service.work.trainer import Trainer  # noqa: PLC0415 - as above

    settings = configured(host=host, port=port, max_bytes=max_mib * 2**20 if max_mib else None, at_once=at_once)
    say(json.dumps(settings.shown(), sort_keys=True))
    options, chosen = _own_options(index, embedder, taxonomy), _with_store(chosen, settings)
    if chosen.judge:
        say(_who_asks(settings.workers, chosen.judge))
    with (
        judged(load_classifier(context, index, embedder, taxonomy), chosen) as classifier,
        hub_for(settings, classifier, taxonomy, queue=True, trainer=Trainer(options)) as hub,
        workers(settings.workers, [*options, *(chosen.arguments() if chosen.judge else ())]),
    ):
        run(hub)


@takes_judge
def worker(
    context: typer.Context,
    *,
    chosen: Chosen,
    index: IndexOption = None,
    embedder: EmbedderOption = None,
    taxonomy: TaxonomyOption = None,
) -> None:
    """Work off batches until told to end; `coroner serve` starts its own. May run on many machines.

    They share the database and the queue: `CORONER_DATABASE`, `CORONER_QUEUE`.
    """
    from service import logs  # noqa: PLC0415 - see the module
    from service.work.worker import run  # noqa: PLC0415 - as above

    settings = configured()
    logs.configure()
    with (
        judged(load_classifier(context, index, embedder, taxonomy), _with_store(chosen, settings)) as classifier,
        hub_for(settings, classifier, taxonomy) as hub,
    ):
        opened(lambda: run(hub))


def _own_options(index: Path | None, embedder: str | None, taxonomy: str | None) -> list[str]:
    """Return the options that a worker or a training of ours needs to answer as we do; a judge has its own."""
    given = {"--index": str(index) if index else None, "--embedder": embedder, "--taxonomy": taxonomy}
    return [part for name, value in given.items() if value is not None for part in (name, value)]


def _with_store(chosen: Chosen, settings: Settings) -> Chosen:
    """Keep a judge's calls in the service's folder, unless a file is named: workers share it, and a day's budget."""
    return replace(chosen, store=settings.folder / "judge.sqlite3") if chosen.judge and not chosen.store else chosen


def _who_asks(workers: int, judge: str) -> str:
    """Say at the start which processes ask a judge, and what holds for each of them alone."""
    if not workers:
        return f"{judge} is asked about runs that are classified at once; batches need `coroner worker --judge {judge}`"
    return (
        f"{judge} is asked by {1 + workers} processes: limits of a run hold for each, those of a day for all together"
    )


@db.command()
def upgrade() -> None:
    """Bring the database up to date; a new one gets its tables."""
    database = open_database()
    opened(database.upgrade)
    say(f"{database.name} is up to date")


@db.command()
def check() -> None:
    """Say whether the database is up to date, whole and sound. Exits with 1 where it is not."""
    found = open_database().problems()
    for problem in found:
        say(problem)
    if found:
        raise typer.Exit(Exit.FAILED)
    say("nothing is wrong with it")


@db.command()
def backup(target: Annotated[Path, typer.Argument(help="New file to write.")]) -> None:
    """Copy a SQLite database, also while it is in use."""
    opened(lambda: open_database().backup(target))
    say(f"{target}: written")


@db.command()
def restore(source: Annotated[Path, typer.Argument(help="A file that `coroner db backup` wrote.")]) -> None:
    """Put a backup in the place of the SQLite database. Stop the service first; what was there is kept beside it."""
    from service.storage.database import restore as put_back  # noqa: PLC0415 - see the module

    database = open_database()
    if not database.is_sqlite or not database.url.database:
        fail(f"{database.name}: use pg_restore for a PostgreSQL database")
    target = Path(database.url.database)
    database.close()
    before = opened(lambda: put_back(source, target))
    say(f"{target}: restored from {source}{f'; what was there is {before}' if before else ''}")


@keys.command()
def issue(
    person: Annotated[str, typer.Argument(help="Who will hold it: the annotator's name on labels.")],
    role: Annotated[str, typer.Option(help="reader, client, annotator or admin.")] = "annotator",
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires; never unless set.")] = None,
    project: ProjectOption = "default",
) -> None:
    """Make a key and print it, once: only its hash is kept."""
    from service.storage import projects  # noqa: PLC0415 - see the module

    if role not in list(projects.Role):
        raise typer.BadParameter(f"{role!r} is none of {', '.join(projects.Role)}", param_hint="--role")
    expires = datetime.now(UTC) + timedelta(days=days) if days else None
    with ready_database().begin() as session:
        number = projects.ensure(session, project)
        key, secret = projects.issue(session, number, person, projects.Role(role), expires)
        by = projects.Access(project=number, project_name=project, person="command line", role=projects.Role.ADMIN)
        projects.note(session, by, "issue key", f"key {key.id}", person=person, role=role)
    say(f"key {key.id} of {person} ({role}) in the project {project}; it is shown this once")
    write(f"{secret}\n")


@keys.command(name="list")
def list_keys(project: ProjectOption = "default") -> None:
    """List the keys of a project."""
    from service.storage import projects  # noqa: PLC0415 - see the module

    with ready_database().begin() as session:
        for key in projects.keys(session, projects.ensure(session, project)):
            state = "revoked" if key.revoked else f"until {key.expires:%Y-%m-%d}" if key.expires else "valid"
            write(f"{key.id}\t{key.prefix}...\t{key.role}\t{state}\t{key.person}\n")


@keys.command()
def revoke(
    key: Annotated[int, typer.Argument(help="Its number, as `coroner keys list` shows it.")],
    project: ProjectOption = "default",
) -> None:
    """Make a key useless from now on."""
    from service.storage import ConflictError, NotFoundError, projects  # noqa: PLC0415 - see the module

    with ready_database().begin() as session:
        try:
            projects.revoke(session, projects.ensure(session, project), key)
        except (NotFoundError, ConflictError) as error:
            fail(str(error))
    say(f"key {key} is revoked")
