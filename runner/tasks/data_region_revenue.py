"""A join of three tables in which some keys match nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._draw import Draw
from runner.tasks._files import PYTHON, table

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(
    id="data_region_revenue",
    category=Category.DATA,
    level="medium",
    seed=4106,
    description="A wholesaler keeps customers, products and order lines in three tables. Some order lines name a "
    "customer or a product that is in neither of the other two.",
    instruction="Join the tables, and find the region with the most revenue, its revenue, and how many order lines "
    "could not be joined.",
    constraints=(
        "The revenue of an order line is quantity times the unit_price of its product, times (1 - discount).",
        (
            "An order line cannot be joined if its customer_id is not in customers.csv or its product_id is not in "
            "products.csv. Leave such lines out of the revenue."
        ),
        "Every customer_id and product_id is unique in its own table.",
    ),
    environment="In the working directory: customers.csv (customer_id, region), products.csv (product_id, unit_price) "
    f"and lines.csv (line_id, customer_id, product_id, quantity, discount as a fraction). {PYTHON}",
    answers=(
        Answer(name="region", value="Alpine", what="the region with the largest revenue"),
        Answer(name="revenue", value="189661.11", kind=Kind.NUMBER, decimals=2, what="the revenue of that region"),
        Answer(name="unjoined", value="60", kind=Kind.NUMBER, decimals=0, what="the order lines that cannot be joined"),
    ),
    stages=(
        Stage(
            aim="Load the three tables",
            code="""\
import pandas as pd

customers = pd.read_csv("customers.csv")
products = pd.read_csv("products.csv")
lines = pd.read_csv("lines.csv")
print(len(customers), len(products), len(lines))
""",
        ),
        Stage(
            aim="Join the order lines with customers and products, and count what is lost",
            code="""\
joined = lines.merge(customers, on="customer_id").merge(products, on="product_id")
unjoined = len(lines) - len(joined)
print(len(joined), "joined,", unjoined, "not")
""",
        ),
        Stage(
            aim="Compute the revenue of each line and sum it by region",
            code="""\
joined["revenue"] = joined["quantity"] * joined["unit_price"] * (1 - joined["discount"])
by_region = joined.groupby("region")["revenue"].sum().sort_values(ascending=False)
print(by_region)
""",
        ),
        Stage(
            aim="State the first region, its revenue and the number of lines left out",
            code="""\
print(f"@region[{by_region.index[0]}]")
print(f"@revenue[{by_region.iloc[0]:.2f}]")
print(f"@unjoined[{unjoined}]")
""",
        ),
    ),
)


def build(folder: Path) -> None:
    """Write the three tables; about one order line in fourteen names a customer or a product that there is not."""
    draw = Draw(TASK.seed)
    regions = ("Alpine", "Coast", "Lowland", "Valley")
    people = [f"C{number:03d}" for number in draw.shuffled(range(1, 81))]
    goods = [f"P{number:02d}" for number in draw.shuffled(range(1, 31))]
    table(folder / "customers.csv", ("customer_id", "region"), [(one, draw.pick(regions)) for one in people])
    prices = [(one, f"{draw.uniform(2, 90):.2f}") for one in goods]
    table(folder / "products.csv", ("product_id", "unit_price"), prices)
    rows = []
    for number in range(1, 901):
        customer = f"C{draw.whole(900, 930)}" if draw.chance(0.04) else draw.pick(people)
        product = f"P{draw.whole(80, 99)}" if draw.chance(0.03) else draw.pick(goods)
        rows.append((number, customer, product, draw.whole(1, 24), draw.pick(("0", "0", "0", "0.05", "0.1", "0.15"))))
    table(folder / "lines.csv", ("line_id", "customer_id", "product_id", "quantity", "discount"), rows)
