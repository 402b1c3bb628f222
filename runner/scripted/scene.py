"""Scene: what a script is written from: a task, its solution in this run's words, and a lab to try things out in."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from runner.scoring import score
from runner.scripted import answers, phrases
from runner.scripted.moves import Act, Finish, Move, Plan, Script, rounds
from runner.scripted.mutate import api, imports, paths, schema, syntax
from runner.scripted.names import rename

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.scripted.lab import Lab, Outcome
    from runner.scripted.mutate import Mutation
    from runner.scripted.surface import Surface
    from runner.task import Task

_STEPS = 3  # of a run of TaskWeaver, where each costs two rounds, so that ten rounds are enough for what succeeds
_READ = re.compile(r"^(\w+) = pd\.read_csv\(", re.MULTILINE)
_ADDRESS = re.compile(r"http://[\w.:-]+(?:/[\w./-]*)?")


class Part(NamedTuple):
    """One part of the solution as this run does it: a stage, or two of them taken together."""

    aim: str
    code: str


Parts = tuple[Part, ...]


class Scene:
    """A run to be written. What it draws depends on the surface's seed alone."""

    def __init__(self, task: Task, framework: str, surface: Surface, lab: Lab) -> None:
        if not task.stages:
            raise ValueError(f"{task.id}: no reference solution, so the scripted model cannot play it")
        self.task, self.framework, self.surface, self.lab = task, framework, surface, lab
        self.rng = surface.rng
        self.parts = self._parts()
        self.columns = _columns(lab, self.parts)
        self._herrings = surface.rng.choices((0, 1, 2), (0.5, 0.35, 0.15))[0]
        if framework == "taskweaver":
            self._herrings = min(self._herrings, 1)
        self._looks = surface.rng.choices((0, 1), (0.7, 0.3))[0]

    def _parts(self) -> Parts:
        stages = self.task.stages
        codes: Sequence[str] = tuple(stage.code.strip("\n") for stage in stages)
        renamed = rename(codes, self.rng)
        if self.right(self.lab.run("\n\n".join(renamed))):
            codes = renamed
        parts = [Part(stage.aim, code) for stage, code in zip(stages, codes, strict=True)]
        if len(parts) > 2 and self.surface.chance(0.3):
            _join(parts, self.rng.randrange(len(parts) - 1))
        while self.framework == "taskweaver" and len(parts) > _STEPS:
            _join(parts, 0)
        return tuple(
            Part(part.aim, self.surface.commented(part.code, part.aim, number)) for number, part in enumerate(parts, 1)
        )

    # what is right and wrong

    def right(self, outcome: Outcome) -> bool:
        """Whether code ran and printed the right answer."""
        return not outcome.error and self.is_answer(answers.printed(outcome.printed))

    def wrong(self, outcome: Outcome) -> bool:
        """Whether code ran and printed an answer, but not the right one."""
        values = answers.printed(outcome.printed)
        return not outcome.error and bool(values) and not self.is_answer(values)

    def is_answer(self, values: answers.Values) -> bool:
        """Whether these are the values that the task asks for, in its form."""
        return score(self.task, answers.SHAPES["as_printed"](values)).success

    def run(self, *codes: str, parts: Parts | None = None, upto: int | None = None) -> Outcome:
        """Try the solution's code before part `upto` (all by default), and these pieces after it."""
        return self.lab.run(program((self.parts if parts is None else parts)[:upto], *codes))

    def places(self) -> list[int]:
        """Return the numbers of the parts, in a random order."""
        numbers = list(range(len(self.parts)))
        self.rng.shuffle(numbers)
        return numbers

    def changed(self, number: int, code: str, aim: str | None = None) -> Parts:
        """Return the solution with another code, and another aim, for one of its parts."""
        part = self.parts[number]
        return (*self.parts[:number], Part(aim or part.aim, code), *self.parts[number + 1 :])

    # moves

    def plan(self, moves: Sequence[Move], parts: Parts | None = None, *, alone: bool | None = None) -> Plan:
        """Say the plan for these moves: what works in them, and the parts that are never reached."""
        aims = [move.aim for move in moves if isinstance(move, Act) and move.works]
        aims += [part.aim for part in (self.parts if parts is None else parts) if part.aim not in aims]
        return self.steps(aims, alone=alone)

    def steps(self, steps: Sequence[str], *, alone: bool | None = None) -> Plan:
        """Say a plan of these steps, and of a report."""
        surface = self.surface
        return Plan(
            steps=tuple(step.strip().rstrip(".") for step in (*steps, surface.say(phrases.REPORT))),
            said=surface.say(phrases.PLAN),
            mark=surface.mark,
            alone=surface.chance(0.3) if alone is None else alone,
        )

    def act(
        self,
        part: Part,
        *,
        code: str | None = None,
        thought: str | None = None,
        after_error: bool = False,
        again: bool = False,
        works: bool = True,
    ) -> Act:
        """Carry out a part of the solution, in its own code or another."""
        surface = self.surface
        first = part.aim == self.parts[0].aim
        said = surface.thought(part.aim, first=first, after_error=after_error, again=again)
        return Act(
            aim=part.aim,
            thought=said if thought is None else thought,
            code=part.code if code is None else code,
            kept=works,
            works=works,
            closing=surface.closing(),
        )

    def walk(self, parts: Parts | None = None, start: int = 0, stop: int | None = None) -> list[Act]:
        """Carry out parts as they are, at times with a look at the input, or with a fault that is repaired at once."""
        parts = self.parts if parts is None else parts
        acts: list[Act] = []
        for number in range(len(parts))[start:stop]:
            if self._looks and self.surface.chance(0.4):
                self._looks -= 1
                acts.append(self.look(parts[:number]))
            failed = None
            if self._herrings and self.surface.chance(0.5):
                failed = next(self.failing(parts, number), None)
            if failed:
                self._herrings -= 1
                acts.append(self.act(parts[number], code=failed.code, works=False))
            acts.append(self.act(parts[number], after_error=failed is not None))
        return acts

    def look(self, before: Parts) -> Act:
        """Take a look at the input, which changes nothing."""
        surface = self.surface
        code = surface.one([code for code in self._looking(before) if not self.run(code, parts=before).error])
        aim, thought = surface.say(phrases.LOOK_AIM), surface.say(phrases.LOOK)
        return Act(aim=aim, thought=thought, code=code, kept=False, closing=surface.closing())

    def _looking(self, before: Parts) -> Iterator[str]:
        so_far = program(before)
        if match := _READ.search(so_far):
            yield from (f"print({match[1]}.head())", f"print({match[1]}.describe())", f"print({match[1]}.dtypes)")
        if match := _ADDRESS.search(program(self.parts)):
            address = f'import requests\n\nfirst = requests.get("{match[0]}", timeout=10)\n'
            yield from (f"{address}print(first.status_code, len(first.text))", f"{address}print(first.text[:400])")
        for path in sorted(self.lab.files.iterdir()):
            if path.is_file():
                yield f'with open("{path.name}", errors="replace") as file:\n    print(file.read(300))'
            else:
                yield f'import os\n\nprint(sorted(os.listdir("{path.name}"))[:20])'
        yield "import sys\n\nprint(sys.version.split()[0])"

    def failing(self, parts: Parts, number: int, most: int = 6) -> Iterator[Mutation]:
        """Yield changes to a part that raise an error, of any kind."""
        code = parts[number].code
        kinds = [
            syntax.broken(code, self.rng),
            api.misused(code, self.rng),
            paths.misplaced(code, self.rng, self.lab.files),
            schema.assumed(code, self.rng, self.columns),
            imports.absent(code, self.rng),
        ]
        self.rng.shuffle(kinds)
        for kind in kinds:
            for mutation in islice(kind, most):
                if self.run(mutation.code, parts=parts, upto=number).error:
                    yield mutation
                    break

    def rounds(self, moves: Sequence[Move]) -> int:
        """Count the rounds that moves take in the run's framework."""
        return rounds(moves, self.framework)

    def done(self) -> Finish:
        """Give the answer that the code printed."""
        shape = self.surface.one(("as_printed", "as_printed", "one_line"))
        return Finish(text=self.surface.say(phrases.DONE), otherwise=self.surface.say(phrases.GIVE_UP), shape=shape)

    def give_up(self) -> Finish:
        """End without an answer."""
        said = self.surface.say(phrases.GIVE_UP)
        return Finish(text=said, otherwise=said)

    def guess(self, made: str | None = None) -> Finish:
        """End with an answer that nothing supports, and that is wrong."""
        return Finish(text=self.surface.say(phrases.GUESS, guess=made or self.guessed()))

    def guessed(self) -> str:
        """Make up a wrong answer in the right form."""
        for _ in range(20):
            made = "\n".join(f"@{answer.name}[{_other(answer.value, self)}]" for answer in self.task.answers)
            if not score(self.task, made).success:
                return made
        return "\n".join(f"@{answer.name}[none]" for answer in self.task.answers)

    def ends(self) -> Finish:
        """End a run whose work did not succeed."""
        return self.give_up() if self.surface.chance(0.7) else self.guess()

    def solution(self) -> Script:
        """Play the reference solution."""
        acts = self.walk()
        plan, last = self.plan(acts), self.done()
        if self.surface.chance(0.4):  # remarks around an answer in the right form do no harm
            said = self.remark()
            last = last.model_copy(
                update={"text": self.surface.one((f"{said}\n\n{last.text}", f"{last.text}\n\n{said}"))}
            )
        return Script(moves=(plan, *acts, last))

    def remark(self) -> str:
        """Make a remark that answers nothing."""
        aim = self.surface.one(self.parts).aim
        return self.surface.say(phrases.REMARKS, aim=aim, n=str(len(self.parts)))


def _join(parts: list[Part], at: int) -> None:
    """Take two parts as one."""
    one, two = parts[at : at + 2]
    aim = f"{one.aim.rstrip('.')}, then {two.aim[:1].lower()}{two.aim[1:]}"
    parts[at : at + 2] = [Part(aim, f"{one.code}\n{two.code}")]


def program(parts: Parts, *codes: str) -> str:
    """Write the code of these parts, and what follows them, as one script."""
    return "\n\n".join((*(part.code for part in parts), *codes))


def _columns(lab: Lab, parts: Parts) -> tuple[str, ...]:
    """Return names that stand for columns or keys: the headers of the task's files, and what the code looks up."""
    names: dict[str, None] = {}
    for path in sorted(lab.files.rglob("*.[ct]sv")):
        with path.open(encoding="utf-8", errors="replace") as file:
            header = file.readline().rstrip("\r\n")
        names |= dict.fromkeys(name.strip('"') for name in re.split(r"[,;\t|]", header))
    names |= dict.fromkeys(re.findall(r"\[[\"']([^\"']+)[\"']\]", program(parts)))
    return tuple(name for name in names if name.strip())


def _other(value: str, scene: Scene) -> str:
    """Return another value of the same kind."""
    rng = scene.rng
    if ", " in value or "," in value:
        items = [item.strip() for item in value.split(",")]
        rng.shuffle(items)
        return ", ".join(items[: max(1, len(items) - rng.randrange(2))])
    try:
        number = float(value)
    except ValueError:
        words = [word.strip(".,:;()") for word in scene.task.description.split()]
        return rng.choice([word for word in words if len(word) > 3] or ["none"])
    decimals = len(value.partition(".")[2])
    return f"{number * rng.choice((0.5, 0.8, 0.9, 1.1, 1.25, 2.0)) + rng.choice((0, 1, 1)):.{decimals}f}"
