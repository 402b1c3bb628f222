"""Outliers by z-score within groups, named in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._draw import Draw
from runner.tasks._files import PYTHON, table

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(
    id="data_zscore_outliers",
    category=Category.DATA,
    level="medium",
    seed=4104,
    description="Four laboratories measured the same kind of sample, each with its own offset and spread.",
    instruction="Find the samples whose result is an outlier within its laboratory, by the z-score.",
    constraints=(
        (
            "Compute z = (result - mean) / standard deviation within each laboratory, with the population standard "
            "deviation (divide by n)."
        ),
        (
            "A sample is an outlier if the absolute value of z is greater than 3. Compute the scores once; do not "
            "repeat after removing outliers."
        ),
        "Name the outliers by their sample, sorted in ascending order as text.",
    ),
    environment="samples.csv is in the working directory, with the columns sample, lab and result. No value is "
    f"missing. {PYTHON}",
    answers=(
        Answer(
            name="outliers",
            value="S1072, S1167, S1208, S1211, S1274",
            kind=Kind.LIST,
            what="the samples that are outliers, ascending",
        ),
        Answer(
            name="largest_z", value="5.16", kind=Kind.NUMBER, decimals=2, what="the largest absolute z of all samples"
        ),
    ),
    stages=(
        Stage(
            aim="Load samples.csv",
            code="""\
import pandas as pd

samples = pd.read_csv("samples.csv")
print(samples.shape)
print(samples.groupby("lab")["result"].agg(["count", "mean", "std"]))
""",
        ),
        Stage(
            aim="Compute the z-score of each result within its laboratory",
            code="""\
results = samples.groupby("lab")["result"]
means = results.transform("mean")
deviations = results.transform(lambda values: values.std(ddof=0))
samples["z"] = (samples["result"] - means) / deviations
print(samples["z"].describe())
""",
        ),
        Stage(
            aim="List the samples with an absolute z greater than 3, sorted",
            code="""\
outliers = sorted(samples.loc[samples["z"].abs() > 3, "sample"])
print(f"@outliers[{', '.join(outliers)}]")
print(f"@largest_z[{samples['z'].abs().max():.2f}]")
""",
        ),
    ),
)


def build(folder: Path) -> None:
    """Write samples.csv: an outlier of one laboratory would be an ordinary value of another."""
    draw = Draw(TASK.seed)
    labs = {"Aarau": (20, 1), "Bern": (35, 4), "Chur": (50, 2), "Davos": (27, 6)}
    strays = {17: -5.5, 61: 4.6, 118: 5.2, 203: -4.4, 240: 6.1}
    rows = []
    for number, code in enumerate(draw.shuffled(range(1000, 1280))):
        lab = draw.pick(tuple(labs))
        mean, deviation = labs[lab]
        result = mean + deviation * strays[number] if number in strays else draw.normal(mean, deviation)
        rows.append((f"S{code}", lab, f"{result:.2f}"))
    table(folder / "samples.csv", ("sample", "lab", "result"), rows)
