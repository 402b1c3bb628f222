"""Damaged and random input gives a Trace or a TraceError, nothing else, and in time that grows with its length only."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifier import formats
from classifier.trace import TraceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# The inputs are files, so hypothesis may not vary them: what it varies is what is done to them.
FUZZ = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
KEYS = [
    "role",
    "content",
    "name",
    "messages",
    "history",
    "question",
    "traj",
    "reward",
    "tool_calls",
    "function",
    "info",
]
KEYS += ["metadata", "environment", "won", "rounds", "post_list", "send_from", "send_to", "attachment_list", "type"]
KEYS += [
    "cells",
    "nbformat",
    "goal",
    "tasks",
    "task_id",
    "instruction",
    "chat_history",
    "scope",
    "msg",
    "extra",
    "steps",
]
WORDS = ["user", "assistant", "tool", "human", "Orchestrator (thought)", "Planner", "post", "round_start", "gaia", ""]
LEAVES = st.none() | st.booleans() | st.integers(-2, 9) | st.floats() | st.sampled_from(WORDS) | st.text(max_size=8)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=25,
)


def survives(data: bytes, kind: str | None = None) -> None:
    """Read; every Trace must be storable, every other outcome a TraceError."""
    try:
        traces = formats.read(data, kind, name="fuzz.json")
    except TraceError:
        return
    for trace in traces:
        assert trace.steps
        trace.model_dump_json().encode("utf-8")


@FUZZ
@given(data=st.data())
def test_damaged_fixtures(fixture_input: Path, data: st.DataObject) -> None:
    original = fixture_input.read_bytes()
    start = data.draw(st.integers(0, len(original)))
    end = data.draw(st.integers(start, min(len(original), start + 60)))
    new = data.draw(
        st.binary(max_size=8) | st.sampled_from([b"", b"null", b'"', b"{", b"[]", b"\n", b"\x00", b"\xff", b"-1"])
    )
    damaged = original[:start] + new + original[end:]
    survives(damaged)
    survives(damaged, fixture_input.parent.name)


@FUZZ
@given(data=st.data())
def test_truncated_fixtures(fixture_input: Path, data: st.DataObject) -> None:
    original = fixture_input.read_bytes()
    survives(original[: data.draw(st.integers(0, len(original)))], fixture_input.parent.name)


def replaced(value: Any, path: list[int], new: Any) -> Any:
    """The JSON value with the part replaced that the path leads to, as far as it goes."""
    if not path or not isinstance(value, dict | list) or not value:
        return new
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = keys[path[0] % len(keys)]
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[key] = replaced(value[key], path[1:], new)
    return copy


@FUZZ
@given(data=st.data())
def test_json_fixtures_with_a_value_of_another_type(text_input: Path, data: st.DataObject) -> None:
    try:
        document = json.loads(text_input.read_text("utf-8"))
    except ValueError:
        first, _, rest = text_input.read_text("utf-8").partition("\n")
        try:
            document = json.loads(first)
        except ValueError:
            return survives(rest.encode(), text_input.parent.name)
    changed = replaced(document, data.draw(st.lists(st.integers(0, 9), max_size=6)), data.draw(VALUES))
    survives(json.dumps(changed).encode())
    survives(json.dumps(changed).encode(), text_input.parent.name)
    return None


@pytest.mark.parametrize("kind", [None, *formats.names()])
@FUZZ
@given(value=VALUES, junk=st.binary(max_size=60), text=st.text(max_size=60))
def test_random_input(kind: str | None, value: Any, junk: bytes, text: str) -> None:
    survives(json.dumps(value).encode(), kind)
    survives(json.dumps([value, value]).encode(), kind)
    survives(f"{json.dumps(value)}\n{json.dumps(value)}".encode(), kind)
    survives(junk, kind)
    survives(text.encode("utf-8", "surrogatepass"), kind)


HOSTILE: dict[str, Callable[[int], str]] = {
    "suggested calls without an end": lambda n: (
        "a (to b):\n\n" + "***** Suggested tool call (x): y *****\nArguments: \n" * (n // 50) + "\n" + "-" * 80
    ),
    "headers only": lambda n: "a (to b):\n\n" * (n // 11) + "\n" + "-" * 80,
    "dashed lines": lambda n: "a (to b):\n\nx\n" + ("-" * 80 + "\n") * (n // 81),
    "spaces": lambda n: "╭───< P >\n├──● x" + " " * n + "<=.=>",
    "brackets": lambda n: "╭───< P >\n├──● " + "] " * (n // 2) + "<=.=>",
    "talk": lambda n: "2026-01-01 00:00:00,000 - INFO - a talk to b: " + "c talk to " * (n // 10),
    "broken model output": lambda n: (
        "2026-01-01 00:00:00,000 - INFO - LLM output: {"
        + '"k": "' * (n // 6)
        + "\n2026-01-01 00:00:00,000 - INFO - a talk to b: c"
    ),
    "warnings": lambda n: "2026-01-01 00:00:00.000 | INFO     | metagpt.a:b:1 - x\n" + "Warning " * (n // 8),
    "hashes": lambda n: "2026-01-01 00:00:00.000 | INFO     | metagpt.a:b:1 - x\n" + "#" * n,
    "fences": lambda n: "2026-01-01 00:00:00.000 | INFO     | metagpt.a:b:1 - x\n" + "```python\n" * (n // 10),
    "prompt turns": lambda n: (
        "2026-01-01 00:00:00.000 | DEBUG    | metagpt.a:aask:1 - [" + "{'role': 'user', 'content': 'a" * (n // 30)
    ),
    "prompt escapes": lambda n: (
        "2026-01-01 00:00:00.000 | DEBUG    | metagpt.a:aask:1 - [{'role': 'user', 'content': '" + "\\\\" * (n // 2)
    ),
    "escapes": lambda n: "\x1b]" * (n // 2) + "a (to b):\n\nx\n" + "-" * 80,
    "magentic role": lambda n: json.dumps([{"role": "Orchestrator (" + " " * 900, "content": "x"}] * (n // 950)),
    "actions": lambda n: json.dumps(
        {
            "messages": [{"role": "assistant", "content": "<action>\ntool: a\nparameters:" * (n // 27)}],
            "metadata": {"won": 1, "environment": "x"},
        }
    ),
    "step lines": lambda n: json.dumps(
        {
            "messages": [{"role": "user", "content": "You are now at step 1" * (n // 21)}] * 2,
            "metadata": {"won": 1, "environment": "x"},
        }
    ),
    "file log": lambda n: '{"event_name": "received_message"' * (n // 32) + "\n" + '{"invocation_id": ' * (n // 20),
    "yaml": lambda n: "rounds:\n- post_list:\n  - send_from: a\n    send_to: b\n    message: " + "'" * n,
    "many messages": lambda n: json.dumps([{"role": "user", "content": "x"}] * (n // 40)),
}


@pytest.mark.parametrize("shape", HOSTILE)
def test_hostile_text_takes_time_in_proportion_to_its_length(shape: str) -> None:
    """Ten times the text may take thirty times as long (timers are rough); what is quadratic takes a hundred."""

    def seconds(length: int) -> float:
        data = HOSTILE[shape](length).encode()
        start = time.perf_counter()
        survives(data)
        return time.perf_counter() - start

    seconds(1000)  # imports
    few, many = (min(seconds(length) for _ in range(3)) for length in (60_000, 600_000))
    assert many < 30 * max(few, 0.02)  # in less, a timer shows what else the machine does
