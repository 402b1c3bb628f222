"""What a MetaGPT log tells only indirectly: work shown in later prompts, and what the console printed between records.

The log file holds the prompts but, for code, not the model's replies. A reply is seen in a later prompt, though: the
Data Interpreter repeats its finished code and results and its failed attempts, the engineer's code comes up for review.
The console shows the replies as they were streamed, mixed with what the code printed.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from classifier.formats._fields import clean
from classifier.trace import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

_TURN = re.compile(
    r"""\{'role': '(?P<role>\w+)', 'content': (?P<content>'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+")\}""", re.DOTALL
)
_REQUIREMENT = re.compile(r"#{1,6} User Requirement\n(?P<task>.+?)(?=\n#|\n\n|\Z)", re.DOTALL)
_NOISE = re.compile(r"0\.00s - |\S+:\d+: \w*Warning: |\s+warnings?\.warn\(")
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt)(?::|$)")
_FENCE = re.compile(r"```(?P<language>\w*)\s*$")


class Said(NamedTuple):
    """Something an agent wrote (ASSISTANT) or a tool returned (TOOL).

    `late`: the log shows it only after the next task was taken up.
    """

    role: Role
    content: str
    kind: str
    late: bool = False


def turns(prompt: str) -> list[tuple[str, str]]:
    """Return the prompt's messages: role and content. The log holds them as Python writes a list of dicts."""
    found = []
    for match in _TURN.finditer(prompt):
        try:
            content = ast.literal_eval(match["content"])  # one string token, so nothing nested is parsed
        except (ValueError, SyntaxError):
            continue
        found.append((match["role"], clean(content)))
    return found


def requirement(text: str) -> str:
    """Return the user's requirement as a prompt of the Data Interpreter states it, "" where it does not."""
    match = _REQUIREMENT.search(text)
    return match["task"].strip() if match else ""


def last_exception(text: str) -> str | None:
    """Return the last line if it names an exception."""
    last = text.rstrip().rsplit("\n", 1)[-1].strip()
    return last if _EXCEPTION.match(last) else None


class Prompts:
    """Reads work out of prompts, each piece once."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._code = self._result = ""

    def read(self, messages: list[tuple[str, str]]) -> Iterator[Said]:
        """Yield what these messages tell for the first time."""
        answered = False
        for role, content in messages:
            if role == "assistant":
                answered = True
                yield from self._new(Said(Role.ASSISTANT, content, "code"))
            elif answered:
                yield from self._new(Said(Role.TOOL, content, "result"))
            else:
                yield from self._finished(content)
                yield from self._reviewed(content)

    def _finished(self, prompt: str) -> Iterator[Said]:
        code = _between(prompt, "## Finished Tasks\n### code\n```python\n", "\n```\n\n### execution result\n")
        result = _between(prompt, "\n### execution result\n", "\n## Current Task")
        if code is None or result is None:
            return
        yield from self._new(Said(Role.ASSISTANT, code.removeprefix(self._code).strip("\n"), "code", late=True))
        if result != self._result:
            new = Said(Role.TOOL, result.removeprefix(self._result).strip("\n"), "result", late=True)
            yield from self._new(new, once=False)
        self._code, self._result = code, result

    def _reviewed(self, prompt: str) -> Iterator[Said]:
        file = _between(prompt, "## Code to be Reviewed: ", "\n")
        if file is None:
            return
        shown = prompt.partition("## Code to be Reviewed: ")[2]
        code = _between(shown, "\n```Code\n", "\n```")
        if code is not None:
            yield from self._new(Said(Role.ASSISTANT, f"{file}\n{code}", "WriteCode"))
        review = _between(shown, "\n## Code Review: ", "\n# Instruction: rewrite code")
        if review is not None and "\n# Format example" not in shown:
            yield from self._new(Said(Role.ASSISTANT, f"## Code Review: {review.rstrip()}", "WriteCodeReview"))

    def _new(self, said: Said, *, once: bool = True) -> Iterator[Said]:
        key = said.content.strip()
        if key and not (once and key in self._seen):
            self._seen.add(key)
            yield said


def _between(text: str, start: str, end: str) -> str | None:
    """Return what stands between the first `start` and the next `end`, None where either is missing."""
    _, found, rest = text.partition(start)
    inside, ended, _ = rest.partition(end)
    return inside if found and ended else None


def printed(text: str, action: str) -> Iterator[Said]:
    """Yield what stands between two records of the console: streamed replies, and what code printed.

    A reply is a fenced block with the prose before it (back to a blank line or to the end of a traceback), or a
    [CONTENT] block. The listing of the code that the console shows again is dropped.
    """
    pending: list[str] = []  # printed by code, unless it turns out to be the prose of a reply
    lines = iter(text.split("\n"))
    code: list[str] = []  # the last block, as long as its listing may follow
    for line in lines:
        fence = _FENCE.match(line)
        if fence or line.strip() == "[CONTENT]":
            output, prose = _prose(pending)
            yield from _output(output)
            block = list(_until(lines, "```" if fence else "[/CONTENT]"))
            code, pending = block[:-1], []
            kind = _kind(fence["language"] if fence else "", block, action)
            reply = "\n".join([*prose, line, *block]).strip("\n")
            yield Said(Role.ASSISTANT, reply, kind, late=kind == "plan")
        elif code and _lists(line, code):
            continue
        elif not _NOISE.match(line):
            pending.append(line)
    yield from _output(pending)


def _until(lines: Iterator[str], end: str) -> Iterator[str]:
    for line in lines:
        yield line
        if line.strip() == end:
            return


def _prose(lines: list[str]) -> tuple[list[str], list[str]]:
    """Split into what code printed, and the prose right before a block."""
    start = len(lines)
    while start and lines[start - 1].strip() and not _EXCEPTION.match(lines[start - 1]):
        start -= 1
    return lines[:start], lines[start:]


def _output(lines: list[str]) -> Iterator[Said]:
    text = "\n".join(lines).strip("\n")
    if text.strip():
        yield Said(Role.TOOL, text, "result", late=True)


def _kind(language: str, block: list[str], action: str) -> str:
    if language == "json" and any('"task_id"' in line for line in block):
        return "plan"
    return "code" if language == "python" else action


def _lists(line: str, code: list[str]) -> bool:
    """Whether the line is one of the code's listing: its number, and the code or a part of it."""
    number, _, rest = line.strip().partition(" ")
    if not number.isdecimal() or not 1 <= int(number) <= len(code) + 1:
        return False
    return int(number) > len(code) or rest.strip() == code[int(number) - 1].strip()
