"""What the commands share: options, exit codes, the way to a classifier, and what is said on which stream."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from classifier.plain import line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.console import Console, RenderableType

    from classifier.intake import Classifies

LONG = 5  # more items than this are long work, worth a progress bar

_Result = TypeVar("_Result")


class Exit(IntEnum):
    """Exit codes of every command, as `--help` and the README list them."""

    OK = 0
    FAILED = 1
    USAGE = 2  # typer's own
    SOME_UNREAD = 3


EXIT_CODES = (
    "Exit codes: 0 all done; 1 no input could be read, or the command could not do its work; 2 wrong usage; "
    "3 done, but some inputs could not be read."
)


IndexOption = Annotated[Path | None, typer.Option("--index", help="Index to use instead of the shipped one.")]
EmbedderOption = Annotated[str | None, typer.Option("--embedder", help="Embedder; must be the one of the index.")]
TaxonomyOption = Annotated[
    str | None, typer.Option("--taxonomy", help="Name of a shipped taxonomy or path of your own (TOML).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON instead of a page for people.")]


@dataclass(frozen=True)
class Tools:
    """The seam: how the commands come by a classifier. Tests pass their own."""

    load: Callable[[Path | None, str | None, str | None], Classifies]


def open_classifier(index: Path | None, embedder: str | None, taxonomy: str | None) -> Classifies:
    """Load the classifier that the options name; see `Classifier.load`."""
    from classifier.pipeline import Classifier  # noqa: PLC0415 - the path of classify alone

    return Classifier.load(index, embedder=embedder, taxonomy=taxonomy)


def write(text: str) -> None:
    """Write a result as UTF-8 whatever the locale, at once, so that a reader of the pipe sees it."""
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.buffer.flush()


def say(text: str) -> None:
    """Tell the person at the terminal something that is no result."""
    typer.echo(f"coroner: {line(text)}", err=True)


def fail(text: str) -> NoReturn:
    """Say why the command cannot do its work, and end it."""
    say(text)
    raise typer.Exit(Exit.FAILED)


def or_fail(work: Callable[[], _Result]) -> _Result:
    """Return what `work` returns; end the command with the message if it refuses its input or cannot read it."""
    try:
        return work()
    except (ValueError, OSError) as error:
        fail(str(error))


def console(*, err: bool = False) -> Console:
    """Return a console that takes nothing in a text for markup, emoji or highlights."""
    from rich.console import Console  # noqa: PLC0415 - rich is not needed for JSON

    return Console(stderr=err, highlight=False, markup=False, emoji=False)


def show(out: Console, page: RenderableType) -> None:
    """Print a page, without the blanks at the ends of lines that rich leaves in a file or a pipe."""
    if out.is_terminal:
        out.print(page)
        return
    with out.capture() as captured:
        out.print(page)
    out.file.write("".join(f"{part.rstrip()}\n" for part in captured.get().splitlines()))
    out.file.flush()


def watched(items: Iterable[_Result], total: int, what: str) -> Iterator[_Result]:
    """Pass items on, with a progress bar on a terminal that does not already show the results as they come."""
    if total <= LONG or not sys.stderr.isatty() or sys.stdout.isatty():
        yield from items
        return
    from rich.progress import track  # noqa: PLC0415 - as above

    yield from track(items, what, total=total, console=console(err=True), transient=True)


def load_classifier(
    context: typer.Context, index: Path | None, embedder: str | None, taxonomy: str | None
) -> Classifies:
    """Come by a classifier, or end the command with the reason why there is none."""
    tools: Tools = context.obj
    return or_fail(lambda: tools.load(index, embedder, taxonomy))
