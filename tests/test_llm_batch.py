"""Batch files: what goes out is the Batch API's, what comes back may be out of order, partial or broken."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_server import Answer, ModelServer, completion

from classifier import llm
from classifier.llm import batch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = '{"type": "object", "properties": {}, "required": [], "additionalProperties": false}'


def request(number: int = 0, model: str = "openai/gpt-4o-mini", **fields: object) -> llm.Request:
    message = llm.Message(role="user", content=f"question {number}, naïve \u2028 too")
    return llm.Request.model_validate({"model": model, "messages": (message,)} | fields)


def result(asked: llm.Request, text: str = "because", **fields: object) -> dict[str, Any]:
    body = completion(Answer(text), {"model": "gpt-4o-mini", "messages": [{"content": "one two"}]})
    response = {"status_code": 200, "request_id": "r", "body": body}
    return {"id": "b", "custom_id": asked.hash, "response": response, "error": None} | fields


def lines(*results: object) -> list[bytes]:
    return [(line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in results]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[llm.Store]:
    with llm.Store(tmp_path / "calls.sqlite3") as opened:
        yield opened


def expected(store: llm.Store, count: int) -> list[llm.Request]:
    asked = [request(number) for number in range(count)]
    for one in asked:
        store.expect(one, "trace")
    return asked


def test_a_line_is_what_the_batch_api_takes(tmp_path: Path, store: llm.Store) -> None:
    asked = request(response_schema=SCHEMA, temperature=0.0, seed=3, max_tokens=70)
    done = llm.export([(asked, "t")], store, tmp_path / "out.jsonl")
    assert done == llm.Exported(files=(tmp_path / "out.jsonl",), requests=1)
    (line,) = (tmp_path / "out.jsonl").read_bytes().splitlines()
    assert json.loads(line) == {
        "custom_id": asked.hash,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {
            "model": "gpt-4o-mini",
            "messages": [{"role": "user", "content": asked.messages[0].content}],
            "max_tokens": 70,
            "temperature": 0.0,
            "seed": 3,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": json.loads(SCHEMA)},
            },
        },
    }


def test_the_body_of_a_batch_is_the_body_of_the_call(store: llm.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-loopback")
    with ModelServer(lambda _: "{}") as server:
        for model in ("openai/gpt-4o-mini", "openai/gpt-5-mini", "openai/test-model", "hosted_vllm/test-model"):
            asked = request(model=model, response_schema=SCHEMA, temperature=0.0, seed=3)
            llm.litellm_complete(api_base=server.base)(asked)
            sent = server.seen[-1]
            sent.pop("stream", None)  # hosted_vllm is told that it need not
            assert batch.body(asked) == sent
    assert store.count_pending() == 0


@pytest.mark.parametrize("model", ["by-hand", "anthropic/claude-sonnet-4-5"])
def test_a_model_of_another_api_gets_the_plain_form(model: str) -> None:
    body = batch.body(request(model=model, temperature=0.0))
    assert body["model"] == model.removeprefix("anthropic/")
    assert (body["max_tokens"], body["temperature"]) == (2_000, 0.0)
    assert "drop_params" not in body


def test_only_what_is_unanswered_goes_out_and_once(tmp_path: Path, store: llm.Store) -> None:
    store.record(request(0), llm.Reply(text="x", finish_reason="stop", model="m"), "t")
    asked = [(request(number), f"t{number}") for number in (0, 1, 2, 1)]
    done = llm.export(asked, store, tmp_path / "out.jsonl")
    assert done.requests == store.count_pending() == 2
    assert [call.tag for call in store.pending()] == ["t1", "t2"]
    again = llm.export(asked, store, tmp_path / "again.jsonl")  # a file that got lost can be written anew
    assert again.requests == 2
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "out.jsonl").read_bytes()


def test_nothing_to_ask_writes_no_file(tmp_path: Path, store: llm.Store) -> None:
    assert llm.export([], store, tmp_path / "out.jsonl") == llm.Exported(files=(), requests=0)
    assert not (tmp_path / "out.jsonl").exists()


def test_a_file_over_the_limits_goes_on_in_the_next(tmp_path: Path, store: llm.Store) -> None:
    asked = [(request(number), "t") for number in range(7)]
    size = len(batch.line(asked[0][0]))
    by_count = llm.export(asked, store, tmp_path / "a.jsonl", most_lines=3)
    by_size = llm.export(asked, store, tmp_path / "b.jsonl", most_bytes=2 * size)
    assert [file.name for file in by_count.files] == ["a.jsonl", "a-2.jsonl", "a-3.jsonl"]
    assert len(by_size.files) == 4
    for done in (by_count, by_size):
        texts = [file.read_bytes() for file in done.files]
        ids = [json.loads(line)["custom_id"] for text in texts for line in text.splitlines()]
        assert ids == [one.hash for one, _ in asked]
    assert all(len(text) <= 2 * size for text in texts)


def test_answers_come_back_in_any_order_and_in_parts(store: llm.Store) -> None:
    asked = expected(store, 4)
    first = llm.import_(lines(result(asked[3], "three"), result(asked[1], "one")), store)
    assert (first.recorded, first.known, first.pending) == (2, 0, 2)
    second = llm.import_(lines(*(result(one, "again") for one in asked)), store)
    assert (second.recorded, second.known, second.pending) == (2, 2, 0)
    said = [llm.replay(store)(one).text for one in asked]
    assert said == ["again", "one", "again", "three"]


def test_an_imported_answer_has_its_tokens_and_the_price_of_a_batch(store: llm.Store) -> None:
    (asked,) = expected(store, 1)
    llm.import_(lines(result(asked)), store)
    reply = store.reply(asked)
    assert reply is not None
    assert (reply.prompt_tokens, reply.completion_tokens) == (2, 1)
    assert reply.cost == pytest.approx((2 * 0.15e-6 + 1 * 0.60e-6) / 2)  # half of OpenAI's price list


def test_an_answer_by_hand_needs_no_more_than_its_text(store: llm.Store) -> None:
    (asked,) = expected(store, 1)
    body = {"choices": [{"message": {"content": "by hand"}}]}
    assert llm.import_(lines({"custom_id": asked.hash, "response": {"body": body}}), store).recorded == 1
    reply = store.reply(asked)
    assert reply is not None
    assert (reply.text, reply.model, reply.cost) == ("by hand", "openai/gpt-4o-mini", None)


def test_what_failed_is_told_apart_and_can_be_asked_again(tmp_path: Path, store: llm.Store) -> None:
    asked = expected(store, 6)
    bad = {"status_code": 400, "body": {"error": {"message": "too long"}}}
    done = llm.import_(
        lines(
            result(asked[0], response=None, error={"code": "batch_expired", "message": "could not be done in time"}),
            result(asked[1], response=bad),
            result(asked[2], response={"status_code": 200, "body": {"choices": []}}),
            result(asked[3], response={"status_code": 200, "body": None}),
            result(asked[4], response=None),
            result(asked[5], error="a bare word"),
        ),
        store,
    )
    assert [problem.line for problem in done.failed] == [1, 2, 3, 4, 5, 6]
    assert [problem.custom_id for problem in done.failed] == [one.hash for one in asked]
    assert done.failed[0].reason == "could not be done in time"
    assert done.failed[1].reason == "status 400: too long"
    assert all(problem.reason for problem in done.failed)
    assert (done.recorded, done.pending) == (0, 6)
    assert llm.export([(one, "t") for one in asked], store, tmp_path / "again.jsonl").requests == 6


def test_lines_that_are_none_and_requests_of_others_are_reported_and_end_nothing(store: llm.Store) -> None:
    (asked,) = expected(store, 1)
    stranger = request(99)
    done = llm.import_(
        [
            b"\xef\xbb\xbf" + json.dumps(result(stranger)).encode() + b"\r\n",
            b"\n",
            b"{\n",
            b"[1]\n",
            b'"x"\n',
            b"\xff\xfe\n",
            b'{"custom_id": 7}\n',
            b"[" * 100_000 + b"\n",
            *lines(result(asked)),
        ],
        store,
    )
    assert [(problem.line, problem.custom_id) for problem in done.unknown] == [(1, stranger.hash)]
    assert [problem.line for problem in done.unreadable] == [3, 4, 5, 6, 7, 8]
    assert (done.recorded, done.truncated, done.pending) == (1, False, 0)


def test_a_file_that_was_cut_off_says_so_and_gives_what_it_has(tmp_path: Path, store: llm.Store) -> None:
    asked = expected(store, 2)
    whole = b"".join(lines(*map(result, asked)))
    file = tmp_path / "results.jsonl"
    file.write_bytes(whole[:-20])
    with file.open("rb") as opened:
        done = llm.import_(opened, store)
    assert (done.recorded, done.truncated, done.pending) == (1, True, 1)
    file.write_bytes(whole.rstrip(b"\n"))  # an end without a newline is no cut
    with file.open("rb") as opened:
        done = llm.import_(opened, store)
    assert (done.recorded, done.known, done.truncated, done.pending) == (1, 1, False, 0)
    assert llm.import_([], store).truncated is False


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["", "stop"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["choices", "message", "content", "usage", "error", "body"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(response=JSON, error=JSON, body=JSON)
def test_no_result_whatever_it_holds_ends_an_import(
    tmp_path_factory: pytest.TempPathFactory, response: object, error: object, body: object
) -> None:
    with llm.Store(tmp_path_factory.mktemp("s") / "calls.sqlite3") as store:
        (asked, other) = expected(store, 2)
        shapes = lines(
            result(asked, response=response, error=error),
            result(asked, response={"status_code": 200, "body": body}),
            result(asked, response={"status_code": 200, "body": {"choices": [{"message": body}], "usage": response}}),
            result(other),
        )
        done = llm.import_(shapes, store)
        assert done.recorded + done.known + len(done.failed) == 4
        assert store.reply(other) is not None


def test_export_answers_by_another_machine_and_import_finish_the_question(tmp_path: Path, store: llm.Store) -> None:
    asked = [request(number, max_tokens=100) for number in range(3)]
    gaps: list[llm.Request] = []
    ask = llm.replay(store, gaps.append)

    def pass_over() -> list[str | None]:
        gaps.clear()
        said: list[str | None] = []
        for one in asked:
            try:
                said.append(ask(one).text)
            except llm.NotRecorded:
                said.append(None)
        return said

    def answered_elsewhere() -> llm.Imported:
        done = llm.export([(gap, "t") for gap in gaps], store, tmp_path / "batch.jsonl")
        results = []
        for line in reversed((tmp_path / "batch.jsonl").read_bytes().splitlines()):
            body = json.loads(line)["body"]
            enough = body["max_tokens"] > 100 or "question 2" not in body["messages"][0]["content"]
            answer = Answer("done") if enough else Answer("", "length")
            results.append({"custom_id": json.loads(line)["custom_id"], "response": {"body": completion(answer, body)}})
        assert done.requests == len(results) == len(gaps)
        return llm.import_(lines(*results), store)

    assert pass_over() == [None, None, None]
    assert answered_elsewhere().recorded == 3
    assert pass_over() == ["done", "done", None]  # the third ran out of tokens: it is asked again, with more room
    assert answered_elsewhere().recorded == 1
    assert pass_over() == ["done", "done", "done"]
    assert store.count_pending() == 0
