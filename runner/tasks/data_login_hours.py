"""Local times with their offsets from UTC, counted by hour and by day of UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._draw import Draw
from runner.tasks._files import PYTHON, table

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(
    id="data_login_hours",
    category=Category.DATA,
    level="medium",
    seed=4112,
    description="A service logs each login with the local time of the user and its offset from UTC.",
    instruction="Convert the logins to UTC and find the busiest hour of the day, the busiest date, and how many logins "
    "fall on another date in UTC than in local time.",
    constraints=(
        "Hours and dates of the busiest are those of UTC; the hour runs from 0 to 23.",
        "On a tie take the earlier hour or date.",
    ),
    environment="logins.csv is in the working directory, with the columns user and at (ISO 8601 with offset, such as "
    f"2024-03-09T23:15:00+09:00). {PYTHON}",
    answers=(
        Answer(name="hour", value="15", kind=Kind.NUMBER, decimals=0, what="the hour of the day with the most logins"),
        Answer(name="date", value="2024-03-05", what="the date with the most logins, as YYYY-MM-DD"),
        Answer(name="moved", value="155", kind=Kind.NUMBER, decimals=0, what="the logins that change their date"),
    ),
    stages=(
        Stage(
            aim="Load logins.csv and convert the times to UTC",
            code="""\
import pandas as pd

logins = pd.read_csv("logins.csv")
logins["utc"] = pd.to_datetime(logins["at"], utc=True)
print(logins.head())
""",
        ),
        Stage(
            aim="Count the logins by hour and by date of UTC",
            code="""\
hours = logins["utc"].dt.hour.value_counts().sort_index()
dates = logins["utc"].dt.strftime("%Y-%m-%d")
days = dates.value_counts().sort_index()
print(hours)
print(days)
""",
        ),
        Stage(
            aim="Compare the dates with those of the local times and state the answers",
            code="""\
moved = (dates != logins["at"].str[:10]).sum()
print(f"@hour[{hours.idxmax()}]")
print(f"@date[{days.idxmax()}]")
print(f"@moved[{moved}]")
""",
        ),
    ),
)


def build(folder: Path) -> None:
    """Write logins.csv: five offsets, one of them with half an hour, over two weeks."""
    draw = Draw(TASK.seed)
    rows = []
    for _ in range(700):
        offset = draw.pick(("-08:00", "-03:00", "+00:00", "+05:30", "+09:00"))
        hour = (draw.whole(6, 23) + draw.whole(0, 5)) % 24
        at = f"2024-03-{draw.whole(4, 17):02d}T{hour:02d}:{draw.whole(0, 59):02d}:{draw.whole(0, 59):02d}{offset}"
        rows.append((f"u{draw.whole(1, 120):03d}", at))
    table(folder / "logins.csv", ("user", "at"), rows)
