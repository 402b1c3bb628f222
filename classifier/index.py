"""Index: the labelled runs that vote, with exact cosine search, and the arrays of what was fitted on them.

One file, an uncompressed .npz: what a stored index holds are ids, labels, vectors and weights, never a run's text.
The same content is written as the same bytes. It says which embedder and which taxonomy it was made with, and is
refused with others: distances between vectors of two models, or votes for causes of two taxonomies, mean nothing.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from classifier.diagnosis import Provenance
from classifier.trace import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

VERSION = 1  # of the file's layout
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the time stamp of every member, so that the same content is the same bytes
_META, _VECTORS = "meta.json", "vectors"


class IndexRefusedError(ValueError):
    """An index that cannot be used here. Says why and what to do."""


class Labelled(Frozen):
    """A labelled run as the index holds it. `step` is a `Step.index`, `cause` an id of the taxonomy (None: unknown).

    `weight` (0 to 1) is what the label counts for beside one that is sure.
    """

    run: str
    system: str
    group: str
    step: int | None
    cause: str | None
    provenance: Provenance
    weight: float = Field(default=1.0, ge=0, le=1)


class Neighbour(NamedTuple):
    """A labelled run with the cosine (-1 to 1) of its vector to the query."""

    labelled: Labelled
    similarity: float


@dataclass(frozen=True)
class Index:
    """Labelled runs and their vectors (n, d), of unit length; `arrays` hold fitted models by name.

    `embedder` and `taxonomy` identify (name, or digest) what the vectors and causes come from. `agents` are the names
    of the agents seen in each system.
    """

    embedder: str
    taxonomy: str
    runs: tuple[Labelled, ...]
    vectors: NDArray[np.float32]
    agents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.runs):
            raise ValueError(f"{len(self.runs)} labelled runs need as many vectors, got {self.vectors.shape}")

    def nearest(self, vector: NDArray[np.floating], k: int = 5) -> tuple[Neighbour, ...]:
        """Return the k labelled runs of largest cosine to `vector` (d,), nearest first, in stored order on a tie."""
        length = float(np.linalg.norm(vector))
        if length == 0 or not self.runs:
            return ()
        cosines = np.clip(self.vectors @ (np.asarray(vector, dtype=np.float32) / length), -1, 1)
        best = np.argsort(-cosines, kind="stable")[:k]
        return tuple(Neighbour(self.runs[i], float(cosines[i])) for i in best)

    def add(self, runs: Sequence[Labelled], vectors: NDArray[np.floating]) -> Index:
        """Return an index that also holds `runs`; one of an id that it holds replaces it. Fitted arrays are dropped."""
        new = {run.run for run in runs}
        kept = [i for i, run in enumerate(self.runs) if run.run not in new]
        return Index(
            embedder=self.embedder,
            taxonomy=self.taxonomy,
            runs=(*(self.runs[i] for i in kept), *runs),
            vectors=np.vstack([self.vectors[kept], unit(vectors)]),
            agents=self.agents,
        )

    def group(self, name: str) -> dict[str, NDArray[np.generic]]:
        """Return the arrays stored as `name/...`, without the prefix."""
        return {key.removeprefix(f"{name}/"): value for key, value in self.arrays.items() if key.startswith(f"{name}/")}

    @cached_property
    def version(self) -> str:
        """Twelve digits that change with any content."""
        return hashlib.sha256(self.to_bytes()).hexdigest()[:12]

    def to_bytes(self) -> bytes:
        """Return the file's bytes: the same for the same content."""
        meta = {
            "version": VERSION,
            "embedder": self.embedder,
            "taxonomy": self.taxonomy,
            "agents": {system: sorted(names) for system, names in self.agents.items()},
            "runs": [run.model_dump(mode="json") for run in self.runs],
        }
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as file:
            _put(file, _META, json.dumps(meta, sort_keys=True, ensure_ascii=False).encode())
            for name, value in sorted({**self.arrays, _VECTORS: self.vectors.astype(np.float32)}.items()):
                member = io.BytesIO()
                np.lib.format.write_array(member, np.asarray(value, order="C"), allow_pickle=False)
                _put(file, f"{name}.npy", member.getvalue())
        return out.getvalue()

    def save(self, path: Path) -> None:
        """Write the index, whole or not at all."""
        partial = path.with_name(path.name + ".partial")
        partial.write_bytes(self.to_bytes())
        partial.replace(path)

    @classmethod
    def load(cls, path: Path, *, embedder: str | None = None, taxonomy: str | None = None) -> Index:
        """Read an index. Raises IndexRefusedError where it was made with another embedder or taxonomy, or is none."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise IndexRefusedError(
                f"{path}: {error.strerror or error}; build one with `coroner train`, or name one with --index"
            ) from error
        return cls.from_bytes(data, name=str(path), embedder=embedder, taxonomy=taxonomy)

    @classmethod
    def from_bytes(
        cls, data: bytes, *, name: str = "<bytes>", embedder: str | None = None, taxonomy: str | None = None
    ) -> Index:
        """Read what `to_bytes` gave; see `load`."""
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as file:
                meta = json.loads(file.read(_META))
                if meta["version"] != VERSION:
                    raise IndexRefusedError(
                        f"{name}: layout {meta['version']}, this coroner reads {VERSION}; rebuild it: `coroner train`"
                    )
                arrays = {
                    member.removesuffix(".npy"): _get(file, member) for member in file.namelist() if member != _META
                }
            runs = TypeAdapter(tuple[Labelled, ...]).validate_python(meta["runs"])
            made = {"embedder": (str(meta["embedder"]), embedder), "taxonomy": (str(meta["taxonomy"]), taxonomy)}
            agents = {str(system): tuple(map(str, names)) for system, names in meta["agents"].items()}
            vectors = np.asarray(arrays.pop(_VECTORS), dtype=np.float32)
        except (zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError, ValidationError) as error:
            if isinstance(error, IndexRefusedError):
                raise
            raise IndexRefusedError(f"{name}: not an index, or a damaged one; rebuild it: `coroner train`") from error
        for what, (its, wanted) in made.items():
            if wanted is not None and its != wanted:
                raise IndexRefusedError(
                    f"{name}: made with the {what} {its!r}, not {wanted!r}; "
                    f"use that {what}, or rebuild the index: `coroner train --{what} {wanted}`"
                )
        return cls(made["embedder"][0], made["taxonomy"][0], runs, vectors, agents, arrays)


def is_taught(run: Labelled) -> bool:
    """Say whether a label of an index is a judge's opinion that nobody has vouched for."""
    return run.provenance is Provenance.MODEL and run.weight < 1


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Scale rows (n, d) to length 1; a zero row stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def middles(runs: Iterable[NDArray[np.floating]]) -> NDArray[np.float32]:
    """Return where runs lie (n, d): the mean of the vectors (steps, d) of each one's steps, of unit length."""
    return unit(np.array([vectors.mean(axis=0) for vectors in runs]))


def _put(file: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.external_attr = 0o644 << 16
    file.writestr(info, data)


def _get(file: zipfile.ZipFile, name: str) -> NDArray[np.generic]:
    with file.open(name) as member:
        array: NDArray[np.generic] = np.lib.format.read_array(member, allow_pickle=False)
    return array
