"""Parcels: the inputs of a batch on their way into the database, compressed, in a file.

Memory stays flat however much is sent, and the transaction that stores it is short: on SQLite all others wait for it.
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, NamedTuple, Self

from classifier.trace import Frozen
from service.storage._rows import clean, digest
from service.storage.blobs import Packed, packed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

IN_MEMORY = 2**20  # bytes; the rest lies in a file
FAST = 1  # zlib's level: an input is kept until it has been read


class Input(Frozen):
    """What a batch is made of: bytes still to be read, or a stored run by its uid."""

    name: str
    data: bytes | None = None
    run: str | None = None


class Entry(NamedTuple):
    """An input in a parcel. `digest` is that of its bytes."""

    name: str
    run: str | None
    digest: str | None


class Parcel:
    """Inputs in their order. A context manager: its file is gone in the end."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._places: dict[str, tuple[int, int, int]] = {}  # by digest: where it begins, ends, and its size unpacked
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed by `__exit__`

    @classmethod
    def of(cls, inputs: Iterable[Input]) -> Self:
        """Return a parcel of inputs."""
        parcel = cls()
        try:
            for each in inputs:
                parcel.add(each)
        except BaseException:
            parcel.close()
            raise
        return parcel

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file."""
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def add(self, each: Input) -> None:
        """Put an input in."""
        one = packed(each.data, FAST) if each.data is not None else None
        if one is not None and one.digest not in self._places:
            begin = self._file.seek(0, 2)
            self._file.write(one.data)
            self._places[one.digest] = (begin, begin + len(one.data), one.size)
        self.entries.append(Entry(clean(each.name), each.run, one.digest if one is not None else None))

    def digest(self, name: str) -> str:
        """Return the hash of a batch of this name with these inputs."""
        return digest(name, *(part or "" for each in self.entries for part in each))

    def packed(self) -> Iterator[Packed]:
        """Give what the inputs hold, each once, in the order of the digests."""
        for one, (begin, end, size) in sorted(self._places.items()):
            self._file.seek(begin)
            yield Packed(one, size, self._file.read(end - begin))
