"""Rows that are there twice, and weights in three units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._draw import Draw
from runner.tasks._files import PYTHON, table

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(
    id="data_parcel_weights",
    category=Category.DATA,
    level="medium",
    seed=4114,
    description="A depot weighed its parcels. Some were scanned twice, and the scales write different units.",
    instruction="Remove the parcels that were scanned twice, bring all weights to kilograms, and sum them up.",
    constraints=(
        "A row is a second scan if an earlier row has the same parcel; keep the first one only.",
        "A weight is a number, perhaps a space, and a unit: kg, g or lb, in any letter case.",
        "1 kg is 1000 g; 1 lb is 0.45359237 kg.",
        "Round only the final values.",
    ),
    environment="parcels.csv is in the working directory, with the columns parcel, depot and weight (as text). "
    f"{PYTHON}",
    answers=(
        Answer(name="parcels", value="260", kind=Kind.NUMBER, decimals=0, what="the number of different parcels"),
        Answer(name="total_kg", value="1827.65", kind=Kind.NUMBER, decimals=2, what="their total weight in kg"),
        Answer(name="heaviest", value="P30264", what="the heaviest parcel"),
    ),
    stages=(
        Stage(
            aim="Load parcels.csv and keep the first scan of each parcel",
            code="""\
import pandas as pd

scans = pd.read_csv("parcels.csv")
parcels = scans.drop_duplicates(subset="parcel", keep="first").copy()
print(len(scans), "scans of", len(parcels), "parcels")
""",
        ),
        Stage(
            aim="Split each weight into number and unit and convert it to kilograms",
            code="""\
parts = parcels["weight"].str.strip().str.extract(r"^([0-9.]+)\\s*([A-Za-z]+)$")
per_unit = parts[1].str.lower().map({"kg": 1.0, "g": 0.001, "lb": 0.45359237})
parcels["kg"] = parts[0].astype(float) * per_unit
print(parts[1].value_counts())
print(parcels["kg"].isna().sum(), "not understood")
""",
        ),
        Stage(
            aim="Sum the weights and find the heaviest parcel",
            code="""\
print(f"@parcels[{len(parcels)}]")
print(f"@total_kg[{parcels['kg'].sum():.2f}]")
print(f"@heaviest[{parcels.loc[parcels['kg'].idxmax(), 'parcel']}]")
""",
        ),
    ),
)


def build(folder: Path) -> None:
    """Write parcels.csv: a second scan may give another weight, in another unit."""
    draw = Draw(TASK.seed)
    codes = draw.shuffled(range(30000, 30400))[:260]
    scans = codes + [draw.pick(codes) for _ in range(45)]
    rows = []
    for code in scans[:60] + draw.shuffled(scans[60:]):
        kg = draw.uniform(0.2, 14)
        unit = draw.pick(("kg", "kg", "KG", "g", "lb", "Lb"))
        written = {"kg": f"{kg:.2f}", "g": f"{kg * 1000:.0f}", "lb": f"{kg / 0.45359237:.2f}"}[unit.lower()]
        rows.append((f"P{code}", draw.pick(("Ost", "West")), f"{written}{draw.pick(('', ' '))}{unit}"))
    table(folder / "parcels.csv", ("parcel", "depot", "weight"), rows)
