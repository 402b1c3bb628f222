"""Leftovers: what is kept of the workspace that a run leaves, within bounds."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KEPT_BYTES = 8 * 2**20  # of all files of a workspace together
KEPT_FILES = 200
_NAMED = 20  # of what is left out; the rest is counted
_WORTHLESS = frozenset({"__pycache__", ".cache", ".ipynb_checkpoints"})


def take(native: Iterable[Path], folder: Path) -> None:
    """Copy native logs into a new folder, by name; of two of one name the second gets a number."""
    for number, path in enumerate(native):
        folder.mkdir(exist_ok=True)
        target = folder / path.name
        if target.exists():
            target = folder / f"{number}-{path.name}"
        shutil.copyfile(path, target, follow_symlinks=False)


def trim(workspace: Path, drop: Iterable[Path] = (), *, most: int = KEPT_BYTES) -> tuple[str, ...]:
    """Remove what is worth nothing (and `drop`), what is no plain file, and the largest until `most` bytes are left.

    Return what was left out for its kind or size, with the reason.
    """
    for path in drop:
        path.unlink(missing_ok=True)
    left: list[str] = []
    files: list[tuple[int, Path]] = []
    for path in list(_all(workspace)):
        found = path.lstat()
        if stat.S_ISREG(found.st_mode):
            files.append((found.st_size, path))
        else:
            path.unlink()
            left.append(f"{path.relative_to(workspace)}: no plain file")
    total = sum(size for size, _ in files)
    files.sort(key=lambda each: (-each[0], each[1]))
    for number, (size, path) in enumerate(files):
        if total <= most and len(files) - number <= KEPT_FILES:
            break
        path.unlink()
        total -= size
        left.append(f"{path.relative_to(workspace)}: {size} bytes")
    _prune(workspace)
    more = len(left) - _NAMED
    return (*left[:_NAMED], f"and {more} more") if more > 0 else tuple(left)


def _all(workspace: Path) -> Iterator[Path]:
    for folder, below, files in os.walk(workspace):
        for name in [name for name in below if name in _WORTHLESS]:
            shutil.rmtree(Path(folder, name), ignore_errors=True)
            below.remove(name)
        links = [name for name in below if Path(folder, name).is_symlink()]
        for name in links:
            below.remove(name)
        yield from (Path(folder, name) for name in (*files, *links))


def _prune(workspace: Path) -> None:
    """Remove folders that are empty now."""
    for folder, below, files in os.walk(workspace, topdown=False):
        if folder != str(workspace) and not files and not any(Path(folder, name).exists() for name in below):
            Path(folder).rmdir()
