"""History: which messages of a request are new. Requests repeat all that was said; a record tells it once.

Each agent has a conversation of its own, found again by its system prompt and by what of it comes back. A message is
known if it comes back in its conversation, in order; if another agent's conversation has told it since this one was
last heard (agents of a group chat read each other's messages); or if it is what an agent took out of an answer (its
code, say). The same words said again are news: runs that repeat themselves are what coroner is asked about.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from classifier.formats import _fields as fields
from classifier.formats._chat import tool_calls
from classifier.trace import Role, Step, ToolCall
from runner.proxy import rerendered
from runner.proxy.rerendered import LEAST_LETTERS, squeeze

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.proxy.rerendered import Version

LONGEST = 200_000  # characters of a step that are kept
_REMEMBERED = 64  # conversations; of a run with more, the oldest would be told again
_VERSIONS = 12  # prompts that may come back in another version
_RECENT, _RECENT_LETTERS = 60, 300_000  # steps, and letters of them, among which a passage of a prompt is looked for

_ROLE = re.compile(
    r"\b(?:You are|You're|Act as|As) (?:an? |the )?(?!(?:in|now|given|able|not|about|going|asked|provided)\b)"
    r"(?P<role>[A-Za-z][\w-]{0,40}(?: [\w-]{1,40}){0,3}?)"
    r"(?=[,.:;\n]|$| (?:who|that|and|in|with|for|of|named|to|on|at|which|designed)\b)"
)
_RESULT = re.compile(
    r"\s*(?:exitcode: -?\d+ \(|\*{5} Response from calling |Traceback \(most recent call last\)"
    r"|-{20,}\n\w+(?:Error|Exception)\b"
    r"|#{1,6} (?:latest data info|[\w ]{0,40}\b(?:result|output|observation)s?\b)"
    r"|(?:execution|code|command|tool)[ _](?:result|output)s?\b)",
    re.IGNORECASE,
)


class Said(NamedTuple):
    """One message of a request. `shown` is what of it the model saw: None where a small window left it out."""

    role: Role
    name: str | None
    text: str
    calls: tuple[ToolCall, ...]
    shown: str | None

    @property
    def key(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What makes two messages the same. Not the role: each agent sees itself as the assistant."""
        return self.text.strip(), tuple((call.name, call.arguments) for call in self.calls)

    def seen_as(self, message: dict[str, Any] | None) -> Said:
        """Return the message as a small window left it."""
        return self._replace(shown=None if message is None else _text(message))


class Heard(NamedTuple):
    """What a request told: whose it is, the steps that are new, and names learnt of other conversations."""

    conversation: int
    agent: str
    steps: tuple[Step, ...]
    named: tuple[tuple[int, str], ...] = ()


class _Told(NamedTuple):
    step: Step
    key: Any
    conversation: int
    answer: bool
    squeezed: str


@dataclass
class _Conversation:
    id: int
    agent: str
    frame: tuple[str | None, str]  # label and system prompt
    entries: list[tuple[Any, int | None]] = field(default_factory=list)  # key and step of each message, as last seen
    seen: int = -1  # the last step that it has seen
    named: bool = False


def said(message: dict[str, Any], place: str, names: dict[str, str]) -> Said:
    """Read one message of a request; `names` maps the ids of tool calls to tools. Raises TraceError."""
    role = fields.role(message.get("role"), f"{place}.role")
    calls = tool_calls(message, place)
    names.update({call.id: call.name for call in calls if call.id})
    named = message.get("name") or (names.get(fields.text(message.get("tool_call_id"))) if role is Role.TOOL else None)
    text = _text(message)
    return Said(role, fields.name(named, f"{place}.name") if named else None, text, calls, text)


class History:
    """The steps of a run as its requests and answers bring them. For one thread at a time."""

    def __init__(self) -> None:
        self._told: list[_Told] = []
        self._where: defaultdict[Any, list[int]] = defaultdict(list)
        self._conversations: list[_Conversation] = []
        self._versions: list[Version] = []
        self._count = 0

    def read(self, messages: Sequence[Said], label: str | None = None) -> Heard:
        """Take a request in. `label` is the agent's name, where its caller gives one."""
        begin = len(self._told)
        conversation, known, fresh = self._find(messages, label)
        at, named = conversation.seen, list[tuple[int, str]]()
        entries: list[tuple[Any, int | None]] = []
        for i, message in enumerate(messages):
            index = known[i]
            if index is None:
                index = self._adopted(message, at)
                if index is not None:
                    at = index
                    named += self._learn(message, index)
                else:
                    extends = not fresh and i > max((j for j, k in enumerate(known) if k is not None), default=-1)
                    index = self._add(message, conversation, whole=extends)
            entries.append((message.key, index))
        conversation.entries = entries
        conversation.seen = len(self._told) - 1
        steps = tuple(told.step for told in self._told[begin:])
        return Heard(conversation.id, conversation.agent, steps, tuple(named))

    def answer(self, conversation: int, message: dict[str, Any]) -> Step:
        """Take an answer in, and return the step that it became."""
        mine = next(each for each in self._conversations if each.id == conversation)
        calls = tool_calls(message, "answer")
        step = self._step(mine.agent, Role.ASSISTANT, _text(message), calls=calls)
        heard = Said(Role.ASSISTANT, None, step.content, calls, None)
        self._tell(step, heard.key, mine.id, answer=True)
        mine.entries.append((heard.key, step.index))
        mine.seen = step.index
        return step

    def note(self, conversation: int, agent: str, content: str, kind: str, error: str | None = None) -> Step:
        """Add what is no message: an error in place of an answer, a word of the proxy's own."""
        step = self._step(agent, Role.TOOL, content, kind=kind, error=error)
        self._tell(step, None, conversation)
        return step

    @property
    def last(self) -> Step | None:
        """The last step."""
        return self._told[-1].step if self._told else None

    def _find(self, messages: Sequence[Said], label: str | None) -> tuple[_Conversation, list[int | None], bool]:
        """Return the conversation, which step each message is in it, and whether the conversation is a new one."""
        system = "\n".join(message.text for message in _leading(messages))
        leading = len(_leading(messages))
        frame = (label, system)
        found: tuple[int, _Conversation, list[int | None]] | None = None
        alike = [each for each in self._conversations if each.frame == frame]
        for each in alike:
            known = self._walk(each.entries, messages)
            score = sum(index is not None for index in known[leading:])
            if found is None or score >= found[0]:
                found = (score, each, known)
        if found is not None and (found[0] or len(messages) == leading):
            self._conversations.remove(found[1])
            self._conversations.append(found[1])  # the last heard is the last forgotten
            return found[1], found[2], False
        new = _Conversation(self._count, label or _role_of(system), frame)
        self._count += 1
        if found is not None:  # the same agent begins anew, or writes its prompt anew
            new.seen = found[1].seen
        self._conversations = [*self._conversations[-_REMEMBERED + 1 :], new]
        return new, found[2] if found else [None] * len(messages), True

    def _walk(self, entries: Sequence[tuple[Any, int | None]], messages: Sequence[Said]) -> list[int | None]:
        """Return for each message the step that it was in the conversation, in order; None where it was not there."""
        known: list[int | None] = []
        at = 0
        for message in messages:
            match = next((j for j in range(at, len(entries)) if self._same(message, *entries[j])), None)
            known.append(None if match is None else entries[match][1])
            at = at if match is None else match + 1
        return known

    def _same(self, message: Said, key: Any, step: int | None) -> bool:
        return message.key == key or (step is not None and self._taken_from(message, self._told[step]))

    def _taken_from(self, message: Said, told: _Told) -> bool:
        """Whether the message is what an agent took out of an answer: its code without the fence, say."""
        if not told.answer or message.role is not Role.ASSISTANT or message.calls:
            return False
        squeezed = squeeze(message.text)
        return len(squeezed) >= LEAST_LETTERS and squeezed in told.squeezed

    def _adopted(self, message: Said, after: int) -> int | None:
        """Return the first step after `after` that tells this message."""
        steps = self._where.get(message.key, [])
        place = bisect_right(steps, after)
        if place < len(steps):
            return steps[place]
        return next((told.step.index for told in self._told[after + 1 :] if self._taken_from(message, told)), None)

    def _learn(self, message: Said, index: int) -> Iterable[tuple[int, str]]:
        """Learn from another agent's view who it was that answered there."""
        told = self._told[index]
        mine = next((each for each in self._conversations if each.id == told.conversation), None)
        if not (message.name and told.answer and mine and not mine.named and mine.frame[0] is None):
            return ()
        mine.named, mine.agent = True, message.name
        return ((mine.id, message.name),)

    def _add(self, message: Said, mine: _Conversation, *, whole: bool) -> int | None:
        """Add the steps of a new message, and return the last of them; None where nothing in it is new."""
        text = message.shown
        if text is None:
            text = "[left out: the context window is full]"
        pieces: list[tuple[Role, str, str | None]] = [(self._role(message), text, None)]
        prompt = message.role in {Role.USER, Role.SYSTEM}
        now = rerendered.version(text) if prompt else None
        base = rerendered.base_of(now, self._versions) if now and not whole else None
        if base is not None:
            pieces = list(self._new_in(text, base, message.role))
        last = None
        for role, content, kind in pieces:
            speaker = Role.TOOL if kind == "result" else message.role
            agent = message.name or (mine.agent if role is Role.ASSISTANT else speaker.value)
            step = self._step(agent, role, content, kind=kind, calls=message.calls)
            # a prompt's pieces are found again by the whole prompt
            self._tell(step, message.key if base is None else None, mine.id)
            last = step.index
        if now is not None:
            others = [each for each in self._versions if each is not base]
            self._versions = [*others[-_VERSIONS + 1 :], now._replace(since=len(self._told))]
        return last

    def _new_in(self, text: str, base: Version, role: Role) -> Iterable[tuple[Role, str, str | None]]:
        recent = " ".join(told.squeezed for told in self._told[-_RECENT:])[-_RECENT_LETTERS:]
        results = [told.squeezed for told in self._told[base.since :] if told.step.role is Role.TOOL]
        for piece in rerendered.new_pieces(text, base.text, recent):
            if not piece.result:
                yield role, f"[as before, but for]\n{piece.text}", "prompt"
            elif not any(squeeze(piece.body) in each for each in results):
                yield Role.TOOL, piece.text, "result"

    def _role(self, message: Said) -> Role:
        return Role.TOOL if message.role is Role.USER and _RESULT.match(message.text) else message.role

    def _step(
        self,
        agent: str,
        role: Role,
        content: str,
        *,
        kind: str | None = None,
        calls: tuple[ToolCall, ...] = (),
        error: str | None = None,
    ) -> Step:
        if len(content) > LONGEST:
            content = f"{content[:LONGEST]}\n[… {len(content) - LONGEST} characters left out of the record]"
        return Step(
            index=len(self._told), agent=agent, role=role, content=content, kind=kind, tool_calls=calls, error=error
        )

    def _tell(self, step: Step, key: Any, conversation: int, *, answer: bool = False) -> None:
        self._told.append(_Told(step, key, conversation, answer, squeeze(step.content)))
        if key is not None:
            self._where[key].append(step.index)


def _leading(messages: Sequence[Said]) -> Sequence[Said]:
    first = next((i for i, message in enumerate(messages) if message.role is not Role.SYSTEM), len(messages))
    return messages[:first]


def _text(message: dict[str, Any]) -> str:
    return fields.text(message.get("content")) or fields.text(message.get("refusal"))


def _role_of(system: str) -> str:
    """Return the role that a system prompt gives: "Planner", "data scientist"; "assistant" where it gives none."""
    found = _ROLE.search(system[:2_000])
    role = found["role"] if found else "assistant"
    return "assistant" if role.lower().endswith("assistant") else role


__all__ = ["LONGEST", "Heard", "History", "Said", "said"]
