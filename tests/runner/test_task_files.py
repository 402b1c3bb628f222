"""The files of the tasks: the same bytes everywhere, which their answers depend on."""

from __future__ import annotations

import gzip
import hashlib
from typing import TYPE_CHECKING

import pytest

from runner.tasks import build, load
from runner.tasks._draw import Draw
from runner.tasks._files import gz, table, text

if TYPE_CHECKING:
    from pathlib import Path

FILES = {  # task -> how many files it starts from, and the first digits of the SHA-256 of names and contents
    "data_churn_logistic": (1, "18e6aa4a9e1012cd"),
    "data_customer_names": (1, "8e83a70d86361986"),
    "data_fuel_classes": (1, "5efa6f32b8147292"),
    "data_iqr_outliers": (1, "9adb15cd5cd8f6f9"),
    "data_library_loans": (1, "5350fd5ca4674af1"),
    "data_login_hours": (1, "1393dbd562439c3b"),
    "data_monthly_energy": (11, "b8a1dddaebb3144f"),
    "data_mushroom_tree": (1, "a00bf35e6819410f"),
    "data_order_summary": (1, "a721e4a9a502d235"),
    "data_parcel_weights": (1, "98ddf8c895c025fe"),
    "data_plant_correlation": (1, "82c8ffa56109176d"),
    "data_region_revenue": (3, "eacae729503126fe"),
    "data_rent_regression": (1, "84013602cae1f2ea"),
    "data_river_levels": (1, "cb6a9b79e198c88f"),
    "data_survey_income": (1, "e73c4b20880fa411"),
    "data_waiting_times": (1, "edf773fbaec63ed6"),
    "data_winter_receipts": (1, "5dbadc474640cb1a"),
    "data_zscore_outliers": (1, "5ccfbc73f335e449"),
    "file_duplicates": (83, "b2d403b1bc7dae77"),
    "file_photo_sort": (75, "d891fe3c4e85c0da"),
    "file_release_bundle": (1, "dcac61357a6d0a7a"),
    "file_rotated_logs": (12, "543db76621716426"),
}


def digest(folder: Path) -> tuple[int, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    hashed = hashlib.sha256()
    for path in paths:
        hashed.update(f"{path.relative_to(folder).as_posix()}\n".encode() + path.read_bytes())
    return len(paths), hashed.hexdigest()[:16]


@pytest.mark.parametrize("name", FILES)
def test_a_task_starts_from_the_same_bytes_on_every_platform_and_with_every_numpy(name: str, tmp_path: Path) -> None:
    build(load(name), tmp_path)
    assert digest(tmp_path) == FILES[name]


def test_draws_are_those_of_the_raw_stream() -> None:
    draw = Draw(7)
    # default_rng(7).random(), as numpy 1.24 and 2.4 give it, to the last bit
    assert draw.uniform(0, 1) == 0.625095466604667
    assert [draw.whole(1, 6) for _ in range(8)] == [6, 5, 2, 2, 6, 1, 5, 5]
    assert draw.shuffled("abcdef") == list("dfaebc")


def test_draws_stay_within_their_bounds_and_reach_them() -> None:
    draw = Draw(1)
    assert {draw.whole(1, 3) for _ in range(200)} == {1, 2, 3}
    assert {draw.pick("xy") for _ in range(100)} == {"x", "y"}
    assert sorted(draw.shuffled(range(50))) == list(range(50))
    values = [draw.normal(10, 2) for _ in range(4000)]
    mean = sum(values) / len(values)
    assert abs(mean - 10) < 0.2
    assert abs((sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5 - 2) < 0.1
    assert abs(sum(draw.chance(0.3) for _ in range(4000)) / 4000 - 0.3) < 0.03


@pytest.mark.parametrize("size", [0, 1, 0xFFFF, 0x10000, 200_000])
def test_a_gzip_file_of_stored_blocks_is_read_back(size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert gzip.decompress(gz(data)) == data


def test_text_and_tables_end_their_lines_alike_everywhere(tmp_path: Path) -> None:
    text(tmp_path / "deep" / "a.txt", "é\n")
    table(tmp_path / "a.csv", ("x", "y"), [(1, "a b"), ("ä", "c;d")], delimiter=";", encoding="latin-1")
    assert (tmp_path / "deep" / "a.txt").read_bytes() == "é\n".encode()
    assert (tmp_path / "a.csv").read_bytes() == 'x;y\n1;a b\nä;"c;d"\n'.encode("latin-1")
