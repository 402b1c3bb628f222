"""Vectors that were computed before, by the hash of their text, in one sqlite file.

The file only saves time: where it cannot be read it is made anew, where it cannot be written it is done without.
"""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.embedders import Embedder

LIMIT = 200_000  # vectors kept; some 350 MB at 384 dimensions
PER_QUERY = 500  # sqlite allowed 999 variables before 3.32
PATIENCE = 5.0  # seconds to wait for another process's write
SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (
  age INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE ON CONFLICT IGNORE, vector BLOB NOT NULL)
"""
NEWEST = "DELETE FROM vectors WHERE age <= (SELECT max(age) FROM vectors) - ?"


class Remembering:
    """An embedder that asks another one only for texts it has not seen. Equal texts are embedded once.

    Safe under threads and concurrent processes. The `limit` newest vectors are kept.
    """

    def __init__(self, embedder: Embedder, file: Path, limit: int = LIMIT) -> None:
        self._embedder, self._file, self._limit = embedder, file, limit
        self.name, self.dim = embedder.name, embedder.dim

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit rows of shape (len(texts), dim); see `Embedder.embed`."""
        keys = [self._key(text) for text in texts]
        known = self._read(set(keys))
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            fresh = dict(zip(missing, self._embedder.embed(list(missing.values())), strict=True))
            self._write(fresh)
            known.update(fresh)
        return np.array([known[key] for key in keys], np.float32).reshape(len(keys), self.dim)

    def _key(self, text: str) -> bytes:
        content = f"{self.name}\0{text}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(content, digest_size=16).digest()

    def _read(self, keys: Collection[bytes]) -> dict[bytes, NDArray[np.float32]]:
        wanted = sorted(keys)
        found: dict[bytes, NDArray[np.float32]] = {}

        def select(base: sqlite3.Connection) -> None:
            for start in range(0, len(wanted), PER_QUERY):
                some = wanted[start : start + PER_QUERY]
                marks = ",".join("?" * len(some))
                rows = base.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", some)  # noqa: S608 - "?,?"
                found.update((key, np.frombuffer(vector, "<f4")) for key, vector in rows if len(vector) == 4 * self.dim)

        self._with_base(select)
        return {key: vector for key, vector in found.items() if abs(float(vector @ vector) - 1) < 1e-3}

    def _write(self, vectors: Mapping[bytes, NDArray[np.float32]]) -> None:
        rows = [(key, vector.astype("<f4").tobytes()) for key, vector in vectors.items()]

        def insert(base: sqlite3.Connection) -> None:
            base.executemany("INSERT INTO vectors (key, vector) VALUES (?, ?)", rows)
            base.execute(NEWEST, (self._limit,))

        self._with_base(insert)

    def _with_base(self, use: Callable[[sqlite3.Connection], None]) -> None:
        """Run `use` in one transaction. Never fails: a lock, a full disk or a broken file cost time, not the answer."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._file, timeout=PATIENCE)) as base, base:
                base.execute("PRAGMA synchronous=OFF")  # a file broken by a power cut is made anew
                base.execute(SCHEMA)
                use(base)
        except (sqlite3.OperationalError, OSError):
            return  # locked, full or not ours to write
        except sqlite3.DatabaseError:
            self._file.unlink(missing_ok=True)  # not a database, or a broken one
