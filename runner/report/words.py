"""Words that a report's terminal and page share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.report.study import Study
    from runner.report.tables import Fault, Report, Took
    from runner.task import Category

TOOK = ("runs", "calls per run", "tokens per run", "USD in all", "seconds per run", "median", "stopped by")
FAULTS = ("failed", "cause found", "considered", "phase found", "step found")
INTERVALS = (
    "Intervals are Wilson's at 95 %, taking runs as independent. Where tasks are repeated they are not, and the "
    "intervals are too narrow."
)


def summary(report: Report) -> str:
    """Say in a sentence what was run."""
    told = f"{_many(report.runs, 'run')} of {_many(report.tasks, 'task')}"
    if report.repeats > 1:
        told += f", up to {report.repeats} times each"
    if report.broken:
        told += f"; {len(report.broken)} broke and count in no figure"
    if report.skipped:
        told += f"; {report.skipped} were not run, as the task has no place for the fault"
    return f"{told}."


def success_title(report: Report, model: str) -> str:
    """Head a table of success."""
    return f"Success with {model}, in at most {_many(report.rounds or 0, 'round')}"


def study(published: Study) -> str:
    """Say what the study published."""
    return (
        f"Published, not measured here: “{published.quote}” over {published.tasks} tasks, {published.frameworks} "
        f"frameworks and {published.models} models ({published.citation}). {published.note}"
    )


def category(category: Category) -> str:
    """Name a category."""
    return category.value.replace("_", " ")


def fault(row: Fault) -> tuple[str, ...]:
    """Write what became of the runs of a fault, in the order of FAULTS."""
    rates = (row.failed, row.found, row.considered, row.phase, row.step)
    return tuple(f"{rate.hits}/{rate.n}" for rate in rates)


def took(row: Took) -> tuple[str, ...]:
    """Write what a system took, in the order of TOOK."""
    stopped = ", ".join(f"{by} {count}" for by, count in row.stopped_by.items()) or "-"
    usd = "unknown" if row.usd is None else f"{row.usd:.4f}" if 0 < row.usd < 1 else f"{row.usd:.2f}"
    return (
        str(row.runs),
        f"{row.calls:.1f}",
        f"{row.tokens:,.0f}",
        usd,
        f"{row.seconds:.1f}",
        f"{row.median_seconds:.1f}",
        stopped,
    )


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
