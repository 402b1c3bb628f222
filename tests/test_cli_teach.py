"""What a judge teaches an index, from the command line, by the answers of a server on loopback."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest
from judged_runs import SLIPS, TAXONOMY, Hashed, answer, classifier, trace, write
from model_server import ModelServer
from typer.testing import CliRunner, Result

from classifier import annotation, cli, teach, terminal
from classifier.annotation import Annotation
from classifier.diagnosis import Familiarity, Provenance
from classifier.index import Index
from classifier.pipeline import Classifier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # see test_cli_judge
MODEL = "openai/test-model"
CAUSES = tuple(SLIPS)
COUNT = 18


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-tests")


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(answer) as running:
        yield running
    gc.collect()


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Runs of a system that the index does not know."""
    return write(tmp_path / "logs", [trace(300 + n, CAUSES[n % 3], "beta") for n in range(COUNT)])


def run(*arguments: object) -> Result:
    tools = terminal.Tools(load=lambda *_: classifier(wrong=0))
    told = [str(each) for each in arguments]
    return CliRunner().invoke(cli.app, [*told, "--judge", MODEL], obj=tools, catch_exceptions=False)


def test_opinions_on_record_teach_a_new_system_and_a_persons_label_takes_their_place(
    logs: Path, tmp_path: Path, server: ModelServer
) -> None:
    store, out = tmp_path / "calls.sqlite3", tmp_path / "local.npz"
    asked = run("classify", "--json", logs, "--judge-store", store, "--judge-base", server.base)
    assert asked.exit_code == 0, asked.stderr
    calls = len(server.seen)
    taught = run("judge", "teach", logs, "--judge-store", store, "--out", out)
    assert taught.exit_code == 0, taught.stderr
    assert len(server.seen) == calls  # nothing is sent
    assert f"0 are labelled by people and {COUNT} by {MODEL}" in taught.stderr
    local = Index.load(out)
    assert teach.counts(local)["beta", Provenance.MODEL, True] == COUNT

    before, after = (
        Classifier(Hashed(), index, TAXONOMY).classify(trace(500, "E1.1", "beta"))
        for index in (classifier(wrong=0).index, local)
    )
    assert before.familiarity is not Familiarity.KNOWN
    assert after.candidates[0].cause == "E1.1"
    assert any(neighbour.provenance is Provenance.MODEL for neighbour in after.neighbours)

    people = [
        Annotation(trace=f"beta-{300 + n}", annotator="ann", provenance=Provenance.HUMAN, cause="R1", step=2)
        for n in range(2)
    ]
    annotation.write(logs / "annotations.jsonl", people)
    corrected = run("judge", "teach", logs, "--judge-store", store, "--out", out)
    assert corrected.exit_code == 0, corrected.stderr
    held = {label.run: label for label in Index.load(out).runs}
    assert (held["beta-300"].cause, held["beta-300"].provenance) == ("R1", Provenance.HUMAN)
    assert held["beta-303"].cause == CAUSES[0]
    assert held["beta-303"].weight < 1


def test_where_nothing_is_on_record_nothing_is_taught(logs: Path, tmp_path: Path) -> None:
    out = tmp_path / "local.npz"
    result = run("judge", "teach", logs, "--judge-store", tmp_path / "none.sqlite3", "--out", out)
    assert result.exit_code == 1
    assert "no answer on record" in result.stderr
    assert not out.exists()
