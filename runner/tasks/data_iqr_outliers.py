"""Outliers by the interquartile range."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._draw import Draw
from runner.tasks._files import PYTHON, table

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(
    id="data_iqr_outliers",
    category=Category.DATA,
    level="easy",
    seed=4103,
    description="A building logged the power that its lifts drew. Some readings are far off.",
    instruction="Find the outliers among the power readings by the interquartile range, and say how many there are and "
    "what the mean power is without them.",
    constraints=(
        (
            "Take the quartiles over all readings of all lifts together, with linear interpolation (the default of "
            "numpy and pandas)."
        ),
        "An outlier lies more than 1.5 times the interquartile range below the first or above the third quartile.",
    ),
    environment="lifts.csv is in the working directory, with the columns reading, lift and power_kw. No value is "
    f"missing. {PYTHON}",
    answers=(
        Answer(name="outliers", value="15", kind=Kind.NUMBER, decimals=0, what="the number of outliers"),
        Answer(
            name="upper_fence",
            value="27.22",
            kind=Kind.NUMBER,
            decimals=2,
            what="the bound above which readings are outliers, in kW",
        ),
        Answer(
            name="mean_without",
            value="18.04",
            kind=Kind.NUMBER,
            decimals=2,
            what="the mean of the other readings, in kW",
        ),
    ),
    stages=(
        Stage(
            aim="Load lifts.csv and compute the quartiles of power_kw",
            code="""\
import pandas as pd

lifts = pd.read_csv("lifts.csv")
power = lifts["power_kw"]
q1, q3 = power.quantile(0.25), power.quantile(0.75)
print(len(power), q1, q3)
""",
        ),
        Stage(
            aim="Mark the readings outside the fences",
            code="""\
iqr = q3 - q1
lower, upper = q1 - 1.5 * iqr, q3 + 1.5 * iqr
outside = (power < lower) | (power > upper)
print(lower, upper, outside.sum())
""",
        ),
        Stage(
            aim="Count the outliers and average the rest",
            code="""\
print(f"@outliers[{outside.sum()}]")
print(f"@upper_fence[{upper:.2f}]")
print(f"@mean_without[{power[~outside].mean():.2f}]")
""",
        ),
    ),
)


def build(folder: Path) -> None:
    """Write lifts.csv: 600 readings, about one in thirty of them far off to either side."""
    draw = Draw(TASK.seed)
    rows = []
    for number in range(1, 601):
        lift = draw.pick(("north", "south", "goods"))
        power = draw.normal(18, 3)
        if draw.chance(0.03):
            power = draw.uniform(32, 60) if draw.chance(0.7) else draw.uniform(0, 4)
        rows.append((number, lift, f"{power:.2f}"))
    table(folder / "lifts.csv", ("reading", "lift", "power_kw"), rows)
