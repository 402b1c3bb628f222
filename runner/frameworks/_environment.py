"""A framework's virtual environment, made with uv from the lock beside this file, once."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from runner.frameworks import Installed, InstallError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TASK_PACKAGES = ("numpy", "pandas", "scipy", "scikit-learn", "requests", "beautifulsoup4", "pip")  # what tasks may use
BUILDER = "setuptools"  # what builds the locked packages that have no wheel; pinned with them
PYTHON = (3, 11)  # the newest that MetaGPT 0.8.1 runs on; one for all, so that a task's code meets the same language

_HERE = Path(__file__).parent
_READY = "coroner-ready"  # written last: without it an environment is half-made
_LAYOUT = "2"  # how an environment is made; another number makes all of them anew
_BASE = "python"  # beside the environments: a link to the Python that they were made from
_MINUTES = 30


def make(
    home: Path,
    name: str,
    version: str,
    *,
    source: Mapping[str, str] | None = None,
    env: dict[str, str] | None = None,
    locks: Path = _HERE,
) -> Installed:
    """Make the environment of `<name>.lock` (in `locks`) below `home`, unless it is there; return where it is.

    It can be moved: a sandbox shows it at another place, with its Python (`folders`, in this order) as "python" beside
    it. Its folder is named by the lock's content, so another lock makes another environment. `source` are packages from
    elsewhere that go in after the lock, without their dependencies: what identifies each (it names the folder, too),
    with its requirement specifier. `env` is set for their build. Raises InstallError.
    """
    lock = locks / f"{name}.lock"
    if not lock.is_file():
        raise InstallError(f"there is no {lock}: write it with `make lock-frameworks`")
    content = lock.read_text(encoding="utf-8")
    digest = hashlib.sha256("\n".join([_LAYOUT, content, *(source or {})]).encode()).hexdigest()[:12]
    folder = home.absolute() / f"{name}-{digest}"
    try:
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / f".{name}.lock"):
            if not (folder / _READY).is_file():
                _make(folder, lock, content, tuple((source or {}).values()), env or {})
    except OSError as error:
        raise InstallError(
            f"{name} cannot be installed in {home}: {error}. Name a folder that can be written"
        ) from error
    base = (folder.parent / _BASE).resolve()
    return Installed(name=name, version=version, python=folder / "bin" / "python", folders=(folder, base))


def _make(folder: Path, lock: Path, pins: str, source: Sequence[str], env: dict[str, str]) -> None:
    if folder.exists():  # half-made by a process that was killed
        shutil.rmtree(folder)
    name = folder.name
    _uv("venv", "--quiet", "--relocatable", "--no-python-downloads", "--python", _python(), str(folder), name=name)
    _lean(folder)
    into: tuple[str, ...] = (
        "pip",
        "install",
        "--quiet",
        "--python",
        str(folder / "bin" / "python"),
        "--no-deps",
        "--compile-bytecode",
    )
    if builder := re.search(rf"^{BUILDER}==.*(?:\n[ ]+.*)*", pins, re.MULTILINE):
        _uv(*into, "--require-hashes", "--requirement", "-", name=name, given=builder[0])
        into = (*into, "--no-build-isolation")
    _uv(*into, "--require-hashes", "--requirement", str(lock), name=name)
    if source:
        _uv(*into, *source, name=name, env=env)
    (folder / _READY).write_text(f"{lock.name}\n", encoding="utf-8")


def _python() -> str:
    """Return our own Python where it is of the version, else let uv look for one."""
    return sys.executable if sys.version_info[:2] == PYTHON else ".".join(map(str, PYTHON))


def _lean(folder: Path) -> None:
    """Have the environment reach its Python by the link beside it, which a sandbox has, too."""
    python, link = folder / "bin" / "python", folder.parent / _BASE
    real = python.resolve()
    if not (link / "bin" / real.name).exists():
        link.unlink(missing_ok=True)
        link.symlink_to(real.parent.parent)
    python.unlink()
    python.symlink_to(Path("..", "..", _BASE, "bin", real.name))


def _uv(*arguments: str, name: str, given: str | None = None, env: dict[str, str] | None = None) -> None:
    from uv import find_uv_bin  # noqa: PLC0415 - only where something is installed

    try:
        uv = find_uv_bin()
    except FileNotFoundError as error:
        raise InstallError(f"{name} is installed with uv, which is not here: pip install uv") from error
    try:
        done = subprocess.run(  # noqa: S603 - uv itself, on our own lock
            [uv, *arguments],
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            text=True,
            timeout=60 * _MINUTES,
            env=os.environ | (env or {}),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InstallError(f"{name}: uv did not finish in {_MINUTES} minutes; is the package index slow?") from error
    if done.returncode:
        raise InstallError(f"{name} cannot be installed: {_advice(done.stderr)}")


def _advice(said: str) -> str:
    """Say what uv said, and what may be done about it."""
    said = "\n".join(said.strip().splitlines()[-12:])
    if "No interpreter found" in said:
        return f"Python {'.'.join(map(str, PYTHON))} is not here: install it, or have it on the PATH.\n{said}"
    if re.search(r"hash", said, re.IGNORECASE) and "mismatch" in said.lower():
        return f"a package is not the one that the lock names; write the lock anew with `make lock-frameworks`.\n{said}"
    return f"uv must reach a package index (UV_DEFAULT_INDEX, UV_FIND_LINKS or UV_OFFLINE say where).\n{said}"
