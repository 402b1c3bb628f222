"""R3: work goes on, by different ways and with some progress, and the limit on rounds ends it before the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.scripted.moves import Script

if TYPE_CHECKING:
    from runner.scripted.moves import Act, Move
    from runner.scripted.scene import Scene

CAUSE = "R3"


def many_ways(scene: Scene) -> Script | None:
    """Try this and that, get on with each part, and never reach the last."""
    return _cut_off(scene, fails=2, looks=0.4)


def careful(scene: Scene) -> Script | None:
    """Look at everything before each part, so that the rounds run out."""
    return _cut_off(scene, fails=1, looks=1.0)


def _cut_off(scene: Scene, *, fails: int, looks: float) -> Script:
    acts: list[Act] = []
    for number, part in enumerate(scene.parts):
        if scene.surface.chance(looks):
            acts.append(scene.look(scene.parts[:number]))
        failed = list(scene.failing(scene.parts, number))[: scene.rng.randrange(fails + 1)]
        if number == len(scene.parts) - 1 and not failed:
            failed = list(scene.failing(scene.parts, number))[:1]
        acts.extend(scene.act(part, code=one.code, after_error=bool(i), works=False) for i, one in enumerate(failed))
        if number < len(scene.parts) - 1:
            acts.append(scene.act(part, after_error=bool(failed)))
    while len(acts) < 4:
        acts.insert(0, scene.look(()))
    last = scene.parts[-1]
    plan = scene.plan([*acts, scene.act(last)])
    played: tuple[Move, ...] = (plan, *acts)
    moves: tuple[Move, ...] = (*played, scene.act(last, after_error=True), scene.done())
    note = "the limit on rounds ends the run while it gets on"
    return Script(moves=moves, decisive=len(played) - 1, note=note, max_rounds=scene.rounds(played))


VARIANTS = {"many_ways": many_ways, "careful": careful}
