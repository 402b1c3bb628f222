"""What a browser makes of the pages: nothing of a trace runs, all can use them, long runs stay smooth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hostile
import pytest
from axe_playwright_python.sync_playwright import Axe
from runs import verdict
from shot_runs import long_run
from stage import store

from classifier.annotation import Annotation
from classifier.diagnosis import Provenance
from service.storage import annotations as statements
from service.storage import projects

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from service.hub import Hub

    Served = tuple[Hub, str, dict[str, str]]
    SignIn = Callable[..., Page]

NARROW = {"width": 400, "height": 800}


def paths(served: Served) -> tuple[str, ...]:
    uid = served[2]["ferry-041"]
    return (
        "/signin",
        "/queue",
        f"/runs/{uid}",
        f"/runs/{uid}?q=timetable",
        f"/runs/{uid}/steps/4",
        "/runs/" + "0" * 24,
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(served: Served, sign_in: SignIn, scheme: str) -> None:
    page = sign_in("Axel", color_scheme=scheme)
    found = []
    for number, path in enumerate(paths(served)):
        page.goto(path)
        if number == 2:
            if page.locator("text=Show it anyway").count():
                found += serious(page, f"{path} (blind)")
                page.click("text=Show it anyway")
                page.wait_for_selector("#verdict .headline")
            page.click(".phases .execution")
            page.click("#label .option:has([value=E2]) label")
        found += serious(page, path)
    assert not found, "\n".join(found)


def serious(page: Page, path: str) -> list[str]:
    """Return what axe holds to be serious or critical."""
    results = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{path}: {each['id']}: {each['nodes'][0]['html'][:200]} {each['nodes'][0].get('failureSummary', '')[:300]}"
        for each in results
        if each["impact"] in {"serious", "critical"}
    ]


def test_at_400_pixels_nothing_lies_outside(served: Served, sign_in: SignIn) -> None:
    page = sign_in("Nils", viewport=NARROW)
    for path in paths(served):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 400, path


def test_at_400_pixels_a_note_without_a_blank_stays_inside(served: Served, sign_in: SignIn) -> None:
    hub, _, uids = served
    note = "/a/path/without/end" * 20
    with hub.database.begin() as session:
        for person in ("Nils", "Nora"):
            said = Annotation(trace="x", annotator=person, provenance=Provenance.HUMAN, cause="P1", note=note)
            statements.add(session, projects.find(session, projects.DEFAULT), uids["ferry-041"], said)
    page = sign_in("Nils", viewport=NARROW)
    page.goto(f"/runs/{uids['ferry-041']}")
    assert page.get_by_text(note).first.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_hostile_runs_execute_nothing(served: Served, sign_in: SignIn) -> None:
    page = sign_in("Eve")  # whose dialogs, errors and refused scripts would fail the test
    page.evaluate("window.alert = () => document.documentElement.setAttribute('data-run', '1')")
    for number, text in enumerate(hostile.STRINGS):
        run = hostile.trace(text, f"hostile {number}")
        uid = store(served[0], run, hostile.verdict(verdict(run), run, text), file=text)
        page.goto(f"/runs/{uid}")
        if number == 0:
            page.click("text=Show it anyway")
        page.fill("#note", text)
        page.fill("#typed", "")
        page.check("input[name=cause][value=unknown]")
        page.click("button[value=stay]")
        page.wait_for_selector("#verdict .headline")
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        page.hover("#s1")
        assert hostile.MARK in page.inner_text("main")
        assert page.title().endswith("· coroner")
        assert page.evaluate("document.documentElement.dataset.run") is None
        own = page.evaluate("[...document.scripts].every(s => s.src.startsWith(location.origin + '/static/'))")
        assert own
        assert page.locator("main img, main iframe, main form[action^=http], main math, main style").count() == 0


def test_a_run_of_5000_steps_scrolls_and_its_page_stays_small(served: Served, sign_in: SignIn) -> None:
    run = long_run(5000)
    uid = store(served[0], run, verdict(run).model_copy(update={"step": 2503}))
    page = sign_in("Lola")
    page.goto(f"/runs/{uid}")
    count = "document.querySelectorAll('article.step').length"
    assert page.evaluate(count) <= 200
    for share in (0.1, 0.3, 0.5, 0.7, 0.9, 1.0, 0.2):
        page.evaluate("share => scrollTo(0, document.documentElement.scrollHeight * share)", share)
        page.wait_for_function(
            "() => [...document.querySelectorAll('article.step')].some("
            "s => s.getBoundingClientRect().bottom > 0 && s.getBoundingClientRect().top < innerHeight)"
        )
        assert page.evaluate(count) <= 500
    page.fill("#at", "4321")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.id === 's4321'")
    for step in range(4322, 4326):
        page.keyboard.press("j")
        page.wait_for_function("id => document.activeElement.id === id", arg=f"s{step}")
    assert page.evaluate(count) <= 500
    assert page.evaluate("document.querySelectorAll('*').length") < 15_000
    frames = page.evaluate(
        """async () => { // frames that are drawn while the page is scrolled through, of 60
            let drawn = 0;
            for (let i = 0; i < 60; i++) { scrollBy(0, 200); await new Promise(requestAnimationFrame); drawn++; }
            return drawn; }"""
    )
    assert frames == 60
