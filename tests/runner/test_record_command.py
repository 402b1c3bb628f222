"""coroner record -- COMMAND: anybody's agent, recorded, and its record classified."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from model_server import ModelServer

from classifier import formats
from runner.proxy import Caps, read
from runner.record import run_recorded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CORONER = (sys.executable, "-c", "from classifier.cli import main; main()")
AGENT = """
import os, sys, openai
print("key:", os.environ["OPENAI_API_KEY"][:8], "in:", sys.stdin.read().strip(), flush=True)
client = openai.OpenAI(max_retries=0)
messages = [{"role": "system", "content": "You are a careful analyst."}]
messages += [{"role": "user", "content": "Sum x of data.csv"}]
for result in ("FileNotFoundError: [Errno 2] No such file or directory: 'dat.csv'", "it is not there", None):
    stream = client.chat.completions.create(model="their-model", messages=messages, stream=True)
    answer = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    messages += [{"role": "assistant", "content": answer}, {"role": "user", "content": result}]
print("agent says:", answer)
sys.exit(7)
"""


class Toy:
    """Answers without a provider."""

    def complete(self, body: object, /) -> dict[str, object]:
        assert body
        return {"choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}]}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(lambda body: f"answer {len(body['messages'])}") as running:
        yield running


def record(
    folder: Path, *arguments: str, says: str = "", key: str | None = "sk-of-the-user-himself"
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    environment |= {"OPENAI_API_KEY": key} if key else {}
    command = [*CORONER, "record", *arguments]
    return subprocess.run(  # noqa: S603 - our own
        command, cwd=folder, env=environment, input=says, capture_output=True, text=True, timeout=240, check=False
    )


def test_an_agent_is_recorded_and_its_record_is_classified(server: ModelServer, tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text(AGENT)
    ran = record(tmp_path, "--base", server.base, "--out", "run.jsonl", "--", sys.executable, "agent.py", says="hello")
    assert ran.returncode == 7
    assert ran.stdout == "key: coroner- in: hello\nagent says: answer 6\n"
    assert "3 calls" in ran.stderr
    assert "coroner classify run.jsonl" in ran.stderr
    assert [seen["model"] for seen in server.seen] == ["their-model"] * 3
    assert set(server.keys) == {"Bearer sk-of-the-user-himself"}
    text = (tmp_path / "run.jsonl").read_text()
    assert "sk-of-the-user-himself" not in text
    (trace,) = formats.read(text.encode(), name="run.jsonl")
    assert (trace.id, trace.task, len(trace.steps)) == ("run", "Sum x of data.csv", 7)
    end = read(tmp_path / "run.jsonl").end
    assert end is not None
    assert (end.reason, end.detail) == ("done", "exit code 7")
    classified = subprocess.run(  # noqa: S603 - our own
        [*CORONER, "classify", "--json", "run.jsonl"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    assert json.loads(classified.stdout)["trace_id"] == "run"


def test_what_cannot_be_run_is_said_and_leaves_no_record(tmp_path: Path) -> None:
    ran = record(tmp_path, "--out", "run.jsonl", "no-such-agent")
    assert (ran.returncode, "no-such-agent: no such command" in ran.stderr) == (1, True)
    assert "truncate, refuse" in record(tmp_path, "--window-full", "explode", "true").stderr.replace("\n", " ")
    assert not list(tmp_path.iterdir())
    (tmp_path / "run.jsonl").write_text("precious")
    ran = record(tmp_path, "--out", "run.jsonl", "true")
    assert (ran.returncode, "there is a record already" in ran.stderr) == (1, True)
    assert (tmp_path / "run.jsonl").read_text() == "precious"


def test_without_out_the_record_has_a_name_with_the_time_and_options_of_the_command_are_its_own(tmp_path: Path) -> None:
    ran = record(tmp_path, sys.executable, "-c", "import sys; print(sys.argv[1:])", "--out", "x", "--model")
    assert ran.stdout == "['--out', 'x', '--model']\n"
    assert "asked no model" in ran.stderr
    (made,) = tmp_path.glob("run-2*.jsonl")
    assert read(made).calls == ()


def test_signals_are_passed_on_and_the_record_is_closed(tmp_path: Path) -> None:
    agent = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\nprint('up', flush=True)\n"
    command = [*CORONER, "record", "--out", "run.jsonl", "--", sys.executable, "-c", f"{agent}time.sleep(100)"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE) as running:  # noqa: S603 - our own
        assert running.stdout is not None
        assert running.stdout.readline() == b"up\n"
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 9
    end = read(tmp_path / "run.jsonl").end
    assert end is not None
    assert end.detail == "exit code 9"


def test_a_command_that_is_killed_has_the_shells_exit_code(tmp_path: Path) -> None:
    code, _ = run_recorded(["sh", "-c", "kill -9 $$"], Toy(), tmp_path / "a.jsonl")
    assert code == 128 + signal.SIGKILL


def test_caps_hold_and_only_the_command_has_the_key(tmp_path: Path) -> None:
    asked = (
        "import os, httpx\n"
        "def ask(key):\n"
        "    body = {'model': 'm', 'messages': [{'role': 'user', 'content': 'hi'}]}\n"
        "    headers = {'Authorization': 'Bearer ' + key}\n"
        "    url = os.environ['OPENAI_BASE_URL'] + '/chat/completions'\n"
        "    return httpx.post(url, json=body, headers=headers).status_code\n"
        "key = os.environ['OPENAI_API_KEY']\n"
        "assert os.environ['OPENAI_API_BASE'] == os.environ['OPENAI_BASE_URL']\n"
        "assert [ask(key), ask('stolen'), ask(key), ask(key)] == [200, 401, 200, 403]\n"
    )
    environment = {**os.environ, "http_proxy": "http://127.0.0.1:9", "NO_PROXY": "example.org"}
    command = [sys.executable, "-c", asked]
    code, totals = run_recorded(command, Toy(), tmp_path / "a.jsonl", caps=Caps(calls=2), environment=environment)
    assert code == 0
    assert (totals.calls, totals.refused) == (2, 1)
    record_ = read(tmp_path / "a.jsonl")
    assert record_.end is not None
    assert record_.end.reason == "limit"
