"""coroner index: the versions of a project's index from the command line. Imports what it needs inside commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from classifier.terminal import EmbedderOption, IndexOption, TaxonomyOption, fail, load_classifier, say, write
from service.terminal import ProjectOption, configured, hub_for, ready_database

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from service.hub import Hub
    from service.storage.projects import Access

app = typer.Typer(name="index", help="A project's index.", no_args_is_help=True, rich_markup_mode=None)

ByOption = Annotated[str, typer.Option("--by", help="Who does it, for the audit log.")]
SHELL = "command line"


@app.command(name="list")
def list_versions(project: ProjectOption = "default") -> None:
    """List the versions, newest first, with kappa on held-out labels beside that of the version before."""
    from service.learning import versions  # noqa: PLC0415 - see the module
    from service.storage import projects  # noqa: PLC0415 - as above

    with ready_database().begin() as session:
        for each in versions.every(session, projects.ensure(session, project)):
            told = each.comparison
            figures = f"{_kappa(told.new.kappa.value)} ({_kappa(told.old.kappa.value)})" if told else "not measured"
            write(f"{each.version}\t{each.state}\t{each.labels} labels\tkappa {figures}\t{each.made:%Y-%m-%d %H:%M}\n")


@app.command()
def train(
    context: typer.Context,
    *,
    project: ProjectOption = "default",
    by: ByOption = SHELL,
    index: IndexOption = None,
    embedder: EmbedderOption = None,
    taxonomy: TaxonomyOption = None,
) -> None:
    """Train a new version on the project's labels, and measure it against the one that answers. Takes minutes."""
    from service.learning import training  # noqa: PLC0415 - see the module
    from service.learning.versions import Version  # noqa: PLC0415 - as above

    def work(hub: Hub, access: Access) -> None:
        made = Version.of(training.train(hub, access, watch=say))
        told = made.comparison
        if told is not None:
            say(
                f"kappa {_kappa(told.new.kappa.value)} on {told.runs} held-out labels, "
                f"{_kappa(told.old.kappa.value)} with the index that answers now"
            )
        say(f"index {made.version} is trained: `coroner index activate {made.version}`")

    _work(context, project, by, (index, embedder, taxonomy), work)


@app.command()
def activate(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="As `coroner index list` shows it, or `shipped`.")],
    *,
    project: ProjectOption = "default",
    by: ByOption = SHELL,
    index: IndexOption = None,
    embedder: EmbedderOption = None,
    taxonomy: TaxonomyOption = None,
) -> None:
    """Let a version answer from now on, also in a service that runs."""
    from service.learning import versions  # noqa: PLC0415 - see the module

    _work(
        context, project, by, (index, embedder, taxonomy),
        lambda hub, access: say(f"index {versions.activate(hub, access, version)} answers"),
    )  # fmt: skip


@app.command()
def rollback(
    context: typer.Context,
    *,
    project: ProjectOption = "default",
    by: ByOption = SHELL,
    index: IndexOption = None,
    embedder: EmbedderOption = None,
    taxonomy: TaxonomyOption = None,
) -> None:
    """Let the version answer again that did before the present one."""
    from service.learning import versions  # noqa: PLC0415 - see the module

    _work(
        context, project, by, (index, embedder, taxonomy),
        lambda hub, access: say(f"index {versions.roll_back(hub, access)} answers"),
    )  # fmt: skip


def _work(
    context: typer.Context,
    project: str,
    by: str,
    named: tuple[Path | None, str | None, str | None],
    work: Callable[[Hub, Access], None],
) -> None:
    """Do something with a project's index; end the command where it cannot be done."""
    from service.storage import ConflictError, NotFoundError, projects  # noqa: PLC0415 - see the module

    with hub_for(configured(), load_classifier(context, *named), named[2]) as hub:
        with hub.database.begin() as session:
            number = projects.ensure(session, project)
        access = projects.Access(project=number, project_name=project, person=by, role=projects.Role.ADMIN)
        try:
            work(hub, access)
        except (ConflictError, NotFoundError) as error:
            fail(str(error))


def _kappa(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
