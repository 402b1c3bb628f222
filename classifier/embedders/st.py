"""Any model that sentence-transformers can load, by hub name or folder: `st:intfloat/e5-small-v2`, `st:./my-model`.

It is exported to ONNX at first use like the default model. One that cannot be exported faithfully (no fast tokenizer,
prompts of its own, parts that ONNX lacks) is run by sentence-transformers itself, which imports torch every time.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.embedders import EXPORT, EmbedderError
from classifier.embedders._onnx import OnnxEmbedder, export, is_whole, sentence_transformer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Direct:
    """Runs a model in torch. Texts go one by one, so that a vector does not depend on its companions."""

    def __init__(self, name: str, model: Any) -> None:
        self.name = name
        self.dim: int = model.get_embedding_dimension()
        self._model = model

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit rows of shape (len(texts), dim); see `Embedder.embed`."""
        if not len(texts):
            return np.zeros((0, self.dim), np.float32)
        rows = self._model.encode(list(texts), batch_size=1, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(rows, np.float32)


def build(model: str, folder: Path) -> OnnxEmbedder | Direct:
    """Build the embedder for `NAME` or `NAME@FINGERPRINT`, as its own name reads.

    Raises EmbedderError where the model cannot be loaded or has another fingerprint.
    """
    name, _, fingerprint = model.partition("@")
    if not name:
        raise EmbedderError("st: names a model, for example st:sentence-transformers/all-mpnet-base-v2")
    exported = folder / "onnx" / f"st-{_key(name)}-{EXPORT}"
    found = OnnxEmbedder(exported) if is_whole(exported) else _first_use(name, exported)
    if fingerprint and found.name != f"st:{model}":
        raise EmbedderError(f"{found.name} was found where st:{model} was asked for")
    return found


def _first_use(name: str, exported: Path) -> OnnxEmbedder | Direct:
    try:
        model = sentence_transformer(name)
    except Exception as error:  # the hub, the disk and the model's own code each fail in their own ways
        raise EmbedderError(f"st:{name} cannot be loaded: {error}") from error
    full_name = f"st:{name}@{_fingerprint(model)}"
    try:
        export(lambda: (full_name, model), exported)
        return OnnxEmbedder(exported)
    except Exception:  # noqa: BLE001 - whatever the exporter trips over, the model itself can be run
        return Direct(full_name, model)


def _key(name: str) -> str:
    """Identify a model without loading it: its name and, for a folder, its files' sizes and times."""
    known = name
    if Path(name).is_dir():
        files = sorted(file for file in Path(name).resolve().rglob("*") if file.is_file())
        known += "".join(f"\n{file} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files)
    return hashlib.sha256(known.encode()).hexdigest()[:16]


def _fingerprint(model: Any) -> str:
    """Identify what a model computes: its parts as they print, its weights and its vocabulary."""
    digest = hashlib.sha256(str(model).encode())
    for key, tensor in sorted(model.state_dict().items()):
        digest.update(key.encode() + tensor.cpu().contiguous().numpy().tobytes())
    digest.update(repr(sorted(getattr(model.tokenizer, "get_vocab", dict)().items())).encode())
    return digest.hexdigest()[:12]
