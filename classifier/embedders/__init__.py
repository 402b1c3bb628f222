"""Texts -> vectors. One file per backend, each with `build(model, folder) -> Embedder`; this folder is the registry.

A spec is `BACKEND` or `BACKEND:MODEL`: `minilm`, `hashing:1024`, `st:intfloat/e5-small-v2`. Files whose names begin
with an underscore are what the backends share.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

DEFAULT = "minilm"
EXPORT = 2  # raise it when the way of exporting changes: models and vectors in the cache are then made anew


class EmbedderError(ValueError):
    """An embedder that does not exist, or a model that is not the one asked for."""


class Embedder(Protocol):
    """Turns texts into vectors whose dot product is their cosine.

    `name` is a spec that builds this very embedder again (`build(e.name).name == e.name`) and holds a fingerprint of
    the model, so that an index can refuse another. `dim` is the length of a vector.
    """

    @property
    def name(self) -> str:
        """Spec with the model's fingerprint, for example `minilm:53aa51172d14`."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit row per text, shape (len(texts), dim).

        On one machine equal texts give equal bytes, whatever else is in the call. A text longer than the model
        reads is cut at its end (minilm: 256 tokens, about 1,000 characters of English); splitting is the caller's.
        """


def names() -> tuple[str, ...]:
    """Backends in this folder, sorted."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")))


def cache_folder() -> Path:
    """Where exported models and vectors are kept: $CORONER_CACHE, else the user's cache folder."""
    if chosen := os.environ.get("CORONER_CACHE"):
        return Path(chosen)
    from platformdirs import user_cache_path  # noqa: PLC0415 - not needed where the variable is set

    return user_cache_path("coroner", appauthor=False)


def build(spec: str = DEFAULT, folder: Path | None = None, *, cache: bool = True) -> Embedder:
    """Build the embedder that `spec` names. `folder` replaces `cache_folder()`; cache=False keeps no vectors on disk.

    Vectors lie beside the models unless $CORONER_VECTORS names another folder: in an image models are only read.
    Raises EmbedderError for a backend that is not in this folder, and for a model that cannot be had or differs
    from the fingerprint in `spec`.
    """
    backend, _, model = spec.partition(":")
    if backend not in names():
        raise EmbedderError(f"no embedder named {backend!r}; there are: {', '.join(names())}")
    vectors = folder or Path(os.environ.get("CORONER_VECTORS") or cache_folder())
    folder = folder or cache_folder()
    embedder: Embedder = importlib.import_module(f"{__name__}.{backend}").build(model, folder)
    if not cache or backend == "hashing":  # hashing a text is quicker than looking its vector up
        return embedder
    from classifier.embedders._store import Remembering  # noqa: PLC0415 - the store needs numpy and sqlite

    return Remembering(embedder, vectors / f"vectors-{EXPORT}.sqlite")
