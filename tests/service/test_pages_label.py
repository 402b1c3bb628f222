"""Labelling and the queue: what is taken, refused, undone, and who gets which run."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from bs4 import BeautifulSoup
from hubs import open_hub
from runs import run, verdict
from runs import said as annotation
from stage import Person, store, unled
from test_access import signed_in

from classifier.annotation import Annotation
from service.storage import annotations as statements
from service.storage import assignments, diagnoses, projects, traces
from service.storage.projects import Role

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from service.hub import Hub
    from service.storage.annotations import Statement
    from service.storage.database import Database


@pytest.fixture
def uid(hub: Hub) -> str:
    return store(hub, run(), verdict(run()))


def said(hub: Hub, uid: str, *, superseded: bool = False) -> tuple[Statement, ...]:
    with hub.database.begin(write=False) as session:
        return statements.of(session, 1, uid, superseded=superseded)


def test_a_label_is_kept_with_all_that_was_said(hub: Hub, uid: str) -> None:
    form = {
        "step": "2",
        "secondary": ["P1", "E2.2", "P1"],
        "note": " from memory ",
        "unsure": "1",
        "phase": "execution",
    }
    assert unled(hub, "Ann").label(uid, "E2.2", **form).headers["location"] == f"/runs/{uid}?saved={uid}"
    (kept,) = said(hub, uid)
    note = kept.annotation
    assert (note.annotator, note.cause, note.step, note.agent) == ("Ann", "E2.2", 2, "coder")
    assert (note.secondary, note.note, kept.unsure, kept.blind) == (("P1",), "from memory", True, True)


@pytest.mark.parametrize("typed", ["e2.1", "Syntax error", "syntax_error", "SYNTAX  ERROR"])
def test_a_cause_can_be_typed(hub: Hub, uid: str, typed: str) -> None:
    unled(hub, "Ann").label(uid, "", typed=typed)
    assert said(hub, uid)[0].annotation.cause == "E2.1"


@pytest.mark.parametrize("form", [{"cause": "unknown"}, {"cause": "", "typed": "unknown"}])
def test_that_the_log_does_not_show_it_is_a_label(hub: Hub, uid: str, form: dict[str, str]) -> None:
    unled(hub, "Ann").label(uid, **form)
    assert said(hub, uid)[0].annotation.cause == "unknown"


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"cause": ""}, "Pick a cause"),
        ({"cause": "E9"}, "No cause 'E9'"),
        ({"cause": "", "typed": "error"}, "No one cause is called"),
        ({"cause": "E2.2", "phase": "planning"}, "is a cause in execution"),
        ({"step": "3"}, "no step"),
        ({"step": "-1"}, "by its number"),
        ({"step": "2.0"}, "by its number"),
        ({"step": "\u0662"}, "by its number"),
        ({"step": "9" * 5000}, "by its number"),
        ({"agent": "nobody"}, "No agent 'nobody'"),
        ({"secondary": ["P1", "E9"]}, "No cause 'E9'"),
        ({"note": "x" * 4001}, "4000 characters"),
    ],
)
def test_what_is_no_label_comes_back_with_the_reason_and_nothing_is_lost(
    hub: Hub, uid: str, form: dict[str, Any], why: str
) -> None:
    given = {"cause": "E2.2", "note": "kept words", **form}
    answer = unled(hub, "Ann").label(uid, **given)
    assert answer.status_code == 422
    page = BeautifulSoup(answer.text, "html.parser")
    assert why in page.select_one("[role=alert]").get_text()
    assert page.select_one("#note").get_text() == given["note"]
    assert not said(hub, uid)
    assert "Functionality" not in page.select_one("#verdict").get_text()  # a mistake does not open the verdict


def test_undo_goes_back_step_by_step(hub: Hub, uid: str) -> None:
    ann = unled(hub, "Ann")
    for cause in ("P1", "E2.2"):
        ann.label(uid, cause)
    ann.post(f"/runs/{uid}/undo")
    assert said(hub, uid)[0].annotation.cause == "P1"
    ann.post(f"/runs/{uid}/undo")
    assert not said(hub, uid)
    assert len(said(hub, uid, superseded=True)) == 3  # nothing is forgotten
    assert ann.post(f"/runs/{uid}/undo").status_code == 404


def test_a_label_that_was_given_with_the_verdict_in_view_says_so(hub: Hub, uid: str) -> None:
    ann, bob = unled(hub, "Ann"), unled(hub, "Bob")
    ann.post(f"/runs/{uid}/reveal")
    ann.label(uid)
    bob.label(uid, "P1")
    bob.page(f"/runs/{uid}")  # now Bob sees the verdict, and changes his mind
    bob.label(uid, "E2.2")
    assert [(s.annotation.annotator, s.blind) for s in said(hub, uid, superseded=True)] == [
        ("Ann", False), ("Bob", True), ("Bob", False),
    ]  # fmt: skip


def test_to_undo_does_not_make_blind_again(hub: Hub, uid: str) -> None:
    ann = unled(hub, "Ann")
    ann.label(uid)
    ann.page(f"/runs/{uid}")
    ann.post(f"/runs/{uid}/undo")
    ann.label(uid)
    assert [each.blind for each in said(hub, uid)] == [False]


def test_a_slip_that_is_undone_before_the_verdict_is_seen_stays_blind(hub: Hub, uid: str) -> None:
    ann = unled(hub, "Ann")
    ann.label(uid, "P1", then="next")
    ann.post(f"/runs/{uid}/undo")
    assert "Hidden until" in ann.page(f"/runs/{uid}")
    ann.label(uid, "E2.2")
    assert [each.blind for each in said(hub, uid)] == [True]


def test_a_reader_may_look_and_not_label(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, keys=True, secure=False)
    uid = store(hub, run(), verdict(run()))
    with hub.database.begin() as session:
        _, secret = projects.issue(session, 1, "ron", Role.READER)
    person = Person.__new__(Person)
    person.client = signed_in(hub, key=secret)
    assert "Your label" not in person.page(f"/runs/{uid}")
    for path in (f"/runs/{uid}/label", f"/runs/{uid}/undo", f"/runs/{uid}/skip", f"/runs/{uid}/reveal", "/queue/next"):
        assert person.post(path, cause="E2.2").status_code == 403
    assert not said(hub, uid)


# the queue ------------------------------------------------------------------------------------------------------------


def test_save_and_next_goes_on_through_the_queue_to_its_end(hub: Hub) -> None:
    uids = {store(hub, run(f"r{i}"), verdict(run(f"r{i}"))) for i in range(3)}
    ann = unled(hub, "Ann")
    taken, here = [], ann.take()
    while here:
        taken.append(here)
        where = ann.label(here, then="next").headers["location"]
        assert where.endswith(f"?saved={here}")
        assert f'action="/runs/{here}/undo"' in ann.page(where)
        here = where.split("?")[0].removeprefix("/runs/") if where.startswith("/runs/") else None
    assert set(taken) == uids
    assert len(taken) == 3
    assert "Nothing is left for you" in ann.page("/queue")


def test_a_run_has_as_many_annotators_as_it_needs_and_nobody_gets_it_twice(hub: Hub) -> None:
    for i in range(4):
        store(hub, run(f"r{i}"), verdict(run(f"r{i}")))
    given: list[tuple[str, str]] = []
    people = {name: unled(hub, name) for name in ("Ann", "Bob", "Cy")}
    while taken := [(name, uid) for name, person in people.items() if (uid := person.take())]:
        given += taken
        for name, uid in taken:
            assert people[name].label(uid).status_code == 303
    assert len(given) == len(set(given)) == 8
    assert all(len(said(hub, uid)) == 2 for _, uid in given)


def test_one_more_than_a_run_needs_is_refused_wherever_they_come_from(hub: Hub, uid: str) -> None:
    for name in ("Ann", "Bob"):
        assert unled(hub, name).label(uid).status_code == 303
    cy = unled(hub, "Cy")
    assert cy.take() is None
    answer = cy.label(uid, note="my words")
    assert answer.status_code == 422
    assert "has the 2 annotators that it needs" in answer.text
    assert "my words" in answer.text
    assert len(said(hub, uid)) == 2
    assert unled(hub, "Ann").label(uid, "P1").status_code == 303  # who is one of them may change their mind


def test_a_run_that_somebody_has_taken_is_kept_for_them(hub: Hub, uid: str) -> None:
    ann, bob, cy = (unled(hub, name) for name in ("Ann", "Bob", "Cy"))
    assert ann.take() == bob.take() == uid
    assert cy.take() is None
    assert ann.take() == uid  # asked again, she has it still
    assert "Go on" in ann.page("/queue")
    assert bob.post(f"/runs/{uid}/skip").headers["location"] == f"/runs/{uid}"  # there is no other to go to
    assert bob.post("/queue/next").status_code == 303


def test_skipping_lets_a_run_go_to_others_and_comes_last(hub: Hub, uid: str) -> None:
    other = store(hub, run("other"), verdict(run("other")))
    ann = unled(hub, "Ann")
    first = ann.take()
    second = ann.post(f"/runs/{first}/skip").headers["location"].removeprefix("/runs/")
    assert {first, second} == {uid, other}
    ann.label(second)
    assert ann.take() == first


def test_an_assignment_runs_out_and_a_look_at_the_run_renews_it(hub: Hub, uid: str) -> None:
    ann, bob, cy = (unled(hub, name) for name in ("Ann", "Bob", "Cy"))
    ann.take()
    bob.take()
    with hub.database.begin() as session:
        statements.assign(session, 1, uid, "Ann", datetime.now(UTC) + timedelta(minutes=1))
        statements.assign(session, 1, uid, "Bob", datetime.now(UTC) - timedelta(minutes=1))
    ann.page(f"/runs/{uid}")
    with hub.database.begin(write=False) as session:
        assert assignments.own(session, 1, "Ann")[uid] > datetime.now(UTC) + timedelta(hours=3)
    assert cy.take() == uid


def test_those_who_ask_at_the_same_time_do_not_overfill_a_run(database: Database, tmp_path: Path) -> None:
    hub = open_hub(tmp_path, database=database.url.render_as_string(hide_password=False))
    uid = store(hub, run(), None)
    got: list[bool] = []
    start = threading.Barrier(6)

    def ask(name: str) -> None:
        start.wait()
        with hub.database.begin() as session:
            until = datetime.now(UTC) + timedelta(hours=1)
            got.append(assignments.take(session, 1, uid, name, until, overlap=2))

    threads = [threading.Thread(target=ask, args=(f"p{i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [False] * 4 + [True] * 2
    hub.close()


def test_what_the_queue_shows_a_blind_annotator_does_not_depend_on_the_verdicts(tmp_path: Path) -> None:
    for number, cause in enumerate(("E3.1", "P1")):
        hub = open_hub(tmp_path / str(number))
        store(hub, run(), verdict(run(), cause))
        page = unled(hub, "Ann").page("/queue")
        assert cause not in page
        for word in ("rare", "unsure", "few labels", "unlike", "opinions differ"):
            assert word not in BeautifulSoup(page, "html.parser").select_one("tbody").get_text()
        hub.close()


def test_the_queue_shows_how_far_everyone_is(hub: Hub, uid: str) -> None:
    unled(hub, "Bob").label(uid, unsure="1")
    page = BeautifulSoup(unled(hub, "Ann").page("/queue"), "html.parser")
    assert "Bob" in page.select_one(".people").get_text()
    assert "1 not sure" in page.select_one(".people").get_text()
    assert "1 of 2" in page.select_one("tbody").get_text()


def test_an_empty_queue_says_what_to_do(hub: Hub) -> None:
    assert "No runs yet" in unled(hub, "Ann").page("/queue")


@pytest.fixture
def progress(database: Database) -> Iterator[Database]:
    with database.begin() as session:
        projects.ensure(session)
    yield database
    del database


def test_progress_and_the_pool_are_counted_in_either_database(progress: Database) -> None:
    with progress.begin() as session:
        for i in range(3):
            trace = run(f"r{i}")
            uid = traces.put_trace(session, 1, trace)[0].uid
            diagnoses.add(session, 1, uid, verdict(trace))
            statements.add(session, 1, uid, annotation(trace, "ann"), unsure=i == 0)
            if i:
                statements.add(session, 1, uid, annotation(trace, "bob", "P1"))
                statements.undo(session, 1, uid, "bob") if i == 1 else None
    with progress.begin(write=False) as session:
        found = [(each.annotator, each.labelled, each.unsure) for each in assignments.progress(session, 1)]
        pool = assignments.pool(session, 1)
    assert found == [("ann", 3, 1), ("bob", 1, 0)]
    assert [run.said for run in pool] == [(("ann", "E2.2"),), (("ann", "E2.2"),), (("ann", "E2.2"), ("bob", "P1"))]
    assert {(run.cause, run.confidence, run.familiarity) for run in pool} == {("E2.2", 0.62, "known")}


def test_only_what_people_say_of_the_cause_counts_as_a_label_of_a_run(hub: Hub, uid: str) -> None:
    lines = (
        {"annotator": "coder", "provenance": "model", "cause": "P1"},
        {"annotator": "bench", "provenance": "human", "step": 2, "native_category": "memory"},
    )
    with hub.database.begin() as session:
        for line in lines:
            statements.add(session, 1, uid, Annotation.model_validate({"trace": "run-1", **line}))
        (waiting,) = assignments.pool(session, 1)
        assert (waiting.said, waiting.spoke) == ((), ("coder", "bench"))
        assert assignments.has_room(session, 1, uid, "Ann", overlap=1)
        assert assignments.progress(session, 1) == ()
    unled(hub, "Ann").label(uid, "E2.2", step="2")
    with hub.database.begin(write=False) as session:
        assert [each.annotator for each in assignments.progress(session, 1)] == ["Ann"]
        assert not assignments.has_room(session, 1, uid, "Bob", overlap=1)


@pytest.mark.parametrize("place", ["/queue?saved=", "/runs/{uid}?saved=", "/disagreements?settled="])
@pytest.mark.parametrize("planted", ["../learning/rollback%3F", "x", "%22><script>"])
def test_an_address_cannot_plant_a_form_that_posts_elsewhere(hub: Hub, uid: str, place: str, planted: str) -> None:
    ann = unled(hub, "Ann")
    ann.label(uid)
    page = BeautifulSoup(ann.page(place.format(uid=uid) + planted), "html.parser")
    posts = {form["action"] for form in page.select("form[method=post]")}
    assert posts <= {"/signout", "/queue/next", *(f"/runs/{uid}/{each}" for each in ("label", "undo", "reveal"))}
    assert "rollback" not in page.select_one("main").decode()


def test_what_was_saved_and_what_was_taken_back_is_said(hub: Hub, uid: str) -> None:
    ann = unled(hub, "Ann")
    for cause in ("P1", "E2.2"):
        assert "Your label is saved." in ann.page(ann.label(uid, cause).headers["location"])
    assert "What you had said before holds again." in ann.page(ann.post(f"/runs/{uid}/undo").headers["location"])
    assert "Your label of this run is taken back." in ann.page(ann.post(f"/runs/{uid}/undo").headers["location"])
