"""Blobs: bytes kept once by their hash, compressed, for as long as a run or an input of a batch refers to them."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, select

from service.storage._rows import inserting
from service.storage.schema import BlobRow, ItemRow, TraceRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

LEVEL = 6  # of zlib
AT_ONCE = 500  # rows of a statement


class Packed(NamedTuple):
    """Bytes as they are kept. `digest` is the SHA-256, and `size` the length, of what they unpack to."""

    digest: str
    size: int
    data: bytes


def packed(data: bytes, level: int = LEVEL) -> Packed:
    """Compress bytes."""
    return Packed(hashlib.sha256(data).hexdigest(), len(data), zlib.compress(data, level))


def keep(session: Session, data: bytes) -> int:
    """Store bytes once, by their hash; return the id of the blob."""
    one = packed(data)
    return keep_all(session, [one])[one.digest]


def keep_all(session: Session, several: Iterable[Packed]) -> dict[str, int]:
    """Store several, at most `AT_ONCE`; return their ids by their hashes.

    Until the transaction ends nobody can delete them, though nothing refers to them yet (see `sweep`).
    """
    rows = {one.digest: {"digest": one.digest, "size": one.size, "data": one.data} for one in several}
    found: dict[str, int] = {}
    while left := [rows[digest] for digest in sorted(rows.keys() - found.keys())]:  # sorted: no two wait for each other
        session.execute(inserting(session, BlobRow).on_conflict_do_nothing(index_elements=["digest"]), left)
        wanted = select(BlobRow.digest, BlobRow.id).where(BlobRow.digest.in_([each["digest"] for each in left]))
        locked = wanted.order_by(BlobRow.digest).with_for_update(read=True, key_share=True)
        found |= dict(session.execute(locked).all())
    return found


def read(session: Session, blob_id: int) -> bytes:
    """Return the bytes of a blob."""
    return zlib.decompress(session.execute(select(BlobRow.data).where(BlobRow.id == blob_id)).scalar_one())


def sweep(session: Session, ids: Iterable[int | None]) -> None:
    """Delete those of the blobs that nothing refers to any more."""
    wanted = sorted({one for one in ids if one is not None})
    for start in range(0, len(wanted), AT_ONCE):
        few = wanted[start : start + AT_ONCE]
        # whoever is about to refer to one holds it; when they have ended, the next statement sees what they did
        session.execute(select(BlobRow.id).where(BlobRow.id.in_(few)).order_by(BlobRow.digest).with_for_update())
        held = (select(table.blob_id).where(table.blob_id.in_(few)) for table in (TraceRow, ItemRow))
        free = set(few).difference(*(session.scalars(each) for each in held))
        session.execute(delete(BlobRow).where(BlobRow.id.in_(free)))
