"""Names that differ by case and by spaces at their ends and within."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._draw import Draw
from runner.tasks._files import PYTHON, table

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(
    id="data_customer_names",
    category=Category.DATA,
    level="medium",
    seed=4105,
    description="A workshop typed its invoices by hand: the same customer is written in several ways, and the header "
    "of the file was typed by hand as well.",
    instruction="Bring the customers' names into one form, and find how many customers there are, and which of them "
    "was invoiced the most in total.",
    constraints=(
        (
            "Two names are the same customer if they are equal after removing white space at both ends, replacing each "
            "run of white space within by one space, and ignoring letter case. Nothing else makes names equal."
        ),
        "Give the customer's name in that form, each word with a capital first letter and the rest in lower case.",
        "Column names may have spaces at their ends.",
    ),
    environment=f"invoices.csv is in the working directory, with the columns customer, city and total. {PYTHON}",
    answers=(
        Answer(name="customers", value="34", kind=Kind.NUMBER, decimals=0, what="the number of different customers"),
        Answer(name="top_customer", value="Bruno Keller", what="the customer with the largest sum of totals"),
        Answer(name="top_total", value="4417.37", kind=Kind.NUMBER, decimals=2, what="that sum"),
    ),
    stages=(
        Stage(
            aim="Load invoices.csv and strip the column names",
            code="""\
import pandas as pd

invoices = pd.read_csv("invoices.csv")
invoices.columns = invoices.columns.str.strip()
print(list(invoices.columns), len(invoices))
print(invoices["customer"].nunique(), "spellings")
""",
        ),
        Stage(
            aim="Bring the names into one form",
            code="""\
invoices["name"] = invoices["customer"].str.split().str.join(" ").str.lower()
print(sorted(invoices["name"].unique()))
""",
        ),
        Stage(
            aim="Sum the totals by customer",
            code="""\
totals = invoices.groupby("name")["total"].sum().sort_values(ascending=False)
print(totals.head())
""",
        ),
        Stage(
            aim="State the number of customers, the first of them and its total",
            code="""\
top = " ".join(word.capitalize() for word in totals.index[0].split())
print(f"@customers[{len(totals)}]")
print(f"@top_customer[{top}]")
print(f"@top_total[{totals.iloc[0]:.2f}]")
""",
        ),
    ),
)

_FIRST = ("anna", "bruno", "clara", "david", "elena", "felix", "greta", "hugo")
_LAST = ("keller", "moser", "steiner", "lang", "von arx")
_WRITE = (str.title, str.lower, str.upper, str.title)


def build(folder: Path) -> None:
    """Write invoices.csv: 34 customers, each in several spellings, with spaces where none should be."""
    draw = Draw(TASK.seed)
    people = draw.shuffled([f"{first} {last}" for first in _FIRST for last in _LAST])[:34]
    cities = {name: draw.pick(("Basel", "Genf", "Lugano")) for name in people}
    rows = []
    for number in range(360):
        name = people[number % 34] if number < 34 else draw.pick(people)
        written = draw.pick(_WRITE)(name).replace(" ", draw.pick((" ", " ", "  ")))
        written = draw.pick(("", "", " ")) + written + draw.pick(("", "", " ", "  "))
        rows.append((written, cities[name], f"{draw.uniform(15, 480):.2f}"))
    table(folder / "invoices.csv", ("customer ", "city", " total"), rows)
