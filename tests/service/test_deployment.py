"""The files that deploy the service, held against each other and against the program."""

from __future__ import annotations

import importlib.util
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from service.addresses import hidden
from service.settings import Settings

HOUSE = Path(__file__).parents[2]
DOCKERFILE = (HOUSE / "Dockerfile").read_text()
COMPOSE = (HOUSE / "compose.yaml").read_text()
ELSEWHERE = {"CORONER_CACHE", "CORONER_VECTORS", "CORONER_PASSWORD"}  # read by the embedders, and by compose itself


def services() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE)["services"])


def test_every_variable_that_is_set_is_one_that_is_read() -> None:
    known = {f"CORONER_{name.upper()}" for name in Settings.model_fields} | ELSEWHERE
    assert set(re.findall(r"CORONER_[A-Z]+", DOCKERFILE + COMPOSE)) <= known
    read = (HOUSE / "classifier" / "embedders" / "__init__.py").read_text()
    assert all(f'"{name}"' in read for name in ELSEWHERE - {"CORONER_PASSWORD"})


def test_what_the_image_copies_is_sent_to_the_engine_and_no_more() -> None:
    rows = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    copied = {word.replace("wheel[s]", "wheels") for row in rows for word in row.split()}
    ignored = (HOUSE / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    allowed = {line[1:].partition("/")[0] for line in ignored if line.startswith("!")}
    assert {name for name in copied if not any(fnmatch(name, each) for each in allowed)} == set()
    assert {each for each in allowed if not any(fnmatch(name, each) for name in copied)} == set()
    assert {name for name in copied if name != "wheels" and not (HOUSE / name).exists()} == set()


def test_what_is_ours_runs_without_rights_on_a_root_that_cannot_be_written() -> None:
    assert "USER 10001:10001" in DOCKERFILE
    found = services()
    assert set(found) == {"database", "service", "worker"}
    for name in ("service", "worker"):
        assert found[name]["read_only"] is True
        assert found[name]["cap_drop"] == ["ALL"]
        assert found[name]["volumes"] == ["data:/var/lib/coroner"]
    assert all(port.startswith("127.0.0.1:") for each in found.values() for port in each.get("ports", ()))


def test_no_secret_is_written_there_and_none_is_part_of_an_address() -> None:
    for each in services().values():
        for name, value in each["environment"].items():
            assert ("PASSWORD" in name) == str(value).startswith("${CORONER_PASSWORD:?"), name
            assert hidden(str(value)) == value or "://" not in str(value)


def test_wheels_are_fetched_for_the_python_of_the_base() -> None:
    spec = importlib.util.spec_from_file_location("image", HOUSE / ".ci" / "image.py")
    assert spec is not None
    assert spec.loader is not None
    image = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(image)
    lock = (
        "# written\n"
        "old==1 ; python_full_version < '3.11.3' \\\n    --hash=sha256:aa\n"
        "new==2 ; python_full_version >= '3.11.3' \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"
        "both[more]==3\n"
        "other==4 ; sys_platform == 'win32' \\\n    --hash=sha256:dd\n"
    )
    assert image.meant(lock, "3.11.2") == "old==1 \\\n    --hash=sha256:aa\nboth[more]==3\n"
    assert image.meant(lock, "3.11.9").splitlines()[0] == "new==2 \\"
    for kind in ("", "-otel", "-torch", "-torch-cpu"):
        whole = (HOUSE / f"requirements{kind}.lock").read_text()
        pins = re.findall(r"^[\w.-]+==\S+", image.meant(whole, "3.11.2"), re.MULTILINE)
        assert 0 < len(pins) <= whole.count("==")
        assert image.meant(whole, "3.11.2").count("--hash") <= whole.count("--hash")
