"""A table in Latin-1 with semicolons, decimal commas and days first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._draw import Draw
from runner.tasks._files import PYTHON, table

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(
    id="data_winter_receipts",
    category=Category.DATA,
    level="medium",
    seed=4115,
    description="An inn in Austria exported its receipts from an old till.",
    instruction="Find the dish with the highest turnover in the first quarter of 2023, its turnover, and the day of "
    "that quarter with the highest turnover over all dishes.",
    constraints=(
        "The file is encoded in Latin-1 (ISO 8859-1), its separator is the semicolon.",
        "Amounts have a decimal comma, and a point as thousands separator. Dates are day.month.year.",
        "The first quarter of 2023 is 1 January to 31 March 2023, both included.",
        "Turnover is the sum of Betrag, which is the whole amount of the line whatever its Menge.",
    ),
    environment=f"kasse.csv is in the working directory, with the columns Datum, Gericht, Menge and Betrag. {PYTHON}",
    answers=(
        Answer(name="dish", value="Käsespätzle", what="the dish, with its umlauts"),
        Answer(
            name="turnover", value="8869.59", kind=Kind.NUMBER, decimals=2, what="its turnover, with a decimal point"
        ),
        Answer(name="day", value="2023-02-09", what="the day, as YYYY-MM-DD"),
    ),
    stages=(
        Stage(
            aim="Load kasse.csv with its encoding, separators and dates",
            code="""\
import pandas as pd

receipts = pd.read_csv("kasse.csv", sep=";", encoding="latin-1", decimal=",", thousands=".", dtype={"Datum": str})
receipts["day"] = pd.to_datetime(receipts["Datum"], format="%d.%m.%Y")
print(receipts.dtypes)
print(receipts.head())
""",
        ),
        Stage(
            aim="Keep the first quarter of 2023",
            code="""\
quarter = receipts[(receipts["day"] >= "2023-01-01") & (receipts["day"] <= "2023-03-31")]
print(len(receipts), len(quarter))
""",
        ),
        Stage(
            aim="Sum by dish and by day and state the highest of each",
            code="""\
dishes = quarter.groupby("Gericht")["Betrag"].sum().sort_values(ascending=False)
days = quarter.groupby("day")["Betrag"].sum().sort_values(ascending=False)
print(dishes)
print(f"@dish[{dishes.index[0]}]")
print(f"@turnover[{dishes.iloc[0]:.2f}]")
print(f"@day[{days.index[0]:%Y-%m-%d}]")
""",
        ),
    ),
)


def build(folder: Path) -> None:
    """Write kasse.csv: another dish leads over the whole year than in the quarter."""
    draw = Draw(TASK.seed)
    dishes = ("Käsespätzle", "Gröstl", "Marillenknödel", "Gemüsesuppe", "Tiroler Nüsse")
    rows = []
    for _ in range(900):
        month = draw.whole(1, 12)
        dish = draw.pick((*dishes, "Gröstl") if month > 3 else (*dishes, "Käsespätzle"))
        amount = draw.uniform(8, 90) if draw.chance(0.93) else draw.uniform(900, 1900)
        written = f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))
        rows.append((f"{draw.whole(1, 28):02d}.{month:02d}.2023", dish, draw.whole(1, 6), written))
    table(folder / "kasse.csv", ("Datum", "Gericht", "Menge", "Betrag"), rows, delimiter=";", encoding="latin-1")
