"""The way home of a workspace: a tar from a sandbox, which nobody trusts, becomes a folder of the host."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import IO


def bring_home(source: IO[bytes], workspace: Path, limit: int) -> list[str]:
    """Replace what `workspace` holds with what the tar does, at most `limit` bytes; return what was left out, and why.

    Only files, folders and such links come home as cannot lead out of the workspace: relative ones that never go up.
    Nothing is written through a link, and no file comes home with more than its permission bits. The old content is
    gone only once the new one is there.
    """
    left: list[str] = []
    fresh = Path(tempfile.mkdtemp(prefix=f".{workspace.name}-", dir=workspace.parent))
    try:
        _unpack(source, fresh, limit, left)
        old = Path(tempfile.mkdtemp(prefix=f".{workspace.name}-", dir=workspace.parent))
        try:
            for path in list(workspace.iterdir()):
                path.rename(old / path.name)
            for path in list(fresh.iterdir()):
                path.rename(workspace / path.name)
        finally:
            shutil.rmtree(old)
    finally:
        shutil.rmtree(fresh)
    return left


def _unpack(source: IO[bytes], folder: Path, limit: int, left: list[str]) -> None:
    links: list[tuple[Path, str]] = []
    with tarfile.open(fileobj=source, mode="r|") as tar:
        for member in tar:
            place = _below(folder, member.name)
            if place is None:
                left.append(f"{member.name}: its name leads out of the workspace")
            elif member.isdir():
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
            elif member.issym():
                links.append((place, member.linkname))
            elif member.isreg():
                limit -= member.size + 512
                content = tar.extractfile(member)
                if limit < 0 or content is None:
                    left.append(f"{member.name}: more than may be brought home")
                    continue
                place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                with place.open("xb") as file:
                    shutil.copyfileobj(content, file)
                place.chmod(member.mode & 0o755 | 0o600)
                os.utime(place, (member.mtime, member.mtime))
            else:
                left.append(f"{member.name}: neither file nor folder")
    for place, target in links:  # last, so that nothing is written through them
        if PurePosixPath(target).is_absolute() or ".." in PurePosixPath(target).parts:
            left.append(f"{place.relative_to(folder)}: a link that leads out of its folder, to {target}")
        else:
            place.symlink_to(target)


def _below(folder: Path, name: str) -> Path | None:
    """Return the place of a member, None where it would lie outside."""
    parts = PurePosixPath(name).parts
    return None if not parts or ".." in parts or parts[0] == "/" else folder.joinpath(*parts)
