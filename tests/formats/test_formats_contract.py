"""What every format owes: its fixtures say it, and a format that is new in the folder is held to it as well."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from classifier import formats
from classifier.formats import Source
from classifier.trace import Trace, TraceError

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path) -> list[Trace]:
    return formats.read(path.read_bytes(), name=path.name)


@pytest.mark.parametrize("name", formats.names())
def test_every_format_has_a_fixture_folder(name: str, request: pytest.FixtureRequest) -> None:
    folder = request.path.parent / "fixtures" / name
    assert [p for p in folder.iterdir() if not p.name.endswith(".expected.json")]


def test_every_fixture_folder_is_a_formats(request: pytest.FixtureRequest) -> None:
    assert {p.name for p in (request.path.parent / "fixtures").iterdir()} == set(formats.names())


def test_exactly_its_own_format_claims_a_fixture(fixture_input: Path) -> None:
    assert formats.claims(Source(fixture_input.read_bytes())) == (fixture_input.parent.name,)


def test_a_fixture_reads_as_expected(fixture_input: Path) -> None:
    expected = json.loads((fixture_input.parent / f"{fixture_input.name}.expected.json").read_text("utf-8"))
    assert [trace.model_dump(mode="json", exclude_defaults=True) for trace in read(fixture_input)] == expected


def test_naming_the_format_reads_the_same_as_sniffing(fixture_input: Path) -> None:
    data = fixture_input.read_bytes()
    assert formats.read(data, fixture_input.parent.name, name=fixture_input.name) == read(fixture_input)


def test_indices_increase_and_ids_differ(fixture_input: Path) -> None:
    traces = read(fixture_input)
    assert len({trace.id for trace in traces}) == len(traces)
    for trace in traces:
        assert trace.id
        assert all(one.index < two.index for one, two in pairwise(trace.steps))


def test_a_trace_names_the_format_that_first_read_it(fixture_input: Path) -> None:
    first = "autogen_console" if fixture_input.parent.name == "coroner" else fixture_input.parent.name
    assert {trace.format for trace in read(fixture_input)} == {first}


def test_a_trace_survives_our_own_json_exactly(fixture_input: Path) -> None:
    traces = read(fixture_input)
    lines = "\n".join(trace.model_dump_json() for trace in traces)
    assert formats.read(lines.encode()) == traces
    for trace in traces:
        assert formats.read(trace.model_dump_json().encode()) == [trace]
        assert formats.read(trace.model_dump_json(indent=2).encode()) == [trace]


def test_gzip_changes_nothing(fixture_input: Path) -> None:
    packed = gzip.compress(fixture_input.read_bytes())
    assert formats.read(packed, name=f"{fixture_input.name}.gz") == read(fixture_input)


def test_line_ends_of_windows_change_nothing(text_input: Path) -> None:
    data = text_input.read_bytes().replace(b"\n", b"\r\n")
    assert formats.read(data, name=text_input.name) == read(text_input)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding(text_input: Path, encoding: str) -> None:
    data = text_input.read_text("utf-8").encode(encoding)
    assert formats.read(data, name=text_input.name) == read(text_input)


def test_a_trace_can_be_encoded_and_keeps_no_terminal_colours(fixture_input: Path) -> None:
    for trace in read(fixture_input):
        written = trace.model_dump_json().encode("utf-8")
        assert b"\\u001b" not in written
        assert b"\x1b" not in written


def test_an_unknown_format_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(TraceError) as caught:
        formats.read(b"[]", "langfuse", name="run.json")
    assert "langfuse" in str(caught.value)
    assert all(name in str(caught.value) for name in formats.names())


def test_no_helper_is_a_format() -> None:
    assert not [name for name in formats.names() if name.startswith("_")]


@pytest.mark.parametrize("module", ["../trace", "_source", "os", "", "coroner.parse"])
def test_only_a_file_of_the_folder_can_be_named_as_a_format(module: str) -> None:
    with pytest.raises(TraceError, match=r"no format named|no known format"):
        formats.read(b"x", module or None)


def test_an_id_is_the_sources_own_else_the_files_stem_else_a_hash_of_the_content() -> None:
    messages = [{"role": "user", "content": "hi"}]
    data = json.dumps(messages).encode()
    assert formats.read(json.dumps({"id": "r-9", "messages": messages}).encode(), name="a.json")[0].id == "r-9"
    assert formats.read(data, name="logs\\day one.json.gz")[0].id == "day one"
    assert formats.read(data)[0].id == formats.read(data, name="-")[0].id
    assert formats.read(data)[0].id != formats.read(data + b" ")[0].id


def test_runs_of_one_file_that_share_an_id_are_told_apart() -> None:
    line = json.dumps({"id": "same", "messages": [{"role": "user", "content": "hi"}]})
    traces = formats.read(f"{line}\n{line}\n".encode(), name="a.jsonl")
    assert [trace.id for trace in traces] == ["same#0", "same#1"]
