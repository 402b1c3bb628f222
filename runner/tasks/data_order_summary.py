"""Summary statistics of one column, over the rows with one status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._draw import Draw
from runner.tasks._files import PYTHON, table

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(
    id="data_order_summary",
    category=Category.DATA,
    level="easy",
    seed=4101,
    description="A small shop exported its orders of one year to a CSV file.",
    instruction="Compute the mean, the median and the standard deviation of the amounts of the completed orders.",
    constraints=(
        'Use only rows whose status is exactly "completed".',
        "Use the sample standard deviation (divide by n - 1).",
        "Change nothing else: no cleaning, no removal of outliers.",
    ),
    environment="orders.csv is in the working directory, with the columns order_id, placed_on, channel, status and "
    f"amount (in euros, decimal point). {PYTHON}",
    answers=(
        Answer(name="mean_amount", value="117.13", kind=Kind.NUMBER, decimals=2, what="the mean amount in euros"),
        Answer(name="median_amount", value="60.33", kind=Kind.NUMBER, decimals=2, what="the median amount in euros"),
        Answer(name="sd_amount", value="114.66", kind=Kind.NUMBER, decimals=2, what="the sample standard deviation"),
    ),
    stages=(
        Stage(
            aim="Load orders.csv and keep the completed orders",
            code="""\
import pandas as pd

orders = pd.read_csv("orders.csv")
completed = orders[orders["status"] == "completed"]
print(orders.shape, completed.shape)
print(orders["status"].value_counts())
""",
        ),
        Stage(
            aim="Compute mean, median and sample standard deviation of the amounts",
            code="""\
amounts = completed["amount"]
print(f"@mean_amount[{amounts.mean():.2f}]")
print(f"@median_amount[{amounts.median():.2f}]")
print(f"@sd_amount[{amounts.std(ddof=1):.2f}]")
""",
        ),
    ),
)


def build(folder: Path) -> None:
    """Write orders.csv: 420 orders, some of them cancelled, returned or open."""
    draw = Draw(TASK.seed)
    rows = []
    for number in range(1, 421):
        status = draw.pick(("completed",) * 7 + ("cancelled", "returned", "open"))
        day = f"2023-{draw.whole(1, 12):02d}-{draw.whole(1, 28):02d}"
        amount = draw.uniform(4, 60) + draw.uniform(0, 1) ** 4 * 400
        rows.append((f"A{number:05d}", day, draw.pick(("web", "phone", "store")), status, f"{amount:.2f}"))
    table(folder / "orders.csv", ("order_id", "placed_on", "channel", "status", "amount"), rows)
