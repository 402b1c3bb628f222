"""The workspace comes in as a tar and goes out as one.

Names may be any bytes, so this keeps to `os` and `os.path`.
"""
# ruff: noqa: PTH101, PTH114, PTH116, PTH118, PTH123

from __future__ import annotations

import contextlib
import io
import json
import os
import stat
import tarfile
from typing import TYPE_CHECKING, cast

from .wire import CHUNK, send

if TYPE_CHECKING:
    from typing import IO

    from typing_extensions import Buffer

LISTED = 100  # names of what is left out that are sent


class Source(io.RawIOBase):
    """The next `size` bytes of standard input, as a file."""

    def __init__(self, size: int) -> None:
        self.size = size

    def readable(self) -> bool:
        """Say that it is."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Read what is there."""
        view = memoryview(buffer)
        data = os.read(0, min(len(view), self.size))
        view[: len(data)] = data
        self.size -= len(data)
        return len(data)


class Sink(io.RawIOBase):
    """A file whose content goes out as W frames."""

    def writable(self) -> bool:
        """Say that it is."""
        return True

    def write(self, buffer: Buffer) -> int:
        """Send it."""
        view = memoryview(buffer)
        for at in range(0, len(view), CHUNK):
            send(b"W", bytes(view[at : at + CHUNK]))
        return len(view)


def unpack(folder: str, size: int) -> None:
    """Lay out in `folder` the tar of `size` bytes that comes in."""
    source = io.BufferedReader(Source(size), CHUNK)
    with tarfile.open(fileobj=source, mode="r|") as tar:
        tar.extractall(folder)  # noqa: S202 - coroner made it
    while source.read(CHUNK):
        pass


def pack(folder: str, budget: int) -> None:
    """Send the files of `folder` as a tar of at most `budget` bytes of content, then the list of what is left out."""
    left: list[str] = []
    sink = cast("IO[bytes]", Sink())
    with tarfile.open(fileobj=sink, mode="w|", bufsize=CHUNK, format=tarfile.PAX_FORMAT) as tar:
        for here, folders, files in os.walk(folder, onerror=lambda e: left.append(f"{e.filename}: {e.strerror}")):
            for name in folders:  # the command may have locked its own folders
                path = os.path.join(here, name)
                with contextlib.suppress(OSError):
                    if not os.path.islink(path) and os.stat(path).st_mode & stat.S_IRWXU != stat.S_IRWXU:
                        os.chmod(path, stat.S_IRWXU)
            for name in sorted(folders + files):
                path = os.path.join(here, name)
                budget -= _add(tar, path, os.path.relpath(path, folder), budget, left)
    send(b"L", json.dumps(left[:LISTED] + [f"{len(left) - LISTED} more"] * (len(left) > LISTED)).encode())


def _add(tar: tarfile.TarFile, path: str, name: str, budget: int, left: list[str]) -> int:
    """Add one file; return how much of the budget it took."""
    try:
        info = tar.gettarinfo(path, name)
        if info.islnk():  # a second name of a file: sent once more
            info.type, info.size = tarfile.REGTYPE, os.stat(path).st_size
        size = info.size + tarfile.BLOCKSIZE
        if size > budget:
            left.append(f"{name}: {info.size} bytes are more than may be brought home")
            return 0
        if info.isdir() or info.issym():
            tar.addfile(info)
        elif info.isreg():
            if not info.mode & stat.S_IRUSR:
                os.chmod(path, stat.S_IRUSR | stat.S_IWUSR)
            with open(path, "rb") as file:
                tar.addfile(info, file)
        else:
            left.append(f"{name}: neither file nor folder")
            return 0
    except AttributeError:  # gettarinfo returns None for a socket
        left.append(f"{name}: neither file nor folder")
        return 0
    except OSError as error:
        left.append(f"{name}: {error.strerror or error}")
        return 0
    return size
