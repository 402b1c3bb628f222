"""Correlation of two columns with gaps, overall and in the group where it is strongest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._draw import Draw
from runner.tasks._files import PYTHON, table

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(
    id="data_plant_correlation",
    category=Category.DATA,
    level="easy",
    seed=4102,
    description="A greenhouse measured how much light its plants got and how tall they grew. Some values are missing.",
    instruction="Compute the correlation of light and height over all plants, and find the species in which the two "
    "are correlated most strongly.",
    constraints=(
        "Use Pearson's correlation coefficient.",
        "For every coefficient, use only plants for which both values are present. Fill in nothing.",
        "The strongest correlation is the one with the largest absolute value.",
        "Round coefficients to three decimals.",
    ),
    environment="plants.csv is in the working directory, with the columns plant, species, light_hours and height_cm. A "
    f"missing value is an empty field. {PYTHON}",
    answers=(
        Answer(name="r_all", value="0.370", kind=Kind.NUMBER, decimals=3, what="the coefficient over all plants"),
        Answer(name="pairs", value="216", kind=Kind.NUMBER, decimals=0, what="how many plants went into r_all"),
        Answer(name="species", value="fern", what="the species with the strongest correlation"),
        Answer(
            name="r_species", value="-0.892", kind=Kind.NUMBER, decimals=3, what="the coefficient within that species"
        ),
    ),
    stages=(
        Stage(
            aim="Load plants.csv and keep the plants that have both values",
            code="""\
import pandas as pd

plants = pd.read_csv("plants.csv")
pairs = plants.dropna(subset=["light_hours", "height_cm"])
print(len(plants), "plants,", len(pairs), "with both values")
""",
        ),
        Stage(
            aim="Compute Pearson's coefficient over all plants and for each species",
            code="""\
r_all = pairs["light_hours"].corr(pairs["height_cm"])
by_species = pd.Series(
    {name: group["light_hours"].corr(group["height_cm"]) for name, group in pairs.groupby("species")}
)
print(r_all)
print(by_species)
""",
        ),
        Stage(
            aim="Pick the species with the largest absolute coefficient and state the answers",
            code="""\
strongest = by_species.abs().idxmax()
print(f"@r_all[{r_all:.3f}]")
print(f"@pairs[{len(pairs)}]")
print(f"@species[{strongest}]")
print(f"@r_species[{by_species[strongest]:.3f}]")
""",
        ),
    ),
)


def build(folder: Path) -> None:
    """Write plants.csv: five species, one of which grows the less the more light it gets."""
    draw = Draw(TASK.seed)
    slopes = {"basil": 2.1, "fern": -3.4, "mint": 1.2, "tomato": 2.6, "thyme": 0.4}
    rows = []
    for number in range(1, 261):
        species = draw.pick(tuple(slopes))
        light = draw.uniform(4, 14)
        height = 40 + slopes[species] * (light - 9) + draw.normal(0, 5)
        rows.append(
            (
                f"P{number:03d}",
                species,
                "" if draw.chance(0.08) else f"{light:.1f}",
                "" if draw.chance(0.08) else f"{height:.1f}",
            )
        )
    table(folder / "plants.csv", ("plant", "species", "light_hours", "height_cm"), rows)
