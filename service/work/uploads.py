"""Uploads: what a client sends as a batch -> inputs. Archives are read, never unpacked to disk; bombs are refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from classifier import intake
from service.storage.parcels import Input

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NDJSON = ("application/x-ndjson", "application/jsonl", "application/ndjson", "application/jsonlines")
MOST_INPUTS = 100_000
MOST_DIRECTORY = 2**24  # bytes of a zip's list of files, all of which is read before the first file
CHUNK = 2**16  # bytes that are read at once; a tar may tell no more than this of one file
BOM = b"\xef\xbb\xbf"
PACKED: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZ": bz2.open,
    b"\xfd7": lzma.open,
}
# whatever the libraries raise for bytes that are no archive of theirs
BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, IndexError,
    NotImplementedError, RecursionError,
)  # fmt: skip


class UploadError(Exception):
    """An upload that is no batch. Says what is wrong with it, and where."""


def inputs(file: IO[bytes], kind: str, limit: int, longest: int) -> Iterator[Input]:
    """Give the inputs in an upload: a line each of NDJSON, or a file each of a zip or tar (.gz, .bz2, .xz).

    `kind` is its media type; where that says nothing, the content does. `limit` is in bytes, unpacked, all together.
    An input of more than `longest` bytes is cut after one more, so that whoever reads it sees that it is too long.
    Raises UploadError, also after some inputs. What cannot be read of one input is found later, and is its alone.
    """
    head = file.read(4)
    file.seek(0)
    if head[:2] == b"PK":
        found, broken = _zip(file, limit, longest), "the zip archive is broken"
    elif kind in NDJSON or head.removeprefix(BOM).lstrip()[:1] in {b"{", b"["}:
        found, broken = _lines(file, longest), "it cannot be read"
    else:
        found, broken = _tar(file, limit, longest), "it is none of NDJSON, zip and tar"
    number = 0
    try:
        for number, each in enumerate(found, start=1):
            _few(number)
            yield each
    except BROKEN as error:
        raise UploadError(f"{broken if not number else 'it is broken'}: {error}") from error
    if not number:
        raise UploadError("it holds no log")


def _lines(file: IO[bytes], longest: int) -> Iterator[Input]:
    number = 0
    while text := file.readline(longest + 1):
        number += 1
        rest = text
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(CHUNK)
        if text.strip():
            yield Input(name=f"line {number}", data=text.rstrip(b"\r\n"))


def _zip(file: IO[bytes], limit: int, longest: int) -> Iterator[Input]:
    end = zipfile._EndRecData(file)  # type: ignore[attr-defined]  # noqa: SLF001 - what zipfile itself goes by
    if end and end[zipfile._ECD_SIZE] > MOST_DIRECTORY:  # type: ignore[attr-defined]  # noqa: SLF001 - as above
        raise UploadError("it holds too many files; send several batches")
    left = limit
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if member.is_dir() or not _is_log(member.filename):
                continue
            if member.flag_bits & 1:
                raise UploadError(f"{member.filename!r} in it is encrypted")
            with archive.open(member) as part:
                data = _bounded(part, min(left, longest))
            left -= len(data)
            if left < 0:
                raise UploadError(f"it unpacks to more than {limit:,} bytes")
            yield Input(name=member.filename, data=data)


def _tar(file: IO[bytes], limit: int, longest: int) -> Iterator[Input]:
    unpacking = PACKED.get(file.read(2))
    file.seek(0)
    opened: Any = _Bounded(unpacking(file) if unpacking is not None else file, limit)
    number = 0
    with tarfile.open(fileobj=opened, mode="r:") as archive:
        while (member := archive.next()) is not None:
            archive.__dict__.update(members=[], pax_headers={})  # it would keep all that it has met
            number += 1
            _few(number)
            if not member.isreg() or not _is_log(member.name):
                continue
            if member.issparse():
                raise UploadError(f"{member.name!r} in it is packed as a sparse file")
            part = archive.extractfile(member)
            yield Input(name=member.name, data=_bounded(part, min(limit, longest)) if part is not None else b"")


class _Bounded:
    """A tar that is read: no more of it than `limit` bytes, unpacked, also of what is passed over."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file, self._limit = file, limit

    def read(self, size: int) -> bytes:
        """Read at most `CHUNK` bytes. Raises UploadError for more."""
        if not 0 <= size <= CHUNK:
            raise UploadError(f"it tells more than {CHUNK:,} bytes of one of its files")
        self._within(self.tell() + size - tarfile.BLOCKSIZE)
        return self._file.read(size)

    def seek(self, place: int) -> int:
        """Go to a place. Raises UploadError where it is beyond the limit."""
        self._within(place)
        return self._file.seek(place)

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell()

    def _within(self, place: int) -> None:
        if place > self._limit + tarfile.RECORDSIZE:
            raise UploadError(f"it unpacks to more than {self._limit:,} bytes")


def _bounded(part: IO[bytes], most: int) -> bytes:
    """Read a file, but one byte more than `most` at most."""
    out = io.BytesIO()
    while (left := most + 1 - out.tell()) and (chunk := part.read(min(left, CHUNK))):
        out.write(chunk)
    return out.getvalue()


def _is_log(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    hidden = any((part.startswith(".") and part.strip(".")) or part == "__MACOSX" for part in path.parts)
    # labels are taken in too, so that somebody is told: an input that is no log is a recorded problem
    return not hidden and (intake.may_be_log(path.name) or intake.are_labels(path.name))


def _few(number: int) -> None:
    if number > MOST_INPUTS:
        raise UploadError(f"it holds more than {MOST_INPUTS:,} files; send several batches")
