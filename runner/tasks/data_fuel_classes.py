"""A feature made of two columns, cut into classes, and a test between two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._draw import Draw
from runner.tasks._files import PYTHON, table

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(
    id="data_fuel_classes",
    category=Category.DATA,
    level="medium",
    seed=4108,
    description="A fleet recorded the distance and the fuel of each trip, and the load of the van.",
    instruction="Compute the consumption of each trip in litres per 100 km, put the trips into load classes, and "
    "compare the classes.",
    constraints=(
        "Consumption is litres / km * 100. Leave out trips of less than 5 km.",
        'Load classes by load_kg: "light" below 200, "medium" from 200 to below 600, "heavy" from 600.',
        "Compare heavy with light by Welch's t-test (unequal variances, two-sided): t of heavy minus light.",
    ),
    environment=f"trips.csv is in the working directory, with the columns trip, km, litres and load_kg. {PYTHON}",
    answers=(
        Answer(
            name="mean_light", value="9.45", kind=Kind.NUMBER, decimals=2, what="the mean consumption of light trips"
        ),
        Answer(
            name="mean_heavy", value="11.43", kind=Kind.NUMBER, decimals=2, what="the mean consumption of heavy trips"
        ),
        Answer(name="t", value="10.14", kind=Kind.NUMBER, decimals=2, what="the t statistic"),
        Answer(name="heavy_trips", value="131", kind=Kind.NUMBER, decimals=0, what="the number of heavy trips used"),
    ),
    stages=(
        Stage(
            aim="Load trips.csv and leave out trips of less than 5 km",
            code="""\
import pandas as pd
from scipy import stats

trips = pd.read_csv("trips.csv")
used = trips[trips["km"] >= 5].copy()
print(len(trips), len(used))
""",
        ),
        Stage(
            aim="Add the consumption and the load class",
            code="""\
used["consumption"] = used["litres"] / used["km"] * 100
used["load"] = pd.cut(
    used["load_kg"], [-1, 200, 600, float("inf")], right=False, labels=["light", "medium", "heavy"]
).astype(str)
print(used.groupby("load")["consumption"].agg(["count", "mean", "std"]))
""",
        ),
        Stage(
            aim="Compare heavy with light trips by Welch's t-test",
            code="""\
light = used.loc[used["load"] == "light", "consumption"]
heavy = used.loc[used["load"] == "heavy", "consumption"]
t = stats.ttest_ind(heavy, light, equal_var=False).statistic
print(f"@mean_light[{light.mean():.2f}]")
print(f"@mean_heavy[{heavy.mean():.2f}]")
print(f"@t[{t:.2f}]")
print(f"@heavy_trips[{len(heavy)}]")
""",
        ),
    ),
)


def build(folder: Path) -> None:
    """Write trips.csv: loads stand on the borders of the classes now and then, and short trips drink far more."""
    draw = Draw(TASK.seed)
    rows = []
    for number in range(1, 341):
        km = draw.uniform(1, 5) if draw.chance(0.1) else draw.uniform(5, 160)
        load = draw.pick((200, 600)) if draw.chance(0.1) else draw.whole(0, 1100)
        litres = km / 100 * (8.5 + load / 400 + draw.normal(0, 0.9)) + 0.3
        rows.append((number, f"{km:.1f}", f"{litres:.2f}", load))
    table(folder / "trips.csv", ("trip", "km", "litres", "load_kg"), rows)
