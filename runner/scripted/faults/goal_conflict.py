# ruff: noqa: E501 - a phrase stands on one line, so that its alternatives can be read
"""E2.4: the code pursues something else than the plan and the task say: sample data, another problem, no constraint."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING

from runner.scripted.faults._patterns import straying, strays, through
from runner.scripted.moves import Script
from runner.scripted.mutate import Edit, Mutation, Source, logic, shuffled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.scripted.scene import Scene

CAUSE = "E2.4"
_SET_ASIDE = (
    "<To keep it simple|For brevity|For the sake of speed>, I <leave aside|ignore|skip> this here: {constraint}",
    "<The task says|It is asked>: {constraint} <I do without that|I go without it|That is left for later>.",
    "<I know the condition|There is the condition>: {constraint} <It does not matter much|It should make little difference>, so <it is not in the code|the code goes without>.",
    "{aim}, <not minding|leaving out> this: {constraint}",
)
_ELSEWHERE = (
    "<Rather than|Instead of> <that|what was planned>, I {other}; <that is more interesting|this tells more>.",
    "<I find it more useful to|It seems better to> {other}.",
    "{Aim}? <Let me|I> <rather|first of all> {other}.",
)
_MADE_UP = (
    "{Aim}; <some|a few> <made-up|invented|sample> <entries|values> <will do|are enough> <for this|to show how it works>.",
    "<I set up|Here are> <example|sample|dummy> <entries|data> to {aim}.",
    "<To demonstrate|To illustrate> how to {aim}, I <use|take> <sample|simulated> <data|values>.",
    "{Aim}.",
    "<Next|Now> I {aim}.",
)
_SHOWN = """
import json as _json
def _plain(value):
    if hasattr(value, "columns"):
        return {"frame": {str(name): [str(one) if not isinstance(one, (int, float)) else one for one in value[name].head(60).tolist()] for name in value.columns}}
    if isinstance(value, list) and value and all(isinstance(one, (str, int, float)) for one in value):
        return {"list": value[:60]}
    if isinstance(value, dict) and value and all(isinstance(one, (str, int, float)) for one in value.values()) and all(isinstance(one, str) for one in value):
        return {"dict": dict(list(value.items())[:40])}
    return None
print("\\n#SHOWN " + _json.dumps(_plain(NAME)))
"""


def sample_data(scene: Scene) -> Script | None:
    """Make data up in the code where it should be read."""

    def make(code: str) -> Iterator[Mutation]:
        source = Source(code)
        edits = []
        for node in source.tree.body:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                made = _made(scene, code, node.targets[0].id)
                start, end = source.span(node.value)
                if made:
                    edits.append(Edit(start, end, made, f"{node.targets[0].id} is made up in the code"))
        yield from shuffled(edits, scene.rng, code)

    found = straying(scene, make)
    if found is None:
        return None
    return through(scene, found, scene.surface.say(_MADE_UP, aim=scene.parts[found.number].aim))


def _made(scene: Scene, code: str, name: str) -> str:
    """Write the code of made-up data like what the name holds, "" where that is nothing simple."""
    number = next(i for i, part in enumerate(scene.parts) if part.code == code)
    outcome = scene.run(code, _SHOWN.replace("NAME", name), upto=number)
    _, found, shown = outcome.printed.rpartition("#SHOWN ")
    if outcome.error or not found:
        return ""
    held = json.loads(shown)
    if not held:
        return ""
    (kind, value), *_ = held.items()
    rows = scene.rng.randrange(4, 9)
    if kind == "list":
        return repr([_near(scene, one) for one in _some(scene, value, rows)])
    if kind == "dict":
        return repr({key: _near(scene, value[key]) for key in _some(scene, list(value), rows)})
    columns = ",\n".join(
        f"    {name!r}: {[_near(scene, one) for one in _some(scene, values, rows)]!r}" for name, values in value.items()
    )
    return f"pd.DataFrame({{\n{columns},\n}})"


def _some(scene: Scene, values: list[str | int | float], rows: int) -> list[str | int | float]:
    return [scene.rng.choice(values) for _ in range(rows)] if values else []


def _near(scene: Scene, value: str | float) -> str | int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124 - not a number
        return value if isinstance(value, str) else 0
    other = value * scene.rng.choice((0.7, 0.9, 1.0, 1.2, 1.4))
    return round(other) if isinstance(value, int) else round(other, 2)


def simulated(scene: Scene) -> Script | None:
    """Draw the result at random and call it that."""
    rng, number = scene.rng, len(scene.parts) - 1
    lines = ["import random", "", f"random.seed({rng.randrange(100)})"]
    for answer in scene.task.answers:
        try:
            value = float(answer.value)
        except ValueError:
            words = [part for part in scene.guessed().split("\n") if part.startswith(f"@{answer.name}[")]
            lines.append(f'print("{words[0]}")' if words else f'print("@{answer.name}[none]")')
            continue
        low, high = sorted((value * 0.5 - 1, value * 1.6 + 1))
        decimals = len(answer.value.partition(".")[2])
        lines.append(f"{answer.name} = sum(random.uniform({low:.1f}, {high:.1f}) for _ in range(20)) / 20")
        lines.append(f'print(f"@{answer.name}[{{{answer.name}:.{decimals}f}}]")')
    code = "\n".join(lines)
    parts = scene.changed(number, code)
    if not scene.wrong(scene.run(parts=parts)):
        return None
    acts = scene.walk(parts, stop=number)
    act = scene.act(parts[number], thought=scene.surface.say(_MADE_UP, aim=parts[number].aim))
    moves = (scene.plan([*acts, act], parts), *acts, act, scene.done())
    return Script(moves=moves, decisive=len(acts) + 1, note="the result is simulated and not computed from the input")


def constraint_ignored(scene: Scene) -> Script | None:
    """State a constraint of the task, and leave it out of the code."""
    if not scene.task.constraints:
        return None

    def words(change: Mutation) -> str:
        del change
        said = scene.surface.one(scene.task.constraints)
        return scene.surface.say(_SET_ASIDE, constraint=said, aim=scene.surface.one(scene.parts).aim)

    return strays(scene, lambda code: logic.filters(code, scene.rng), thought=words)


def another_problem(scene: Scene) -> Script | None:
    """Solve another problem than the one that was planned."""
    found = straying(scene, lambda code: logic.values(code, scene.rng, scene.columns), planned=True)
    if found is None:
        return None
    said = scene.surface.say(_ELSEWHERE, other=found.change.plan, aim=scene.parts[found.number].aim)
    return through(scene, found, said)


VARIANTS = {
    "sample_data": sample_data,
    "simulated": simulated,
    "constraint_ignored": constraint_ignored,
    "another_problem": another_problem,
}
