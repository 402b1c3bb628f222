"""Plots: a report's figures as SVG elements that take their colours from the page around them, light or dark."""

from __future__ import annotations

import re
from io import StringIO
from typing import TYPE_CHECKING

from runner.report.tables import UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from classifier.taxonomy import Taxonomy
    from runner.report.rates import Rate
    from runner.report.tables import Report

WIDTH = 4.8  # inches: narrow, so that its letters can be read on a telephone
SERIES = 8  # colours that the page defines, --s0 and on; further systems begin again

# Matplotlib knows no CSS: these stand for the page's colours and are replaced in its SVG.
_INK, _RULE = "#0a0b0c", "#0a0b0d"
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")  # so that systems can be told apart without colour
_HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "++++", "oooo", "||||")


def success(report: Report) -> str | None:
    """Success by category and system, with intervals; None where there is none."""
    if not report.success:
        return None
    names = [*(category.value.replace("_", " ") for category in report.categories), "all"]
    figure, axes = _figure(0.8 + 0.2 * len(report.success) + len(names) * (0.25 + 0.13 * len(report.success)))
    for number, row in enumerate(report.success):
        offset = (number - (len(report.success) - 1) / 2) * min(0.25, 0.7 / len(report.success))
        rates = (*row.by_category, row.overall)
        places = [place + offset for place in range(len(names))]
        _whiskers(axes, places, rates, number, across=True)
        axes.plot([], [], _MARKS[number % 8], color=_colour(number), label=row.system.words)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(-3, 103)
    axes.set_xlabel("success, %")
    return _svg(figure, axes, "success", "Success by category, with 95 % intervals")


def rounds(report: Report) -> str | None:
    """Success against the maximum number of rounds; None where there are fewer than two numbers of rounds."""
    caps = sorted({point.rounds for point in report.at_rounds})
    if len(caps) < 2:
        return None
    systems = list(dict.fromkeys(point.system for point in report.at_rounds))
    figure, axes = _figure(2.6 + 0.2 * len(systems))
    apart = 0.02 * (max(caps) - min(caps))  # so that whiskers do not lie on one another
    for number, system in enumerate(systems):
        points = [point for point in report.at_rounds if point.system == system]
        offset = (number - (len(systems) - 1) / 2) * apart
        places = [point.rounds + offset for point in points]
        _whiskers(axes, places, [point.rate for point in points], number, across=False)
        shares = [100 * (point.rate.share or 0.0) for point in points]
        axes.plot(places, shares, f"-{_MARKS[number % 8]}", color=_colour(number), label=system.words)
    axes.set_xticks(caps)
    axes.set_ylim(-3, 103)
    axes.set_xlabel("maximum number of rounds")
    axes.set_ylabel("success, %")
    return _svg(figure, axes, "rounds", "Success against the maximum number of rounds, with 95 % intervals")


def causes(report: Report, taxonomy: Taxonomy) -> str | None:
    """Failed runs by cause, in the order of the phases, and by system; None where none was diagnosed."""
    rows = [row for row in report.causes or () if row.causes]
    found = [cause for cause in (*taxonomy.ids, UNDECIDED) if any(cause in row.causes for row in rows)]
    if not found:
        return None
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - see `_figure`

    figure, axes = _figure(0.9 + 0.2 * len(rows) + 0.44 * len(found))
    before = [0] * len(found)
    for number, row in enumerate(rows):
        counts = [row.causes.get(cause, 0) for cause in found]
        axes.barh(
            range(len(found)),
            counts,
            left=before,
            height=0.34,
            color=_colour(number),
            edgecolor=_INK,
            linewidth=0.4,
            hatch=_HATCHES[number % 8],
            label=row.system.words,
        )
        before = [sum(pair) for pair in zip(before, counts, strict=True)]
    for place, cause in enumerate(found):
        axes.text(0, place - 0.26, named(cause, taxonomy), color=_INK, va="bottom", fontsize=10)
    axes.set_yticks([])
    axes.set_ylim(len(found) - 0.6, -0.75)
    axes.set_xlabel("failed runs")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    return _svg(figure, axes, "causes", "Failed runs by cause")


def named(cause: str, taxonomy: Taxonomy) -> str:
    """Name a cause with its phase."""
    if cause not in taxonomy:
        return cause
    phase = taxonomy.phase_of(cause)
    return f"{cause} {taxonomy.cause(cause).name}" + (f" ({phase})" if phase else "")


def _whiskers(axes: Axes, places: Sequence[float], rates: Sequence[Rate], number: int, *, across: bool) -> None:
    for place, rate in zip(places, rates, strict=True):
        if rate.interval is None or rate.share is None:
            continue
        low, high = (100 * bound for bound in rate.interval)
        line = ([low, high], [place, place]) if across else ([place, place], [low, high])
        axes.plot(*line, "-", color=_colour(number), linewidth=1.2, alpha=0.7)
        point = (100 * rate.share, place) if across else (place, 100 * rate.share)
        axes.plot(*point, _MARKS[number % 8], color=_colour(number), markersize=6)


def _colour(number: int) -> str:
    return f"#0a0c{number % SERIES:02x}"


def _figure(height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure  # noqa: PLC0415 - half a second, for the page alone

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    for side, spine in axes.spines.items():
        spine.set_visible(side in {"left", "bottom"})
        spine.set_color(_RULE)
    axes.tick_params(colors=_RULE, labelcolor=_INK, labelsize=10)
    axes.grid(color=_RULE, linewidth=0.5, alpha=0.6)
    axes.set_axisbelow(True)
    axes.xaxis.label.set(color=_INK, size=10)
    axes.yaxis.label.set(color=_INK, size=10)
    return figure, axes


def _svg(figure: Figure, axes: Axes, name: str, title: str) -> str:
    """Draw it as an element for an HTML page: no prolog, no metadata, ids of its own, the page's colours."""
    from matplotlib import rc_context  # noqa: PLC0415 - as above

    if len(axes.get_legend_handles_labels()[1]) > 1:
        figure.legend(loc="outside upper left", frameon=False, labelcolor=_INK, fontsize=10, ncols=1)
    out = StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = out.getvalue()[out.getvalue().index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    opening, _, rest = svg.partition(">")
    svg = re.sub(r'\s(?:xmlns(?::\w+)?|width|height|version)="[^"]*"', "", opening) + ">" + rest
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = svg.replace("<svg", f'<svg class="plot" role="img" aria-label="{title}"', 1)
    for mark, colour in {_INK: "currentColor", _RULE: "var(--rule)"}.items():
        svg = svg.replace(mark, colour)
    return re.sub(r"#0a0c(\w\w)", lambda found: f"var(--s{int(found[1], 16)})", svg).strip()
