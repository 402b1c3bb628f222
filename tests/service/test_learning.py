"""From labels to an index that answers: trained, measured, activated, rolled back, while requests are under way."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import invented_traces
import pytest
from filelock import FileLock
from hubs import open_hub, open_learner
from invented_traces import MISTAKES, example, trace
from starlette.testclient import TestClient

from classifier.training import describe
from classifier.training import label as labelled_of
from service import figures
from service.app import create
from service.learning import training, versions
from service.learning.comparison import Contest
from service.storage import ConflictError, NotFoundError, annotations, diagnoses, indices, projects, traces
from service.storage.projects import Access, Role
from service.work.trainer import Trainer

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.trace import Trace
    from service.hub import Hub

SYSTEM = "unheard-of"


def runs(count: int) -> list[tuple[Trace, str]]:
    """Return runs of a system that the shipped index does not know, each with its true cause."""
    causes = tuple(MISTAKES)
    return [(trace(5000 + i, SYSTEM, causes[i % len(causes)]), causes[i % len(causes)]) for i in range(count)]


def label(hub: Hub, project: int, found: list[tuple[Trace, str]], *people: str) -> list[str]:
    """Store runs with their verdicts and what people say of them, which is true."""
    shipped, uids = hub.classifiers.shipped, []
    with hub.database.begin() as session:
        for run, cause in found:
            uid = traces.put_trace(session, project, run)[0].uid
            diagnoses.add(session, project, uid, shipped.classify(run))
            for person in people or ("ann",):
                record = example(run, cause, 3, group="").annotations[0].model_copy(update={"annotator": person})
                annotations.add(session, project, uid, record)
            uids.append(uid)
    return uids


@pytest.fixture
def taught(tmp_path: Path) -> Hub:
    """Open a service whose shipped classifier learns."""
    return open_learner(tmp_path)


def admin(hub: Hub, name: str = projects.DEFAULT) -> Access:
    with hub.database.begin() as session:
        number = projects.ensure(session, name)
    return Access(project=number, project_name=name, person="boss", role=Role.ADMIN)


def client(hub: Hub) -> TestClient:
    return TestClient(create(hub), base_url="http://localhost")


def test_a_project_learns_its_system_and_says_what_that_is_worth(taught: Hub) -> None:
    access = admin(taught)
    uids = label(taught, access.project, runs(20))
    before = client(taught).get("/index/progress").json()
    assert (before["labels"], before["missing"], before["active"], before["newest"]) == (20, 0, "shipped", None)
    assert {each["familiarity"]: each["runs"] for each in before["familiarity"]}["new"] == 20
    made = versions.Version.of(training.train(taught, access, sizes=(5,), folds=2))
    told = made.comparison
    assert told is not None
    assert (told.runs, told.current, set(told.learnt)) == (20, taught.classifiers.shipped.versions.index, set(uids))
    assert [round(point.labels) for point in told.curve] == [0, 5, 10]
    assert told.curve[-1].accuracy == told.new.accuracy
    assert told.curve[0].accuracy == told.old.accuracy  # the shipped index, which knows nothing of the system
    assert (told.new.accuracy.value or 0) > (told.old.accuracy.value or 0)
    assert told.better_accuracy.value == pytest.approx((told.new.accuracy.value or 0) - (told.old.accuracy.value or 0))
    assert [each.risk for each in told.promises] == [0.1, 0.2, 0.3]
    after = client(taught).get("/index/progress").json()
    assert (after["newest"]["version"], after["fresh"], len(after["curve"])) == (made.version, 0, 3)
    listed = client(taught).get("/index").json()
    assert (listed["active"], [each["state"] for each in listed["versions"]]) == ("shipped", ["candidate"])
    with pytest.raises(ConflictError, match="have not changed"):
        training.train(taught, access, sizes=())
    versions.activate(taught, access, made.version)
    label(taught, access.project, [(trace(7000, SYSTEM, "P1"), "P1")])
    again = versions.Version.of(training.train(taught, access, sizes=(), folds=2)).comparison
    assert again is not None
    assert (again.current, again.runs) == (made.version, 21)
    assert again.old.accuracy != told.old.accuracy  # the one that answers now was taught, and is asked without the fold


def test_with_too_few_labels_it_says_how_many_are_missing(taught: Hub) -> None:
    access = admin(taught)
    label(taught, access.project, runs(3))
    told = client(taught).get("/index/progress").json()
    assert (told["labels"], told["missing"]) == (3, 2)
    assert told["advice"][0] == "3 runs have a label with a cause; 2 more are needed to train."
    with pytest.raises(ConflictError, match="2 more are needed"):
        training.train(taught, access)


def test_what_two_people_agree_on_of_ten_runs_is_enough_to_train(taught: Hub) -> None:
    access = admin(taught)
    found = runs(10)
    with taught.database.begin() as session:
        for number, (run, cause) in enumerate(found):
            uid = traces.put_trace(session, access.project, run)[0].uid
            for person, said in (("ann", cause), ("bob", "P3" if number % 2 else cause)):
                record = example(run, said, 3, group="").annotations[0].model_copy(update={"annotator": person})
                annotations.add(session, access.project, uid, record)
    told = figures.progress(taught, access.project)
    assert (told.labels, told.disputed, told.missing) == (5, 5, 0)
    made = versions.Version.of(training.train(taught, access, sizes=(), folds=2))
    assert made.labels == 5
    advice = figures.progress(taught, access.project).advice
    assert any("held-out runs" in each or "is better" in each for each in advice), advice
    assert versions.activate(taught, access, made.version) == made.version


def test_labels_of_one_task_cannot_be_measured_so_they_are_refused(taught: Hub) -> None:
    access = admin(taught)
    same = [(run.model_copy(update={"task": "The one task of them all, always the same."}), c) for run, c in runs(12)]
    label(taught, access.project, same)
    with pytest.raises(ConflictError, match="all of one task"):
        training.train(taught, access)


def test_a_run_that_the_shipped_index_holds_is_not_held_against_itself(taught: Hub) -> None:
    access = admin(taught)
    held = invented_traces.examples()[:12]
    renamed_runs = [
        (each.trace.model_copy(update={"id": f"another-{i}"}), each.annotations[0].cause or "")
        for i, each in enumerate(held)
    ]
    label(taught, access.project, renamed_runs)
    alone = figures.measure(taught, access.project)
    assert (alone.left_out, alone.flatters, alone.evaluation is not None) == (0, True, True)
    label(taught, access.project, runs(3))
    beside = figures.measure(taught, access.project)
    assert (beside.left_out, beside.flatters, beside.evaluation and beside.evaluation.overall.runs) == (12, False, 3)
    base, embedder, scheme = invented_traces.index(), invented_traces.embedder(), invented_traces.scheme()
    mine = [
        each.model_copy(update={"trace": each.trace.model_copy(update={"id": f"mine-{i}"})})
        for i, each in enumerate(held)
    ]
    renamed = [each.model_copy(update={"group": f"mine-{each.group}"}) for each in mine]
    tables = [describe(each, embedder) for each in renamed]
    labelled = [labelled_of(each, table, scheme) for each, table in zip(renamed, tables, strict=True)]
    contest = Contest(base, labelled, tables, embedder, scheme)
    whole = {run.run for run in contest.fit().runs}
    assert len(whole) == 48  # the project's labels take the place of those of the same runs
    assert whole >= {f"mine-{i}" for i in range(12)}
    barred = held[0].group
    without = contest.fit([], frozenset({f"mine-{barred}"}))
    assert {run.run for run in base.runs} - {run.run for run in without.runs} == {
        run.run for run in base.runs if run.group == barred
    }


def test_a_label_takes_nothing_from_a_run_that_it_says_nothing_of() -> None:
    base, embedder, scheme = invented_traces.index(), invented_traces.embedder(), invented_traces.scheme()
    first, second = invented_traces.examples()[:2]
    tables = [describe(each, embedder) for each in (first, second)]
    known = {run.run: run for run in base.runs}
    labelled = [
        labelled_of(each, table, scheme).model_copy(update={"cause": None, "step": None})
        for each, table in zip((first, second), tables, strict=True)
    ]
    contest = Contest(base, labelled, tables, embedder, scheme, silent=frozenset({first.trace.id}))
    made = {run.run: run for run in contest.fit().runs}
    assert made[first.trace.id].cause == known[first.trace.id].cause is not None
    assert made[first.trace.id].step == known[first.trace.id].step is not None
    assert made[second.trace.id].cause is None  # who labelled it said that the log does not show the cause


def put_index(hub: Hub, access: Access, cause: str, evaluation: str = "{}") -> str:
    """Store a version without training; `open_hub`'s classifiers blame what their file is called."""
    version = f"{list(MISTAKES).index(cause):012x}"
    with hub.database.begin() as session:
        indices.add(session, access.project, version, f"{cause}.npz", by="ann", labels=0, evaluation=evaluation)
    return version


def test_only_a_version_that_was_measured_is_activated(hub: Hub) -> None:
    access = admin(hub)
    version = put_index(hub, access, "P1", evaluation="")
    answer = client(hub).post(f"/index/{version}/activate")
    assert (answer.status_code, "never measured" in answer.json()["detail"]) == (409, True)
    with pytest.raises(NotFoundError):
        versions.activate(hub, access, "f" * 12)


def test_activation_and_roll_back_are_one_call_each_and_audited(hub: Hub) -> None:
    access, http = admin(hub), client(hub)
    first, second = (put_index(hub, access, cause) for cause in ("P1", "E1.1"))
    run = runs(1)[0][0].model_dump_json()
    answers = []
    for path in (f"{first}/activate", f"{second}/activate", "rollback", "rollback"):
        answer = http.post(f"/index/{path}")
        assert answer.status_code == 200, answer.text
        answers.append((answer.json()["active"], http.post("/classify", content=run).json()["cause"]))
    assert answers == [(first, "P1"), (second, "E1.1"), (first, "P1"), ("shipped", "E2.2")]
    nothing = http.post("/index/rollback")
    assert (nothing.status_code, "nothing to go back to" in nothing.json()["detail"]) == (409, True)
    with hub.database.begin(write=False) as session:
        log = projects.log(session, access.project)
    assert [entry.action for entry in log] == ["roll back index"] * 2 + ["activate index"] * 2


def test_requests_under_way_are_answered_through_every_swap(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, at_once=4)
    access = admin(hub)
    names = [put_index(hub, access, cause) for cause in ("P1", "E1.1")]
    body, ended = runs(1)[0][0].model_dump_json(), threading.Event()
    app, seen = create(hub), list[tuple[int, str]]()

    def ask() -> None:
        with TestClient(app, base_url="http://localhost") as http:
            while not ended.is_set():
                answer = http.post("/classify?keep=false", content=body)
                seen.append((answer.status_code, answer.json().get("cause")))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(8):
        versions.activate(hub, access, names[turn % 2])
        before = len(seen)
        deadline = time.monotonic() + 30
        while len(seen) < before + 6 and time.monotonic() < deadline:
            time.sleep(0.01)
    ended.set()
    for thread in threads:
        thread.join()
    assert len(seen) >= 48
    assert {status for status, _ in seen} == {200}
    assert {cause for _, cause in seen} >= {"P1", "E1.1"}
    assert seen[-1][1] == "E1.1"


def test_only_an_admin_trains_activates_and_rolls_back(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, keys=True, secure=False)
    with hub.database.begin() as session:
        secret = projects.issue(session, projects.ensure(session), "ann", Role.ANNOTATOR)[1]
    http = client(hub)
    for path in ("train", "rollback", "shipped/activate"):
        refused = http.post(f"/index/{path}", headers={"authorization": f"Bearer {secret}"})
        assert refused.status_code == 403


def ended(trainer: Trainer) -> Any:
    deadline = time.monotonic() + 60
    while trainer.state("default").running and time.monotonic() < deadline:
        time.sleep(0.02)
    return trainer.state("default")


def test_a_training_is_a_child_that_tells_how_it_ended() -> None:
    says = "import sys; print('first', file=sys.stderr); print(sys.argv[1:], file=sys.stderr); sys.exit({})"
    for code in (0, 1):
        trainer = Trainer(("--index", "x"), (sys.executable, "-c", says.format(code)))
        assert trainer.start("default", "ann").running
        state = ended(trainer)
        assert (state.failed, state.said) == (bool(code), "['--index', 'x', '--project', 'default', '--by', 'ann']")


def test_one_training_at_a_time(taught: Hub) -> None:
    hub = taught
    label(hub, admin(hub).project, runs(6))
    trainer = Trainer(command=(sys.executable, "-c", "import sys; sys.stdin.read(); import time; time.sleep(1)"))
    hub.trainer = trainer
    http = client(hub)
    assert http.post("/index/train").status_code == 202
    assert http.post("/index/train").status_code == 409
    assert http.get("/index/training").json()["running"] is True
    ended(trainer)


def test_a_training_in_another_process_is_seen_and_waited_for(taught: Hub) -> None:
    access = admin(taught)
    label(taught, access.project, runs(6))
    taught.trainer = Trainer(command=(sys.executable, "-c", ""))
    http = client(taught)
    with FileLock(taught.settings.folder / "indices" / f"{access.project}.lock"):
        assert http.get("/index/training").json()["running"] is True
        assert "under way" in http.post("/index/train").json()["detail"]
    assert http.get("/index/training").json()["running"] is False
    assert http.post("/index/train").status_code == 202


def test_what_is_missing_for_a_training_is_told_before_it_begins(taught: Hub) -> None:
    label(taught, admin(taught).project, runs(3))
    answer = client(taught).post("/index/train")
    assert (answer.status_code, "2 more are needed" in answer.json()["detail"]) == (409, True)


def test_a_service_without_a_trainer_says_how_to_train(taught: Hub) -> None:
    hub = taught
    label(hub, admin(hub).project, runs(6))
    answer = client(hub).post("/index/train")
    assert (answer.status_code, "coroner index train" in answer.json()["detail"]) == (409, True)
