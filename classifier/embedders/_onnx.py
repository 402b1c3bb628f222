"""A sentence-transformers model exported to ONNX once, then run by onnxruntime without torch.

The graph takes token ids only: texts are run in batches of equal token count, so there is no padding and no
attention mask. That wastes no work, and it makes a text's vector independent of its companions in the batch.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import warnings
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.embedders import EmbedderError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

BATCH_TOKENS = 2048  # per run; larger batches are no faster on a CPU and cost memory
PROBES = ("", "Traceback (most recent call last):", "I will search the web for the opening hours. " * 60)
LEAST_COSINE = 0.999


class OnnxEmbedder:
    """Runs an exported model. The session is opened at the first text, so a run that finds all in the cache never is.

    `folder` holds model.onnx, tokenizer.json and meta.json as `export` wrote them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        meta = json.loads((folder / "meta.json").read_text())
        self.name: str = meta["name"]
        self.dim: int = meta["dim"]
        self._max_tokens: int = meta["max_tokens"]
        self._loaded: tuple[Any, Any] | None = None

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit rows of shape (len(texts), dim); see `Embedder.embed`. Equal texts are run once."""
        out = np.zeros((len(texts), self.dim), np.float32)
        if not len(texts):
            return out
        tokenizer, session = self._loaded = self._loaded or self._load()
        places: dict[str, list[int]] = defaultdict(list)
        for place, text in enumerate(texts):
            places[text.strip()].append(place)  # sentence-transformers strips too
        unique = list(places)
        by_length: dict[int, list[tuple[str, list[int]]]] = defaultdict(list)
        for text, encoding in zip(unique, tokenizer.encode_batch_fast(unique), strict=True):
            by_length[len(encoding.ids)].append((text, encoding.ids))
        for length, rows in sorted(by_length.items()):
            size = max(1, BATCH_TOKENS // length)
            for start in range(0, len(rows), size):
                batch = rows[start : start + size]
                ids = np.array([row for _, row in batch], dtype=np.int64)
                for (text, _), vector in zip(batch, session.run(None, {"input_ids": ids})[0], strict=True):
                    out[places[text]] = vector
        return out

    def _load(self) -> tuple[Any, Any]:
        import onnxruntime  # noqa: PLC0415 - only where a text is not in the cache
        from tokenizers import Tokenizer  # noqa: PLC0415

        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(self._max_tokens)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads()
        options.enable_mem_pattern = False  # patterns are per shape, and every token count is a shape
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting must not burn a core
        path = str(self._folder / "model.onnx")
        return tokenizer, onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def threads() -> int:
    """Threads of one run: $OMP_NUM_THREADS, else the cores this process may use, at most 8."""
    chosen = os.environ.get("OMP_NUM_THREADS", "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(chosen) if chosen.isdecimal() and int(chosen) > 0 else min(cores, 8)


def is_whole(folder: Path) -> bool:
    """Tell whether an export lies in `folder` and its files have the sizes that it noted.

    Sizes, not digests: a full digest of 90 MB costs a quarter second at every start, and the folder comes into
    being by one rename, so a file cut short is what can be expected to go wrong.
    """
    try:
        sizes = json.loads((folder / "meta.json").read_text())["sizes"]
        return all((folder / file).stat().st_size == size for file, size in sizes.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def export(load: Callable[[], Any], name: str, folder: Path) -> None:
    """Write the SentenceTransformer that `load` returns as model.onnx, tokenizer.json and meta.json into `folder`.

    Does nothing where an export is there already. The folder comes into being by one rename, under a lock: of two
    processes that start at once, the second waits and uses what the first wrote. Raises EmbedderError where the
    exported model's vectors are not those of sentence-transformers.
    """
    from filelock import FileLock  # noqa: PLC0415 - first use only

    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f"{folder.name}.lock"):
        if is_whole(folder):
            return
        shutil.rmtree(folder, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as parent:
            work = Path(parent) / "model"
            work.mkdir()
            model = load()
            _trace(model, work / "model.onnx")
            model.tokenizer.backend_tokenizer.save(str(work / "tokenizer.json"))
            sizes = {file.name: file.stat().st_size for file in sorted(work.iterdir())}
            dim, tokens = model.get_embedding_dimension(), model.get_max_seq_length()
            meta = {"name": name, "dim": dim, "max_tokens": tokens, "sizes": sizes}
            (work / "meta.json").write_text(json.dumps(meta))
            _check(model, OnnxEmbedder(work))
            work.rename(folder)


def _trace(model: Any, file: Path) -> None:
    import torch  # noqa: PLC0415 - first use only

    class FromIds(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model  # as a part of this module its weights become the graph's

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            vectors = self.model({"input_ids": ids, "attention_mask": torch.ones_like(ids)})["sentence_embedding"]
            return torch.nn.functional.normalize(vectors, p=2, dim=1)

    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own age and of every shape it reads; _check judges
        torch.onnx.export(
            FromIds().eval(),
            (torch.tensor([[101, 2023, 2003, 102], [101, 2023, 2004, 102]]),),  # any ids: only their shape counts
            str(file),
            input_names=["input_ids"],
            output_names=["vectors"],
            dynamic_axes={"input_ids": {0: "texts", 1: "tokens"}, "vectors": {0: "texts"}},
            opset_version=17,
            dynamo=False,  # the newer exporter needs onnxscript
        )


def _check(model: Any, exported: OnnxEmbedder) -> None:
    expected = model.encode(list(PROBES), normalize_embeddings=True, show_progress_bar=False)
    cosine = float((exported.embed(PROBES) * expected).sum(axis=1).min())
    if not cosine >= LEAST_COSINE:
        raise EmbedderError(f"the ONNX export disagrees with sentence-transformers: cosine {cosine:.4f} on a probe")


def sentence_transformer(name: str) -> Any:
    """Load a model on the CPU, quietly. Eager attention, since the exporter knows it best."""
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - first use only
    from transformers.utils import logging  # noqa: PLC0415

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    return SentenceTransformer(name, device="cpu", model_kwargs={"attn_implementation": "eager"})
