"""A folder of monthly files, not all alike, and a pivot over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._draw import Draw
from runner.tasks._files import PYTHON, table

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(
    id="data_monthly_energy",
    category=Category.DATA,
    level="hard",
    seed=4117,
    description="A museum keeps its energy use in one file a month. The files were made by two programs, and one month "
    "is missing.",
    instruction="Put the months together, pivot the use by quarter and house, and find the cell of the pivot with the "
    "largest use, and the month that is missing.",
    constraints=(
        "The month is in the file's name: energy_2023_MM.csv.",
        "Some files have the columns house, meter, kwh; the others have Meter, House, MWh (1 MWh is 1000 kWh).",
        "House names are the same in both but for letter case.",
        "Quarters are January to March (1), April to June (2), July to September (3), October to December (4).",
        "The missing month is left out; nothing is filled in.",
    ),
    environment=f"The folder months in the working directory holds the files. {PYTHON}",
    answers=(
        Answer(name="missing_month", value="9", kind=Kind.NUMBER, decimals=0, what="the missing month, 1 to 12"),
        Answer(
            name="cell",
            value="4, gallery",
            kind=Kind.LIST,
            what="quarter and house of the largest cell, such as 2, tower; the house in lower case",
        ),
        Answer(name="kwh", value="24504.4", kind=Kind.NUMBER, decimals=1, what="the use in that cell, in kWh"),
        Answer(name="total_kwh", value="182591.9", kind=Kind.NUMBER, decimals=1, what="the use of all files, in kWh"),
    ),
    stages=(
        Stage(
            aim="List the files and find the month that is missing",
            code="""\
from pathlib import Path

import pandas as pd

paths = sorted(Path("months").glob("energy_2023_*.csv"))
months = [int(path.stem[-2:]) for path in paths]
(missing,) = set(range(1, 13)) - set(months)
print(len(paths), "files; missing:", missing)
""",
        ),
        Stage(
            aim="Read each file into the same columns, in kWh",
            code="""\
parts = []
for path, month in zip(paths, months):
    part = pd.read_csv(path)
    part.columns = part.columns.str.lower()
    if "mwh" in part.columns:
        part["kwh"] = part["mwh"] * 1000
    part["house"] = part["house"].str.lower()
    part["quarter"] = (month - 1) // 3 + 1
    parts.append(part[["quarter", "house", "meter", "kwh"]])
energy = pd.concat(parts, ignore_index=True)
print(energy.shape)
""",
        ),
        Stage(
            aim="Pivot by quarter and house",
            code="""\
pivot = energy.pivot_table(index="quarter", columns="house", values="kwh", aggfunc="sum")
print(pivot)
""",
        ),
        Stage(
            aim="Find the largest cell and state the answers",
            code="""\
quarter, house = pivot.stack().idxmax()
print(f"@missing_month[{missing}]")
print(f"@cell[{quarter}, {house}]")
print(f"@kwh[{pivot.loc[quarter, house]:.1f}]")
print(f"@total_kwh[{energy['kwh'].sum():.1f}]")
""",
        ),
    ),
)


def build(folder: Path) -> None:
    """Write months/energy_2023_MM.csv for eleven months, every third one by the other program."""
    draw = Draw(TASK.seed)
    needs = {"annex": 300, "gallery": 520, "tower": 410}
    (folder / "months").mkdir()
    for month in (1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12):
        uses = [
            (house, f"{house[0].upper()}{meter}", need * draw.uniform(0.8, 1.2) * (1.5 if month in (1, 11, 12) else 1))
            for house, need in needs.items()
            for meter in range(1, 13)
        ]
        path = folder / "months" / f"energy_2023_{month:02d}.csv"
        if month % 3 == 2:
            rows = [(meter, house.title(), f"{kwh / 1000:.4f}") for house, meter, kwh in draw.shuffled(uses)]
            table(path, ("Meter", "House", "MWh"), rows)
        else:
            table(path, ("house", "meter", "kwh"), [(house, meter, f"{kwh:.1f}") for house, meter, kwh in uses])
