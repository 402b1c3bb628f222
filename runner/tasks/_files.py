"""Files: how the tasks write what they start from, in the same bytes everywhere."""

from __future__ import annotations

import csv
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

PYTHON = "Python 3 with numpy, pandas, scipy and scikit-learn is installed. There is no network."
SHELL = "Python 3 and a POSIX shell with the usual tools are there. There is no network."
_BLOCK = 0xFFFF  # the largest stored block of DEFLATE (RFC 1951, 3.2.4)


def table(
    path: Path,
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    delimiter: str = ",",
    encoding: str = "utf-8",
) -> None:
    """Write a CSV file. Give decimals as text: what a float looks like is the writer's choice, not csv's."""
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def text(path: Path, content: str) -> None:
    """Write UTF-8 with line feeds on every platform, making the folder where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8", newline="\n")


def gz(data: bytes) -> bytes:
    """Return a gzip file (RFC 1952) of stored blocks: what compression makes of data depends on the zlib at hand."""
    out = [b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"]
    for start in range(0, max(len(data), 1), _BLOCK):
        block = data[start : start + _BLOCK]
        last = start + _BLOCK >= len(data)
        out += [bytes([last]), len(block).to_bytes(2, "little"), (len(block) ^ _BLOCK).to_bytes(2, "little"), block]
    out += [zlib.crc32(data).to_bytes(4, "little"), (len(data) & 0xFFFFFFFF).to_bytes(4, "little")]
    return b"".join(out)
