"""E3.2: the code opens a file or folder that is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.scripted.faults._patterns import stops
from runner.scripted.mutate import Mutation, paths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.scripted.moves import Script
    from runner.scripted.scene import Scene

CAUSE = "E3.2"
_ERRORS = ("FileNotFoundError", "NotADirectoryError")
_SAVED = ("page.html", "saved/page_1.html", "data/cache.json", "products.json", "listing.csv", "notes/index.txt",
          "download/source.html", "dump/site.html", "config.json", "urls.txt", "previous_result.json",
          "lookup.csv", "mapping.tsv", "settings.ini", "/mnt/data/export.csv", "output/step1.csv")  # fmt: skip


def wrong_path(scene: Scene) -> Script | None:
    """Open an input of the task under a name or in a folder where it is not."""
    return stops(scene, lambda code: paths.misplaced(code, scene.rng, scene.lab.files), _ERRORS)


def taken_for_there(scene: Scene) -> Script | None:
    """Build on a file that nobody made."""

    def make(code: str) -> Iterator[Mutation]:
        for name in scene.rng.sample(_SAVED, 3):
            opened = scene.surface.one(
                (
                    f'with open("{name}") as file:\n    earlier = file.read()\n',
                    f'from pathlib import Path\n\nearlier = Path("{name}").read_text()\n',
                    f'earlier = open("{name}", encoding="utf-8").read().splitlines()\n',
                    f'import os\n\nprint(os.path.getsize("{name}"))\n',
                )
            )
            yield Mutation(f"{opened}{code}", f"{name} does not exist")

    return stops(scene, make, _ERRORS)


VARIANTS = {"wrong_path": wrong_path, "wrong_path_again": wrong_path, "taken_for_there": taken_for_there}
