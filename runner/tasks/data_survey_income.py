"""Many markers of a missing value, thousands separators, and filling by group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._draw import Draw
from runner.tasks._files import PYTHON, table

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(
    id="data_survey_income",
    category=Category.DATA,
    level="medium",
    seed=4113,
    description="A survey was merged from several sources, each with its own way to write a gap and a number.",
    instruction="Clean the column income, fill its gaps by the median of the region, and report on the result.",
    constraints=(
        'Missing is written as an empty field, "NA", "n/a", "-", "?" or "-999"; spaces around a value mean nothing.',
        "Some numbers have a comma as thousands separator: 1,250 is one thousand two hundred and fifty.",
        "Fill each gap with the median of the known incomes of its region. Leave out no row.",
        "Use the sample standard deviation (divide by n - 1) after filling.",
    ),
    environment="survey.csv is in the working directory, with the columns person, region and income. Every person has "
    f"a region. {PYTHON}",
    answers=(
        Answer(name="missing", value="75", kind=Kind.NUMBER, decimals=0, what="the gaps in income before filling"),
        Answer(name="mean_income", value="2074.43", kind=Kind.NUMBER, decimals=2, what="the mean income after filling"),
        Answer(name="sd_income", value="1039.15", kind=Kind.NUMBER, decimals=2, what="its sample standard deviation"),
    ),
    stages=(
        Stage(
            aim="Load survey.csv as text and look at what is no number",
            code="""\
import pandas as pd

survey = pd.read_csv("survey.csv", dtype=str, keep_default_na=False)
written = survey["income"].str.strip()
print(written[~written.str.fullmatch(r"[0-9,]+")].value_counts())
""",
        ),
        Stage(
            aim="Read the incomes as numbers, with gaps where a marker stands",
            code="""\
markers = ["", "NA", "n/a", "-", "?", "-999"]
known = ~written.isin(markers)
survey["amount"] = pd.to_numeric(written.str.replace(",", "").where(known))
print(survey["amount"].isna().sum(), "missing")
""",
        ),
        Stage(
            aim="Fill the gaps with the median of the region",
            code="""\
medians = survey.groupby("region")["amount"].transform("median")
filled = survey["amount"].fillna(medians)
print(survey.groupby("region")["amount"].median())
""",
        ),
        Stage(
            aim="State the number of gaps, the mean and the standard deviation",
            code="""\
print(f"@missing[{survey['amount'].isna().sum()}]")
print(f"@mean_income[{filled.mean():.2f}]")
print(f"@sd_income[{filled.std(ddof=1):.2f}]")
""",
        ),
    ),
)


def build(folder: Path) -> None:
    """Write survey.csv: one income in six is missing, one in two above a thousand has a separator."""
    draw = Draw(TASK.seed)
    levels = {"hills": 2100, "plain": 1350, "shore": 3200}
    rows = []
    for number in range(1, 381):
        region = draw.pick(tuple(levels))
        income = int(levels[region] * draw.uniform(0.4, 1.6))
        written = f"{income:,}" if draw.chance(0.5) else str(income)
        if draw.chance(0.17):
            written = draw.pick(("", "NA", "n/a", "-", "?", "-999"))
        rows.append((f"R{number:03d}", region, written + draw.pick(("", "", " "))))
    table(folder / "survey.csv", ("person", "region", "income"), rows)
