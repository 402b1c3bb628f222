"""A small decision tree: its accuracy, and where it splits first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._draw import Draw
from runner.tasks._files import PYTHON, table

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(
    id="data_mushroom_tree",
    category=Category.DATA,
    level="hard",
    seed=4111,
    description="A table of mushrooms gives three measures of each and whether it is edible.",
    instruction="Train a small decision tree on the first mushrooms of the file and test it on the rest.",
    constraints=(
        "Training set: the first 300 rows of the file. Test set: the remaining rows.",
        "Predictors: cap_mm, stem_mm and spots, as they stand. Target: edible.",
        "Use scikit-learn's DecisionTreeClassifier with max_depth=2 and random_state=0, all else by default.",
        "Accuracy is the fraction of test rows that are predicted right.",
    ),
    environment="mushrooms.csv is in the working directory, with the columns cap_mm, stem_mm, spots and edible (yes "
    f"or no). No value is missing. {PYTHON}",
    answers=(
        Answer(name="accuracy", value="0.833", kind=Kind.NUMBER, decimals=3, what="the accuracy on the test set"),
        Answer(name="first_column", value="spots", what="the column of the tree's first split"),
        Answer(name="first_threshold", value="7.5", kind=Kind.NUMBER, decimals=1, what="the threshold of that split"),
    ),
    stages=(
        Stage(
            aim="Load mushrooms.csv and split it by position",
            code="""\
import pandas as pd
from sklearn.tree import DecisionTreeClassifier, export_text

mushrooms = pd.read_csv("mushrooms.csv")
train, test = mushrooms.iloc[:300], mushrooms.iloc[300:]
print(train.shape, test.shape)
""",
        ),
        Stage(
            aim="Train the decision tree",
            code="""\
columns = ["cap_mm", "stem_mm", "spots"]
tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(train[columns], train["edible"])
print(export_text(tree, feature_names=columns))
""",
        ),
        Stage(
            aim="Test it and read its first split",
            code="""\
accuracy = (tree.predict(test[columns]) == test["edible"]).mean()
print(f"@accuracy[{accuracy:.3f}]")
print(f"@first_column[{columns[tree.tree_.feature[0]]}]")
print(f"@first_threshold[{tree.tree_.threshold[0]:.1f}]")
""",
        ),
    ),
)


def build(folder: Path) -> None:
    """Write mushrooms.csv: edible by two bounds, with one in twelve against the rule."""
    draw = Draw(TASK.seed)
    rows = []
    for _ in range(420):
        cap, stem, spots = draw.whole(20, 160), draw.whole(15, 120), draw.whole(0, 12)
        edible = (stem > 62 and spots < 8) or (stem <= 62 and cap < 55)
        if draw.chance(0.08):
            edible = not edible
        rows.append((cap, stem, spots, "yes" if edible else "no"))
    table(folder / "mushrooms.csv", ("cap_mm", "stem_mm", "spots", "edible"), rows)
