"""Skewness before and after a logarithm, and a test of normality by group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._draw import Draw
from runner.tasks._files import PYTHON, table

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(
    id="data_waiting_times",
    category=Category.DATA,
    level="medium",
    seed=4107,
    description="A clinic recorded how long its patients waited at three desks.",
    instruction="Describe the shape of the distribution of the waiting times: its skewness, its skewness after a "
    "logarithm, and the one desk whose times pass for normally distributed.",
    constraints=(
        "Skewness is the Fisher-Pearson coefficient without bias correction (the default of scipy.stats.skew).",
        "Take both skewnesses over all desks together; use the natural logarithm.",
        "Test each desk by itself with the Shapiro-Wilk test on the plain minutes.",
        "A desk passes for normal if its p-value is at least 0.05; exactly one desk does.",
    ),
    environment="waits.csv is in the working directory, with the columns patient, desk and minutes. No value is "
    f"missing, all are positive. {PYTHON}",
    answers=(
        Answer(name="skewness", value="0.729", kind=Kind.NUMBER, decimals=3, what="the skewness of the minutes"),
        Answer(
            name="log_skewness", value="-0.523", kind=Kind.NUMBER, decimals=3, what="the skewness of their logarithms"
        ),
        Answer(name="normal_desk", value="reception", what="the desk that passes for normal"),
        Answer(name="w", value="0.982", kind=Kind.NUMBER, decimals=3, what="the test statistic W of that desk"),
    ),
    stages=(
        Stage(
            aim="Load waits.csv",
            code="""\
import numpy as np
import pandas as pd
from scipy import stats

waits = pd.read_csv("waits.csv")
print(waits.groupby("desk")["minutes"].describe())
""",
        ),
        Stage(
            aim="Compute the skewness of the minutes and of their logarithms",
            code="""\
minutes = waits["minutes"].to_numpy()
skewness = stats.skew(minutes)
log_skewness = stats.skew(np.log(minutes))
print(skewness, log_skewness)
""",
        ),
        Stage(
            aim="Run the Shapiro-Wilk test on each desk",
            code="""\
tests = {desk: stats.shapiro(group["minutes"].to_numpy()) for desk, group in waits.groupby("desk")}
for desk, (w, p) in tests.items():
    print(desk, w, p)
""",
        ),
        Stage(
            aim="Pick the desk with p of at least 0.05 and state the answers",
            code="""\
(normal_desk,) = [desk for desk, (w, p) in tests.items() if p >= 0.05]
print(f"@skewness[{skewness:.3f}]")
print(f"@log_skewness[{log_skewness:.3f}]")
print(f"@normal_desk[{normal_desk}]")
print(f"@w[{tests[normal_desk][0]:.3f}]")
""",
        ),
    ),
)


def build(folder: Path) -> None:
    """Write waits.csv: two desks with a long tail, one with a hump in the middle."""
    draw = Draw(TASK.seed)
    rows = []
    for number in range(1, 301):
        desk = draw.pick(("blood", "reception", "x-ray"))
        if desk == "reception":
            minutes = draw.normal(25, 5)
        else:
            minutes = 3 + 60 * draw.uniform(0, 1) ** (4 if desk == "blood" else 3)
        rows.append((f"N{number:03d}", desk, f"{minutes:.1f}"))
    table(folder / "waits.csv", ("patient", "desk", "minutes"), rows)
