"""Records within records, some of whose parts are absent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._draw import Draw
from runner.tasks._files import PYTHON, text

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(
    id="data_library_loans",
    category=Category.DATA,
    level="hard",
    seed=4116,
    description="A library exported its readers as JSON; each reader has loans, and each loan has a list of fees.",
    instruction="Find the branch whose readers paid the most in fees, what they paid, and the mean number of days that "
    "the returned loans of all readers took.",
    constraints=(
        "A fee counts only if it is paid (its field paid is true).",
        "A reader without a branch, or whose branch is null, belongs to no branch: leave the fees out.",
        'A loan without a field "fees" has no fees.',
        "Days are the difference of the dates returned and lent; a loan that is not returned (null) is left out.",
        "Readers of no branch count for the mean number of days like all others.",
    ),
    environment="readers.json is in the working directory: a list of readers {reader, profile: {branch, since}, loans: "
    "[{book, lent, returned, fees: [{cents, paid}]}]}; branch and fees may be absent, loans may be empty. Dates are "
    f"YYYY-MM-DD, fees are in cents. {PYTHON}",
    answers=(
        Answer(name="branch", value="Harbour", what="the branch whose readers paid the most"),
        Answer(name="paid", value="299.50", kind=Kind.NUMBER, decimals=2, what="what they paid, in euros (100 cents)"),
        Answer(name="mean_days", value="23.06", kind=Kind.NUMBER, decimals=2, what="the mean number of days"),
    ),
    stages=(
        Stage(
            aim="Load readers.json and make one row for each loan",
            code="""\
import json

import pandas as pd

with open("readers.json", encoding="utf-8") as file:
    readers = json.load(file)
loans = pd.DataFrame(
    {
        "branch": reader["profile"].get("branch"),
        "lent": loan["lent"],
        "returned": loan["returned"],
        "cents": sum(fee["cents"] for fee in loan.get("fees", []) if fee["paid"]),
    }
    for reader in readers
    for loan in reader["loans"]
)
print(len(readers), "readers,", len(loans), "loans")
""",
        ),
        Stage(
            aim="Sum the paid fees by branch",
            code="""\
paid = loans.dropna(subset=["branch"]).groupby("branch")["cents"].sum().sort_values(ascending=False)
print(paid)
""",
        ),
        Stage(
            aim="Average the days of the returned loans",
            code="""\
returned = loans.dropna(subset=["returned"])
days = (pd.to_datetime(returned["returned"]) - pd.to_datetime(returned["lent"])).dt.days
print(days.describe())
""",
        ),
        Stage(
            aim="State the branch, what was paid there, and the mean number of days",
            code="""\
print(f"@branch[{paid.index[0]}]")
print(f"@paid[{paid.iloc[0] / 100:.2f}]")
print(f"@mean_days[{days.mean():.2f}]")
""",
        ),
    ),
)


def build(folder: Path) -> None:
    """Write readers.json: 90 readers. Most is charged in another branch than where most is paid."""
    draw = Draw(TASK.seed)
    readers = []
    for number in range(1, 91):
        branch = draw.pick(("Harbour", "Market", "Station", None))
        profile = {"since": draw.whole(2004, 2023)} if draw.chance(0.1) else {"branch": branch, "since": 2020}
        loans = []
        for _ in range(draw.whole(0, 6)):
            month, first = draw.whole(1, 11), draw.whole(1, 28)
            back = f"2023-{month + draw.whole(0, 1):02d}-{draw.whole(first, 28):02d}"
            loan: dict[str, object] = {"book": f"B{draw.whole(1, 500)}", "lent": f"2023-{month:02d}-{first:02d}"}
            loan["returned"] = None if draw.chance(0.12) else back
            owed = 0.35 if branch == "Market" else 0.8
            fees = [{"cents": draw.whole(1, 30) * 25, "paid": draw.chance(owed)} for _ in range(draw.whole(0, 3))]
            loans.append({**loan, "fees": fees} if fees else loan)
        readers.append({"reader": f"L{number:03d}", "profile": profile, "loans": loans})
    text(folder / "readers.json", json.dumps(readers, indent=1) + "\n")
