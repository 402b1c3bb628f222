"""P2: an attempt has failed for all to see, and comes back with nothing changed that matters, again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.scripted import phrases
from runner.scripted.faults._patterns import raising
from runner.scripted.moves import Script
from runner.scripted.mutate import api, imports, paths, schema, syntax

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.scripted.mutate import Mutation
    from runner.scripted.scene import Scene

CAUSE = "P2"


def same_again(scene: Scene) -> Script | None:
    """Send the same code again."""
    return _repeated(scene, changed=False)


def other_words(scene: Scene) -> Script | None:
    """Send it again with a comment, a line of output or a blank line more."""
    return _repeated(scene, changed=True)


def to_and_fro(scene: Scene) -> Script | None:
    """Go back and forth between two attempts that have both failed."""
    return _repeated(scene, changed=False, different=2)


def _repeated(scene: Scene, *, changed: bool, different: int = 1) -> Script | None:
    def make(code: str) -> Iterator[Mutation]:
        kinds = [
            syntax.broken(code, scene.rng),
            api.misused(code, scene.rng),
            paths.misplaced(code, scene.rng, scene.lab.files),
            schema.assumed(code, scene.rng, scene.columns),
            imports.absent(code, scene.rng),
        ]
        yield from scene.surface.one(kinds)
        for kind in kinds:
            yield from kind

    found = raising(scene, make, (), fewest=different)
    if found is None:
        return None
    part, acts = scene.parts[found.number], scene.walk(stop=found.number)
    times = scene.rng.randrange(4, 7) if different == 1 else scene.rng.randrange(5, 8)
    tries = []
    for i in range(times):
        code = found.changes[i % different].code
        if changed and i:
            code = _decked(scene, code, i)
        tries.append(scene.act(part, code=code, after_error=bool(i), works=False))
    moves = [*acts, *tries]
    cut_off = scene.surface.chance(0.4)  # the limit on rounds ends it; else it gives up
    note = f"the same attempt comes back {times - 1} times although it failed: {found.changes[0].what}"
    script = Script(moves=(scene.plan(moves), *moves, scene.ends()), decisive=len(acts) + 1 + different, note=note)
    if not cut_off:
        return script
    return script.model_copy(update={"max_rounds": scene.rounds(script.moves[:-1])})


def _decked(scene: Scene, code: str, number: int) -> str:
    """Change the code in a way that changes nothing."""
    comment = scene.surface.say(phrases.COMMENTS, number=str(number), aim=scene.surface.say(phrases.LOOK_AIM))
    return scene.surface.one(
        (f"# {comment}\n{code}", f'print("{number}")\n{code}', f"{code}\n", f"{code}\n# {comment}")
    )


VARIANTS = {"same_again": same_again, "other_words": other_words, "to_and_fro": to_and_fro}
