"""Session: one run behind the proxy. Its caps, its window, its history and its record, from several threads at once."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from classifier.trace import Step, TraceError
from runner.model import ModelError, Priced
from runner.proxy import tokens
from runner.proxy.caps import Caps, Meter, Totals
from runner.proxy.history import History, Said, said
from runner.proxy.record import Call, End, Run, Writer
from runner.proxy.redact import Redactor, keys_of
from runner.proxy.window import Fitted, fit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from runner.model import Model
    from runner.proxy.window import Window

LIMIT = "run_limit_reached"  # the code of the answer at a cap
AGENT = "x-coroner-agent"  # the header in which an agent may give its name
HUNG_UP = 499  # nginx's word for a client that has gone
_REFUSALS = 10  # calls turned away at a cap that are told one by one; all are counted

# What is passed on. Whatever else a request holds (litellm takes addresses and keys as well) stays here.
PARAMETERS = frozenset(
    {
        "messages", "model", "tools", "tool_choice", "parallel_tool_calls", "functions", "function_call", "temperature",
        "top_p", "max_tokens", "max_completion_tokens", "stop", "seed", "presence_penalty", "frequency_penalty",
        "logit_bias", "logprobs", "top_logprobs", "response_format", "user", "reasoning_effort", "verbosity",
    }
)  # fmt: skip
_ASIDE = frozenset({"stream", "stream_options", "n"})  # the proxy's own business


@dataclass
class Ticket:
    """A call that is under way."""

    body: dict[str, Any]  # what the model is asked
    number: int
    call: Call  # what is known of it so far
    prompt_tokens: int
    began: float
    left: float | None  # seconds that it may take
    done: bool = field(default=False)


class Session:
    """Takes requests in, lets them through or not, and records them. Every method may be called from any thread."""

    def __init__(
        self, model: Model, record: Path, run: Run, *, caps: Caps, window: Window | None, known: Iterable[str] = ()
    ) -> None:
        limits = run.limits.model_copy(
            update={
                "max_seconds": run.limits.max_seconds or caps.seconds,
                "max_tokens": run.limits.max_tokens or (window.tokens if window else None),
            }
        )
        self.model, self.window, self.run = model, window, run.model_copy(update={"limits": limits})
        self.meter = Meter(caps)
        self._hidden = Redactor([*keys_of(), *known])
        self._history = History()
        self._numbers = 0
        self._cut_short: set[int] = set()  # conversations of which a small window took something
        self._lock = threading.RLock()
        header = self.run.model_copy(update={"task": self._hidden(run.task)})
        self._writer = Writer(record, header, datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def totals(self) -> Totals:
        """What the run has used so far."""
        return self.meter.totals

    def open(self, body: Mapping[str, Any], label: str | None = None) -> Ticket:
        """Take a request in, and let it through. Raises ModelError where it is turned away, which is recorded."""
        messages = _messages(body)
        spoken = _said(messages)
        asked = {name: value for name, value in body.items() if name in PARAMETERS}
        extra = tokens.of_request(asked) - tokens.of_messages(messages)
        began = self.meter.seconds
        refused: ModelError | None = None
        fitted = Fitted(tuple(messages))
        if self.window is not None:
            try:
                fitted = fit(messages, self.window, extra)
            except ModelError as error:
                refused = error
        asked["messages"] = [message for message in fitted.messages if message is not None]
        prompt = extra + tokens.of_messages(asked["messages"])
        with self._lock:
            entered = self.meter.enter(0 if refused else prompt)
            if isinstance(entered, str) and self.meter.totals.refused > _REFUSALS:
                raise _at_limit(entered)
            seen = [one.seen_as(message) for one, message in zip(spoken, fitted.messages, strict=True)]
            call = self._read(seen, fitted, label).model_copy(
                update={
                    "request": _hash(body),
                    "at": round(began, 3),
                    "stream": bool(body.get("stream")),
                    "ignored": tuple(sorted(body.keys() - PARAMETERS - _ASIDE)),
                }
            )
            if isinstance(entered, str):
                refused = _at_limit(entered)
            if refused is not None:
                if not isinstance(entered, str):
                    self.meter.leave(0, 0, 0, 0.0)
                self._close(call, refused, kind="limit" if refused.kind == LIMIT else "error")
                raise refused
            number, self._numbers = self._numbers, self._numbers + 1
            call = call.model_copy(update={"number": number})
        return Ticket(asked, number, call, prompt, began, self.meter.left)

    def answered(self, ticket: Ticket, completion: Mapping[str, Any], *, gone: bool = False) -> dict[str, Any]:
        """Record an answer, and return it as the agent gets it: with its usage. `gone`: the agent hung up before.

        Raises ModelError where it is no answer at all.
        """
        try:
            choice = completion["choices"][0]
            message = choice["message"]
            usage = _usage(completion, ticket.prompt_tokens, message)
        except (LookupError, TypeError, AttributeError) as error:
            problem = ModelError(f"the model's answer is no chat completion: {error!r}")
            self.failed(ticket, problem)
            raise problem from None
        cost = self._cost(ticket, usage)
        with self._lock:
            ticket.done = True
            self.meter.leave(ticket.prompt_tokens, usage["prompt_tokens"], usage["completion_tokens"], cost)
            step = None if gone else self._history.answer(ticket.call.conversation, message)
            if step is not None:
                self._write(step, ticket.call.conversation)
            self._writer.call(
                ticket.call.model_copy(
                    update={
                        "answer": step.index if step else None,
                        "status": HUNG_UP if gone else 200,
                        "finish_reason": choice.get("finish_reason"),
                        "prompt_tokens": usage["prompt_tokens"],
                        "completion_tokens": usage["completion_tokens"],
                        "cost": cost,
                        "latency": round(self.meter.seconds - ticket.began, 3),
                    }
                )
            )
        return {**completion, "usage": usage}

    def failed(self, ticket: Ticket, error: ModelError) -> None:
        """Record that a call came to nothing."""
        with self._lock:
            ticket.done = True
            self.meter.leave(ticket.prompt_tokens, 0, 0, 0.0)
            took = round(self.meter.seconds - ticket.began, 3)
            self._close(ticket.call.model_copy(update={"latency": took}), error, kind="error")

    def out_of_time(self, ticket: Ticket) -> ModelError:
        """Record that the run's time ended during a call, and return the error to answer with."""
        error = _at_limit(self.meter.time_is_up())
        with self._lock:
            ticket.done = True
            self.meter.leave(ticket.prompt_tokens, 0, 0, 0.0)
            took = round(self.meter.seconds - ticket.began, 3)
            self._close(ticket.call.model_copy(update={"latency": took}), error, kind="limit")
        return error

    def close(self, reason: str | None = None, detail: str = "") -> Totals:
        """End the record; the reason is `done`, or `limit` where a cap was reached, unless it is given."""
        with self._lock:
            totals = self.totals
            used = totals.model_dump(exclude={"limit"}) | {"seconds": round(totals.seconds, 3)}
            reason = reason or ("limit" if totals.limit else "done")
            self._writer.end(End(reason=reason, detail=self._hidden(detail or totals.limit or ""), **used))
            self._writer.close()
        return totals

    def _read(self, spoken: Sequence[Said], fitted: Fitted, label: str | None) -> Call:
        """Record the messages that are new, as the model sees them."""
        heard = self._history.read(spoken, label)
        for step in heard.steps:
            self._write(step, heard.conversation)
        for conversation, agent in heard.named:
            self._writer.named(conversation, agent)
        if fitted.left_out and heard.conversation not in self._cut_short:
            self._cut_short.add(heard.conversation)
            tokens_ = self.window.tokens if self.window else 0
            text = f"context window of {tokens_} tokens is full: {fitted.left_out} of the oldest messages were left out"
            self._write(self._history.note(heard.conversation, "model", text, "window"), heard.conversation)
        return Call(
            number=None,
            request="",
            conversation=heard.conversation,
            agent=heard.agent,
            steps=tuple(step.index for step in heard.steps),
            left_out=fitted.left_out,
            cut=fitted.cut,
        )

    def _close(self, call: Call, error: ModelError, *, kind: str) -> None:
        """Record an error in place of an answer; the same one again, with nothing said between, is told once."""
        text = self._hidden(str(error))
        last = self._history.last
        if last is None or last.error != text:
            last = self._history.note(call.conversation, "model", text, kind, error=text)
            self._write(last, call.conversation)
        self._writer.call(call.model_copy(update={"status": error.status, "error": text}))

    def _write(self, step: Step, conversation: int) -> None:
        hidden = self._hidden
        calls = tuple(call.model_copy(update={"arguments": hidden(call.arguments)}) for call in step.tool_calls)
        self._writer.step(step.model_copy(update={"content": hidden(step.content), "tool_calls": calls}), conversation)

    def _cost(self, ticket: Ticket, usage: Mapping[str, Any]) -> float | None:
        return self.model.cost(ticket.body, usage) if isinstance(self.model, Priced) else 0.0


def _messages(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) for m in messages):
        raise ModelError("'messages' must be a list of messages, with one at least", status=400, kind="invalid_request")
    if body.get("n") not in (None, 1):
        raise ModelError("'n' must be 1: coroner's proxy records one answer a call", status=400, kind="invalid_request")
    return messages


def _said(messages: Sequence[dict[str, Any]]) -> list[Said]:
    names: dict[str, str] = {}
    try:
        return [said(message, f"messages[{i}]", names) for i, message in enumerate(messages)]
    except TraceError as error:
        problem = f"{error.place}: {error.problem}"
        raise ModelError(problem, status=400, kind="invalid_request") from None


def _usage(completion: Mapping[str, Any], prompt: int, message: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the answer says of its tokens, and count where it is silent."""
    usage = dict(completion.get("usage") or {})
    if not isinstance(usage.get("prompt_tokens"), int):
        usage["prompt_tokens"] = prompt
    if not isinstance(usage.get("completion_tokens"), int):
        usage["completion_tokens"] = tokens.of_message(message) - tokens.PER_MESSAGE
    usage.setdefault("total_tokens", usage["prompt_tokens"] + usage["completion_tokens"])
    return usage


def _hash(body: Mapping[str, Any]) -> str:
    asked = {name: value for name, value in body.items() if name not in {"stream", "stream_options"}}
    return hashlib.sha256(json.dumps(asked, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _at_limit(why: str) -> ModelError:
    return ModelError(why[0].upper() + why[1:], status=403, kind=LIMIT)
