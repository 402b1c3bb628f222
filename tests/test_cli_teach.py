"""What a judge teaches an index, from the command line, by the answers of a server on loopback."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import numpy as np
import pytest
from judged_runs import SLIPS, TAXONOMY, Hashed, answer, classifier, trace, write
from model_server import ModelServer
from typer.testing import CliRunner, Result

from classifier import annotation, cli, risk, teach, terminal
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
    assert f"{MODEL} is taken to be right in" in taught.stderr
    assert "by 0 opinions that people have checked" in taught.stderr
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


def people(count: int) -> list[Annotation]:
    """Label the first runs, rightly."""
    return [
        Annotation(trace=f"beta-{300 + n}", annotator="ann", provenance=Provenance.HUMAN, cause=CAUSES[n % 3], step=2)
        for n in range(count)
    ]


def test_auto_asks_less_about_a_taught_system_where_its_own_promise_allows_it(
    logs: Path, tmp_path: Path, server: ModelServer
) -> None:
    store, out = tmp_path / "calls.sqlite3", tmp_path / "local.npz"
    assert run("classify", logs, "--judge-store", store, "--judge-base", server.base).exit_code == 0
    new = write(tmp_path / "new", [trace(600 + n, CAUSES[n % 3], "beta") for n in range(12)])

    def calls_by(wrong: float) -> tuple[str, int]:
        """Ask about new runs of the system by the taught index; return what is said and how many are asked about."""
        before = len(server.seen)
        tools = terminal.Tools(load=lambda *_: Classifier(Hashed(), Index.load(out), TAXONOMY))
        told = ["classify", new, "--judge", MODEL, "--risk", wrong, "--judge-base", server.base]
        there = ["--judge-store", tmp_path / f"{before} calls"]
        result = CliRunner().invoke(cli.app, [str(each) for each in (*told, *there)], obj=tools, catch_exceptions=False)
        assert result.exit_code == 0, result.stderr
        return result.stderr, len(server.seen) - before

    taught = run("judge", "teach", logs, "--judge-store", store, "--out", out, "--risk", 0.3)
    assert "beta: No confidence can be named from which at most 30% of the verdicts are wrong" in taught.stderr
    assert f"{COUNT} of them by a judge's word" in taught.stderr
    assert calls_by(0.3)[1] == 12

    annotation.write(logs / "annotations.jsonl", people(COUNT))  # what people say is certain
    taught = run("judge", "teach", logs, "--judge-store", store, "--out", out, "--risk", 0.3)
    assert "beta: From a confidence of" in taught.stderr
    said, asked = calls_by(0.3)
    assert "beta, taught by a judge: From a confidence of" in said
    audited = sum(risk.ask(f"beta-{600 + n}", 1.0, PROMISED) is not None for n in range(12))
    assert asked == audited < 12
    said, asked = calls_by(0.1)
    assert "beta, taught by a judge: No confidence can be named" in said
    assert asked == 12


PROMISED = risk.expect(np.column_stack([np.full(60, 0.5), np.ones(60)]))


def test_where_nothing_is_on_record_nothing_is_taught(logs: Path, tmp_path: Path) -> None:
    out = tmp_path / "local.npz"
    result = run("judge", "teach", logs, "--judge-store", tmp_path / "none.sqlite3", "--out", out)
    assert result.exit_code == 1
    assert "no answer on record" in result.stderr
    assert not out.exists()
