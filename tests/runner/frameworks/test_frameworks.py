"""What holds for every framework: the registry, the environments, and the way back from a workspace nobody trusts."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import threading
import zipfile
from pathlib import Path

import pytest
from played import PROMPT, leave

from runner import frameworks, sandboxes
from runner.frameworks import _environment, _run

FOLDER = Path(frameworks.__file__).parent
NAMES = ("autogen", "metagpt", "taskweaver")


def wheel(folder: Path, name: str = "tiny", value: int = 1) -> str:
    """Write a wheel of one module, and return its line of a lock."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    files = {
        f"{name}.py": f"VALUE = {value}\n",
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{name}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{file},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},\n"
        for file, text in files.items()
    )
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in (files | {f"{name}-1.0.dist-info/RECORD": record}).items():
            archive.writestr(file, text)
    return f"{name}==1.0 \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of locks, and no index but a folder of wheels."""
    for name, value in {
        "UV_OFFLINE": "1",
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": str(tmp_path / "wheels"),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
    }.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "locks"
    folder.mkdir()
    (folder / "tiny.lock").write_text(wheel(tmp_path / "wheels"))
    return folder


def value(installed: frameworks.Installed) -> str:
    command = [installed.python, "-c", "import tiny; print(tiny.VALUE)"]
    return subprocess.check_output(command, text=True).strip()  # noqa: S603 - the Python that was just made


def test_the_folder_is_the_registry() -> None:
    assert frameworks.names() == NAMES
    with pytest.raises(frameworks.UnknownFrameworkError, match="no framework is called 'crewai': there are autogen"):
        frameworks.load("crewai")


@pytest.mark.parametrize("name", NAMES)
def test_every_lock_pins_every_package_with_its_hash_and_names_no_index(name: str) -> None:
    lock = (FOLDER / f"{name}.lock").read_text()
    pins = re.findall(r"^([a-z0-9-]+)==\S+ \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", lock, re.MULTILINE)
    assert {pin for pin, _ in pins} >= set(_environment.TASK_PACKAGES)
    assert "".join(f"{pin}{hashes}" for pin, hashes in pins).count("--hash") == lock.count("--hash")
    assert len(pins) == len(re.findall(r"^[a-z]", lock, re.MULTILINE))
    assert "://" not in lock


@pytest.mark.parametrize("name", NAMES)
def test_every_lock_holds_the_releases_that_its_framework_names(name: str) -> None:
    lock = (FOLDER / f"{name}.lock").read_text()
    framework = frameworks.load(name)
    named = [package for package in (*framework.PACKAGES, *getattr(framework, "BARE", ())) if "==" in package]
    assert named
    assert [package for package in named if f"\n{package.lower()} \\\n" not in lock] == []


def test_an_environment_is_made_once(locks: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = _environment.make(home, "tiny", "1.0", locks=locks)
    assert value(made) == "1"
    assert all(folder.is_dir() for folder in made.folders)
    before = (made.folders[0] / "coroner-ready").stat().st_mtime_ns
    assert _environment.make(home, "tiny", "1.0", locks=locks) == made
    assert (made.folders[0] / "coroner-ready").stat().st_mtime_ns == before


def test_a_half_made_environment_is_made_anew(locks: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = _environment.make(home, "tiny", "1.0", locks=locks)
    (made.folders[0] / "coroner-ready").unlink()
    next(made.folders[0].rglob("tiny.py")).unlink()
    assert value(_environment.make(home, "tiny", "1.0", locks=locks)) == "1"


def test_another_lock_makes_another_environment(locks: Path, tmp_path: Path) -> None:
    old = _environment.make(tmp_path / "home", "tiny", "1.0", locks=locks)
    (locks / "tiny.lock").write_text(wheel(tmp_path / "wheels", value=2))
    new = _environment.make(tmp_path / "home", "tiny", "1.0", locks=locks)
    assert (value(old), value(new)) == ("1", "2")


def test_many_who_want_an_environment_at_once_get_the_same_whole_one(locks: Path, tmp_path: Path) -> None:
    found: list[frameworks.Installed] = []
    threads = [
        threading.Thread(target=lambda: found.append(_environment.make(tmp_path / "home", "tiny", "1", locks=locks)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(map(repr, found))) == 1
    assert value(found[0]) == "1"


def test_a_package_that_is_not_the_locked_one_is_refused(locks: Path, tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", value=666)
    with pytest.raises(frameworks.InstallError, match="a package is not the one that the lock names"):
        _environment.make(tmp_path / "home", "tiny", "1.0", locks=locks)
    assert not any((tmp_path / "home").glob("*/coroner-ready"))


def test_what_cannot_be_had_says_where_uv_looks(locks: Path, tmp_path: Path) -> None:
    (tmp_path / "wheels" / "tiny-1.0-py3-none-any.whl").unlink()
    with pytest.raises(frameworks.InstallError, match="uv must reach a package index"):
        _environment.make(tmp_path / "home", "tiny", "1.0", locks=locks)
    with pytest.raises(frameworks.InstallError, match="make lock-frameworks"):
        _environment.make(tmp_path / "home", "absent", "1.0", locks=locks)
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(frameworks.InstallError, match="Name a folder that can be written"):
        _environment.make(tmp_path / "file", "tiny", "1.0", locks=locks)


@pytest.mark.parametrize("name", NAMES)
def test_a_start_tells_the_run_its_task_and_nothing_of_ours(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_OURS", "x")
    installed = frameworks.Installed(
        name=name, version="1", python=tmp_path / "env/bin/python", folders=(tmp_path / "env", tmp_path / "base")
    )
    setup = frameworks.Setup(
        installed=installed,
        workspace=tmp_path,
        prompt=PROMPT,
        model="m",
        base_url="http://127.0.0.1:1/v1",
        max_rounds=3,
    )
    start = frameworks.load(name).prepare(setup)
    assert start.argv[0] == f"/opt/{name}/bin/python"
    assert start.readable[tmp_path / "env"] == f"/opt/{name}"
    assert start.readable[tmp_path / "base"] == start.env["PYTHONHOME"] == "/opt/python"
    assert start.env["LD_LIBRARY_PATH"] == "/opt/python/lib"
    assert start.env["PATH"].startswith(f"/opt/{name}/bin:")
    assert start.env["HOME"] == sandboxes.HOME
    assert "SECRET_OF_OURS" not in start.env
    assert PROMPT in (tmp_path / ".coroner" / "setup.json").read_text()
    (driver,) = (folder for folder, place in start.readable.items() if place == _run.PLACE)
    assert (driver / Path(start.argv[1]).name).is_file()


@pytest.mark.parametrize("name", NAMES)
def test_collect_takes_nothing_that_is_not_the_runs_own_plain_log(name: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text('{"chat_history": [{"name": "assistant", "content": "of the host"}]}')
    workspace = tmp_path / "workspace"
    folder = leave(workspace)
    logs = (
        "history.json",
        "autogen.db",
        "console.txt",
        "result.json",
        "rounds.json",
        "events.jsonl",
        "task_weaver.log",
    )
    framework = frameworks.load(name)
    assert framework.collect(workspace).native == ()  # nothing was left

    for log in logs:
        (folder / log).symlink_to(secret)
    (folder / "logs").symlink_to(tmp_path)
    assert framework.collect(workspace) == frameworks.Collected(native=())
    assert secret.read_text().endswith("}")

    for log in logs:
        (folder / log).unlink()
        os.mkfifo(folder / log)  # to read it would never end
    assert framework.collect(workspace) == frameworks.Collected(native=())

    for log in logs:
        (folder / log).unlink()
        with (folder / log).open("wb") as file:
            file.truncate(_run.MAX_LOG + 1)
    assert framework.collect(workspace) == frameworks.Collected(native=())

    for log in logs:
        (folder / log).write_text("[" * 100_000)
    assert framework.collect(workspace).final == ""

    (workspace / "moved").mkdir()
    folder.rename(workspace / "moved" / "logs")
    folder.symlink_to(workspace / "moved" / "logs")
    assert framework.collect(workspace) == frameworks.Collected(native=())


def test_the_key_is_struck_out_of_a_log_that_holds_it(tmp_path: Path) -> None:
    leave(tmp_path, autogen_db=b"SQLite format 3\x00 " + _run.KEY.encode() + b" \xff")
    (log,) = frameworks.load("autogen").collect(tmp_path).native
    assert log.read_bytes() == b"SQLite format 3\x00 " + b"*" * len(_run.KEY) + b" \xff"
