from __future__ import annotations

import os
from pathlib import Path

import pytest

from classifier.embedders import cache_folder
from runner import frameworks


def home() -> Path:
    """Where the frameworks' environments are kept between sessions; CORONER_FRAMEWORKS names another folder."""
    return Path(os.environ.get("CORONER_FRAMEWORKS") or cache_folder() / "frameworks")


def installed(name: str) -> frameworks.Installed:
    try:
        return frameworks.load(name).install(home())
    except frameworks.InstallError as error:
        if name in os.environ.get("CORONER_MUST_RUN", "").split(","):  # CI says so: there, a skip would hide a defect
            raise
        pytest.skip(f"{name} is not installed: {str(error).partition(chr(10))[0]}")


@pytest.fixture(scope="session")
def autogen() -> frameworks.Installed:
    return installed("autogen")


@pytest.fixture(scope="session")
def metagpt() -> frameworks.Installed:
    return installed("metagpt")


@pytest.fixture(scope="session")
def taskweaver() -> frameworks.Installed:
    if not os.environ.get("TASKWEAVER_SOURCE") and not any(home().glob("taskweaver-*/coroner-ready")):
        pytest.skip("taskweaver is not installed: TASKWEAVER_SOURCE names no repository to install it from")
    return installed("taskweaver")
