"""Takes the screenshots of docs/screenshots: `make screenshots`. Every run in them is invented."""

from __future__ import annotations

import io
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from browsers import browsing, serving
from fake_classifier import FakeClassifier
from hubs import batch_of, open_hub, work_off
from PIL import Image
from runs import run, said, verdict
from shot_runs import LOANS, RENT, fill, measured

from classifier import taxonomy
from classifier.diagnosis import Candidate
from service.storage import annotations as statements
from service.storage import diagnoses, traces
from service.storage.parcels import Input

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.sync_api import Page

    from classifier.diagnosis import Diagnosis
    from classifier.trace import Trace
    from service.hub import Hub

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
COLOURS = 160  # of a picture: it stays small, and text sharp
WIDE, NARROW = (1280, 800), (400, 800)
RUNS = 48


class Shot(NamedTuple):
    """A picture: of which page, how wide, in which scheme, and what is pressed before."""

    name: str
    path: str
    size: tuple[int, int] = WIDE
    scheme: str = "light"
    keys: tuple[str, ...] = ()
    whole: bool = False  # all of the page, not the first screen alone


class Varied(FakeClassifier):
    """Blames the cause that a run's first step ends with: `nights` has it written there."""

    def classify(self, trace: Trace, file: str | None = None) -> Diagnosis:
        cause = trace.steps[0].content.split()[-1]
        if cause not in self.taxonomy:
            return super().classify(trace, file)
        return FakeClassifier(blames=cause).classify(trace, file)


def shots(uids: Mapping[str, str]) -> tuple[Shot, ...]:
    """Return the pictures that are taken, in order: a label in one is there in the next."""
    ferry, fresh = f"/runs/{uids['ferry-041']}", f"/runs/{uids['ferry-007']}"
    to_nine = ("g", "9", "Enter", "Escape", "s")
    return (
        Shot("queue", "/queue"),
        Shot("queue-narrow-dark", "/queue", NARROW, "dark"),
        Shot("run-blind", fresh),
        Shot("run-label", fresh, keys=(*to_nine, "2", "1", "1")),
        Shot("run", ferry, keys=("reveal",)),
        Shot("run-dark", ferry, scheme="dark", keys=("d",)),
        Shot("run-narrow-dark", ferry, NARROW, "dark"),
        Shot("step", f"{ferry}/steps/4"),
        Shot("runs", "/runs?verdicts=shown"),
        Shot("runs-narrow-dark", "/runs", NARROW, "dark"),
        Shot("import", "/import"),
        Shot("compare", f"/compare?a={uids['monday']}&b={uids['tuesday']}"),
        Shot("batch", f"/batches/{uids['tuesday']}/page"),
        Shot("disagreements", "/disagreements"),
        Shot("disagreement", f"/disagreements/{uids['disputed']}"),
        Shot("agreement", "/agreement/page", whole=True),
        Shot("agreement-dark", "/agreement/page", scheme="dark"),
        Shot("agreement-narrow-dark", "/agreement/page", NARROW, "dark"),
        Shot("index", "/learning", whole=True),
    )


def stage(hub: Hub) -> dict[str, str]:
    """Fill a service: runs of four systems with verdicts, most of them labelled by two people who mostly agree."""
    uids, chance = fill(hub, more=0), random.Random(41)  # noqa: S311 - invents runs
    causes, scheme = ("E2.2", "E1.1", "P1", "E3.2", "R2.2", "E2.3"), taxonomy.load()
    with hub.database.begin() as session:
        for number in range(RUNS):
            system = ("autogen", "metagpt", "taskweaver")[number % 3]
            task = (LOANS if number % 2 else RENT).replace("?", f", in part {number} of the town?")
            trace = run(f"{'loans' if number % 2 else 'rents'}-{number:03}", task, system)
            true = causes[min(int(chance.expovariate(0.6)), 5)]
            named = true if chance.random() < 0.7 else chance.choice(causes)
            sure = 0.3 + 0.6 * chance.random()
            found = verdict(trace, named).model_copy(
                update={
                    "confidence": sure,
                    "phase": scheme.phase_of(named),
                    "candidates": (Candidate(cause=named, probability=sure),),
                }
            )
            uid = traces.put_trace(session, 1, trace, file=f"{trace.id}.json", model=("gpt-4o", "qwen3")[number % 2])[
                0
            ].uid
            diagnoses.add(session, 1, uid, found)
            uids[trace.id] = uid
            other = true if chance.random() < 0.75 else chance.choice(causes)
            if number % 8 != 7:
                statements.add(session, 1, uid, said(trace, "Ann", true), blind=True)
            if number % 4:
                statements.add(session, 1, uid, said(trace, "Bob", other), unsure=number % 9 == 0, blind=True)
            if number % 4 and number % 8 != 7 and other != true:
                uids["disputed"] = uid
    return uids


def nights(hub: Hub) -> dict[str, str]:
    """Let two batches of the same tasks be worked off, the second with more that succeed; return their uids."""
    chance, uids = random.Random(7), {}  # noqa: S311 - invents runs
    for name, right, causes in (("monday", 0.2, ("E2.2", "E2.2", "P1")), ("tuesday", 0.5, ("E2.2", "E3.2"))):
        inputs = [Input(name="cut-off.json", data=b"{")]
        for number in range(40):
            task = LOANS.replace("?", f", at desk {number}?")
            trace = run(f"{name}-{number:02}", f"{task} {chance.choice(causes)}", "taskweaver")
            trace = trace.model_copy(update={"task": task, "succeeded": chance.random() < right})
            inputs.append(Input(name=f"{trace.id}.json", data=trace.model_dump_json().encode()))
        with hub.database.begin() as session:
            uids[name] = batch_of(session, 1, f"night of {name}", inputs).uid
        work_off(hub)
    return uids


def take(page: Page, shot: Shot) -> None:
    """Take one picture, if the page is there."""
    answer = page.goto(shot.path)
    if answer is None or not answer.ok:
        print(f"{shot.name}: {shot.path} is not there")  # noqa: T201 - a command
        return
    for key in shot.keys:
        if key == "reveal":
            page.click("text=Show it anyway")
            page.wait_for_selector("#verdict .headline")
            page.evaluate("scrollTo(0, 0)")
        else:
            page.keyboard.press(key)
            page.wait_for_timeout(150)
    page.wait_for_timeout(300)
    picture = Image.open(io.BytesIO(page.screenshot(full_page=shot.whole))).convert("RGB")
    file = FOLDER / f"{shot.name}.png"
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
    print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")  # noqa: T201 - a command


def main() -> None:
    """Take all pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        hub = open_hub(Path(folder), Varied())
        uids = stage(hub) | nights(hub)
        measured(hub)
        with serving(hub) as url, browsing() as browser:
            first = browser.new_page(viewport={"width": WIDE[0], "height": WIDE[1]}, base_url=url)
            first.goto("/signin")
            take(first, Shot("signin", "/signin"))
            first.fill("#person", "Cleo")
            first.click("button.primary")
            first.wait_for_url("**/queue")
            first.goto("/runs?labelled=yes&verdicts=shown")  # else disagreements are hidden from who is new
            known = first.context.storage_state()
            for shot in shots(uids):
                context = browser.new_context(
                    viewport={"width": shot.size[0], "height": shot.size[1]},
                    color_scheme="dark" if shot.scheme == "dark" else "light",
                    base_url=url,
                    storage_state=known,
                )
                take(context.new_page(), shot)
                context.close()
        hub.close()


if __name__ == "__main__":
    main()
