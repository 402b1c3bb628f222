"""What a MetaGPT log tells only indirectly: work shown in later prompts, and what the console printed between records.

The log file holds the prompts but, for code, not the model's replies. A reply is seen in a later prompt, though: the
Data Interpreter repeats its finished code and results and its failed attempts, the engineer's code comes up for review.
The console shows the replies as they were streamed, mixed with what the code printed.
"""

from __future__ import annotations

import ast
import bisect
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
_LISTED = re.compile(r" +(?P<number>\d{1,6})(?: (?P<rest>.*))?$")
_TRIES = 3  # listings of other things that may stand before the one that is looked for
_CUT = 40  # columns of code that a console shows at least


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

    def note(self, content: str) -> None:
        """Take note of what the log has told elsewhere."""
        self._seen.add(content.strip())

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


def printed(text: str, action: str, *, replied: bool = False) -> Iterator[Said]:
    """Yield what stands between two records of the console: streamed replies, and what code printed.

    A reply is a fenced block or a [CONTENT] block with the prose around it: before it back to a blank line or to the
    end of a traceback (back to the record where `replied`: no code ran in between), after it up to the listing
    of the code that the console shows before it runs. The listing is dropped.
    """
    pending: list[str] = []  # printed by code, unless it turns out to be the prose of a reply
    lines = text.split("\n")
    starts = _starts(lines)
    at = 0
    while at < len(lines):
        line = lines[at]
        fence = _FENCE.match(line)
        if not fence and line.strip() != "[CONTENT]":
            pending += [] if _NOISE.match(line) else [line]
            at += 1
            continue
        output, prose = _prose(pending, replied=replied)
        yield from _output(output)
        end = _end(lines, at + 1, "```" if fence else "[/CONTENT]")
        block = lines[at + 1 : end]
        kind = _kind(fence["language"] if fence else "", block, action)
        tail, following = _tail(lines, end, block[:-1], starts, whole=replied)
        reply = "\n".join([*prose, line, *block, *lines[end:tail]]).strip("\n")
        yield Said(Role.ASSISTANT, reply, kind, late=kind == "plan")
        pending, replied, at = [], False, following
    if replied and (reply := "\n".join(pending).strip("\n")).strip():
        yield Said(Role.ASSISTANT, reply, action)
    elif not replied:
        yield from _output(pending)


def listed(text: str) -> tuple[str, str] | None:
    """Split text that has the listing of itself in it into what was listed and what follows the listing, or None."""
    lines = text.split("\n")
    for at in _starts(lines)[:_TRIES]:
        if after := _listing(lines, at, lines[:at]):
            return "\n".join(lines[:at]), "\n".join(lines[after:])
    return None


def _end(lines: list[str], at: int, end: str) -> int:
    """Return where the lines after the one that reads `end` begin."""
    return next((i + 1 for i in range(at, len(lines)) if lines[i].strip() == end), len(lines))


def _tail(lines: list[str], at: int, code: list[str], starts: list[int], *, whole: bool) -> tuple[int, int]:
    """Return where what follows a block and belongs to its reply ends, and where to read on.

    `whole`: without a listing, the rest is the reply's (that of a plan, which is not run).
    """
    first = bisect.bisect_left(starts, at)
    for start in starts[first : first + _TRIES] if code else ():
        if after := _listing(lines, start, code):
            return start, after
    return (len(lines), len(lines)) if whole else (at, at)


def _starts(lines: list[str]) -> list[int]:
    """Return where a listing may begin: the lines that are numbered 1."""
    return [at for at, line in enumerate(lines) if (shown := _LISTED.match(line)) and int(shown["number"]) == 1]


def _listing(lines: list[str], at: int, code: list[str]) -> int | None:
    """Return where the listing of the code that begins at `at` ends, None where none begins there.

    Its lines are numbered and indented; a long one is cut at the console's width. The code may end in an empty line.
    """
    for number, line in enumerate([*code, ""], 1):
        shown = _LISTED.match(lines[at]) if at < len(lines) else None
        rest = (shown["rest"] or "").strip() if shown and int(shown["number"]) == number else None
        wanted = line.strip()
        if rest is None or (rest != wanted and not (len(rest) >= _CUT and wanted.startswith(rest))):
            return at if number > len(code) else None
        at += 1
    return at


def _prose(lines: list[str], *, replied: bool) -> tuple[list[str], list[str]]:
    """Split into what code printed, and the prose right before a block."""
    start = len(lines)
    while start and (replied or lines[start - 1].strip()) and not _EXCEPTION.match(lines[start - 1]):
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
