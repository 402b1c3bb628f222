"""Whatever the input, reading it ends in a Trace or in a TraceError that says which file, which format and where."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from classifier import formats
from classifier.trace import Trace, TraceError

CONSOLE = Path(__file__).parent / "fixtures" / "metagpt_log" / "console.txt"


def refused(data: bytes, kind: str | None = None, **options: Any) -> TraceError:
    with pytest.raises(TraceError) as caught:
        formats.read(data, kind, name="run.json", **options)
    assert caught.value.file == "run.json"
    assert str(caught.value).startswith("run.json")
    return caught.value


def read_or_error(data: bytes) -> list[Trace] | TraceError:
    try:
        return formats.read(data)
    except TraceError as error:
        return error


def document(value: Any) -> bytes:
    return json.dumps(value).encode()


def chat(*messages: Any) -> bytes:
    return document({"messages": messages})


def test_an_error_names_file_format_and_place() -> None:
    error = refused(document({"question": "q", "history": [{"role": "user", "name": "a", "content": ""}, 7]}))
    assert (error.file, error.format, error.place) == ("run.json", "who_and_when", "history[1]")
    assert str(error) == "run.json at history[1]: expected an object, found a number (read as who_and_when)"


@pytest.mark.parametrize("data", [b"", b"   \n\t ", b"\xef\xbb\xbf", b"\xff\xfe", gzip.compress(b"")])
def test_an_empty_input_is_said_to_be_empty(data: bytes) -> None:
    assert refused(data).problem == "the input is empty"


def test_what_is_of_no_format_is_refused_with_the_formats_there_are() -> None:
    for data in (b"hello", b"42", b"null", b"[]", b"{}", b'{"a": 1}', b"[[1]]", b'["role"]'):
        assert "no known format" in refused(data).problem


def test_truncated_json_is_located() -> None:
    error = refused(b'{"question": "q",\n "history": [{"role": "us')
    assert error.problem.startswith("not valid JSON: Unterminated string")
    assert error.place == "line 2 column 23"


def test_truncated_jsonl_is_located_by_its_line() -> None:
    line = json.dumps({"messages": [{"role": "user", "content": "hi"}]})
    error = refused(f"{line}\n\n{line[:20]}".encode())
    assert error.format == "openai_chat"
    assert error.place is not None
    assert error.place.startswith("line 3, ")


def test_a_wrong_encoding_is_located_and_never_guessed() -> None:
    error = refused("caf\u00e9\nna\u00efve".encode("latin-1"))
    assert "not UTF-8" in error.problem
    assert error.place == "byte 3, line 1"
    assert "not UTF-16" in refused(b"\xff\xfe\x00\xd8x\x00").problem


def test_nul_bytes_are_refused_with_their_place() -> None:
    error = refused(b'{"messages": [\x00]}')
    assert "NUL" in error.problem
    assert error.place == "character 14"


def test_a_stray_nul_in_a_log_is_a_mark_and_costs_nothing_else() -> None:
    log = CONSOLE.read_text(encoding="utf-8")
    at = log.index("\n", len(log) // 2)
    odd, plain = (formats.read((log[:at] + c + log[at:]).encode(), "metagpt_log") for c in ("\x00", "\ufffd"))
    assert [trace.steps for trace in odd] == [trace.steps for trace in plain]


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n\x00\x01", b"\x7fELF\x02\x01", bytes(range(256)), b"\xde\xad\xbe\xef" * 99]
)
def test_binary_junk_is_refused(data: bytes) -> None:
    assert refused(data)


def test_archives_are_named() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("run.json", "[]")
    assert "zip archive" in refused(packed.getvalue()).problem
    assert "xz archive" in refused(b"\xfd7zXZ\x00rest").problem


def test_an_input_over_the_limit_is_refused_before_it_is_decoded() -> None:
    message = chat({"role": "user", "content": "x" * 100})
    assert formats.read(message, limit=len(message))
    assert "over the limit" in refused(message, limit=len(message) - 1).problem


def test_the_default_limit_is_200_megabytes() -> None:
    assert formats.MAX_BYTES == 200 * 2**20
    assert "over the limit of 200 MB" in refused(b" " * (formats.MAX_BYTES + 1)).problem


def test_a_gzip_bomb_costs_no_more_than_the_limit() -> None:
    pressed = zlib.compressobj(wbits=31)
    bomb = b"".join(pressed.compress(bytes(2**20)) for _ in range(64)) + pressed.flush()
    assert len(bomb) < 100_000
    assert "more than the limit" in refused(bomb, limit=2**20).problem


def test_broken_gzip_is_refused() -> None:
    packed = gzip.compress(chat({"role": "user", "content": "hi"}))
    assert "ends in the middle" in refused(packed[:-9]).problem
    assert "broken gzip" in refused(packed[:10] + b"\xff" * 20).problem


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 10_000,
        b"[" * 10_000 + b"]" * 10_000,
        b'{"messages": [{"role": "user", "content": ' + b"[" * 10_000 + b"]" * 10_000 + b"}]}",
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b"rounds:\n- post_list:\n  - send_from: " + b"[" * 10_000,
        b"rounds:\n" + b"".join(b"%s- send_from:\n" % (b" " * n) for n in range(1, 500)),
    ],
)
def test_nesting_of_ten_thousand_is_refused(data: bytes) -> None:
    assert refused(data)


def test_nesting_below_what_the_parser_refuses_is_no_danger_either() -> None:
    for depth in (100, 400, 900, 990):
        content = "[" * depth + "]" * depth
        data = f'{{"messages": [{{"role": "user", "content": {{"a": {content}}}}}]}}'.encode()
        outcome = read_or_error(data)
        if isinstance(outcome, TraceError):
            assert "nested too deep" in outcome.problem
        else:
            assert outcome[0].steps[0].content.count("[") == depth


def test_a_number_of_ten_thousand_digits_is_refused() -> None:
    assert "not valid JSON" in refused(b'{"messages": [' + b"9" * 10_000 + b"]}").problem


def test_yaml_aliases_are_refused_so_no_bomb_unfolds() -> None:
    bomb = "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nrounds:\n- post_list:\n  - send_from: *c\n"
    error = refused(bomb.encode())
    assert error.format == "taskweaver"
    assert "alias" in error.problem
    assert error.place == "line 2 column 8"


def test_yaml_builds_no_objects() -> None:
    post = "send_from: User\n    send_to: Planner\n    message: !!python/object/apply:os.getcwd []\n"
    error = refused(f"rounds:\n- post_list:\n  - {post}".encode())
    assert error.problem.startswith("no steps")


def test_broken_yaml_is_located() -> None:
    error = refused(b"rounds:\n- post_list:\n  - send_from: 'User\n")
    assert (error.format, error.place) == ("taskweaver", "line 4 column 1")


@pytest.mark.parametrize(
    ("value", "format_", "place"),
    [
        ({"question": "q", "history": []}, "who_and_when", "history"),
        ({"reward": 0, "traj": []}, "tau_bench", "traj"),
        ({"messages": [], "metadata": {"won": False, "environment": "gaia"}}, "agent_error_bench", "messages"),
        ({"chat_history": [], "summary": ""}, "autogen_history", "chat_history"),
        ({"rounds": []}, None, None),
        ({"post_list": []}, "taskweaver", "post_list"),
        ({"goal": "g", "tasks": []}, "metagpt_di", "tasks"),
        ({"cells": [], "nbformat": 4}, "metagpt_di", "cells"),
        ({"format": "f", "framework": "f", "task": "t", "steps": [], "id": "i"}, "coroner", "steps"),
    ],
)
def test_a_run_without_steps_is_refused(value: Any, format_: str | None, place: str | None) -> None:
    error = refused(document(value))
    assert (error.format, error.place) == (format_, place)


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        ([{"role": "user", "content": "x"}, {"content": "no role"}], "messages[1].role"),
        ([{"role": "wizard", "content": "x"}], "messages[0].role"),
        ([{"role": 7, "content": "x"}], "messages[0].role"),
        ([{"role": "user", "content": "x"}, None], "messages[1]"),
        ([{"role": "assistant", "content": "", "tool_calls": [{}]}], "messages[0].tool_calls[0].name"),
        ([{"role": "assistant", "content": "", "tool_calls": ["x"]}], "messages[0].tool_calls[0]"),
        ([{"role": "user", "content": "x", "name": "n" * 1001}], "messages[0].name"),
    ],
)
def test_a_malformed_message_is_located(messages: list[Any], place: str) -> None:
    assert refused(chat(*messages)).place == place


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, ""),
        (7, "7"),
        (True, "true"),
        ({"b": 1, "a": "\u00e9"}, '{"b": 1, "a": "\u00e9"}'),
        (["a", {"type": "text", "text": "b"}, 3], "a\nb\n3"),
        ("\ud800x\x00y\x07\u001b[1m", "\ufffdx\ufffdy\x07\x1b[1m"),
    ],
)
def test_content_of_another_type_is_read_where_it_is_clear_what_is_meant(content: Any, text: str) -> None:
    step = formats.read(chat({"role": "user", "content": content}))[0].steps[0]
    assert step.content == text
    step.model_dump_json().encode("utf-8")


def test_our_own_trace_is_validated_with_places() -> None:
    step = {"index": 0, "agent": "a", "role": "user", "content": "c"}
    trace = {"id": "i", "format": "f", "framework": "f", "task": "t", "steps": [step, {**step, "index": 1}]}
    assert formats.read(document(trace))
    assert refused(document({**trace, "steps": [step, step]})).place == "steps[1].index"
    assert refused(document({**trace, "steps": [{**step, "role": "wizard"}]})).place == "steps[0].role"
    assert refused(document([trace, {**trace, "mistake_step": 3}])).place == "[1].mistake_step"


def database(script: str) -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.executescript(script)
    data = connection.serialize()
    connection.close()
    return data


def test_a_database_that_is_no_log_is_refused() -> None:
    error = refused(database("CREATE TABLE t(x)"))
    assert error.format == "autogen_sqlite"
    assert error.problem.startswith("no steps")


def test_a_damaged_database_is_refused(request: pytest.FixtureRequest) -> None:
    data = (request.path.parent / "fixtures/autogen_sqlite/group.db").read_bytes()
    assert "broken SQLite file" in refused(data[:16] + b"\xff" * 600).problem
    for cut in range(16, len(data), 251):
        damaged = data[:cut] + bytes(reversed(data[cut : cut + 300])) + data[cut + 300 :]
        outcome = read_or_error(damaged)
        assert outcome
        if isinstance(outcome, TraceError):
            assert outcome.format == "autogen_sqlite"


def test_a_database_whose_schema_or_values_are_no_text_is_refused(request: pytest.FixtureRequest) -> None:
    data = (request.path.parent / "fixtures/autogen_sqlite/group.db").read_bytes()
    assert "broken SQLite file" in refused(data.replace(b"CREATE TABLE agents", b"CREATE \xe7\xe7BLE agents")).problem
    blob = "CREATE TABLE events(event_name, json_state); INSERT INTO events VALUES('received_message', x'fffe')"
    error = refused(database(blob))
    assert error.place is not None
    assert error.place.startswith("events[0].json_state")


@pytest.mark.parametrize(
    "script",
    [
        "CREATE VIEW events AS SELECT 'received_message' AS event_name, load_extension('x') AS json_state",
        "CREATE VIEW events AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT i FROM n",
        "CREATE VIRTUAL TABLE events USING fts5(event_name, json_state)",
        "CREATE TABLE events(event_name, x AS (hex(zeroblob(9)))); INSERT INTO events VALUES('received_message')",
    ],
)
def test_nothing_in_a_hostile_database_is_run(script: str) -> None:
    assert refused(database(script)).format == "autogen_sqlite"


def test_a_database_in_write_ahead_mode_is_read(request: pytest.FixtureRequest) -> None:
    data = (request.path.parent / "fixtures/autogen_sqlite/group.db").read_bytes()
    walled = data[:18] + b"\x02\x02" + data[20:]
    assert formats.read(walled) == formats.read(data)


def test_a_message_cut_off_in_a_log_is_located() -> None:
    line = '{"source_name": "assistant", "event_name": "received_message", "json_state": "{\\"mess'
    error = refused(f"Started new session with Session ID: s\n{line}".encode())
    assert error.format == "autogen_filelog"
    assert error.place is not None
    assert error.place.startswith("line 2, ")
