"""A report as tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from runner.report import words
from runner.report.plots import named
from runner.report.tables import UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from classifier.taxonomy import Taxonomy
    from runner.report.tables import Report


_NAME = 31  # letters: the longest name of a cause, with its id
_SYSTEMS = 3  # more beside each other, and names are broken rather than columns lost


def page(report: Report, taxonomy: Taxonomy) -> Group:
    """Return the report."""
    return Group(*_parts(report, taxonomy))


def _parts(report: Report, taxonomy: Taxonomy) -> Iterator[RenderableType]:
    yield Text(words.summary(report))
    for model in dict.fromkeys(row.system.model for row in report.success):
        yield from _titled(words.success_title(report, model), _success(report, model))
    if report.success:
        yield Padding(Text(words.study(report.study), style="dim"), (0, 0, 0, 2))
    if len({point.rounds for point in report.at_rounds}) > 1:
        yield from _titled("Success against the maximum number of rounds", _rounds(report))
    if report.causes and any(row.failed for row in report.causes):
        yield from _titled("Causes of the failed runs, as coroner classifies them", _causes(report, taxonomy))
    if report.faults:
        yield from _titled("Faults that were put in, and what coroner said", _faults(report, taxonomy))
    yield from _titled("What it took", _took(report))
    if report.broken:
        yield from _titled("Broken: not the agent, but what ran it", _broken(report))


def _titled(title: str, body: RenderableType) -> Iterator[RenderableType]:
    yield Text("")
    yield Text(title, style="bold")
    yield Padding(body, (0, 0, 0, 2))


def _table(*columns: str, text: int = 1, least: int = 0) -> Table:
    """Begin a table whose first `text` columns are no numbers; the first is at least so many letters wide."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for number, column in enumerate(columns):
        table.add_column(
            column,
            justify="left" if number < text else "right",
            overflow="fold",
            min_width=None if number else least,
        )
    return table


def _success(report: Report, model: str) -> Table:
    rows = [row for row in report.success if row.system.model == model]
    table = _table("", *(row.system.framework for row in rows))
    for number, category in enumerate(report.categories):
        table.add_row(words.category(category), *(row.by_category[number].words() for row in rows))
    table.add_row("all", *(row.overall.words() for row in rows))
    return table


def _rounds(report: Report) -> Table:
    numbers = sorted({point.rounds for point in report.at_rounds})
    table = _table("", *(f"{number} rounds" for number in numbers))
    for system in dict.fromkeys(point.system for point in report.at_rounds):
        rates = {point.rounds: point.rate for point in report.at_rounds if point.system == system}
        table.add_row(system.words, *(rates[number].words() if number in rates else "-" for number in numbers))
    return table


def _causes(report: Report, taxonomy: Taxonomy) -> Table:
    rows = [row for row in report.causes or () if row.failed]
    least = _NAME if len(rows) <= _SYSTEMS else 0
    table = _table("", *(_narrow(row.system.words) for row in rows), least=least)
    for cause in (*taxonomy.ids, UNDECIDED):
        counts = [row.causes.get(cause, 0) for row in rows]
        if any(counts):
            table.add_row(named(cause, taxonomy), *map(str, counts))
    if any(row.unread for row in rows):
        table.add_row("trace missing or not readable", *(str(row.unread) for row in rows))
    table.add_row("failed", *(str(row.failed) for row in rows))
    return table


def _faults(report: Report, taxonomy: Taxonomy) -> Table:
    table = _table("put in", *map(_narrow, words.FAULTS), least=_NAME)
    for fault in report.faults:
        table.add_row(f"{fault.cause} {taxonomy.cause(fault.cause).name}", *words.fault(fault))
    return table


def _took(report: Report) -> Table:
    table = _table("", *map(_narrow, words.TOOK))
    for row in report.took:
        table.add_row(_narrow(row.system.words), *words.took(row))
    return table


def _narrow(heading: str) -> str:
    """Break a heading where a column need not be wider."""
    return heading.replace(", ", ",\n").replace(" ", "\n")


def _broken(report: Report) -> Table:
    table = _table("", "", text=2)
    for broken in report.broken:
        table.add_row(broken.run, broken.error.splitlines()[-1] if broken.error else "")
    return table
