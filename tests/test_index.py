import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from invented_runs import runs

from classifier.index import Index, IndexRefusedError, unit


def _index(count: int = 6) -> Index:
    labelled = runs(count).labelled
    vectors = unit(np.random.default_rng(1).normal(size=(count, 4)))
    return Index(
        embedder="minilm-1",
        taxonomy="abc",
        runs=tuple(labelled),
        vectors=vectors,
        agents={"beta": ("coder", "planner"), "alpha": ("judge",)},
        arrays={"causes/bias": np.arange(3.0), "causes/names": np.array(["x", "é"])},
    )


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    index = _index()
    index.save(tmp_path / "i.npz")
    loaded = Index.load(tmp_path / "i.npz", embedder="minilm-1", taxonomy="abc")
    assert loaded.runs == index.runs
    assert np.array_equal(loaded.vectors, index.vectors)
    assert loaded.agents == index.agents
    assert list(loaded.group("causes")["names"]) == ["x", "é"]
    assert loaded.version == index.version


def test_the_same_content_is_the_same_bytes_whatever_the_order_it_was_given_in() -> None:
    index = _index()
    other = Index(
        embedder=index.embedder,
        taxonomy=index.taxonomy,
        runs=index.runs,
        vectors=index.vectors,
        agents={"alpha": ("judge",), "beta": ("planner", "coder")},
        arrays=dict(reversed(index.arrays.items())),
    )
    assert other.to_bytes() == index.to_bytes()


def test_any_change_of_content_changes_the_version() -> None:
    index = _index()
    arrays = {**index.arrays, "causes/bias": np.arange(3.0) + 1e-3}
    changed = Index(index.embedder, index.taxonomy, index.runs, index.vectors, index.agents, arrays)
    assert changed.version != index.version


def test_nearest_is_the_exact_cosine_search() -> None:
    index = _index()
    query = np.array([1.0, -2.0, 0.5, 3.0])
    cosines = index.vectors @ (query / np.linalg.norm(query))
    found = index.nearest(query, 3)
    assert [neighbour.labelled.run for neighbour in found] == [index.runs[i].run for i in np.argsort(-cosines)[:3]]
    assert found[0].similarity == pytest.approx(float(cosines.max()), abs=1e-6)


def test_a_zero_vector_has_no_neighbours() -> None:
    assert _index().nearest(np.zeros(4), 3) == ()


def test_added_runs_replace_those_of_their_id_and_void_what_was_fitted() -> None:
    index = _index(3)
    again = index.runs[1].model_copy(update={"cause": "E3"})
    grown = index.add([again], np.array([[0.0, 0.0, 3.0, 0.0]]))
    assert [run.cause for run in grown.runs if run.run == again.run] == ["E3"]
    assert len(grown.runs) == 3
    assert grown.vectors[-1].tolist() == [0, 0, 1, 0]
    assert grown.arrays == {}


@pytest.mark.parametrize(("what", "wanted"), [("embedder", "other"), ("taxonomy", "mast")])
def test_an_index_made_with_another_embedder_or_taxonomy_is_refused(tmp_path: Path, what: str, wanted: str) -> None:
    _index().save(tmp_path / "i.npz")
    with pytest.raises(IndexRefusedError, match=f"{what}.*coroner train") as refusal:
        Index.load(tmp_path / "i.npz", **{what: wanted})
    assert str(tmp_path / "i.npz") in str(refusal.value)


def test_a_file_that_is_not_there_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(IndexRefusedError, match="coroner train"):
        Index.load(tmp_path / "none.npz")


@pytest.mark.parametrize("data", [b"", b"not a zip", _index().to_bytes()[:-40], _index().to_bytes()[:200]])
def test_damaged_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(IndexRefusedError):
        Index.from_bytes(data)


def test_an_index_of_another_layout_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(_index().to_bytes())) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data.replace(b'"version": 1', b'"version": 0') if name == "meta.json" else data)
    with pytest.raises(IndexRefusedError, match="layout 0"):
        Index.from_bytes(out.getvalue())


def test_pickled_arrays_are_never_loaded() -> None:
    member = io.BytesIO()
    np.save(member, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(_index().to_bytes())) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, member.getvalue() if name == "causes/bias.npy" else old.read(name))
    with pytest.raises(IndexRefusedError):
        Index.from_bytes(out.getvalue())


def test_as_many_vectors_as_runs() -> None:
    with pytest.raises(ValueError, match="as many vectors"):
        Index("e", "t", tuple(runs(2).labelled), np.zeros((3, 4), dtype=np.float32))
