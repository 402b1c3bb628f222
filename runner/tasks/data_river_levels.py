"""A time series with gaps: daily means, interpolation, a rolling window."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._draw import Draw
from runner.tasks._files import PYTHON, table

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(
    id="data_river_levels",
    category=Category.DATA,
    level="hard",
    seed=4118,
    description="A gauge measured the level of a river every few hours. It was out of order on some days.",
    instruction="Make a daily series of the level, close its gaps, and find the week with the highest mean level.",
    constraints=(
        "The level of a day is the mean of the readings of that calendar day.",
        "A day without readings is a gap. Fill it by linear interpolation between the days before and after it.",
        (
            "The rolling mean of a day is that of the day and the six before it, over the filled series; the first six "
            "days have none."
        ),
        "The reading times are in one time zone, without changes.",
    ),
    environment="levels.csv is in the working directory, with the columns time (YYYY-MM-DD HH:MM) and cm, in no "
    f"order. The first and the last day have readings. {PYTHON}",
    answers=(
        Answer(name="gap_days", value="11", kind=Kind.NUMBER, decimals=0, what="the number of days without readings"),
        Answer(
            name="mean_level", value="197.76", kind=Kind.NUMBER, decimals=2, what="the mean of the filled daily series"
        ),
        Answer(name="peak_day", value="2024-04-12", what="the day with the highest rolling mean, as YYYY-MM-DD"),
        Answer(name="peak_mean", value="258.88", kind=Kind.NUMBER, decimals=2, what="that rolling mean, in cm"),
    ),
    stages=(
        Stage(
            aim="Load levels.csv in the order of time",
            code="""\
import pandas as pd

levels = pd.read_csv("levels.csv")
levels["time"] = pd.to_datetime(levels["time"], format="%Y-%m-%d %H:%M")
levels = levels.set_index("time").sort_index(kind="stable")
print(len(levels), levels.index[0], levels.index[-1])
""",
        ),
        Stage(
            aim="Average by day and count the gaps",
            code="""\
daily = levels["cm"].resample("D").mean()
gaps = int(daily.isna().sum())
print(len(daily), "days,", gaps, "gaps")
""",
        ),
        Stage(
            aim="Fill the gaps by linear interpolation",
            code="""\
filled = daily.interpolate(method="linear")
print(filled.isna().sum(), filled.mean())
""",
        ),
        Stage(
            aim="Take the rolling mean of seven days and its peak",
            code="""\
rolling = filled.rolling(7).mean()
peak = rolling.idxmax()
print(f"@gap_days[{gaps}]")
print(f"@mean_level[{filled.mean():.2f}]")
print(f"@peak_day[{peak:%Y-%m-%d}]")
print(f"@peak_mean[{rolling[peak]:.2f}]")
""",
        ),
    ),
)


def build(folder: Path) -> None:
    """Write levels.csv: four months with a flood that lasts, and a higher one that does not."""
    draw = Draw(TASK.seed)
    start, rows, level = datetime(2024, 2, 1), [], 180.0  # noqa: DTZ001 - the gauge names no zone
    out_of_order = {draw.whole(1, 118) for _ in range(11)}
    for day in range(120):
        level = 0.8 * level + 36 + draw.uniform(-14, 14) + (22 if 60 <= day < 70 else 0) + (110 if day == 30 else 0)
        for _ in range(draw.whole(3, 7)):
            at = start + timedelta(days=day, minutes=draw.whole(0, 1439))
            if day not in out_of_order:
                rows.append((f"{at:%Y-%m-%d %H:%M}", f"{level + draw.uniform(-9, 9):.1f}"))
    table(folder / "levels.csv", ("time", "cm"), draw.shuffled(rows))
