"""MetaGPT's log file (`logs/*.txt`) and console text: `2026-01-01 10:00:00.000 | INFO     | metagpt.team:run:1 - ...`.

A file holds a day, so several runs: each begins where the user states a requirement. Steps, in the order of the log:
messages that roles publish, the model's raw output, the tasks of the plan, code, reviews and results as far as the log
shows them (see `_metagpt`), warnings and errors. A published document that only wraps the raw output before it makes
no step. `Step.index` counts these. The agent is the role ("Product Manager").
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from classifier.formats import _fields as fields
from classifier.formats import _metagpt as metagpt
from classifier.formats._source import parse_json
from classifier.trace import Limits, Role, Step, Trace, TraceError

if TYPE_CHECKING:
    from classifier.formats._source import Source

_RECORD = re.compile(
    r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \| (?P<level>[A-Z]+) +\| (?P<module>[\w.]+):(?P<function>[\w<>]+):\d+ - ",
    re.MULTILINE,
)
_SNIFF = re.compile(_RECORD.pattern.replace(r"[\w.]+", r"metagpt\.[\w.]+", 1), re.MULTILINE)
_ACTOR = re.compile(
    r"(?P<role>[^:\n]{1,80}?)(?: observed:|: self\.rc\.state=-?\d+, will do | *: to do )(?P<action>\w*)"
)
_ROLE = re.compile(r"[^()]*\((?P<profile>[^()]+)\)$")
_READY = re.compile(r"ready to (?P<action>[A-Z]\w+)")
_ASKS = re.compile(r"ready to [A-Z]|Check updated data|coding failed!")  # what follows is the model's reply
_ROUNDS = re.compile(r"max n_round=(?P<left>\d+) left")
_OBSERVED = re.compile(r"observed: \[['\"](?:user|Human): ")
_UNFENCED = "```.*?\\s+(.*?)``` not match following text:"
_TASK = "ready to take on task "
_RAW = "llm raw output:\n"
_PUBLISH = "publish_message: "


def sniff(source: Source) -> bool:
    """Say whether it has a record of MetaGPT."""
    if source.is_sqlite or not source.is_text or source.document is not None:
        return False
    return _SNIFF.search(source.plain) is not None


def parse(source: Source) -> list[Trace]:
    """Return the runs of the log that have a step."""
    text = source.plain
    # Where standard output was not held back, a reply follows the record that asks for it; else it may come later.
    in_step = -1 < text.find('"task_id"') < text.find(_TASK)
    runs = [_Run(in_step=in_step)]
    found = list(_RECORD.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    for record, end in zip(found, ends, strict=False):
        said = fields.clean(text[record.end() : end])
        if runs[-1].steps and _begins(record, said, runs[-1]):
            runs[-1].close()
            runs.append(_Run(in_step=in_step))
        runs[-1].read(record["level"], record["module"], record["function"], said)
    runs[-1].close()
    traces = [run.trace() for run in runs if run.steps]
    if not traces:
        raise TraceError("no steps: no role acts in it")
    return traces


def _begins(record: re.Match[str], said: str, run: _Run) -> bool:
    """Whether the record begins another run: money is invested, or the user states a requirement."""
    if record["function"] == "invest":
        return True
    if said.startswith(_PUBLISH):
        return '"cause_by":"metagpt.actions.add_requirement.UserRequirement"' in said.replace('": "', '":"')
    return record["function"] == "_observe" and bool(_OBSERVED.search(said)) and run.steps[-1].role is not Role.USER


class _Run:
    """The steps of one run, as the records bring them."""

    def __init__(self, *, in_step: bool) -> None:
        self._in_step = in_step
        self.steps: list[Step] = []
        self._task = ""
        self._agent, self._action = "metagpt", ""
        self._rounds: int | None = None
        self._prompts = metagpt.Prompts()
        self._next_task: Step | None = None  # taken up, but what came before it may still turn up

    def trace(self) -> Trace:
        task = self._task or next((step.content for step in self.steps if step.role is Role.USER), "")
        limits = Limits(max_rounds=self._rounds)
        steps = tuple(self.steps)
        return Trace(id="", format="metagpt_log", framework="metagpt", task=task.strip(), steps=steps, limits=limits)

    def read(self, level: str, module: str, function: str, said: str) -> None:
        self._note_actor(module, said)
        if function == "parse_code" and said.strip() != _UNFENCED:
            self._unfenced(said)
        elif level in ("WARNING", "ERROR", "CRITICAL"):
            problem = said.strip()
            self.close()
            error = (metagpt.last_exception(problem) or problem.split("\n", 1)[0]) if level != "WARNING" else None
            self._add("metagpt", Role.TOOL, problem, kind=level.lower(), error=error)
        elif said.startswith(_PUBLISH):
            self._publish(said.removeprefix(_PUBLISH))
        elif function == "aask":
            self._prompted(metagpt.turns(said))
        elif said.startswith(_RAW):
            self._add(self._agent, Role.ASSISTANT, said.removeprefix(_RAW).strip("\n"), kind=self._action or "output")
        elif level == "INFO":
            self._inform(said)

    def _note_actor(self, module: str, said: str) -> None:
        """Who acts from here on, and how."""
        first = said.split("\n", 1)[0]
        if actor := _ACTOR.match(first):
            self._agent, self._action = _profile(actor["role"]), actor["action"] or self._action
        elif module.startswith("metagpt.roles.") and not module.endswith(".role"):
            self._agent = "".join(part.title() for part in module.rsplit(".", 1)[-1].split("_"))
        if ready := _READY.match(first):
            self._action = ready["action"]
        if self._rounds is None and (rounds := _ROUNDS.search(first)):
            self._rounds = int(rounds["left"][:9]) + 1  # the log states what is left once a round has begun

    def _publish(self, said: str) -> None:
        try:
            message: Any = parse_json(said)
        except TraceError:
            message = None
        if not isinstance(message, dict):
            raise TraceError("a published message is not JSON", place=f"after step {len(self.steps)}")
        agent = _profile(fields.text(message.get("role")) or self._agent)
        kind = fields.text(message.get("cause_by")).rsplit(".", 1)[-1] or "message"
        content = fields.text(message.get("content"))
        if kind == "UserRequirement":
            self._add(agent, Role.USER, content, kind=kind)
        elif not (self.steps and (self.steps[-1].agent, self.steps[-1].kind) == (agent, kind)):
            self._add(agent, Role.ASSISTANT, content, kind=kind)

    def _prompted(self, messages: list[tuple[str, str]]) -> None:
        self._task = self._task or next(filter(None, (metagpt.requirement(content) for _, content in messages)), "")
        for said in self._prompts.read(messages):
            self._say(said)

    def _inform(self, said: str) -> None:
        message, _, rest = said.partition("\n")
        if message.startswith(_TASK):
            self.close()
            agent = "DataInterpreter" if self._agent == "metagpt" else self._agent
            self._next_task = Step(index=0, agent=agent, role=Role.ASSISTANT, content=message.strip(), kind="task")
        self._task = self._task or metagpt.requirement(rest)
        replied = self._in_step and _ASKS.match(message) is not None
        for piece in metagpt.printed(rest, self._action or "output", replied=replied):
            if piece.role is Role.ASSISTANT or any(step.role is Role.ASSISTANT for step in self.steps):
                self._say(piece)

    def _unfenced(self, said: str) -> None:
        """Read a reply without a block, which is run as it stands. The console has just shown it, the log has not."""
        reply, output = metagpt.listed(said) or (said, "")
        if not any(step.content.strip() == reply.strip() for step in self.steps[-3:]):
            self._add(self._agent, Role.ASSISTANT, reply.strip("\n"), kind=self._action or "output")
        self._prompts.note(reply)
        for piece in metagpt.printed(output, self._action or "output"):
            self._say(piece)

    def _say(self, said: metagpt.Said) -> None:
        if not said.late:
            self.close()
        if said.role is Role.TOOL:
            self._add("ExecuteNbCode", said.role, said.content, said.kind, metagpt.last_exception(said.content))
        else:
            plans = said.kind == "plan" and self._agent == "metagpt"  # nobody was named yet, and only it plans so
            self._add("DataInterpreter" if plans else self._agent, said.role, said.content, said.kind)

    def close(self) -> None:
        """Put the task that was taken up in its place: nothing from before it can follow."""
        if self._next_task:
            self.steps.append(self._next_task.model_copy(update={"index": len(self.steps)}))
            self._next_task = None

    def _add(self, agent: str, role: Role, content: str, kind: str, error: str | None = None) -> None:
        index = len(self.steps)
        self.steps.append(Step(index=index, agent=agent, role=role, content=content, kind=kind, error=error))


def _profile(role: str) -> str:
    """Return the role: that of "Alice(Product Manager)" is "Product Manager"."""
    match = _ROLE.match(role.strip())
    return match["profile"] if match else role.strip() or "metagpt"
