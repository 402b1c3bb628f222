"""Keys are sent where the agent sends them, and hidden in what is recorded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import openai
import pytest
from proxied import Toy, assistant, client, proxy, said, told, trace, user

from runner.model import ModelError
from runner.proxy import Run
from runner.proxy.redact import Redactor, keys_of

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk-" + "a1B2c3D4e5F6g7H8" * 2  # invented
GITHUB = "ghp_" + "Zz9Yy8Xx7Ww6Vv5Uu4Tt3" * 2


def test_keys_in_messages_calls_errors_and_the_task_are_hidden_but_sent(tmp_path: Path) -> None:
    call: Any = {"id": "c", "type": "function", "function": {"name": "f", "arguments": f'{{"token": "{GITHUB}"}}'}}

    def answer(body: dict[str, Any]) -> Any:
        if len(body["messages"]) > 2:
            raise ModelError(f"Incorrect API key provided: {KEY}", status=401)
        return said(f"I use {KEY}", tool_calls=[call])

    model = Toy(answer)
    run = Run(id="r", task=f"log in with {KEY}")
    with proxy(model, tmp_path, run) as running, client(running, key=KEY, max_retries=0) as ask:
        messages: list[Any] = [user(f"export OPENAI_API_KEY={KEY}")]
        ask.chat.completions.create(model="m", messages=messages)
        messages += [assistant("x", tool_calls=[call]), {"role": "tool", "tool_call_id": "c", "content": GITHUB}]
        with pytest.raises(openai.AuthenticationError):
            ask.chat.completions.create(model="m", messages=messages)
    record = (tmp_path / "record.jsonl").read_text()
    assert KEY not in record
    assert GITHUB not in record
    assert KEY in str(model.seen[0])
    assert GITHUB in str(model.seen[1])
    steps = trace(tmp_path).steps
    assert trace(tmp_path).task == "log in with [SECRET-1:openai-key]"
    assert steps[1].content == "I use [SECRET-1:openai-key]"  # one value, one name
    assert "[SECRET-2:github-token]" in steps[1].tool_calls[0].arguments
    assert "[SECRET-1:openai-key]" in (steps[-1].error or "")


def test_keys_that_this_process_holds_are_hidden_whatever_they_look_like(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_VENDOR_API_KEY", "plain words here")
    with proxy(Toy(lambda _: "ok"), tmp_path) as running, client(running) as ask:
        ask.chat.completions.create(model="m", messages=[user("the key is plain words here, is it?")])
    assert told(tmp_path)[0][2] == "the key is [SECRET-1:key], is it?"


def test_variables_named_like_keys_are_keys_and_others_are_not() -> None:
    named = {"OPENAI_API_KEY": "a" * 9, "HF_TOKEN": "b" * 9, "aws_secret_access_key": "c" * 9}
    others = {"KEYBOARD": "d" * 9, "TOKENIZERS_PARALLELISM": "true", "HOME": "/home/someone"}
    assert keys_of({**others, **named}) == tuple(named.values())


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.org wrote to bob@example.org",  # data of a task, more often than not
        "@mean_price[14.33]\n@orders[3]",
        "df = pd.read_csv('data.csv')\nprint(df['price'].mean())",
        "max_tokens=100, password field is empty",
    ],
)
def test_data_and_code_are_left_alone(text: str) -> None:
    assert Redactor()(text) == text


def test_a_long_page_takes_time_in_proportion_to_its_length() -> None:
    """Ten times the text may take thirty times as long (timers are rough); what is quadratic takes a hundred."""

    def seconds(length: int) -> float:
        page = "".join(f"<tr><td>{n}</td><td>item-{n * 7919}</td></tr>\n" for n in range(length // 40))
        start = time.perf_counter()
        Redactor()(page)
        return time.perf_counter() - start

    seconds(1_000)
    few, many = seconds(20_000), seconds(200_000)
    assert many < 30 * max(few, 0.02)
