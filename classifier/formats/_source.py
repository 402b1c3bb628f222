"""Source: the bytes of one input, decoded and parsed at most once, however many formats look at it."""

from __future__ import annotations

import codecs
import json
import re
import zlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

from classifier.trace import TraceError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 200 * 2**20
SQLITE_MAGIC = b"SQLite format 3\x00"
STRAY = 50  # a NUL in so many characters is a stray one; in UTF-16 every other byte is

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_BOMS = (  # the longer first: the UTF-32 mark begins with the UTF-16 one
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ARCHIVES = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)


class Source:
    """What a format is given to look at.

    `data` is the input, unpacked if it was gzipped; `text`, `document`, `records` are decoded views of it, made on
    first use. `document`, `head`, `is_text` and `is_sqlite` never raise (for sniffing), the others raise TraceError.
    """

    def __init__(self, data: bytes, *, name: str = "<bytes>", limit: int = MAX_BYTES) -> None:
        self.name = name
        _check_size(len(data), limit)
        self.data = _gunzip(data, limit) if data.startswith(b"\x1f\x8b") else data
        if not self.data or self.data.isspace():
            raise TraceError("the input is empty")
        for magic, kind in _ARCHIVES:
            if self.data.startswith(magic):
                raise TraceError(f"this is a {kind} archive: unpack it and give the files in it")

    @cached_property
    def is_sqlite(self) -> bool:
        """Whether the input is an SQLite file."""
        return self.data.startswith(SQLITE_MAGIC)

    @cached_property
    def is_text(self) -> bool:
        """Whether `text` can be had."""
        try:
            return bool(self.text)
        except TraceError:
            return False

    @cached_property
    def text(self) -> str:
        r"""The input as text with \n line ends: UTF-8, or UTF-16 and UTF-32 with a byte order mark.

        Other encodings are refused, not guessed: a wrong guess would put words into the trace that nobody wrote.
        """
        encoding, body = "utf-8", self.data
        for mark, named in _BOMS:
            if body.startswith(mark):
                encoding, body = named, body[len(mark) :]
                break
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError as error:
            line = 1 + body.count(b"\n", 0, error.start)
            problem = f"not {encoding.upper()} text ({error.reason}): save it as UTF-8"
            raise TraceError(problem, place=f"byte {error.start}, line {line}") from None
        if (at := text.find("\x00")) >= 0:
            if text.count("\x00") * STRAY > len(text):
                raise TraceError(
                    "NUL characters: this is not text (or UTF-16 without its mark)", place=f"character {at}"
                )
            text = text.replace("\x00", "\ufffd")  # a program's output, in the middle of a console's log
        if not text or text.isspace():
            raise TraceError("the input is empty")
        return text.replace("\r\n", "\n") if "\r\n" in text else text

    @cached_property
    def plain(self) -> str:
        """The text without terminal escapes (colours and the like): what a reader of the console saw."""
        return _ESCAPES.sub("", self.text) if "\x1b" in self.text else self.text

    @cached_property
    def document(self) -> Any:
        """The input as one JSON value, or None where it is not one."""
        return None if isinstance(self._json, TraceError) else self._json

    @cached_property
    def json(self) -> Any:
        """The input as one JSON value. Raises TraceError with line and column where it breaks."""
        if isinstance(self._json, TraceError):
            raise self._json
        return self._json

    @cached_property
    def _json(self) -> Any:
        try:
            return parse_json(self.text)
        except TraceError as error:
            return error

    @cached_property
    def lines(self) -> tuple[tuple[int, str], ...]:
        """The lines that are not blank, each with its number from 1."""
        return tuple((n, line) for n, line in enumerate(self.text.split("\n"), 1) if line.strip())

    @cached_property
    def head(self) -> Any:
        """The first record (of `records`), or None: enough to tell what the input is, at the price of one line."""
        if self.document is not None:
            return next(iter(self.document), None) if isinstance(self.document, list) else self.document
        if not self.is_text:
            return None
        start = self.text.lstrip()[:1]
        if start not in {"{", "["}:
            return None
        first = self.text.lstrip().split("\n", 1)[0]
        try:
            return parse_json(first)
        except TraceError:
            return None

    @cached_property
    def records(self) -> tuple[tuple[str, Any], ...]:
        """The records with their places: a JSON list's items, JSONL's lines, or the one JSON value itself."""
        if isinstance(self.document, list):
            return tuple((f"[{i}]", item) for i, item in enumerate(self.document))
        if self.document is not None:
            return (("", self.document),)
        if self.head is None:  # not even the first line is JSON: this is a JSON text that breaks
            return (("", self.json),)
        return tuple(self._parsed_lines())

    def _parsed_lines(self) -> Iterator[tuple[str, Any]]:
        for number, line in self.lines:
            try:
                yield f"line {number}", parse_json(line)
            except TraceError as error:
                raise TraceError(error.problem, place=f"line {number}, {error.place}") from None


def parse_json(text: str) -> Any:
    """One JSON value. Raises TraceError, never another, whatever the text is."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise TraceError(f"not valid JSON: {error.msg}", place=f"line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise TraceError("not readable JSON: nested too deep") from None
    except ValueError as error:  # an integer of thousands of digits
        raise TraceError(f"not valid JSON: {error}", place="a number") from None


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise TraceError(f"{size / 2**20:.0f} MB is over the limit of {limit / 2**20:.0f} MB for one input")


def _gunzip(data: bytes, limit: int) -> bytes:
    """Unpack gzip, stopping as soon as the output passes the limit (so that a bomb costs no more than that)."""
    out, rest = bytearray(), data
    while rest.startswith(b"\x1f\x8b"):
        unpacker = zlib.decompressobj(wbits=31)
        try:
            out += unpacker.decompress(rest, limit + 1 - len(out))
        except zlib.error as error:
            raise TraceError(f"broken gzip: {error}") from None
        if len(out) > limit:
            raise TraceError(f"unpacks to more than the limit of {limit / 2**20:.0f} MB for one input")
        if not unpacker.eof:
            raise TraceError("broken gzip: it ends in the middle")
        rest = unpacker.unused_data
    return bytes(out)
