"""Batch files in the form of the OpenAI Batch API: requests out as JSON lines, results in, in any order and state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.llm.provider import batch_cost, load, parameters, read_reply
from classifier.trace import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from classifier.llm.request import Request
    from classifier.llm.store import Store

URL = "/v1/chat/completions"
MOST_LINES = 50_000  # per file, of the OpenAI Batch API
MOST_BYTES = 200_000_000  # likewise


class Exported(Frozen):
    """The files that were written, and the number of requests in them: each once, none that is answered."""

    files: tuple[Path, ...]
    requests: int


class Problem(Frozen):
    """A result that could not be used: the line it is on, from 1, the request it is for, and why."""

    line: int
    custom_id: str | None
    reason: str


class Imported(Frozen):
    """What a results file brought. `pending`: how many exported requests still have no answer."""

    recorded: int
    known: int  # were answered before
    failed: tuple[Problem, ...]  # the provider says that it could not answer: these can be exported again
    unknown: tuple[Problem, ...]  # of requests that this store did not write
    unreadable: tuple[Problem, ...]
    truncated: bool  # the file ends in the middle of its last line
    pending: int


def export(
    requests: Iterable[tuple[Request, str]],
    store: Store,
    path: Path,
    *,
    most_lines: int = MOST_LINES,
    most_bytes: int = MOST_BYTES,
) -> Exported:
    """Write the requests that have no answer, each with its trace's tag, and note them in the store as expected.

    A file over the limits of the Batch API goes on in `NAME-2.jsonl` and so on. A file is there whole or not at all.
    """
    files: list[Path] = []
    written: set[str] = set()
    part: list[str] = []
    size = 0

    def finish() -> None:
        nonlocal size
        target = path if not files else path.with_name(f"{path.stem}-{len(files) + 1}{path.suffix}")
        draft = target.with_name(f"{target.name}.part")
        draft.write_text("".join(part), encoding="utf-8", newline="\n")
        draft.replace(target)
        files.append(target)
        part.clear()
        size = 0

    for request, tag in requests:
        if request.hash in written or store.reply(request) is not None:
            continue
        text = line(request)
        if part and (len(part) >= most_lines or size + len(text) > most_bytes):
            finish()
        store.expect(request, tag)
        written.add(request.hash)
        part.append(text)
        size += len(text)
    if part:
        finish()
    return Exported(files=tuple(files), requests=len(written))


def line(request: Request) -> str:
    """Return a request as a line of a batch file, ASCII, with its newline. Its `custom_id` is the request's hash."""
    fields = {"custom_id": request.hash, "method": "POST", "url": URL, "body": body(request)}
    return json.dumps(fields) + "\n"


def body(request: Request) -> dict[str, Any]:
    """Return the question as a body of the Chat Completions API, with the parameters that the model's provider takes.

    For a provider of another API than OpenAI's the body is in OpenAI's plain form: whoever runs it translates.
    """
    litellm = load()
    name, provider = _provider(request.model)
    asked = {name: value for name, value in parameters(request).items() if value is not None}
    del asked["drop_params"]
    plain = {"model": name, "messages": asked.pop("messages")}
    asked.pop("model")
    if provider == "openai" or provider in litellm.openai_compatible_providers:
        asked = litellm.get_optional_params(model=name, custom_llm_provider=provider, drop_params=True, **asked)
        asked = {name: value for name, value in asked.items() if name not in {"stream", "extra_body"}}
    return {**plain, **asked}


def _provider(model: str) -> tuple[str, str | None]:
    try:
        name, provider, _, _ = load().get_llm_provider(model)
    except Exception:  # noqa: BLE001 - litellm's error for a provider it does not know: a model that is run by hand
        return model, None
    return name, provider


def import_(lines: Iterable[bytes], store: Store) -> Imported:
    """Record the results in `lines` (a results file, opened in binary): out of order, partial or with errors.

    A result that is recorded already, or comes twice, keeps its first answer. No line ends the import.
    """
    recorded = known = 0
    failed, unknown, unreadable = list[Problem](), list[Problem](), list[Problem]()
    last = b""
    for number, raw in enumerate(lines, start=1):
        last = raw
        if not raw.strip():
            continue
        try:
            result = json.loads(raw.decode("utf-8-sig"))
            key = result["custom_id"]
            if not isinstance(key, str):
                raise TypeError("its custom_id is no text")  # noqa: TRY301 - all that a line can lack ends alike
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            unreadable.append(Problem(line=number, custom_id=None, reason=_short(error)))
            continue
        call = store.find(key)
        if call is None:
            unknown.append(Problem(line=number, custom_id=key, reason="no request of this store"))
        elif call.reply is not None:
            known += 1
        else:
            try:
                answer = _answer(result)
                reply = read_reply(answer, call.request.model, cost=batch_cost(call.request.model, answer), latency=0.0)
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                failed.append(Problem(line=number, custom_id=key, reason=_short(error)))
            else:
                store.record(call.request, reply, call.tag)
                recorded += 1
    truncated = bool(unreadable) and unreadable[-1].line == number and not last.endswith(b"\n")
    return Imported(
        recorded=recorded,
        known=known,
        failed=tuple(failed),
        unknown=tuple(unknown),
        unreadable=tuple(unreadable),
        truncated=truncated,
        pending=store.count_pending(),
    )


def _answer(result: dict[str, Any]) -> dict[str, Any]:
    """Return the body of a result that succeeded. Raises ValueError with the provider's reason for any other."""
    if error := result.get("error"):
        raise ValueError((isinstance(error, dict) and (error.get("message") or error.get("code"))) or str(error))
    response = result["response"]
    status, answer = response.get("status_code", 200), response["body"]
    if status != 200:
        reason = (answer.get("error") or {}).get("message") if isinstance(answer, dict) else None
        raise ValueError(f"status {status}: {reason or 'no reason given'}")
    return dict(answer)


def _short(error: Exception) -> str:
    said = " ".join(str(error).split())[:200]
    return said if isinstance(error, ValueError) else f"no such field, or of another kind: {said}"
