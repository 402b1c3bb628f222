"""The courses that failing runs take: one stops at code that raises, the other ends with a wrong answer."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from runner.scripted.moves import Finish, Say, Script

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from runner.scripted.moves import Move
    from runner.scripted.mutate import Mutation
    from runner.scripted.scene import Parts, Scene

    Make = Callable[[str], Iterator[Mutation]]

_TRIED = 14  # changes of one part that are tried out
_ENOUGH = 2  # of them, those that raise: for a first attempt and another


class Raised(NamedTuple):
    """A part, and changes of it that raise."""

    number: int
    changes: tuple[Mutation, ...]


def raising(scene: Scene, make: Make, errors: Collection[str], *, fewest: int = 1) -> Raised | None:
    """Find a part with changes that raise one of these errors (any, where none is named)."""
    for number in scene.places():
        found = []
        for mutation in islice(make(scene.parts[number].code), _TRIED):
            error = scene.run(mutation.code, upto=number).error
            if error and (not errors or error in errors) and error != "Killed":
                found.append(mutation)
            if len(found) >= max(fewest, _ENOUGH):
                break
        if len(found) >= fewest:
            return Raised(number, tuple(found))
    return None


def stops(
    scene: Scene, make: Make, errors: Collection[str], *, thought: Callable[[str], str] | None = None
) -> Script | None:
    """Stop at a part that raises, at times after another attempt that raises too."""
    found = raising(scene, make, errors)
    if found is None:
        return None
    part = scene.parts[found.number]
    acts = scene.walk(stop=found.number)
    decisive = len(acts) + 1
    first, *others = found.changes
    said = thought(part.aim) if thought else None
    moves: list[Move] = [*acts, scene.act(part, code=first.code, thought=said, works=False)]
    if others and scene.surface.chance(0.5):
        moves.append(scene.act(part, code=others[0].code, after_error=True, works=False))
    return ended(scene, moves, decisive, first.what)


def ended(scene: Scene, moves: Sequence[Move], decisive: int, note: str) -> Script:
    """Put the plan before moves that lead nowhere, and an end after them; `decisive` counts the plan."""
    acts = list(moves)
    if scene.surface.chance(0.15):
        acts.append(scene.look(()))
    return Script(moves=(scene.plan(acts), *acts, scene.ends()), decisive=decisive, note=note)


class Strayed(NamedTuple):
    """A solution that runs through to a wrong answer, and the change of the part that makes it wrong."""

    number: int
    change: Mutation
    parts: Parts


def straying(scene: Scene, make: Make, *, planned: bool = False) -> Strayed | None:
    """Find a part with a change after which the rest runs through to a wrong answer."""
    for number in scene.places():
        for mutation in islice(make(scene.parts[number].code), 2 * _TRIED):
            parts = scene.changed(number, mutation.code)
            if (mutation.plan or not planned) and scene.wrong(scene.run(parts=parts)):
                return Strayed(number, mutation, parts)
    return None


def strays(scene: Scene, make: Make, *, thought: Callable[[Mutation], str] | None = None) -> Script | None:
    """Run through to a wrong answer: the plan is right, the code of one part is not."""
    found = straying(scene, make)
    if found is None:
        return None
    return through(scene, found, thought(found.change) if thought else None)


def through(scene: Scene, found: Strayed, thought: str | None = None) -> Script:
    """Play a solution that runs through to a wrong answer."""
    before = scene.walk(found.parts, stop=found.number)
    act = scene.act(found.parts[found.number], thought=thought)
    after = scene.walk(found.parts, start=found.number + 1)
    acts = [*before, act, *after]
    return Script(
        moves=(scene.plan(acts, found.parts), *acts, scene.done()), decisive=len(before) + 1, note=found.change.what
    )


def reading(scene: Scene, said: Sequence[str], note: str, upto: int | None = None, **words: str) -> Script:
    """Do some of the parts, then say something in place of the rest, and answer with a guess; `said` is decisive."""
    number = scene.rng.randrange(len(scene.parts)) if upto is None else upto
    acts = scene.walk(stop=number)
    aim = scene.parts[min(number, len(scene.parts) - 1)].aim
    made = scene.guessed()
    says = scene.surface.say(said, aim=aim, guess=made, **words)
    last = scene.guess(made)
    ending: list[Move] = [Say(text=says), last]
    if made in says:
        ending = [Finish(text=says)]
    elif scene.surface.chance(0.5):
        ending = [Finish(text=f"{says}\n\n{last.text}")]
    moves: list[Move] = [*acts, *ending]
    return Script(moves=(scene.plan(moves), *moves), decisive=len(acts) + 1, note=note)
