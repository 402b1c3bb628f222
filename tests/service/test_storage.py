"""What the service keeps, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hubs import batch_of
from rows import RUNS, count, stored
from runs import run, said, verdict

from service.storage import annotations, batches, diagnoses, indices, projects, traces
from service.storage._rows import ConflictError, NotFoundError
from service.storage.parcels import Input
from service.storage.projects import Access, Role
from service.storage.schema import AnnotationRow, BlobRow, DiagnosisRow, ItemRow, TraceRow
from service.storage.traces import Filter

if TYPE_CHECKING:
    from service.storage.database import Database


def test_a_run_is_read_back_as_it_was(database: Database, project: int) -> None:
    uid = stored(database, project)
    with database.begin(write=False) as session:
        assert traces.get(session, project, uid) == RUNS[0]


def test_a_run_with_letters_that_postgresql_cannot_hold_is_read_back_as_it_was(
    database: Database, project: int
) -> None:
    odd = run("run\x00", task="a\x00b \U0001f480")
    with database.begin() as session:
        uid = traces.put_trace(session, project, odd, file="x\x00.json")[0].uid
        diagnoses.add(session, project, uid, verdict(odd))
        annotations.comment(session, project, uid, "ann", "what \x00 is this")
    with database.begin(write=False) as session:
        assert traces.get(session, project, uid) == odd
        assert diagnoses.present(session, project)[uid] == verdict(odd)


def test_the_same_run_is_stored_once(database: Database, project: int) -> None:
    with database.begin() as session:
        first, new = traces.put_trace(session, project, RUNS[0], file="a.json")
        again, newer = traces.put_trace(session, project, RUNS[0], file="b.json")
    assert (new, newer) == (True, False)
    assert first == again
    assert (count(database, TraceRow), count(database, BlobRow)) == (1, 1)


def test_the_same_run_of_two_projects_shares_its_bytes_and_nothing_else(database: Database, project: int) -> None:
    uid = stored(database, project)
    with database.begin() as session:
        other = projects.ensure(session, "other")
        theirs = traces.put_trace(session, other, RUNS[0])[0].uid
    assert uid != theirs
    assert count(database, BlobRow) == 1
    with database.begin() as session:
        traces.delete(session, project, uid)
    with database.begin(write=False) as session:
        assert traces.get(session, other, theirs) == RUNS[0]


def test_a_project_sees_nothing_of_another(database: Database, project: int) -> None:
    uid = stored(database, project)
    with database.begin() as session:
        diagnoses.add(session, project, uid, verdict(RUNS[0]))
        annotations.add(session, project, uid, said(RUNS[0]))
        made = batch_of(session, project, "b", [Input(name="a", run=uid)])
        other = projects.ensure(session, "other")
    with database.begin() as session:
        for look in (
            lambda: traces.get(session, other, uid),
            lambda: traces.delete(session, other, uid),
            lambda: diagnoses.history(session, other, uid),
            lambda: annotations.of(session, other, uid),
            lambda: annotations.add(session, other, uid, said(RUNS[0])),
            lambda: annotations.comments(session, other, uid),
            lambda: batches.get(session, other, made.uid),
            lambda: batches.cancel(session, other, made.uid),
            lambda: batch_of(session, other, "c", [Input(name="a", run=uid)], by="eve"),
        ):
            with pytest.raises(NotFoundError):
                look()
        assert traces.page(session, other).items == ()
        assert annotations.every(session, other) == ()
        assert diagnoses.present(session, other) == {}


def test_a_deleted_run_takes_all_that_hangs_on_it_along(database: Database, project: int) -> None:
    uid = stored(database, project)
    with database.begin() as session:
        diagnoses.add(session, project, uid, verdict(RUNS[0]))
        annotations.add(session, project, uid, said(RUNS[0]))
        annotations.comment(session, project, uid, "ann", "look")
        annotations.assign(session, project, uid, "bob", datetime.now(UTC) + timedelta(hours=1))
        batch_of(session, project, "b", [Input(name="a", run=uid)])
    with database.begin() as session:
        traces.delete(session, project, uid)
    for table in (TraceRow, BlobRow, DiagnosisRow, AnnotationRow, ItemRow):
        assert count(database, table) == 0


def test_a_new_verdict_supersedes_the_old_one_which_stays(database: Database, project: int) -> None:
    uid = stored(database, project)
    with database.begin() as session:
        diagnoses.add(session, project, uid, verdict(RUNS[0], "E2.2"))
        diagnoses.add(session, project, uid, verdict(RUNS[0], "P1"))
    with database.begin(write=False) as session:
        newest, oldest = diagnoses.history(session, project, uid)
        assert (newest.diagnosis.cause, newest.superseded) == ("P1", None)
        assert oldest.diagnosis.cause == "E2.2"
        assert oldest.superseded is not None
        assert diagnoses.present(session, project)[uid].cause == "P1"


def test_a_verdict_that_says_the_same_is_stored_once(database: Database, project: int) -> None:
    uid = stored(database, project)
    with database.begin() as session:
        ids = {diagnoses.add(session, project, uid, verdict(RUNS[0])) for _ in range(3)}
    assert len(ids) == count(database, DiagnosisRow) == 1


def test_verdicts_given_at_once_leave_one_present_and_lose_none(database: Database, project: int) -> None:
    uid = stored(database, project)
    causes = ["P1", "P2", "P3", "E1", "E2", "E3", "R1", "R3"]

    def give(cause: str) -> None:
        with database.begin() as session:
            diagnoses.add(session, project, uid, verdict(RUNS[0], cause))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(give, causes))
    with database.begin(write=False) as session:
        found = diagnoses.history(session, project, uid)
    assert sorted(each.diagnosis.cause or "" for each in found) == sorted(causes)
    assert sum(each.superseded is None for each in found) == 1


def test_pages_show_every_run_once_newest_first(database: Database, project: int) -> None:
    uids = [stored(database, project, i) for i in range(5)]
    seen, cursor = [], None
    with database.begin(write=False) as session:
        while True:
            page = traces.page(session, project, after=cursor, limit=2)
            seen += [each.trace.uid for each in page.items]
            cursor = page.next
            assert page.total == 5
            if cursor is None:
                break
    assert seen == uids[::-1]


def test_a_cursor_that_is_none_is_refused(database: Database, project: int) -> None:
    with database.begin(write=False) as session, pytest.raises(ValueError, match="is no cursor"):
        traces.page(session, project, after="' OR 1=1")


def test_filters_narrow_to_what_fits(database: Database, project: int) -> None:
    with database.begin() as session:
        for number, (trace, cause) in enumerate(zip(RUNS, ("E2.2", "P1", "E2.2", "P1", "R3"), strict=True)):
            uid = traces.put_trace(session, project, trace, model="gpt" if number % 2 else "llama")[0].uid
            diagnoses.add(session, project, uid, verdict(trace, cause))
        annotations.add(session, project, uid, said(RUNS[4]))

    def names(**where: object) -> list[str]:
        with database.begin(write=False) as session:
            return sorted(each.trace.name for each in traces.page(session, project, Filter.model_validate(where)).items)

    assert names(cause="P1") == ["run-1", "run-3"]
    assert names(cause="P1", model="llama") == []
    assert names(model="gpt") == ["run-1", "run-3"]
    assert names(phase="response") == ["run-4"]
    assert names(labelled=True) == ["run-4"]
    assert names(labelled=False) == ["run-0", "run-1", "run-2", "run-3"]
    assert names(text="RUN-2") == ["run-2"]
    assert names(text="%") == []
    assert names(min_confidence=0.7) == []
    assert len(names(max_confidence=0.7)) == 5
    assert names(since=datetime.now(UTC) + timedelta(days=1)) == []
    assert len(names(until=datetime.now(UTC) + timedelta(days=1))) == 5


def test_what_a_person_says_supersedes_what_they_said_before(database: Database, project: int) -> None:
    uid = stored(database, project)
    with database.begin() as session:
        annotations.add(session, project, uid, said(RUNS[0], cause="P1"))
        annotations.add(session, project, uid, said(RUNS[0], "bob", cause="R3"))
        annotations.add(session, project, uid, said(RUNS[0], cause="E2.2"))
    with database.begin(write=False) as session:
        assert [each.annotation.cause for each in annotations.of(session, project, uid)] == ["R3", "E2.2"]
        assert len(annotations.of(session, project, uid, superseded=True)) == 3
        assert traces.show(session, project, uid).annotators == 2


def test_undo_goes_back_step_by_step_and_loses_nothing(database: Database, project: int) -> None:
    uid = stored(database, project)
    with database.begin() as session:
        for cause in ("P1", "P2", "P3"):
            annotations.add(session, project, uid, said(RUNS[0], cause=cause))
        back = [annotations.undo(session, project, uid, "ann") for _ in range(3)]
        assert [each.annotation.cause if each else None for each in back] == ["P2", "P1", None]
        with pytest.raises(NotFoundError):
            annotations.undo(session, project, uid, "ann")
        assert annotations.of(session, project, uid) == ()
        held = {each.annotation.cause for each in annotations.of(session, project, uid, superseded=True)}
    assert held == {"P1", "P2", "P3"}


def test_an_annotation_imported_twice_is_there_once(database: Database, project: int) -> None:
    uid = stored(database, project)
    with database.begin() as session:
        one = annotations.add(session, project, uid, said(RUNS[0]), uid="a1")
        again = annotations.add(session, project, uid, said(RUNS[0]), uid="a1")
        assert one == again
        with pytest.raises(ConflictError):
            annotations.add(session, project, uid, said(RUNS[0], cause="P1"), uid="a1")
    assert count(database, AnnotationRow) == 1


def test_an_adjudication_stands_beside_what_the_same_person_said(database: Database, project: int) -> None:
    uid = stored(database, project)
    with database.begin() as session:
        annotations.add(session, project, uid, said(RUNS[0], cause="P1"))
        annotations.add(session, project, uid, said(RUNS[0], cause="E1"), adjudicated=True)
        held = annotations.of(session, project, uid)
    assert [(each.annotation.cause, each.adjudicated) for each in held] == [("P1", False), ("E1", True)]


def test_an_assignment_runs_out(database: Database, project: int) -> None:
    uid = stored(database, project)
    with database.begin() as session:
        annotations.assign(session, project, uid, "ann", datetime.now(UTC) + timedelta(hours=1))
        annotations.assign(session, project, uid, "bob", datetime.now(UTC) - timedelta(hours=1))
        assert annotations.assignments(session, project) == {uid: ("ann",)}


def test_a_key_opens_its_project_until_it_is_revoked(database: Database, project: int) -> None:
    with database.begin() as session:
        key, secret = projects.issue(session, project, "ann", Role.ANNOTATOR)
        access = projects.unlock(session, secret)
        assert access == Access(project=project, project_name="default", person="ann", role=Role.ANNOTATOR, key=key.id)
        assert projects.unlock(session, f"{secret}x") is None
        projects.revoke(session, project, key.id)
        assert projects.unlock(session, secret) is None
        with pytest.raises(ConflictError):
            projects.revoke(session, project, key.id)
        with pytest.raises(NotFoundError):
            projects.revoke(session, projects.ensure(session, "other"), key.id)
        assert secret not in str(projects.keys(session, project))


def test_an_expired_key_opens_nothing(database: Database, project: int) -> None:
    with database.begin() as session:
        _, secret = projects.issue(session, project, "ann", Role.READER, datetime.now(UTC) - timedelta(seconds=1))
        assert projects.unlock(session, secret) is None


def test_the_audit_log_is_read_backwards_in_pages(database: Database, project: int) -> None:
    access = Access(project=project, project_name="default", person="ann", role=Role.ADMIN)
    with database.begin() as session:
        for number in range(5):
            projects.note(session, access, "delete", f"trace {number}", why="asked")
    with database.begin(write=False) as session:
        first = projects.log(session, project, limit=3)
        rest = projects.log(session, project, before=first[-1].id)
    assert [each.subject for each in (*first, *rest)] == [f"trace {number}" for number in (4, 3, 2, 1, 0)]


def test_one_index_answers_at_a_time_and_the_one_before_can_come_back(database: Database, project: int) -> None:
    with database.begin() as session:
        for version in ("v1", "v2"):
            indices.add(session, project, version, f"{version}.npz", by="ann", labels=30, evaluation="{}")
        assert indices.active(session, project) is None
        for version in ("v1", "v2", "v1"):
            indices.activate(session, project, version)
            found = indices.active(session, project)
            assert found is not None
            assert found.version == version
        assert [each.state.value for each in indices.every(session, project)] == ["retired", "active"]
        indices.activate(session, project, None)
        assert indices.active(session, project) is None
        with pytest.raises(NotFoundError):
            indices.activate(session, project, "v3")
        with pytest.raises(ConflictError):
            indices.add(session, project, "v1", "x", by="ann", labels=30, evaluation="{}")


def test_words_that_postgresql_cannot_hold_find_nothing_and_break_nothing(database: Database, project: int) -> None:
    odd = "a\x00b\ud800"
    with database.begin() as session:
        traces.put_trace(session, project, RUNS[0])
        for where in ("text", "cause", "framework", "model", "batch"):
            assert traces.page(session, project, traces.Filter.model_construct(**{where: odd})).total == 0
        assert traces.called(session, project, odd) == ()
        with pytest.raises(NotFoundError):
            traces.get(session, project, odd)
        with pytest.raises(NotFoundError):
            traces.show(session, project, odd)
