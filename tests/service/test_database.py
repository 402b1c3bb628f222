"""The database as a whole: upgrades, checks, backups."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import postgres as server
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from runs import run, said, verdict
from sqlalchemy import text

from service.settings import Settings
from service.storage import annotations, diagnoses, projects, traces
from service.storage.database import Database, DatabaseError, restore
from service.work.queue import Queue

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_database_has_the_tables_that_the_code_expects(database: Database) -> None:
    assert database.problems() == ()


def test_the_tables_of_a_queue_in_the_same_database_are_no_problem(postgres: str, tmp_path: Path) -> None:
    url = server.empty(postgres)
    database = Database(url)
    database.upgrade()
    queue = Queue(Settings(folder=tmp_path, database=url, queue=url))
    queue.wake([1])
    assert queue.length == 1
    queue.close()
    assert database.problems() == ()
    database.close()


def test_a_database_of_each_earlier_schema_is_brought_up_to_date(url: str) -> None:
    opened = Database(url)
    script = ScriptDirectory.from_config(opened._config())
    for revision in reversed([each.revision for each in script.walk_revisions()]):
        opened.upgrade(revision)
    assert opened.problems() == ()
    opened.close()


def test_labels_survive_the_upgrade_that_lets_their_blindness_be_unknown(url: str) -> None:
    opened = Database(url)
    opened.upgrade()
    with opened.begin() as session:
        project = projects.ensure(session)
        uid = traces.put_trace(session, project, run())[0].uid
        annotations.add(session, project, uid, said(run(), "ann", "P1"), blind=True)
        annotations.add(session, project, uid, said(run(), "bob", "E2.2"), blind=False)
        before = annotations.of(session, project, uid)
    command.downgrade(opened._config(), "0001")
    opened.upgrade()
    with opened.begin() as session:
        assert annotations.of(session, project, uid) == before
        annotations.add(session, project, uid, said(run(), "eve", "P1"))
        annotations.add(session, project, uid, said(run(), "eve", "P2"))  # one that holds, as the index demands
        assert [each.blind for each in annotations.of(session, project, uid)] == [True, False, None]
    assert opened.problems() == ()
    opened.close()


def test_services_that_start_at_once_make_the_tables_once(url: str) -> None:
    code = "import sys; from service.storage.database import Database; Database(sys.argv[1]).upgrade()"
    started = [subprocess.Popen([sys.executable, "-c", code, url], stderr=subprocess.PIPE) for _ in range(3)]  # noqa: S603 - ours
    assert [each.communicate()[1] for each in started] == [b""] * 3
    with contextlib.closing(Database(url)) as opened:
        assert opened.problems() == ()


def test_those_who_write_the_same_in_another_order_and_delete_it_do_not_get_in_each_others_way(
    database: Database,
) -> None:
    with database.begin() as session:
        project = projects.ensure(session)
    many = [run(f"run-{i}") for i in range(6)]

    def store(turn: int) -> None:
        with database.begin() as session:
            for each in many[:: 1 if turn % 2 else -1]:
                uid = traces.put_trace(session, project, each)[0].uid
                diagnoses.add(session, project, uid, verdict(each))

    def delete(turn: int) -> None:
        with database.begin() as session:
            for each in traces.uids(session, project)[:: 1 if turn % 2 else -1]:
                traces.delete(session, project, each)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda turn: (delete if turn % 3 == 0 else store)(turn), range(60)))
    store(0)
    with database.begin(write=False) as session:
        assert traces.page(session, project).total == len(many)


def test_a_database_without_its_tables_says_what_to_do(url: str) -> None:
    opened = Database(url)
    (problem,) = opened.problems()
    assert "coroner db upgrade" in problem
    opened.close()


def test_tables_of_a_newer_program_are_left_alone_and_told_of(database: Database) -> None:
    with database.begin() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseError, match="made by a newer coroner"):
        database.upgrade()


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.begin() as session:
            projects.ensure(session, "gone")
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    with database.begin(write=False) as session:
        assert projects.names(session) == ()


@pytest.mark.parametrize("url", ["nothing", "mysql://x", "postgresql+nodriver://x"])
def test_what_is_no_database_is_refused_in_words(url: str) -> None:
    with pytest.raises(DatabaseError, match="is no database"):
        Database(url)


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    assert "secret" not in Database("postgresql://ann:secret@127.0.0.1/x").name
    del tmp_path


@pytest.fixture
def filled(tmp_path: Path) -> Database:
    opened = Database(f"sqlite:///{tmp_path / 'a.db'}")
    opened.upgrade()
    with opened.begin() as session:
        traces.put_trace(session, projects.ensure(session), run())
    return opened


def test_a_backup_taken_in_use_is_restored_as_it_was(filled: Database, tmp_path: Path) -> None:
    with filled.begin() as session:
        traces.put_trace(session, projects.ensure(session), run("not yet committed"))
        session.flush()
        filled.backup(tmp_path / "b.db")
    filled.close()
    restore(tmp_path / "b.db", tmp_path / "c.db")
    again = Database(f"sqlite:///{tmp_path / 'c.db'}")
    with again.begin(write=False) as session:
        assert [each.trace.name for each in traces.page(session, projects.ensure(session)).items] == ["run-1"]
    assert again.problems() == ()
    again.close()


def test_a_restore_keeps_the_database_that_was_there(filled: Database, tmp_path: Path) -> None:
    filled.backup(tmp_path / "b.db")
    filled.close()
    restore(tmp_path / "b.db", tmp_path / "a.db")
    first = (tmp_path / "a.db.before").read_bytes()
    assert restore(tmp_path / "b.db", tmp_path / "a.db") == tmp_path / "a.db.before.2"
    assert (tmp_path / "a.db.before").read_bytes() == first


def test_a_database_that_is_in_use_is_not_replaced(filled: Database, tmp_path: Path) -> None:
    filled.backup(tmp_path / "b.db")
    with filled.begin() as session:
        traces.put_trace(session, projects.ensure(session), run("later"))
    with pytest.raises(DatabaseError, match="stop the service"):
        restore(tmp_path / "b.db", tmp_path / "a.db")
    assert not (tmp_path / "a.db.before").exists()
    filled.close()
    restore(tmp_path / "b.db", tmp_path / "a.db")
    before = Database(f"sqlite:///{tmp_path / 'a.db.before'}")
    with before.begin(write=False) as session:
        names = {each.trace.name for each in traces.page(session, projects.ensure(session)).items}
    assert names == {"run-1", "later"}
    before.close()


def test_a_damaged_database_is_replaced_and_kept(filled: Database, tmp_path: Path) -> None:
    filled.backup(tmp_path / "b.db")
    filled.close()
    (tmp_path / "a.db").write_bytes(b"no database at all" * 300)
    restore(tmp_path / "b.db", tmp_path / "a.db")
    assert (tmp_path / "a.db.before").read_bytes().startswith(b"no database")
    again = Database(f"sqlite:///{tmp_path / 'a.db'}")
    assert again.problems() == ()
    again.close()


def test_a_backup_never_overwrites(filled: Database, tmp_path: Path) -> None:
    (tmp_path / "b.db").write_text("mine")
    with pytest.raises(DatabaseError, match="is there already"):
        filled.backup(tmp_path / "b.db")
    assert (tmp_path / "b.db").read_text() == "mine"
    filled.close()


def test_a_damaged_backup_is_not_restored(filled: Database, tmp_path: Path) -> None:
    filled.backup(tmp_path / "b.db")
    filled.close()
    whole = (tmp_path / "b.db").read_bytes()
    (tmp_path / "b.db").write_bytes(whole[:8192] + bytes(4096) + whole[12288:])
    with pytest.raises(DatabaseError):
        restore(tmp_path / "b.db", tmp_path / "a.db")
    assert not (tmp_path / "a.db.before").exists()


def test_what_is_no_backup_is_not_restored(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "b.db")):
        pass
    with pytest.raises(DatabaseError, match="no backup"):
        restore(tmp_path / "b.db", tmp_path / "a.db")
