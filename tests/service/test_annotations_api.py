"""What people say of runs: checked, taken back, exported and imported."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from fake_classifier import FakeClassifier
from hubs import open_hub
from runs import run
from starlette.testclient import TestClient

from classifier import agreement, annotation, corpus, evaluation
from classifier.prediction import Prediction
from service.app import create
from service.storage import projects
from service.storage.projects import Role

if TYPE_CHECKING:
    from pathlib import Path

    from service.hub import Hub


@pytest.fixture
def client(hub: Hub) -> TestClient:
    return TestClient(create(hub), base_url="http://localhost")


def put(client: TestClient, name: str = "run-1", task: str = "Count the loans of October.") -> str:
    answer = client.post("/traces?classify=true", content=run(name, task).model_dump_json())
    uid: str = answer.json()[0]["trace"]["uid"]
    return uid


def say(client: TestClient, uid: str, **said: Any) -> dict[str, Any]:
    answer = client.post("/annotations", json={"trace": uid, **said})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def people(hub: Hub, *names: str, role: Role = Role.ANNOTATOR) -> list[TestClient]:
    """Return a client of each person, with a key of theirs."""
    clients = []
    for name in names:
        with hub.database.begin() as session:
            secret = projects.issue(session, projects.ensure(session), name, role)[1]
        one = TestClient(create(hub), base_url="http://localhost", headers={"authorization": f"Bearer {secret}"})
        clients.append(one)
    return clients


def test_a_statement_is_kept_in_the_taxonomys_ids_under_who_said_it(client: TestClient) -> None:
    made = say(client, put(client), cause="e2.2", step=2, note="=1+1")
    kept = made["annotation"]
    assert (kept["cause"], kept["step"], kept["agent"], kept["annotator"]) == ("E2.2", 2, "coder", "local")
    assert (kept["provenance"], made["blind"], made["superseded"]) == ("human", True, None)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, "says nothing"),
        ({"cause": "E9.9"}, "no cause 'E9.9'"),
        ({"cause": "P1", "secondary": ["nonsense"]}, "no cause 'nonsense'"),
        ({"cause": "P1", "step": 7}, "no step 7; it has 0 to 2"),
        ({"cause": "P1", "agent": "Nobody"}, "no agent 'Nobody'"),
    ],
)
def test_a_statement_of_what_is_not_there_is_refused(client: TestClient, said: dict[str, Any], why: str) -> None:
    uid = put(client)
    answer = client.post("/annotations", json={"trace": uid, **said})
    assert answer.status_code == 422
    assert why in answer.json()["detail"]
    assert client.get(f"/traces/{uid}/annotations").json() == []


def test_what_was_said_before_is_superseded_and_undo_brings_it_back(client: TestClient) -> None:
    uid = put(client)
    say(client, uid, cause="P1")
    say(client, uid, cause="E1.1")
    assert client.post(f"/traces/{uid}/annotations/undo").json()["annotation"]["cause"] == "P1"
    assert client.post(f"/traces/{uid}/annotations/undo").json() is None
    assert client.post(f"/traces/{uid}/annotations/undo").status_code == 404
    assert client.get(f"/traces/{uid}/annotations").json() == []
    assert len(client.get(f"/traces/{uid}/annotations?superseded=true").json()) == 3


def test_the_last_word_is_an_admins_and_is_audited(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, keys=True, secure=False)
    [ann] = people(hub, "ann")
    [boss] = people(hub, "boss", role=Role.ADMIN)
    uid = put(boss)
    last = {"trace": uid, "cause": "P1", "adjudicated": True}
    assert ann.post("/annotations", json=last).status_code == 403
    assert boss.post("/annotations", json=last).json()["adjudicated"] is True
    with hub.database.begin(write=False) as session:
        [entry] = projects.log(session, projects.find(session, projects.DEFAULT))
    assert (entry.action, entry.subject) == ("adjudicate", uid)


def test_a_run_takes_no_more_annotators_than_it_needs(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, keys=True, secure=False, overlap=1)
    ann, bob = people(hub, "ann", "bob")
    uid = put(ann)
    say(ann, uid, cause="P1")
    assert bob.post("/annotations", json={"trace": uid, "cause": "P1"}).status_code == 409
    say(ann, uid, cause="E1.1")


def test_a_discussion_keeps_its_order_and_who_spoke(client: TestClient) -> None:
    uid = put(client)
    for text in ("<b>why</b>", "because"):
        assert client.post(f"/traces/{uid}/comments", json={"said": text}).status_code == 201
    assert [(c["author"], c["said"]) for c in client.get(f"/traces/{uid}/comments").json()] == [
        ("local", "<b>why</b>"),
        ("local", "because"),
    ]


def labelled(hub: Hub) -> TestClient:
    """Two people label four runs: they disagree on one, and one is not sure of another."""
    ann, bob = people(hub, "ann", "bob", role=Role.ADMIN)
    for i, (one, other) in enumerate([("P1", "P1"), ("E2.2", "E2.2"), ("P1", "E2.2"), ("E1.1", "E1.1")]):
        uid = put(ann, f"run-{i}", f"Question number {i}: what is the {i}th word of chapter {i}?")
        say(ann, uid, cause=one, step=1, note="=HYPERLINK(0)", secondary=["E2.1", "E3.2"])
        say(bob, uid, cause=other, step=2, unsure=i == 3)
    say(ann, uid, cause="E1.1", adjudicated=True)
    return ann


def test_an_exported_folder_is_read_by_evaluate_and_agree(hub: Hub, tmp_path: Path) -> None:
    client = labelled(hub)
    put(client, "unlabelled", "Something else entirely?")
    archive = zipfile.ZipFile(io.BytesIO(client.get("/export").content))
    archive.extractall(tmp_path / "folder")
    read = corpus.read(tmp_path / "folder", strict=True)
    assert [example.label.cause for example in read.examples] == ["P1", "E2.2", "P1", "E1.1"]
    assert [example.label.step for example in read.examples] == [1, 1, 1, None]
    report = agreement.agree([each for example in read.examples for each in example.annotations])
    assert {rater.name: rater.units for rater in report.raters} == {"ann": 4, "bob": 4}
    assert report.observed.value == pytest.approx(0.75)
    scheme = FakeClassifier()
    told = [Prediction.of(scheme.classify(example.trace)) for example in read.examples]
    assert evaluation.evaluate(evaluation.cases(read.examples, told), scheme.taxonomy).overall.runs == 4
    assert len(client.get("/export?all=true").content) > len(client.get("/export").content)


@pytest.mark.parametrize(("form", "kind"), [("jsonl", "application/x-ndjson"), ("csv", "text/csv")])
def test_an_export_is_imported_elsewhere_once_with_its_ids(hub: Hub, tmp_path: Path, form: str, kind: str) -> None:
    client = labelled(hub)
    text = client.get(f"/annotations?format={form}").text
    other = open_hub(tmp_path / "other")
    there = TestClient(create(other), base_url="http://localhost")
    for i in range(4):
        put(there, f"run-{i}", f"Question number {i}: what is the {i}th word of chapter {i}?")
    news = [
        there.post("/annotations/import", content=text, headers={"content-type": kind}).json()["new"] for _ in range(2)
    ]
    assert news == [9, 0]
    assert there.get("/annotations").text == client.get("/annotations").text
    again = client.post("/annotations/import", content=text, headers={"content-type": kind})
    assert again.json() == {"lines": 9, "new": 0}


def test_no_cell_is_a_formula(client: TestClient) -> None:
    notes = ["=1+1", "+1", "-1", "@x", "\tx", "'quoted'", "'=x", "plain", 'two\nlines, with "quotes"']
    for i, note in enumerate(notes):
        say(client, put(client, f"run-{i}"), cause="P1", note=note)
    text = client.get("/annotations?format=csv").text
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert not [cell for row in rows for cell in row.values() if cell and cell[0] in "=+-@\t\r"]
    back = client.post("/annotations/import", content=text, headers={"content-type": "text/csv"})
    assert back.json() == {"lines": len(notes), "new": 0}
    kept = annotation.parse(client.get("/annotations").text).records
    assert [each.note for each in kept] == notes


def test_an_import_keeps_the_module_that_a_scheme_of_its_own_blames(client: TestClient) -> None:
    put(client)
    line = {"trace": "run-1", "annotator": "ann", "provenance": "human", "step": 1, "agent": "memory"}
    refused = client.post("/annotations/import", content=json.dumps(line))
    taken = client.post("/annotations/import", content=json.dumps({**line, "native_category": "hallucination"}))
    assert (refused.status_code, taken.json()) == (422, {"lines": 1, "new": 1})
    assert json.loads(client.get("/annotations").text)["agent"] == "memory"


def test_an_import_with_a_wrong_line_stores_nothing_and_names_each(client: TestClient) -> None:
    put(client)
    good = {"trace": "run-1", "annotator": "ann", "provenance": "human", "cause": "P1"}
    lines = [good, {**good, "trace": "gone"}, {**good, "cause": "E9"}, {**good, "stepp": 1}, {**good, "step": 9}]
    body = "\n\n".join(json.dumps(line) for line in lines)
    answer = client.post("/annotations/import", content=body)
    assert answer.status_code == 422
    told = answer.json()["lines"]
    assert [each["line"] for each in told] == [3, 5, 7, 9]
    assert "no run is called so" in told[0]["problem"]
    assert client.get("/annotations").text == ""


def test_a_name_that_several_runs_have_is_not_guessed_at(client: TestClient) -> None:
    put(client, "same", "One question?")
    put(client, "same", "Another question?")
    line = {"trace": "same", "annotator": "ann", "provenance": "human", "cause": "P1"}
    answer = client.post("/annotations/import", content=json.dumps(line))
    assert "2 runs are called so" in answer.json()["lines"][0]["problem"]


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{", b'{"trace": "x"}'])
def test_what_is_no_file_of_annotations_is_a_problem(client: TestClient, body: bytes) -> None:
    for kind in ("application/x-ndjson", "text/csv"):
        answer = client.post("/annotations/import", content=body, headers={"content-type": kind})
        assert (answer.status_code, len(answer.json()["lines"])) == (422, 1)


def test_the_classifiers_name_is_no_annotators(client: TestClient) -> None:
    put(client)
    line = {"trace": "run-1", "annotator": "classifier", "provenance": "model", "cause": "P1"}
    assert "no annotator can be called" in client.post("/annotations/import", content=json.dumps(line)).text


def test_a_projects_export_fits_in_another_database_whatever_its_projects_were_made_in_order(
    tmp_path: Path, url: str
) -> None:
    logs = [run(f"run-{i}").model_dump_json() for i in range(3)]
    exports = []
    for folder, database, others in (("one", "", ("a",)), ("two", url, ("a", "b", "c"))):
        hub = open_hub(tmp_path / folder, database=database, keys=True)
        with hub.database.begin() as session:
            for each in (*others, "payments"):
                project = projects.ensure(session, each)
            _, secret = projects.issue(session, project, "boss", Role.ADMIN)
        headers = {"authorization": f"Bearer {secret}"}
        with TestClient(create(hub), base_url="http://localhost", headers=headers) as client:
            uids = [each["trace"]["uid"] for each in client.post("/traces", content="\n".join(logs)).json()]
            if not exports:
                for uid in uids:
                    say(client, uid, cause="P1", step=1)
            else:
                taken = client.post("/annotations/import", content=exports[0])
                assert (taken.status_code, taken.json()["new"]) == (200, 3)
            exports.append(client.get("/annotations").text)
    assert exports[0] == exports[1]


@pytest.mark.parametrize("read", ["diagnosis", "diagnoses", "annotations"])
def test_who_reads_the_verdict_through_the_api_does_not_label_blind_any_more(hub: Hub, read: str) -> None:
    ann, bob = people(hub, "ann", "bob")
    uid = put(people(hub, "cai", role=Role.CLIENT)[0])
    assert say(bob, uid, cause="P1")["blind"] is True
    for _ in range(2):
        assert ann.get(f"/traces/{uid}/{read}").status_code == 200
    assert say(ann, uid, cause="P1", blind=True)["blind"] is False
    with hub.database.begin(write=False) as session:
        seen = [(each.person, each.action) for each in projects.log(session, 1) if each.action == "verdict.shown"]
    assert seen == [("ann", "verdict.shown")]


def test_to_read_a_run_or_what_one_said_oneself_leaves_blind(hub: Hub) -> None:
    (ann,) = people(hub, "ann")
    uid = put(people(hub, "cai", role=Role.CLIENT)[0])
    say(ann, uid, cause="P1")
    for path in (f"/traces/{uid}", f"/traces/{uid}/annotations"):
        ann.get(path)
    assert say(ann, uid, cause="E2.2")["blind"] is True
