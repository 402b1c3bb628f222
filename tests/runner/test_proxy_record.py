"""The record survives whatever ends its run, and keeps what a label needs: which step the answer to a call became."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from proxied import SYSTEM, Counting, assistant, client, proxy, trace, user

from classifier import formats
from classifier.trace import Limits, TraceError
from runner.proxy import Caps, Outcome, RecordError, Run, Window, add_outcome, read

if TYPE_CHECKING:
    from collections.abc import Callable

KILLED = """
import sys, threading
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from proxied import *
never = threading.Event()
def answer(body):
    if len(body["messages"]) > 6:
        print("asked for the fourth time", flush=True)
        never.wait()
    return "answer"
with proxy(Toy(answer), Path(sys.argv[1])) as running, client(running, timeout=60) as ask:
    messages = [SYSTEM]
    while True:
        messages.append(user(f"word {len(messages)}"))
        messages.append(ask.chat.completions.create(model="m", messages=messages).choices[0].message)
"""


def ask(running: object, *messages: dict[str, object]) -> None:
    with client(running) as asking:  # type: ignore[arg-type]
        asking.chat.completions.create(model="m", messages=list(messages))  # type: ignore[arg-type]


def test_what_was_recorded_before_a_kill_is_there(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path), str(Path(__file__).parent)]
    with subprocess.Popen(  # noqa: S603 - our own
        command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"asked for the fourth time\n"
        run.send_signal(signal.SIGKILL)
    assert run.returncode == -signal.SIGKILL
    record = read(tmp_path / "record.jsonl")
    assert [call.number for call in record.calls] == [0, 1, 2]
    assert record.end is None
    assert [step.content for step in trace(tmp_path).steps][-3:] == [
        "word 5",
        "answer",
        "word 7",
    ]  # asked, not answered


def test_a_record_can_be_read_wherever_it_was_torn(tmp_path: Path) -> None:
    with proxy(Counting(), tmp_path, Run(id="r", task="zähle")) as running:
        ask(running, SYSTEM, user("größer ≥ größer"))
        ask(running, SYSTEM, user("größer ≥ größer"), assistant("1"), user("weiter"))
    whole = (tmp_path / "record.jsonl").read_bytes()
    torn = tmp_path / "torn.jsonl"
    first_step = whole.index(b"\n", whole.index(b"\n") + 1) + 1
    counts = []
    for end in range(first_step, len(whole)):
        torn.write_bytes(whole[:end])
        counts.append((len(formats.read(whole[:end], "coroner_record")[0].steps), len(read(torn).calls)))
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == ((1, 0), (5, 2))


def test_a_record_without_a_step_is_an_error_that_says_so(tmp_path: Path) -> None:
    with proxy(Counting(), tmp_path):
        pass
    with pytest.raises(TraceError, match="never asked"):
        formats.read((tmp_path / "record.jsonl").read_bytes())


def test_the_step_of_a_calls_answer_can_be_found(tmp_path: Path) -> None:
    with proxy(Counting(), tmp_path) as running:
        ask(running, SYSTEM, user("a"))
        ask(running, SYSTEM, user("a"), assistant("1"), user("b"), user("c"))
    record, steps = read(tmp_path / "record.jsonl"), trace(tmp_path).steps
    assert [record.answer_step(number) for number in (0, 1, 2)] == [2, 5, None]
    assert [steps[index].content for index in (2, 5)] == ["1", "2"]
    assert [call.steps for call in record.calls] == [(0, 1), (3, 4)]
    assert {len(call.request) for call in record.calls} == {64}
    assert record.end is not None
    assert (record.end.reason, record.end.calls) == ("done", 2)
    assert record.end.prompt_tokens == sum(call.prompt_tokens for call in record.calls) > 20


def test_a_run_that_says_nothing_of_time_is_recorded_byte_for_byte_alike(tmp_path: Path) -> None:
    lines = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        with proxy(Counting(), tmp_path / name) as running:
            ask(running, SYSTEM, user("a"))
        read_ = [json.loads(line) for line in (tmp_path / name / "record.jsonl").read_text().splitlines()]
        for line in read_:
            line.pop("started", None)
            for part in (line.get("call", {}), line.get("end", {})):
                for timed in ("at", "latency", "seconds"):
                    part.pop(timed, None)
        lines.append(read_)
    assert lines[0] == lines[1]


def test_how_a_run_was_scored_is_added_and_read_even_after_a_torn_line(tmp_path: Path) -> None:
    with proxy(Counting(), tmp_path) as running:
        ask(running, user("a"))
    path = tmp_path / "record.jsonl"
    path.write_bytes(path.read_bytes() + b'{"step": {"ind')
    add_outcome(path, Outcome(succeeded=False, expected="@n[2]"))
    assert (trace(tmp_path).succeeded, trace(tmp_path).expected) == (False, "@n[2]")
    assert read(path).outcome == Outcome(succeeded=False, expected="@n[2]")


def test_what_the_run_was_under_is_in_the_trace(tmp_path: Path) -> None:
    run = Run(id="r", task="the task", limits=Limits(max_rounds=7))
    with proxy(Counting(), tmp_path, run, caps=Caps(seconds=99), window=Window(tokens=500)) as running:
        ask(running, user("a"))
    assert trace(tmp_path).limits == Limits(max_rounds=7, max_seconds=99, max_tokens=500)
    assert (trace(tmp_path).id, trace(tmp_path).task) == ("r", "the task")


def test_the_runner_may_say_why_it_ended_the_run(tmp_path: Path) -> None:
    with proxy(Counting(), tmp_path) as running:
        running.ended("memory", "2048 MiB were not enough")
    with (
        pytest.raises(KeyError, match="of the runner's own"),
        proxy(Counting(), tmp_path / ".." / tmp_path.name / ".."),
    ):
        raise KeyError("a defect of the runner's own")
    ends = [read(path).end for path in (tmp_path / "record.jsonl", tmp_path.parent / "record.jsonl")]
    (tmp_path.parent / "record.jsonl").unlink()
    assert [end and end.reason for end in ends] == ["memory", "broken off"]


@pytest.mark.parametrize(
    "content",
    [b"", b"[]\n", b'{"step": {}}\n', b"{\n", b'{"coroner_record": 1, "run": {}}\n', b'{"coroner_record": 1}\n'],
)
def test_what_is_no_record_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.jsonl"
    path.write_bytes(content)
    attempts: list[Callable[[], object]] = [lambda: read(path), lambda: add_outcome(path, Outcome(succeeded=True))]
    for attempt in attempts:
        with pytest.raises(RecordError, match=r"other\.jsonl"):
            attempt()
    assert path.read_bytes() == content
