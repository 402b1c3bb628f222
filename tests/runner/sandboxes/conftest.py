from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sandboxed import Place, every

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=every(safe=False))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(request.param, tmp_path)


@pytest.fixture(params=every(safe=True))
def cell(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(request.param, tmp_path)
