"""People at work in a real Chromium, by keyboard alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.storage import annotations as statements

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from service.hub import Hub
    from service.storage.annotations import Statement

    Served = tuple[Hub, str, dict[str, str]]
    SignIn = Callable[..., Page]


def said(served: Served, uid: str, who: str) -> Statement | None:
    with served[0].database.begin(write=False) as session:
        found = statements.of(session, 1, uid)
    return next((each for each in found if each.annotation.annotator == who), None)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def stand_on(page: Page, step: int) -> None:
    """Go down with `j` until the step has the focus."""
    for _ in range(60):
        if page.evaluate("document.activeElement.dataset.step") == str(step):
            return
        before = page.evaluate("document.activeElement.id")
        press(page, "j")
        page.wait_for_function("before => document.activeElement.id !== before", arg=before)
    raise AssertionError(f"step {step} was not reached")


def test_two_people_label_by_keyboard_from_the_queue_to_the_next_run(served: Served, sign_in: SignIn) -> None:
    for name, keys, cause in (("Kay", "211", "E1.1"), ("Lee", "13", "P3")):
        page = sign_in(name)
        press(page, "Enter")  # takes the next run
        page.wait_for_url("**/runs/*")
        uid = page.url.rsplit("/", 1)[1]
        assert "Hidden until" in page.inner_text("#verdict")
        stand_on(page, 2)
        press(page, "s")
        assert page.input_value("#step") == "2"
        press(page, *keys)
        assert page.locator(".option:has(:checked) .codebook").inner_text().count("When:") == 1
        press(page, "n", "m")
        page.keyboard.type("seen at once: 1 2 3 z s")  # keys in a note are words
        press(page, "Control+Enter")
        page.wait_for_url(f"**/runs/*?saved={uid}")
        kept = said(served, uid, name)
        assert kept is not None
        assert (kept.annotation.cause, kept.annotation.step, kept.unsure, kept.blind) == (cause, 2, True, True)
        assert kept.annotation.note == "seen at once: 1 2 3 z s"
        press(page, "z")  # a slip: back to the run, with nothing said
        page.wait_for_url(f"**/runs/{uid}?undone=1")
        assert said(served, uid, name) is None
        press(page, "c")
        page.keyboard.type("goal conf")
        assert page.locator(".option.fits").count() == 1
        press(page, "Enter")
        assert page.locator("input[name=cause]:checked").get_attribute("value") == "E2.4"
        assert page.locator("input[name=phase]:checked").get_attribute("value") == "execution"
        press(page, "Backspace")  # up to E2
        assert page.locator("input[name=cause]:checked").get_attribute("value") == "E2"
        press(page, "u")
        assert page.locator("input[name=cause]:checked").get_attribute("value") == "unknown"
        press(page, "Control+Enter")
        page.wait_for_url(f"**/runs/*?saved={uid}")
        assert said(served, uid, name).annotation.cause == "unknown"


def test_the_decisive_step_is_a_click_and_the_verdict_opens_after_the_label(served: Served, sign_in: SignIn) -> None:
    uid = served[2]["ferry-041"]
    page = sign_in("Mia")
    page.goto(f"/runs/{uid}")
    page.click("#s9 .pick")
    assert page.locator("#s9.chosen").count() == 1
    assert page.input_value("#step") == "9"
    page.click(".phases .execution")
    page.click("#label .option:has([value=E1]) label")
    page.click("#label .option:has([value='E1.1']) label")
    page.click("button[value=stay]")
    page.wait_for_selector("#verdict .headline")
    assert said(served, uid, "Mia").annotation.agent == "WebSurfer"
    page.keyboard.press("d")
    page.wait_for_function("() => document.activeElement.id === 's9'")
    page.keyboard.press("e")  # round to the first evidence
    page.wait_for_function("() => document.activeElement.id === 's5'")
    page.keyboard.press("?")
    assert page.locator("dialog.keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("timetable")
    page.wait_for_function("() => CSS.highlights.get('find')?.size > 3")
    page.keyboard.press("Enter")
    assert page.inner_text("#found").startswith("1 of")


def test_without_script_all_of_it_works_too(served: Served, sign_in: SignIn) -> None:
    uid = served[2]["loans-03"]
    page = sign_in("Noa", java_script_enabled=False)
    page.click("#take button")
    page.wait_for_url("**/runs/*")
    page.goto(f"/runs/{uid}?q=loans")
    assert page.locator("mark.hit").count() > 0
    page.check("input[value=execution]", force=True)
    page.check("input[name=cause][value='E2']")
    page.check("input[name=cause][value='E2.2']")
    page.fill("#step", "1")
    page.click("button[value=stay]")
    page.wait_for_selector("#verdict .headline")
    assert said(served, uid, "Noa").annotation.cause == "E2.2"
