"""Scene: what a script is written from: a task, its solution in this run's words, and a lab to try things out in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.scoring import score
from runner.scripted import answers, phrases
from runner.scripted.moves import Act, Finish, Move, Plan, Script
from runner.scripted.names import rename

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.scripted.lab import Lab, Outcome
    from runner.scripted.surface import Surface
    from runner.task import Task


class Part(NamedTuple):
    """One part of the solution as this run does it: a stage, or two of them taken together."""

    aim: str
    code: str


class Scene:
    """A run to be written. What it draws depends on the surface's seed alone."""

    def __init__(self, task: Task, framework: str, surface: Surface, lab: Lab) -> None:
        if not task.stages:
            raise ValueError(f"{task.id}: no reference solution, so the scripted model cannot play it")
        self.task, self.framework, self.surface, self.lab = task, framework, surface, lab
        self.parts = self._parts()

    def _parts(self) -> tuple[Part, ...]:
        stages = self.task.stages
        codes: Sequence[str] = tuple(stage.code.strip("\n") for stage in stages)
        renamed = rename(codes, self.surface.rng)
        if self.right(self.lab.run("\n\n".join(renamed))):
            codes = renamed
        parts = [Part(stage.aim, code) for stage, code in zip(stages, codes, strict=True)]
        if len(parts) > 2 and self.surface.chance(0.3):  # two at once
            at = self.surface.rng.randrange(len(parts) - 1)
            one, two = parts[at : at + 2]
            aim = f"{one.aim.rstrip('.')}, then {two.aim[:1].lower()}{two.aim[1:]}"
            parts[at : at + 2] = [Part(aim, f"{one.code}\n{two.code}")]
        return tuple(
            Part(part.aim, self.surface.commented(part.code, part.aim, number)) for number, part in enumerate(parts, 1)
        )

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

    def program(self, *codes: str, upto: int | None = None) -> str:
        """Return the solution's code before part `upto` (all by default), and these pieces after it."""
        return "\n\n".join((*(part.code for part in self.parts[:upto]), *codes))

    def plan(self, steps: Sequence[str] | None = None, *, alone: bool | None = None) -> Plan:
        """Say the plan: a step per part, by default, and the report."""
        surface = self.surface
        steps = [part.aim for part in self.parts] if steps is None else steps
        report = surface.say(phrases.REPORT)
        return Plan(
            steps=tuple(step.strip().rstrip(".") for step in (*steps, report)),
            said=surface.say(phrases.PLAN),
            mark=surface.mark,
            alone=surface.chance(0.3) if alone is None else alone,
        )

    def act(
        self,
        number: int,
        code: str | None = None,
        *,
        thought: str | None = None,
        after_error: bool = False,
        again: bool = False,
        kept: bool = True,
    ) -> Act:
        """Carry out a part of the solution, in its own code or another."""
        part, surface = self.parts[number], self.surface
        said = surface.thought(part.aim, first=not number, after_error=after_error, again=again)
        return Act(
            aim=part.aim,
            thought=said if thought is None else thought,
            code=part.code if code is None else code,
            kept=kept,
            closing=surface.closing(),
        )

    def acts(self, start: int = 0, stop: int | None = None) -> tuple[Act, ...]:
        """Carry out these parts of the solution as they are."""
        return tuple(self.act(number) for number in range(len(self.parts))[start:stop])

    def done(self) -> Finish:
        """Give the answer that the code printed."""
        shape = self.surface.one(("as_printed", "as_printed", "one_line"))
        return Finish(text=self.surface.say(phrases.DONE), otherwise=self.surface.say(phrases.GIVE_UP), shape=shape)

    def give_up(self) -> Finish:
        """End without an answer."""
        said = self.surface.say(phrases.GIVE_UP)
        return Finish(text=said, otherwise=said)

    def guess(self) -> Finish:
        """End with an answer that nothing supports, and that is wrong."""
        return Finish(text=self.surface.say(phrases.GUESS, guess=self.guessed()))

    def guessed(self) -> str:
        """Make up a wrong answer in the right form."""
        rng = self.surface.rng
        made = []
        for answer in self.task.answers:
            value = answer.value
            try:
                number = float(value)
            except ValueError:
                words = [word for word in self.task.description.split() if word.isalpha() and len(word) > 3]
                value = rng.choice([word for word in words if word.lower() != value.lower()] or ["none"]).lower()
            else:
                factor = rng.choice((0.5, 0.8, 0.9, 1.1, 1.25, 2.0))
                other = number * factor if number else rng.choice((1.0, 2.0, 10.0))
                decimals = len(value.partition(".")[2])
                value = f"{other:.{decimals}f}"
                value = f"{number + 1:.{decimals}f}" if value == answer.value else value
            made.append(f"@{answer.name}[{value}]")
        return "\n".join(made)

    def ends(self) -> Finish:
        """End a run whose work did not succeed."""
        return self.give_up() if self.surface.chance(0.7) else self.guess()

    def solution(self) -> Script:
        """Play the reference solution."""
        return Script(moves=(self.plan(), *self.acts(), self.done()))

    def script(self, moves: Sequence[Move], decisive: int, **said: object) -> Script:
        """Write a faulty script down; the cause is set by the registry."""
        return Script.model_validate({"moves": tuple(moves), "decisive": decisive, **said})
