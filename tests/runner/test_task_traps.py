"""What makes a task hard matters: a solution that overlooks it gets another answer, or none."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

import pytest

from runner.scoring import score
from runner.tasks import build, load, names

if TYPE_CHECKING:
    from pathlib import Path

TRAPS = [  # task, what its solution says, what one who overlooks something would say
    ("data_churn_logistic", "members[year == 2023]", "members[year == 2022]"),
    ("data_churn_logistic", ">= 0.5", ">= 0.4"),
    ("data_customer_names", "invoices.columns.str.strip()", "invoices.columns"),
    ("data_customer_names", '.str.split().str.join(" ").str.lower()', ".str.strip().str.lower()"),
    ("data_customer_names", '.str.split().str.join(" ").str.lower()', '.str.split().str.join(" ")'),
    ("data_fuel_classes", '["km"] >= 5', '["km"] >= 0'),
    ("data_fuel_classes", "right=False", "right=True"),
    ("data_fuel_classes", "equal_var=False", "equal_var=True"),
    ("data_iqr_outliers", "1.5 * iqr", "2 * iqr"),
    ("data_iqr_outliers", "(power < lower) | (power > upper)", "power > upper"),
    ("data_library_loans", ' if fee["paid"]', ""),
    ("data_library_loans", '.dropna(subset=["branch"])', '.fillna({"branch": "none"})'),
    ("data_login_hours", 'logins["utc"].dt.hour', 'logins["at"].str[11:13].astype(int)'),
    ("data_login_hours", 'logins["utc"].dt.strftime("%Y-%m-%d")', 'logins["at"].str[:10]'),
    ("data_monthly_energy", " * 1000", ""),
    ("data_monthly_energy", 'part["house"].str.lower()', 'part["house"]'),
    ("data_monthly_energy", "(month - 1) // 3", "month // 4"),
    ("data_monthly_energy", "zip(paths, months)", "zip(paths, range(1, 13))"),
    ("data_mushroom_tree", "max_depth=2", "max_depth=3"),
    ("data_mushroom_tree", "iloc[:300], mushrooms.iloc[300:]", "iloc[120:], mushrooms.iloc[:120]"),
    ("data_order_summary", '== "completed"', '!= "open"'),
    ("data_order_summary", "ddof=1", "ddof=0"),
    ("data_parcel_weights", 'keep="first"', 'keep="last"'),
    ("data_parcel_weights", 'scans.drop_duplicates(subset="parcel", keep="first")', "scans.drop_duplicates()"),
    ("data_parcel_weights", "parts[1].str.lower().map", "parts[1].map"),
    ("data_plant_correlation", ".abs().idxmax()", ".idxmax()"),
    ("data_plant_correlation", "plants.dropna(subset=", "plants.fillna(0).dropna(subset="),
    ("data_region_revenue", ' * (1 - joined["discount"])', ""),
    ("data_region_revenue", 'on="product_id")', 'on="product_id", how="left")'),
    ("data_rent_regression", 'flats["flat_id"] % 4', "flats.index.to_series() % 4"),
    ("data_rent_regression", '!= "east"', '!= "centre"'),
    ("data_river_levels", '.interpolate(method="linear")', ".ffill()"),
    ("data_river_levels", '.interpolate(method="linear")', ".dropna()"),
    ("data_river_levels", "filled.rolling(7).mean()", "filled"),
    ("data_survey_income", '.str.replace(",", "")', ""),
    ("data_survey_income", '"?", "-999"]', '"?"]'),
    ("data_survey_income", '.groupby("region")["amount"].transform("median")', '["amount"].median()'),
    ("data_survey_income", ".fillna(medians)", ".dropna()"),
    ("data_waiting_times", "stats.skew(minutes)", "stats.skew(minutes, bias=False)"),
    ("data_waiting_times", "np.log(minutes)", "np.sqrt(minutes)"),
    ("data_winter_receipts", ', thousands="."', ""),
    ("data_winter_receipts", 'encoding="latin-1"', 'encoding="utf-8"'),
    ("data_winter_receipts", 'format="%d.%m.%Y"', 'format="%m.%d.%Y"'),
    ("data_winter_receipts", '<= "2023-03-31"', '<= "2023-12-31"'),
    ("data_zscore_outliers", 'results = samples.groupby("lab")', 'results = samples.assign(lab=1).groupby("lab")'),
    ("data_zscore_outliers", "ddof=0", "ddof=1"),
    ("file_duplicates", "(len(name), name)", "name"),
    ("file_duplicates", " and path.stat().st_size", ""),
    ("file_photo_sort", "^taken", "taken"),
    ("file_photo_sort", "key=lambda path: path.name)", "key=lambda path: path.name, reverse=True)"),
    ("file_photo_sort", "key=lambda path: path.name)", "key=lambda path: path.name.lower())"),
    ("file_release_bundle", "key=lambda path: path.name)", 'key=lambda path: int(path.name.split("-")[0]))'),
    ("file_release_bundle", "merge(settings, json.loads(path.read_text()))", "settings | json.loads(path.read_text())"),
    ("file_release_bundle", '(".tmp", ".bak")', '(".tmp",)'),
    ("file_release_bundle", 'path.read_bytes()[:2] == b"#!"', 'path.suffix == ".sh"'),
    ("file_rotated_logs", "key=age, reverse=True", "reverse=True"),
    ("file_rotated_logs", "key=age, reverse=True", "key=age"),
    ("file_rotated_logs", 'entry[2] == "ERROR"', '"ERROR" in " ".join(entry)'),
]


@pytest.mark.parametrize(("name", "said", "overlooked"), TRAPS, ids=[f"{one[0]}-{one[2]}" for one in TRAPS])
def test_what_makes_a_task_hard_matters(
    name: str, said: str, overlooked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = load(name)
    code = "\n".join(stage.code for stage in task.stages)
    assert said in code
    build(task, tmp_path)
    monkeypatch.chdir(tmp_path)
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(Exception):
        exec(code.replace(said, overlooked), {})  # noqa: S102 - the task's own code
    assert not score(task, out.getvalue()).success


def test_every_task_that_starts_from_files_is_held_to_it() -> None:
    assert {name for name, _, _ in TRAPS} == {name for name in names() if name.startswith(("data_", "file_"))}
