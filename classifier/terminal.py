"""What the commands say and where: results on standard output, all else on standard error; exit codes."""

from __future__ import annotations

import sys
from enum import IntEnum
from typing import TYPE_CHECKING, NoReturn, TypeVar

import typer

from classifier.plain import line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.console import Console, RenderableType

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
