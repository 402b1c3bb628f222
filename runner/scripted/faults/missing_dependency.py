"""E3.1: the code needs a package or a program that is not installed, and cannot get it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.scripted.faults._patterns import ended, stops
from runner.scripted.moves import Act
from runner.scripted.mutate import imports

if TYPE_CHECKING:
    from runner.scripted.moves import Script
    from runner.scripted.scene import Scene

CAUSE = "E3.1"
_ERRORS = ("ModuleNotFoundError", "ImportError")


def package(scene: Scene) -> Script | None:
    """Import a package that is not there."""
    return stops(scene, lambda code: imports.absent(code, scene.rng), _ERRORS)


def refused_install(scene: Scene) -> Script | None:
    """Import a package that is not there, and try in vain to install it."""
    number = scene.rng.randrange(len(scene.parts))
    part, acts = scene.parts[number], scene.walk(stop=number)
    first = next(imports.absent(part.code, scene.rng))
    name = re.split(r"[\s.]", first.code)[1]
    call = scene.surface.one(("check_call([{words}])", "run([{words}], check=True)"))
    words = f'sys.executable, "-m", "pip", "install", "{name}"'
    install = f"import subprocess\nimport sys\n\nsubprocess.{call.format(words=words)}\n"
    tries = [
        scene.act(part, code=first.code, works=False),
        scene.act(part, code=f"{install}\n{first.code}", after_error=True, works=False),
    ]
    return ended(scene, [*acts, *tries], len(acts) + 1, first.what)


def program(scene: Scene) -> Script | None:
    """Call a command-line program that is not there."""
    number = scene.rng.randrange(len(scene.parts))
    part, acts = scene.parts[number], scene.walk(stop=number)
    files = sorted(path.name for path in scene.lab.files.rglob("*") if path.is_file()) or ["page.html"]
    chosen = scene.rng.sample(sorted(imports.PROGRAMS), 2)
    tries: list[Act] = []
    for name in chosen[: scene.surface.one((1, 1, 2))]:
        command = imports.PROGRAMS[name].format(file=scene.rng.choice(files))
        tries.append(
            Act(
                aim=part.aim,
                thought=scene.surface.thought(part.aim, first=not number, after_error=bool(tries)),
                code=f"set -e\n{command}",
                language="sh",
                kept=False,
                works=False,
            )
        )
    return ended(scene, [*acts, *tries], len(acts) + 1, f"the program {chosen[0]} is not installed")


VARIANTS = {"package": package, "refused_install": refused_install, "program": program}
