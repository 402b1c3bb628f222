"""View: what the features read of a trace, prepared once: clipped texts, roles, agents, words and outcomes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from classifier.trace import Role

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.trace import Step, Trace

HEAD, TAIL = 4000, 2000  # characters read of a long step: pages and dumps run to megabytes and say little more
BUDGET = 9_000_000  # characters read of a run: past 1,500 steps each gets less, down to 300

_FACT = re.compile(r"[A-Z][A-Za-z]{2,}|\d[\d.,:/-]*\d|\d")
_WORD = re.compile(r"[a-z]{4,}|\d+")
_ANSWER = re.compile(r"final answer[*\s]*:(?P<line>[^\n]+)|<answer>(?P<tag>.*?)</answer>", re.IGNORECASE | re.DOTALL)
_BOLD = re.compile(r"\*\*([^*\n]{1,80})\*\*")
_PAGE = re.compile(r"^Address: |Here is a screenshot of|Viewport position")
_CODE = re.compile(r"```.*?(?:```|$)", re.DOTALL)
_FAILED = (
    "traceback (most recent", "execution failed", "exitcode: 1", "error:", "exception:", "errorcode", "forbidden",
    "not found", "no results", "timed out", "timeout", "captcha", "access denied", "invalid", "unable to",
)  # fmt: skip
_EMPTY = re.compile(r"code output:\s*(?:none|\[\]|\{\})?\s*$")
_FOLDS = ("termination",)  # kinds of message that end a run: nobody's act


@dataclass(frozen=True)
class View:
    """A trace prepared for the feature groups. Arrays are over its n steps."""

    trace: Trace

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the trace."""
        return self.trace.steps

    def __len__(self) -> int:
        return len(self.trace.steps)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """What each step says and calls, the middle of long ones left out."""
        share = min(HEAD + TAIL, max(BUDGET // len(self), 300))
        return tuple(_clip(_said(step), share) for step in self.steps)

    @cached_property
    def lower(self) -> tuple[str, ...]:
        """The texts in lower case."""
        return tuple(text.lower() for text in self.texts)

    @cached_property
    def lengths(self) -> NDArray[np.float64]:
        """Characters of each whole step."""
        return np.array([len(step.content) for step in self.steps], dtype=float)

    @cached_property
    def tool(self) -> NDArray[np.bool_]:
        """Whether a tool, terminal or environment speaks."""
        return np.array([step.role is Role.TOOL for step in self.steps], dtype=bool)

    @cached_property
    def candidates(self) -> NDArray[np.bool_]:
        """Whether the step may be at fault: an agent's act, or what a user says after the first such act."""
        may = np.zeros(len(self), dtype=bool)
        acted = False
        for i, step in enumerate(self.steps):
            if step.role is Role.ASSISTANT and step.kind not in _FOLDS:
                may[i] = acted = True
            elif step.role is Role.USER:
                may[i] = acted
        return may if may.any() else np.ones(len(self), dtype=bool)

    @cached_property
    def who(self) -> NDArray[np.int64]:
        """Number of the speaker, by first appearance."""
        seen: dict[str, int] = {}
        return np.array([seen.setdefault(step.agent, len(seen)) for step in self.steps], dtype=np.int64)

    @cached_property
    def facts(self) -> tuple[frozenset[str], ...]:
        """Names and numbers in each step that the task does not hold."""
        known = set(_FACT.findall(self.trace.task))
        return tuple(frozenset(set(_FACT.findall(text)) - known) for text in self.texts)

    @cached_property
    def shows(self) -> NDArray[np.bool_]:
        """Whether the step shows what is out there: a tool's output, or a page that an agent has open."""
        pages = np.array([bool(_PAGE.search(text[:600])) for text in self.texts], dtype=bool)
        result: NDArray[np.bool_] = self.tool | pages
        return result

    @cached_property
    def acts(self) -> NDArray[np.bool_]:
        """Candidates that do something themselves: no plan, no ledger, no routing, no instruction to another."""
        idle = ("thought", "instruction", "plan")
        quiet = np.array([(step.kind or "").lower() in idle for step in self.steps])
        does: NDArray[np.bool_] = self.candidates & ~quiet
        return does if does.any() else self.candidates

    @cached_property
    def words(self) -> tuple[frozenset[str], ...]:
        """Content words of each step."""
        return tuple(frozenset(_WORD.findall(text)) for text in self.lower)

    @cached_property
    def task_words(self) -> frozenset[str]:
        """Content words of the task."""
        return frozenset(_WORD.findall(self.trace.task.lower()))

    @cached_property
    def answer(self) -> frozenset[str]:
        """Names, numbers or else words of the run's final answer. Empty where it gives none."""
        for i in range(len(self) - 1, max(len(self) - 5, -1), -1):
            found = [m["line"] or m["tag"] or "" for m in _ANSWER.finditer(self.texts[i])]
            if found and (tokens := answer_tokens(found[-1], self.trace.task)):
                return tokens
        for i in range(len(self) - 1, -1, -1):
            body = self.texts[i].replace("TERMINATE", "").strip()
            if self.candidates[i] and len(body) > 40:
                bold = " ".join(_BOLD.findall(body))
                return answer_tokens(bold or body[-300:], self.trace.task)
        return frozenset()

    @cached_property
    def failed(self) -> NDArray[np.float64]:
        """1 where the step's own text reports a failure."""
        return np.array([float(any(word in text for word in _FAILED)) for text in self.lower])

    @cached_property
    def outcome(self) -> dict[str, NDArray[np.float64]]:
        """What the tool turns right after each step brought: ok, empty, failed, idle (there was nothing to run)."""
        kinds = {name: np.zeros(len(self)) for name in ("ok", "empty", "failed", "idle")}
        for i in range(len(self) - 1):
            if self.tool[i] or not self.tool[i + 1]:
                continue
            text = self.lower[i + 1]
            if "there is no code from the last" in text:
                kind = "idle"
            elif _EMPTY.search(text) or not text.strip():
                kind = "empty"
            else:
                kind = "failed" if self.failed[i + 1] else "ok"
            kinds[kind][i] = 1.0
        return kinds

    @cached_property
    def coded(self) -> NDArray[np.float64]:
        """1 where the step holds code or makes a call."""
        return np.array(
            [
                float("```" in t or "<action>" in t or bool(s.tool_calls))
                for t, s in zip(self.lower, self.steps, strict=True)
            ]
        )


def answer_tokens(answer: str, task: str) -> frozenset[str]:
    """Names and numbers of an answer that the task does not hold, or else its words."""
    facts = set(_FACT.findall(answer)) - set(_FACT.findall(task))
    return frozenset(facts or set(_WORD.findall(answer.lower())) - set(_WORD.findall(task.lower())))


def facts(text: str) -> set[str]:
    """Names and numbers in a text."""
    return set(_FACT.findall(text))


def without_code(text: str) -> str:
    """Drop fenced code: what is left is said, not run."""
    return _CODE.sub(" ", text)


def _said(step: Step) -> str:
    calls = "".join(f"\n[call {call.name} {call.arguments}]" for call in step.tool_calls)
    # a call that the text holds already is not said twice
    return step.content if calls and step.tool_calls[0].arguments in step.content else step.content + calls


def _clip(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    tail = most * TAIL // (HEAD + TAIL)
    return f"{text[: most - tail]}\n{text[-tail:]}"
