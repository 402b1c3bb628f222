"""Three invented tasks, small enough to try every fault on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task

if TYPE_CHECKING:
    from pathlib import Path

SALES = Task(
    id="toy_sales",
    category=Category.DATA,
    description="The file sales.csv lists orders of a shop with their region, price and quantity.",
    instruction="What is the mean price of the orders in the north, and how many of them are there?",
    constraints=("Leave out orders without a price.", "Round the mean to two decimals."),
    environment="sales.csv lies in the working folder. pandas is installed.",
    answers=(
        Answer(name="mean_price", value="14.33", kind=Kind.NUMBER, decimals=2, what="the mean price, two decimals"),
        Answer(name="orders", value="3", kind=Kind.NUMBER, decimals=0, what="how many orders"),
    ),
    stages=(
        Stage(
            aim="Read sales.csv and look at its columns",
            code='import pandas as pd\n\ndf = pd.read_csv("sales.csv")\nprint(df.shape, list(df.columns))',
        ),
        Stage(
            aim="Drop the orders without a price",
            code='priced = df.dropna(subset=["price"])\nprint(len(priced), "orders have a price")',
        ),
        Stage(
            aim="Keep the orders of the north and compute the mean of their prices",
            code='north = priced[priced["region"] == "north"]\nmean_price = north["price"].mean()\n'
            'print(f"@mean_price[{mean_price:.2f}]")\nprint(f"@orders[{len(north)}]")',
        ),
    ),
)

NOTES = Task(
    id="toy_notes",
    category=Category.FILES,
    description="The folder notes holds text files.",
    instruction="Find the file with the most words, and how many words all files have together.",
    constraints=("Files that are called draft do not count.",),
    environment="The folder notes lies in the working folder. Python and a shell are there.",
    answers=(
        Answer(name="longest", value="beta.txt", what="the name of the file"),
        Answer(name="words", value="12", kind=Kind.NUMBER, decimals=0, what="the number of words"),
    ),
    stages=(
        Stage(
            aim="List the files in notes, without drafts",
            code="from pathlib import Path\n\n"
            'files = [p for p in sorted(Path("notes").glob("*.txt")) if "draft" not in p.name]\n'
            "print([p.name for p in files])",
        ),
        Stage(
            aim="Count the words of each file and report",
            code="counts = {}\nfor p in files:\n    counts[p.name] = len(p.read_text().split())\n"
            "longest = max(counts, key=counts.get)\n"
            'print(f"@longest[{longest}]")\nprint(f"@words[{sum(counts.values())}]")',
        ),
    ),
)

TASKS = (SALES, NOTES)


def build(task: Task, folder: Path) -> None:
    """Write the files of a toy task."""
    if task.id == SALES.id:
        rows = ("north,10,1", "south,20,2", "north,,4", "north,15,3", "east,9,1", "north,18,5", "south,,2", "east,30,1")
        (folder / "sales.csv").write_text("region,price,quantity\n" + "\n".join(rows) + "\n")
        (folder / "readme.txt").write_text("The shop was opened in spring. " * 120)
    else:
        notes = folder / "notes"
        notes.mkdir()
        (notes / "alpha.txt").write_text("one two three four\n")
        (notes / "beta.txt").write_text("a b c d e f g h\n")
        (notes / "draft.txt").write_text("x " * 1200)
