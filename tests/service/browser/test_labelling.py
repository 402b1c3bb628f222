"""People at work in a real Chromium, by keyboard alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubs import work_off
from runs import run
from stage import put

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
    page.wait_for_load_state()  # a page that has not its script yet knows no keys
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
    press(page, "d")
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


def reach(page: Page, wanted: str) -> None:
    """Go on by Tab until what is wanted has the focus."""
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
            return
    raise AssertionError(f"Tab does not reach {wanted}")


def heard(page: Page, words: str) -> None:
    """Wait until a screen reader is told so."""
    page.wait_for_function("words => document.getElementById('live').textContent.includes(words)", arg=words)


def test_what_was_done_is_said_aloud_and_what_is_wrong_has_the_focus(served: Served, sign_in: SignIn) -> None:
    page = sign_in("Ida")
    page.goto(f"/runs/{put(served[0], 'read aloud')}")
    press(page, "j", "s")
    heard(page, "marked as the decisive one")
    press(page, "Control+Enter")  # without a cause
    page.wait_for_selector("[role=alert]")
    assert page.evaluate("document.activeElement.textContent").startswith("Pick a cause")
    press(page, "2", "1", "1")
    press(page, "Backspace", "Backspace", "Backspace")  # up to the phases: never on what is hidden now
    assert page.evaluate("document.activeElement.name") == "phase"
    assert page.evaluate("document.activeElement.checkVisibility()")
    press(page, "c")
    page.keyboard.type("missing")
    heard(page, "2 fit, Enter takes")
    press(page, "Enter", "Control+Enter")
    page.wait_for_url("**saved=*")
    heard(page, "is saved")
    press(page, "z")
    page.wait_for_url("**undone=1")
    heard(page, "taken back")


def test_a_disagreement_is_discussed_and_settled_by_keyboard(served: Served, sign_in: SignIn) -> None:
    uid = put(served[0], "disputed by keys", "E2.2", Kai="E2.2", bob="P1")
    page = sign_in("Kai")
    page.goto("/disagreements")
    reach(page, f"a[href='/disagreements/{uid}']")
    press(page, "Enter")
    page.wait_for_url(f"**/{uid}")
    reach(page, "#said")
    page.keyboard.type("It reads the wrong column.")
    press(page, "Tab", "Enter")
    page.wait_for_selector(".comment")
    reach(page, "input[name=holds]")
    press(page, "ArrowDown")  # the second voice
    reach(page, "form[action$=settle] button")
    press(page, "Enter")
    page.wait_for_url("**settled=*")
    heard(page, "Settled")
    with served[0].database.begin(write=False) as session:
        (last,) = [each for each in statements.of(session, 1, uid) if each.adjudicated]
    assert (last.annotation.annotator, last.annotation.cause) == ("Kai", "P1")


def test_runs_are_imported_by_keyboard_and_the_page_follows_them_without_losing_the_focus(
    served: Served, sign_in: SignIn
) -> None:
    hub = served[0]
    page = sign_in("Ivy")
    page.goto("/runs")
    reach(page, "a[href='/import']")
    press(page, "Enter")
    page.wait_for_url("**/import")
    reach(page, "#files")
    log = {"name": "fresh.json", "mimeType": "application/json", "buffer": run("fresh").model_dump_json().encode()}
    page.set_input_files("#files", log)
    press(page, "Tab")
    page.keyboard.type("by keys")
    press(page, "Enter")
    page.wait_for_url("**/batches/*/page")
    reach(page, "form[action$=cancel] button")
    page.wait_for_timeout(3500)  # it has looked again meanwhile
    assert page.evaluate("document.activeElement.form?.action").endswith("/cancel")
    work_off(hub)
    heard(page, "Nothing waits.")
    assert page.evaluate("document.activeElement.tagName") == "MAIN"  # the button is gone
    assert page.get_by_role("link", name="Its runs").is_visible()


def test_a_button_that_cannot_be_used_stays_so(sign_in: SignIn, empty: str) -> None:
    page = sign_in("Una", base_url=empty)
    page.goto("/learning")
    assert page.get_by_role("button", name="Train on the labels").is_disabled()


def test_the_last_label_of_all_can_be_undone_by_key_on_the_queue(served: Served, sign_in: SignIn) -> None:
    uid = put(served[0], "last of all", "E2.2", Zoe="E2.2")
    page = sign_in("Zoe")
    page.goto(f"/queue?saved={uid}")
    heard(page, "is saved")
    press(page, "z")
    page.wait_for_url(f"**/runs/{uid}?undone=1")
    assert said(served, uid, "Zoe") is None
