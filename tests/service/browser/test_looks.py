"""What a browser makes of the pages: nothing of a trace runs, all can use them, long runs stay smooth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import every_page
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

WIDE = {"width": 1280, "height": 800}
NARROW = {"width": 400, "height": 800}
OUTLINE = {"heading-order", "region", "page-has-heading-one", "landmark-unique", "landmark-one-main"}
ZOOMED = {"width": 640, "height": 400}  # what 1280x800 leaves at 200 %


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(served: Served, sign_in: SignIn, scheme: str) -> None:
    page = sign_in("Axel", color_scheme=scheme, reduced_motion="reduce")
    uid, found = served[2]["ferry-041" if scheme == "light" else "ferry-007"], []
    for path in every_page.every(served[0], "Axel", uid):
        page.goto(path)
        found += serious(page, path)
        if page.locator("details:not([open])").count():
            page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true; })")
            found += serious(page, f"{path} (unfolded)")
        if path == f"/runs/{uid}":  # while labelling, and with the verdict
            page.click(".phases .execution")
            page.click("#label .option:has([value=E2]) label")
            page.keyboard.press("j")
            page.keyboard.press("s")
            found += serious(page, f"{path} (labelling)")
            page.keyboard.press("?")
            found += serious(page, f"{path} (keys)")
    page = sign_in(
        "Vera", color_scheme=scheme, reduced_motion="reduce"
    )  # who has seen nothing yet: a filter by phase shows verdicts
    page.goto(f"/runs/{uid}")
    page.click("text=Show it anyway")
    page.wait_for_selector("#verdict .headline")
    found += serious(page, "with the verdict")
    page.click("button[value=stay]")  # says nothing, so it comes back with what is wrong
    page.wait_for_selector("[role=alert]")
    found += serious(page, "with a problem")
    assert not found, "\n".join(found)


def test_axe_finds_nothing_serious_where_nothing_is_yet(empty: str, sign_in: SignIn) -> None:
    page, found = sign_in("Axel", base_url=empty), []
    for path in every_page.EMPTY:
        page.goto(path)
        found += serious(page, path)
    assert not found, "\n".join(found)


def serious(page: Page, path: str) -> list[str]:
    """Return what axe holds to be serious or critical, and what the outline of the page lacks."""
    results = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    found = [
        f"{path}: {each['id']}: {each['nodes'][0]['html'][:200]} {each['nodes'][0].get('failureSummary', '')[:300]}"
        for each in results
        if each["impact"] in {"serious", "critical"}
        or each["id"] in {"heading-order", "region", "page-has-heading-one"}
    ]
    if page.locator("h1").count() != 1:
        found.append(f"{path}: {page.locator('h1').count()} headings of the first level")
    return found


@pytest.mark.parametrize("size", [WIDE, NARROW, ZOOMED], ids=["1280 pixels", "400 pixels", "200 per cent"])
def test_no_page_has_to_be_scrolled_sideways(served: Served, sign_in: SignIn, empty: str, size: dict[str, int]) -> None:
    page = sign_in("Nils", viewport=size)
    wide = "document.documentElement.scrollWidth"
    for path in every_page.every(served[0], "Nils", served[2]["ferry-041"]):
        page.goto(path)
        assert page.evaluate(wide) <= size["width"], path
        page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true; })")
        assert page.evaluate(wide) <= size["width"], f"{path} (unfolded)"
    page = sign_in("Nils", viewport=size, base_url=empty)
    for path in every_page.EMPTY:
        page.goto(path)
        assert page.evaluate(wide) <= size["width"], path


def test_who_wants_no_motion_gets_none(served: Served, sign_in: SignIn) -> None:
    moving = """() => [...document.querySelectorAll('*')].filter(each => {
        const style = getComputedStyle(each);
        return style.animationName !== 'none' || style.transitionDuration.split(',').some(each => parseFloat(each) > 0)
            || style.scrollBehavior === 'smooth';
    }).length"""
    page = sign_in("Mo", reduced_motion="reduce")
    for path in every_page.every(served[0], "Mo", served[2]["ferry-041"]):
        page.goto(path)
        assert page.evaluate(moving) == 0, path


def test_whatever_can_be_reached_by_tab_shows_that_it_is(served: Served, sign_in: SignIn) -> None:
    bare = """() => { const at = document.activeElement, seen = at.closest('.phases label') || at;
        const style = getComputedStyle(seen);
        const shown = style.outlineStyle !== 'none' || style.boxShadow !== 'none';
        return shown || at === document.body || at.tagName === 'MAIN' ? null : at.outerHTML.slice(0, 200); }"""
    page = sign_in("Tab")
    for path in ("/queue", f"/runs/{served[2]['ferry-041']}", "/runs", "/import", "/agreement/page", "/learning"):
        page.goto(path)
        page.click("body", position={"x": 1, "y": 1})
        for _ in range(45):
            page.keyboard.press("Tab")
            assert page.evaluate(bare) is None, path


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


def test_a_run_of_5000_steps_costs_about_what_one_of_50_does(served: Served, sign_in: SignIn) -> None:
    cost, size = {}, {}
    for steps in (50, 5000):
        run = long_run(steps, f"long {steps}")
        uid, tries = store(served[0], run, verdict(run)), []
        for _ in range(3):
            page = sign_in("Lola")
            session = page.context.new_cdp_session(page)
            session.send("Performance.enable")
            page.goto(f"/runs/{uid}")
            page.wait_for_timeout(300)
            for _ in range(60):
                page.evaluate("() => { scrollBy(0, 300); return new Promise(requestAnimationFrame); }")
            found = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
            tries.append(sum(found[f"{each}Duration"] for each in ("Script", "Layout", "RecalcStyle")))
        cost[steps] = min(tries)
        size[steps] = page.evaluate("performance.getEntriesByType('navigation')[0].decodedBodySize")
    assert size[5000] < 2 * size[50]
    assert cost[5000] < 10 * cost[50]  # a hundred times the steps
