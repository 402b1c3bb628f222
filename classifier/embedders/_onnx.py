"""A sentence-transformers model exported to ONNX once, then run by onnxruntime without torch.

Every text is run by itself, several at a time in threads. So there is no padding and no attention mask, and a text's
vector does not depend on its companions: a batch of eight gives other last bits than eight texts one by one, even
where all have the same length. On a CPU that costs nothing from some 16 tokens on, and saves the memory of a batch.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.embedders import EmbedderError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

PROBES = (
    "",
    "I will search the web for the opening hours. " * 60,
    "Traceback (most recent call last): KeyError: 'price'. I will load the file again and look at its columns first.",
)
LEAST_COSINE = 0.999
LEAST_COSINE_QUANTISED = 0.998  # 0.9995 on average; far less where a processor's 8-bit products overflow
USUAL_TOKENS = 512  # where a model states no limit
HEAD = 4096  # characters that are all but sure to hold the 256 tokens that are read


class OnnxEmbedder:
    """Runs an exported model. The session is opened at the first text, so a run that finds all in the store never is.

    `folder` holds model.onnx, tokenizer.json and meta.json as `export` wrote them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._meta = json.loads((folder / "meta.json").read_text())
        self.name: str = self._meta["name"]
        self.dim: int = self._meta["dim"]
        self._session: _Session | None = None

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit rows of shape (len(texts), dim); see `Embedder.embed`. Equal texts are run once.

        Raises EmbedderError where a quantised model, exported elsewhere, does not compute right on this processor.
        """
        unique = list(dict.fromkeys(texts))
        if not unique:
            return np.zeros((0, self.dim), np.float32)
        session = self._session = self._session or self._open()
        if len(unique) > 1 and threads() > 1:
            with ThreadPoolExecutor(min(threads(), len(unique))) as pool:
                vectors = dict(zip(unique, pool.map(session.run, unique), strict=True))
        else:
            vectors = {text: session.run(text) for text in unique}
        return np.array([vectors[text] for text in texts], np.float32)

    def _open(self) -> _Session:
        session = _Session(self._folder, self._meta["max_tokens"])
        if proof := self._meta["proof"]:
            cosine = float(session.run(PROBES[-1]) @ np.array(proof))
            if not cosine >= LEAST_COSINE_QUANTISED:
                raise EmbedderError(f"{self.name} does not compute right on this processor: cosine {cosine:.4f}")
        return session


class _Session:
    """An opened model and its tokenizer."""

    def __init__(self, folder: Path, max_tokens: int) -> None:
        import onnxruntime  # noqa: PLC0415 - only where a text is not in the store
        from tokenizers import Tokenizer  # noqa: PLC0415

        self._max_tokens = max_tokens
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens)
        self._splits_at_spaces = type(self._tokenizer.pre_tokenizer).__name__ == "BertPreTokenizer"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # the threads are `embed`'s: a core per text keeps all cores busier
        options.enable_mem_pattern = False  # patterns are per shape, and every token count is a shape
        path = str(folder / "model.onnx")
        self._model = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(self, text: str) -> NDArray[np.float32]:
        """Return the text's vector, shape (dim,)."""
        ids = _ids(self._tokenizer, text, self._max_tokens, may_cut=self._splits_at_spaces)
        vector: NDArray[np.float32] = self._model.run(None, {"input_ids": np.array([ids], np.int64)})[0][0]
        return vector


def _ids(tokenizer: Any, text: str, most: int, *, may_cut: bool) -> list[int]:
    """Return the token ids of `text`, at most `most`; reads only its head where that gives the same.

    Where tokens never span a space, a head that ends before one has the tokens of the whole, up to its end: if they
    fill the limit already, the rest need not be read. Steps of a megabyte (web pages, logs) occur.
    """
    cut = text.rfind(" ", 0, HEAD) if may_cut and len(text) > HEAD else -1
    for part in (text[:cut], text) if cut > 0 else (text,):
        # a lone surrogate, as JSON escapes can make, has no UTF-8 form
        ids: list[int] = tokenizer.encode(part.encode("utf-8", "replace").decode()).ids
        if len(ids) == most:
            break
    return ids


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


def export(load: Callable[[], tuple[str, Any]], folder: Path, *, quantised: bool = False) -> None:
    """Write the SentenceTransformer that `load` returns, with its name, as an ONNX model into `folder`.

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
            name, model = load()
            _trace(model, work / "model.onnx")
            if quantised:
                from classifier.embedders._quantise import TYPICAL, quantise  # noqa: PLC0415 - needs onnx

                quantise(work / "model.onnx", [model.tokenizer(text)["input_ids"] for text in TYPICAL])
            model.tokenizer.backend_tokenizer.save(str(work / "tokenizer.json"))
            sizes = {file.name: file.stat().st_size for file in sorted(work.iterdir())}
            expected = model.encode(list(PROBES), normalize_embeddings=True, show_progress_bar=False)
            meta = {
                "name": name,
                "dim": model.get_embedding_dimension(),
                "max_tokens": model.get_max_seq_length() or USUAL_TOKENS,
                "sizes": sizes,
                "proof": expected[-1].tolist() if quantised else None,  # 8-bit products overflow on some processors
            }
            (work / "meta.json").write_text(json.dumps(meta))
            cosine = float((OnnxEmbedder(work).embed(PROBES) * expected).sum(axis=1).min())
            if not cosine >= (LEAST_COSINE_QUANTISED if quantised else LEAST_COSINE):
                raise EmbedderError(f"{name} does not compute right on this processor once exported: {cosine:.4f}")
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
        warnings.simplefilter("ignore")  # of the exporter, of its own age and every shape it reads; the probes judge
        torch.onnx.export(
            FromIds().eval(),
            (torch.tensor([[1, 2, 3, 4], [1, 2, 4, 3]]),),  # any ids: only their shape counts
            str(file),
            input_names=["input_ids"],
            output_names=["vectors"],
            dynamic_axes={"input_ids": {0: "texts", 1: "tokens"}, "vectors": {0: "texts"}},
            opset_version=17,
            dynamo=False,  # the newer exporter needs onnxscript
        )


def sentence_transformer(name: str) -> Any:
    """Load a model on the CPU, quietly. Eager attention, since the exporter knows it best."""
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - first use only
    from transformers.utils import logging  # noqa: PLC0415

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    return SentenceTransformer(name, device="cpu", model_kwargs={"attn_implementation": "eager"})
