"""A logistic regression on standardised columns, judged by precision and recall."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._draw import Draw
from runner.tasks._files import PYTHON, table

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(
    id="data_churn_logistic",
    category=Category.DATA,
    level="hard",
    seed=4110,
    description="A gym wants to know which members will leave. It has a table of past members.",
    instruction="Fit a logistic regression on the members of the earlier years and test it on those of the last one.",
    constraints=(
        "Training set: members who joined in 2021 or 2022. Test set: members who joined in 2023.",
        (
            "Predictors: visits_per_week, months and fee. Standardise each with the mean and the population "
            "standard deviation of the training set."
        ),
        "Use scikit-learn's LogisticRegression with an L2 penalty and C = 1.0 (its defaults); the target is left.",
        "A member is predicted to leave if the predicted probability is at least 0.5.",
    ),
    environment="members.csv is in the working directory, with the columns member, joined (YYYY-MM-DD), "
    f"visits_per_week, months, fee and left (1: left, 0: stayed). {PYTHON}",
    answers=(
        Answer(name="predicted", value="77", kind=Kind.NUMBER, decimals=0, what="test members predicted to leave"),
        Answer(name="precision", value="0.844", kind=Kind.NUMBER, decimals=3, what="the precision on the test set"),
        Answer(name="recall", value="0.833", kind=Kind.NUMBER, decimals=3, what="the recall on the test set"),
    ),
    stages=(
        Stage(
            aim="Load members.csv and split by the year of joining",
            code="""\
import pandas as pd
from sklearn.linear_model import LogisticRegression

members = pd.read_csv("members.csv")
year = pd.to_datetime(members["joined"]).dt.year
train, test = members[year <= 2022], members[year == 2023]
print(len(train), len(test))
""",
        ),
        Stage(
            aim="Standardise the predictors by the training set",
            code="""\
columns = ["visits_per_week", "months", "fee"]
mean, deviation = train[columns].mean(), train[columns].std(ddof=0)
inputs = (train[columns] - mean) / deviation
held_out = (test[columns] - mean) / deviation
print(inputs.describe())
""",
        ),
        Stage(
            aim="Fit the logistic regression and predict the test set",
            code="""\
model = LogisticRegression(C=1.0).fit(inputs, train["left"])
leaves = model.predict_proba(held_out)[:, 1] >= 0.5
print(model.coef_, leaves.sum())
""",
        ),
        Stage(
            aim="Compute precision and recall",
            code="""\
hits = (leaves & (test["left"] == 1)).sum()
print(f"@predicted[{leaves.sum()}]")
print(f"@precision[{hits / leaves.sum():.3f}]")
print(f"@recall[{hits / (test['left'] == 1).sum():.3f}]")
""",
        ),
    ),
)


def build(folder: Path) -> None:
    """Write members.csv: who comes seldom and pays much leaves more often."""
    draw = Draw(TASK.seed)
    rows = []
    for number in range(1, 421):
        joined = f"{draw.pick((2021, 2022, 2023))}-{draw.whole(1, 12):02d}-{draw.whole(1, 28):02d}"
        visits, months, fee = draw.uniform(0, 5), draw.whole(1, 36), draw.pick((29, 39, 49, 69))
        pull = 0.9 - 0.9 * visits - 0.04 * months + 0.05 * fee
        rows.append((f"M{number:03d}", joined, f"{visits:.1f}", months, fee, int(pull + draw.normal(0, 1) > 0)))
    table(folder / "members.csv", ("member", "joined", "visits_per_week", "months", "fee", "left"), rows)
