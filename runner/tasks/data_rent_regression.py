"""A linear regression with a column of categories, split by a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._draw import Draw
from runner.tasks._files import PYTHON, table

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(
    id="data_rent_regression",
    category=Category.DATA,
    level="hard",
    seed=4109,
    description="A table of flats gives rent, area, age of the building and district.",
    instruction="Fit a linear regression of the rent on some flats and measure its error on the others.",
    constraints=(
        "Test set: the flats whose number flat_id is divisible by 4. Training set: all others.",
        (
            "Predictors: area_m2, age_years, and the district as 0/1 columns, one for each district but east, which is "
            "the reference. Include an intercept; scale nothing."
        ),
        "Fit by ordinary least squares on the training set, with rent as target.",
        "RMSE is the root of the mean squared error on the test set.",
    ),
    environment="flats.csv is in the working directory, with the columns flat_id, district, area_m2, age_years and "
    f"rent. No value is missing. {PYTHON}",
    answers=(
        Answer(name="rmse", value="99.33", kind=Kind.NUMBER, decimals=2, what="the RMSE on the test set"),
        Answer(
            name="area_coefficient", value="11.417", kind=Kind.NUMBER, decimals=3, what="the coefficient of area_m2"
        ),
        Answer(
            name="west_coefficient",
            value="191.84",
            kind=Kind.NUMBER,
            decimals=2,
            what="the coefficient of district west",
        ),
    ),
    stages=(
        Stage(
            aim="Load flats.csv and turn the district into 0/1 columns",
            code="""\
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

flats = pd.read_csv("flats.csv")
districts = [name for name in sorted(flats["district"].unique()) if name != "east"]
predictors = flats[["area_m2", "age_years"]].astype(float)
for name in districts:
    predictors[name] = (flats["district"] == name).astype(float)
print(predictors.head())
""",
        ),
        Stage(
            aim="Split by the number of the flat",
            code="""\
test = flats["flat_id"] % 4 == 0
print((~test).sum(), "for training,", test.sum(), "for testing")
""",
        ),
        Stage(
            aim="Fit the regression on the training set",
            code="""\
model = LinearRegression().fit(predictors[~test], flats.loc[~test, "rent"])
coefficients = dict(zip(predictors.columns, model.coef_))
print(model.intercept_, coefficients)
""",
        ),
        Stage(
            aim="Measure the error on the test set and state the answers",
            code="""\
errors = flats.loc[test, "rent"] - model.predict(predictors[test])
print(f"@rmse[{np.sqrt((errors ** 2).mean()):.2f}]")
print(f"@area_coefficient[{coefficients['area_m2']:.3f}]")
print(f"@west_coefficient[{coefficients['west']:.2f}]")
""",
        ),
    ),
)


def build(folder: Path) -> None:
    """Write flats.csv in random order: a split by position would be another one."""
    draw = Draw(TASK.seed)
    extra = {"centre": 420, "east": 0, "north": 90, "west": 210}
    rows = []
    for number in draw.shuffled(range(1, 241)):
        district = draw.pick(tuple(extra))
        area, age = draw.whole(24, 140), draw.whole(0, 90)
        rent = 260 + 11.4 * area - 2.3 * age + extra[district] + draw.normal(0, 85)
        rows.append((number, district, area, age, f"{rent:.0f}"))
    table(folder / "flats.csv", ("flat_id", "district", "area_m2", "age_years", "rent"), rows)
