"""Plots: figures -> where lines and dots lie in an SVG, with the same figures as rows of a table. Pure.

What stands in the template are numbers and the words given here; nothing of a trace comes this way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from service.comparison import wilson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from classifier.bootstrap import Estimate
    from classifier.reliability import Calibration, RiskCoverage

WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 396, 26, 252
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
SMALL, LARGE = 3.0, 7.0  # radius of a dot
SPACE = 16  # between two numbers above dots


class Tick(NamedTuple):
    """A mark on an axis, with its line."""

    at: float
    text: str


class Dot(NamedTuple):
    """A dot; `low` and `high` are where its interval ends, None without one; `label` stands above it."""

    x: float
    y: float
    size: float
    told: str
    low: float | None = None
    high: float | None = None
    label: str = ""


class Plot(NamedTuple):
    """A plot as the template draws it. `told`: what it shows, in a sentence."""

    title: str
    told: str
    x_name: str
    y_name: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    dots: tuple[Dot, ...] = ()
    line: str = ""
    band: str = ""
    diagonal: bool = False
    level: float | None = None
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT
    top: int = TOP
    bottom: int = BOTTOM


class Point(NamedTuple):
    """A figure at a place on the axis across, 0 to 1."""

    x: float
    name: str
    figure: Estimate


def calibration(found: Calibration) -> Plot:
    """Plot confidence against the share that is right, a dot a bin: its size and number tell its runs."""
    most = max((each.runs for each in found.bins), default=1)
    bounds = [wilson(round(each.accuracy * each.runs), each.runs) for each in found.bins]
    dots, labelled = list[Dot](), 0.0
    for each, (low, high) in zip(found.bins, bounds, strict=True):
        x = _x(each.confidence)
        size = round(SMALL + (LARGE - SMALL) * (each.runs / most) ** 0.5, 1)
        label = str(each.runs) if x - labelled >= SPACE else ""
        labelled = x if label else labelled
        told = f"confidence {_percent(each.confidence)}: {_percent(each.accuracy)} of {each.runs} right"
        dots.append(Dot(x, _y(each.accuracy), size, told, _y(low), _y(high), label))
    error = found.ece.value
    return Plot(
        title="Calibration",
        told="On the dashed line, confidence is what it says; the numbers above are runs."
        + (f" The verdicts lie {100 * error:.0f} points from it on average." if error is not None else ""),
        x_name="confidence",
        y_name="right",
        across=_across(),
        up=_up(),
        columns=("Runs", "Mean confidence", "Right"),
        rows=tuple(
            (
                str(each.runs),
                _percent(each.confidence),
                _with(_percent, each.accuracy, low, high),
            )
            for each, (low, high) in zip(found.bins, bounds, strict=True)
        ),
        dots=tuple(dots),
        diagonal=True,
    )


def risk_coverage(found: RiskCoverage) -> Plot:
    """Plot what share of the verdicts is right if only the surest are taken."""
    points = [Point(row.coverage, f"{_percent(row.coverage)} taken", row.accuracy) for row in found.rows]
    return Plot(
        title="Risk and coverage",
        told="How many of the verdicts are right if only the surest are taken.",
        x_name="share of the runs that is taken",
        y_name="right",
        across=_across(),
        up=_up(),
        columns=("Taken", "Runs", "From confidence", "Right"),
        rows=tuple(
            (_percent(row.coverage), str(row.runs), _percent(row.threshold), _interval(row.accuracy, percent=True))
            for row in found.rows
        ),
        dots=_dots(points, whiskers=False),
        line=_line(points),
        band=_band(points),
    )


def over_versions(points: Sequence[tuple[str, Estimate]], *, ceiling: Estimate | None) -> Plot:
    """Plot kappa of each version of the index, oldest first; the people's own is the dashed line."""
    step = 1 / max(len(points), 1)
    placed = [Point((place + 0.5) * step, name, figure) for place, (name, figure) in enumerate(points)]
    level = ceiling.value if ceiling is not None else None
    return Plot(
        title="Kappa over versions of the index",
        told="Each on the labels of today, on tasks that it has not learnt."
        + (" The dashed line is the people with each other." if level is not None else ""),
        x_name="version",
        y_name="kappa",
        across=tuple(Tick(_x(each.x), each.name[:7]) for each in placed),
        up=_up(),
        columns=("Version", "Runs", "Kappa"),
        rows=tuple((each.name, str(each.figure.n), _interval(each.figure)) for each in placed),
        dots=_dots(placed),
        line=_line(placed),
        level=_y(level) if level is not None else None,
    )


def learning_curve(points: Sequence[tuple[float, Estimate]]) -> Plot:
    """Plot a figure against the number of labels that the index was taught, held-out."""
    most = max((labels for labels, _ in points), default=1.0) or 1.0
    placed = [Point(labels / most, f"{labels:.0f} labels", figure) for labels, figure in points]
    return Plot(
        title="Learning curve",
        told="Kappa on runs that were held out, by how many labels of yours the index was taught.",
        x_name="labels of this project",
        y_name="kappa",
        across=tuple(Tick(_x(labels / most), f"{labels:.0f}") for labels in _round_marks([each for each, _ in points])),
        up=_up(),
        columns=("Labels", "Kappa"),
        rows=tuple((f"{labels:.0f}", _interval(figure)) for labels, figure in points),
        dots=_dots(placed, whiskers=False),
        line=_line(placed),
        band=_band(placed),
    )


def _round_marks(labels: Sequence[float]) -> list[float]:
    """Leave out marks that would be written over each other."""
    most, kept = max(labels, default=1.0) or 1.0, list[float]()
    for each in sorted(labels, reverse=True):
        if not kept or kept[-1] - each >= most / 12:
            kept.append(each)
    return kept[::-1]


def _dots(points: Sequence[Point], *, whiskers: bool = True) -> tuple[Dot, ...]:
    return tuple(
        Dot(
            _x(each.x),
            _y(each.figure.value),
            SMALL + 1,
            f"{each.name}: {_interval(each.figure)}, n {each.figure.n}",
            _y(each.figure.low) if whiskers and each.figure.low is not None else None,
            _y(each.figure.high) if whiskers and each.figure.high is not None else None,
        )
        for each in points
        if each.figure.value is not None
    )


def _line(points: Sequence[Point]) -> str:
    return _points((_x(each.x), _y(each.figure.value)) for each in points if each.figure.value is not None)


def _band(points: Sequence[Point]) -> str:
    bounded = [
        (_x(each.x), _y(each.figure.low), _y(each.figure.high))
        for each in points
        if each.figure.low is not None and each.figure.high is not None
    ]
    return _points([*((x, low) for x, low, _ in bounded), *((x, high) for x, _, high in reversed(bounded))])


def _points(places: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in places)


def _x(share: float) -> float:
    return round(LEFT + (RIGHT - LEFT) * share, 1)


def _y(share: float) -> float:
    """Place a share, or a kappa: what is below 0 lies on the axis."""
    return round(BOTTOM - (BOTTOM - TOP) * min(max(share, 0.0), 1.0), 1)


def _across() -> tuple[Tick, ...]:
    return tuple(Tick(_x(each), _percent(each)) for each in SHARES)


def _up() -> tuple[Tick, ...]:
    return tuple(Tick(_y(each), f"{each:g}") for each in SHARES)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _interval(figure: Estimate, *, percent: bool = False) -> str:
    told = _percent if percent else "{:.2f}".format
    if figure.value is None:
        return "not defined"
    if figure.low is None or figure.high is None:
        return told(figure.value)
    return _with(told, figure.value, figure.low, figure.high)


def _with(told: Callable[[float], str], value: float, low: float, high: float) -> str:
    return f"{told(value)} ({told(low)} to {told(high)})"
