"""The first hour of a team: a real `coroner serve`, a real browser, two people, from the import to a killed batch.

`PYTHONPATH=.:tests:tests/service python tests/service/first_hour.py RUNS` walks through it on a labelled folder, with
the shipped index, and prints what it took; `browser/test_first_hour.py` does on a few invented runs.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
from browsers import browsing
from served import COMMAND, PATIENCE, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from playwright.sync_api import Browser, ConsoleMessage, Page


class Answer(NamedTuple):
    """What a person says of a run."""

    cause: str
    step: int | None


@dataclass
class Person:
    """Somebody at a browser of their own. What a page complains of is kept."""

    name: str
    page: Page
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def enter(cls, browser: Browser, url: str, name: str) -> Person:
        """Open the service's address and say who one is."""
        page = browser.new_context(base_url=url, viewport={"width": 1280, "height": 800}).new_page()
        page.set_default_timeout(PATIENCE * 1000)
        person = cls(name, page)
        page.on("pageerror", lambda error: person.complaints.append(f"error: {error}"))
        page.on("console", lambda said: person.complaints.append(said.text) if wrong(said) else None)
        page.goto("/")
        page.fill("#person", name)
        page.click("button.primary")
        page.wait_for_url("**/queue")
        return person

    def follow(self, *names: str) -> None:
        """Click from link to link, as their names are shown."""
        for name in names:
            self.page.get_by_role("link", name=name, exact=True).first.click()

    def bring(self, archive: bytes, name: str) -> str:
        """Import an archive through the page; return the batch's uid. Does not wait."""
        self.follow("Runs", "Import runs")
        self.page.set_input_files("#files", {"name": name, "mimeType": "application/zip", "buffer": archive})
        self.page.get_by_role("button", name="Import and diagnose").click()
        self.page.wait_for_url("**/batches/*/page")
        return self.page.url.split("/")[-2]

    def wait(self, batch: str) -> dict[str, Any]:
        """Watch a batch until nothing waits, and return what the API tells of it."""
        self.page.goto(f"/batches/{batch}/page")
        self.page.locator("main").get_by_text("Nothing waits.").wait_for()
        told: dict[str, Any] = self.page.request.get(f"/batches/{batch}").json()
        return told

    def label(self, say: Callable[[str], Answer]) -> str:
        """Take the next run, or go on with the one that is shown; label it blind, and return its file's name."""
        if not self.page.url.split("?", 1)[0].rstrip("/").rpartition("/")[0].endswith("/runs"):
            self.follow("Queue")
            self.page.locator("#take button").click()
            self.page.wait_for_url("**/runs/*")
        uid = self.page.url.split("?", 1)[0].rpartition("/")[2]
        run = Path(self.page.inner_text(".meta .file")).name.partition(".")[0]
        assert "Hidden until" in self.page.inner_text("#verdict")
        cause, step = say(run)
        self.page.fill("#typed", cause)
        self.page.keyboard.press("Enter")
        assert self.page.locator("input[name=cause]:checked").get_attribute("value") == cause
        if step is not None:
            self.page.fill("#step", str(step))
        self.page.get_by_role("button", name="Save and next").click()
        self.page.wait_for_url(f"**saved={uid}")
        return run

    def train(self) -> None:
        """Train on the labels and wait for the end of it."""
        self.follow("Index")
        self.page.get_by_role("button", name="Train on the labels").click()
        self.page.wait_for_url("**/learning")
        self.page.get_by_text("A training is under way").wait_for()
        self.page.get_by_text("A training is under way").wait_for(state="detached")
        assert "The last training failed" not in self.page.inner_text("main"), self.page.inner_text("main")


def wrong(said: ConsoleMessage) -> bool:
    """Say whether a browser's message is a complaint; that a service which was killed does not answer is none."""
    return said.type == "error" and "CONNECTION_REFUSED" not in said.text


def packed(files: Sequence[tuple[str, bytes]]) -> bytes:
    """Pack files into a zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


@dataclass
class Told:
    """What came of the hour, for whoever wants to check or to print it."""

    seconds: dict[str, float] = field(default_factory=dict)
    first: dict[str, Any] = field(default_factory=dict)
    labelled: dict[str, list[str]] = field(default_factory=dict)
    agreement: str = ""
    settled: str = ""
    index: str = ""
    answering: list[str] = field(default_factory=list)
    again: dict[str, Any] = field(default_factory=dict)
    night: dict[str, Any] = field(default_factory=dict)
    results: list[dict[str, Any]] = field(default_factory=list)
    runs: tuple[int, int] = (0, 0)
    complaints: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Take the time of something."""
        began = time.monotonic()
        yield
        self.seconds[what] = time.monotonic() - began


def live(
    service: Service,
    browser: Browser,
    runs: Sequence[tuple[str, bytes]],
    night: Sequence[tuple[str, bytes]],
    answers: Mapping[str, Mapping[str, Answer]],
    *,
    count: int = 10,
    kill_after: int = 2,
) -> Told:
    """Live through it. `answers` are those of each person by the run's file; the first one is the one who trains."""
    told = Told()
    with told.timed("start"):
        service.start()
    people = [Person.enter(browser, service.url, name) for name in answers]
    ann = people[0]
    with told.timed("import"):
        told.first = ann.wait(ann.bring(packed(runs), "runs.zip"))
    with told.timed("label"):
        for person in people:
            said = answers[person.name]
            told.labelled[person.name] = [person.label(said.__getitem__) for _ in range(count)]
    _teach(ann, told)
    _survive(service, ann, packed(night), told, kill_after)
    told.complaints = [f"{person.name}: {each}" for person in people for each in person.complaints]
    return told


def _teach(ann: Person, told: Told) -> None:
    """See who agrees, settle one run, train, activate, diagnose again, roll back."""
    page = ann.page
    ann.follow("Agreement")
    told.agreement = page.inner_text("main")
    ann.follow("Disagreements")
    page.get_by_role("link", name="Among people").click()
    page.locator("a.run").first.click()
    page.locator("input[name=holds]").first.check()
    page.get_by_role("button", name="Settle it").click()
    page.locator("main").get_by_text("Settled:").wait_for()
    told.settled = page.inner_text("main")
    with told.timed("train"):
        ann.train()
    told.index = page.inner_text("main")
    told.answering.append(answers_now(page))
    page.get_by_role("button", name="Activate").first.click()
    page.get_by_role("button", name="Roll back").wait_for()
    told.answering.append(answers_now(page))
    with told.timed("again"):
        page.get_by_role("button", name=re.compile(r"Diagnose \d+ runs again")).click()
        page.wait_for_url("**/batches/*/page")
        told.again = ann.wait(page.url.split("/")[-2])
    ann.follow("Index")
    page.get_by_role("button", name="Roll back").click()
    page.get_by_role("button", name="Roll back").wait_for(state="detached")
    told.answering.append(answers_now(page))


def _survive(service: Service, ann: Person, night: bytes, told: Told, kill_after: int) -> None:
    """Send a batch, kill everything in the middle of it, start again, and wait for the end."""
    before = stored(service.url)
    batch = ann.bring(night, "night.zip")
    while httpx.get(f"{service.url}/batches/{batch}").json()["done"] < kill_after:
        time.sleep(0.05)
    service.kill()
    with told.timed("after the kill"):
        service.start()
        told.night = ann.wait(batch)
    lines = httpx.get(f"{service.url}/batches/{batch}/results", timeout=60).text.splitlines()
    told.results = [json.loads(line) for line in lines]
    told.runs = (before, stored(service.url))


def answers_now(page: Page) -> str:
    """Return the version that the page says answers."""
    return page.locator("tr", has_text="answers now").locator("code").inner_text()


def stored(url: str) -> int:
    """Count the runs that the service keeps."""
    return int(httpx.get(f"{url}/index/progress", timeout=60).json()["runs"])


def main(folder: Path, command: Sequence[str]) -> None:
    """Live through it on a labelled folder: the second person differs on every third run."""
    said: dict[str, list[dict[str, Any]]] = {}
    for line in (folder / "annotations.jsonl").read_text().splitlines():
        said.setdefault(json.loads(line)["trace"], []).append(json.loads(line))
    ann, bob = {}, {}
    for number, (run, records) in enumerate(sorted(said.items())):
        cause = next((each["cause"] for each in records if each["cause"]), "unknown")
        other = next((each["secondary"][0] for each in records if each.get("secondary")), "P1")
        step = next((each["step"] for each in records if each["step"] is not None), None)
        ann[run], bob[run] = Answer(cause, step), Answer(other if number % 3 == 0 else cause, step)
    files = [
        (str(file.relative_to(folder.parent)), file.read_bytes())
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    ]
    with tempfile.TemporaryDirectory() as home, browsing() as browser:
        service = Service(Path(home), 8231, command=command)
        try:
            told = live(service, browser, files, files, {"Ann": ann, "Bob": bob}, kill_after=20)
        finally:
            service.stop()
    print(told.agreement, told.settled, told.index, sep="\n---\n")  # noqa: T201 - a command
    for name in ("seconds", "first", "labelled", "answering", "again", "night", "runs", "complaints"):
        print(name, getattr(told, name))  # noqa: T201 - as above
    print(len(told.results), "results")  # noqa: T201 - as above


if __name__ == "__main__":
    main(Path(sys.argv[1]), tuple(sys.argv[2:]) or COMMAND)
