"""What is printed at the start, and what is said of a database that cannot be used, holds no secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from fake_classifier import FakeClassifier
from typer.testing import CliRunner

from classifier import cli
from classifier.terminal import Tools
from service.addresses import hidden
from service.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

WORD = "hunter2"
ADDRESSES = [
    f"postgresql://coroner:{WORD}@127.0.0.1:1/coroner",
    f"postgresql://coroner@127.0.0.1:1/coroner?password={WORD}",
    f"postgresql://coroner@127.0.0.1:1/coroner?sslpassword={WORD}&connect_timeout=1",
    f"postgresql//coroner:{WORD}@127.0.0.1/coroner",
    f"postgresql://coroner:{WORD}@127.0.0.1:port/coroner",
    f"postgresql://coroner:1{WORD}/{WORD}:{WORD}",
    f"oracle://coroner:{WORD}@127.0.0.1/coroner",
    WORD,
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_settings_are_shown_without_secrets(tmp_path: Path, address: str) -> None:
    given = Settings(folder=tmp_path, database=address, queue=address, secret=WORD)
    told = json.dumps(given.shown())
    assert WORD not in told
    assert WORD not in repr(given.secret)
    assert '"secret": "set"' in told


def test_an_address_is_shown_with_all_that_is_no_secret() -> None:
    assert hidden("postgresql://ann:pw@db:5432/runs?sslmode=require&token=t") == (
        "postgresql://ann:***@db:5432/runs?sslmode=require&token=hidden"
    )
    assert hidden("redis://:pw@queue:6379/0") == "redis://:***@queue:6379/0"
    assert hidden("sqlite:////var/lib/coroner/coroner.db") == "sqlite:////var/lib/coroner/coroner.db"


def coroner(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli.whole(), list(arguments), obj=Tools(load=lambda *_: FakeClassifier()))
    return done.exit_code, done.output + repr(done.exception)


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_start_that_fails_tells_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("CORONER_FOLDER", str(tmp_path))
    monkeypatch.setenv("CORONER_DATABASE", address)
    monkeypatch.setenv("CORONER_SECRET", WORD)
    for arguments in (("serve", "--port", "0"), ("db", "check"), ("db", "upgrade"), ("keys", "list")):
        code, said = coroner(*arguments)
        assert (code, WORD in said) == (1, False), said
        if "port/" not in address:
            assert "SystemExit" in said, said


def test_secrets_are_also_read_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "coroner_database").write_text("oracle://from:the@file/x\n")
    monkeypatch.setenv("CORONER_SECRETS", str(tmp_path))
    code, said = coroner("db", "check")
    assert (code, "'oracle://from:***@file/x' is no database" in said) == (1, True)
    monkeypatch.setenv("CORONER_DATABASE", "mysql://from@environment/x")
    assert "environment/x" in coroner("db", "check")[1]
