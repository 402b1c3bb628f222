"""Uploads: what a client sends as a batch -> inputs. Archives are read, never unpacked to disk; bombs are refused."""

from __future__ import annotations

import io
import tarfile
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING

from classifier import intake
from service.storage.batches import Input

if TYPE_CHECKING:
    from collections.abc import Iterator

NDJSON = ("application/x-ndjson", "application/jsonl", "application/ndjson", "application/jsonlines")
MOST_INPUTS = 100_000
CHUNK = 2**20


class UploadError(ValueError):
    """An upload that is no batch. Says what is wrong with it, and where."""


def inputs(file: IO[bytes], kind: str, limit: int) -> list[Input]:
    """Return the inputs in an upload: a line each of NDJSON, or a file each of a zip or tar (.gz, .bz2, .xz).

    `kind` is its media type; where that says nothing, the content does. `limit` is in bytes, unpacked, all together.
    Raises UploadError. What cannot be read of one input is found later, and is that input's alone.
    """
    head = file.read(4)
    file.seek(0)
    if head[:2] == b"PK":
        found = list(_zip(file, limit))
    elif kind in NDJSON or head.lstrip()[:1] == b"{":
        found = list(_lines(file))
    else:
        found = list(_tar(file, limit))
    if not found:
        raise UploadError("it holds no log")
    return found


def _lines(file: IO[bytes]) -> Iterator[Input]:
    for number, text in enumerate(file, start=1):
        if text.strip():
            _few(number)
            yield Input(name=f"line {number}", data=text.rstrip(b"\r\n"))


def _zip(file: IO[bytes], limit: int) -> Iterator[Input]:
    taken = 0
    try:
        with zipfile.ZipFile(file) as archive:
            for number, member in enumerate(archive.infolist(), start=1):
                _few(number)
                if member.is_dir() or not _is_log(member.filename):
                    continue
                if member.flag_bits & 1:
                    raise UploadError(f"{member.filename!r} in it is encrypted")
                with archive.open(member) as part:
                    data = _bounded(part, limit - taken, limit)
                taken += len(data)
                yield Input(name=member.filename, data=data)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        raise UploadError(f"the zip archive is broken: {error}") from error


def _tar(file: IO[bytes], limit: int) -> Iterator[Input]:
    taken = 0
    try:
        with tarfile.open(fileobj=file, mode="r:*") as archive:
            for number, member in enumerate(archive, start=1):
                _few(number)
                part = archive.extractfile(member) if member.isfile() and _is_log(member.name) else None
                if part is None:
                    # what is passed over is unpacked all the same to get behind it
                    taken += member.size if member.isfile() else 0
                    if taken > limit:
                        raise UploadError(f"it unpacks to more than {limit:,} bytes")
                    continue
                data = _bounded(part, limit - taken, limit)
                taken += len(data)
                yield Input(name=member.name, data=data)
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise UploadError(
            f"it is none of NDJSON, zip and tar: {error}" if not taken else f"the tar archive is broken: {error}"
        ) from error


def _bounded(part: IO[bytes], left: int, limit: int) -> bytes:
    out = io.BytesIO()
    while chunk := part.read(CHUNK):
        out.write(chunk)
        if out.tell() > left:
            raise UploadError(f"it unpacks to more than {limit:,} bytes")
    return out.getvalue()


def _is_log(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    hidden = any((part.startswith(".") and part.strip(".")) or part == "__MACOSX" for part in path.parts)
    return not hidden and intake.may_be_log(path.name)


def _few(number: int) -> None:
    if number > MOST_INPUTS:
        raise UploadError(f"it holds more than {MOST_INPUTS:,} inputs; send several batches")
