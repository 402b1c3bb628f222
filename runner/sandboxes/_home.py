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
    links: list[tarfile.TarInfo] = []
    try:
        with tarfile.open(fileobj=source, mode="r|") as tar:
            for member in tar:
                if member.issym():
                    links.append(member)
                elif member.isreg() and (limit := limit - member.size - tarfile.BLOCKSIZE) < 0:
                    left.append(f"{member.name}: more than may be brought home")
                else:
                    _put(member, folder, left, tar)
    except (tarfile.TarError, EOFError) as error:
        left.append(f"the rest: what came home was cut off ({error})")
    for member in links:  # last, so that nothing is written through them
        _put(member, folder, left)


def _put(member: tarfile.TarInfo, folder: Path, left: list[str], tar: tarfile.TarFile | None = None) -> None:
    """Write one member; add it to what is left out where it may not be written, or cannot."""
    parts = PurePosixPath(member.name).parts
    if not parts or ".." in parts or parts[0] == "/":
        left.append(f"{member.name}: its name leads out of the workspace")
        return
    place = folder.joinpath(*parts)
    try:
        if member.isdir():
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        elif member.issym():
            target = PurePosixPath(member.linkname)
            if target.is_absolute() or ".." in target.parts:
                left.append(f"{member.name}: a link that leads out of its folder, to {target}")
            else:
                place.symlink_to(target)
        elif member.isreg() and tar and (content := tar.extractfile(member)):
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with place.open("xb") as file:
                shutil.copyfileobj(content, file)
            place.chmod(member.mode & 0o755 | 0o600)
            os.utime(place, (member.mtime, member.mtime))
        else:
            left.append(f"{member.name}: neither file nor folder")
    except OSError as error:  # twice in the tar; a name that this file system does not take
        left.append(f"{member.name}: {error.strerror}")
