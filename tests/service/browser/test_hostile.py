"""Nothing that a trace or a person says ever becomes more than text, on any page, in a real Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import hostile
import pytest
from browsers import serving
from hubs import batch_of, open_hub, work_off
from runs import verdict
from stage import store

from classifier.annotation import Annotation
from classifier.diagnosis import Provenance
from service.storage import annotations as statements
from service.storage import batches, indices, projects
from service.storage.parcels import Input
from service.storage.projects import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from service.hub import Hub

    SignIn = Callable[..., Page]

WHO = 100  # characters of a name


@pytest.fixture(scope="module")
def hostile_service(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hub, str, list[str]]]:
    """Give a service in which everybody and everything is called by the hostile strings: its inside, address, runs."""
    del browser
    hub = open_hub(tmp_path_factory.mktemp("hostile"), overlap=9)
    uids = [fill(hub, number, text) for number, text in enumerate(hostile.STRINGS)]
    work_off(hub)
    with serving(hub) as url:
        yield hub, url, uids
    hub.close()


def fill(hub: Hub, number: int, text: str) -> str:
    """Let a string stand in every field of a run, its labels, its discussion, a batch and an index."""
    run = hostile.trace(text, f"hostile {number}")
    uid = store(hub, run, hostile.verdict(verdict(run), run, text), file=text)
    name = text[:WHO].replace("\x00", "")
    with hub.database.begin() as session:
        project = projects.find(session, projects.DEFAULT)
        for who, cause in (("Eve", "P1"), (name, text[:99]), (f"{name[:90]} again", "E2.2")):
            said = Annotation(
                trace=run.id, annotator=who, provenance=Provenance.HUMAN, cause=cause, secondary=("R1", text[:99]),
                step=1, agent=text, native_category=text[:99], note=text,
            )  # fmt: skip
            statements.add(session, project, uid, said, unsure=True)
        statements.add(session, project, uid, said, adjudicated=True)
        statements.comment(session, project, uid, name, text)
        inputs = [Input(name=text.replace("\x00", ""), data=data) for data in (b"{", text.encode())]
        batch_of(session, project, text.replace("\x00", ""), inputs, by=name, token=f"{number} {name}"[:99])
        indices.add(session, project, f"{number}{name}"[:64], text[:99], by=name, labels=number, evaluation="")
    return uid


def check(page: Page, where: str) -> None:
    """Hold a page to what it may be, once its folds are open and the mouse has been over its steps."""
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    if page.locator("#s1").count():
        page.hover("#s1")
    assert not list(hostile.breaches(page.content())), where
    assert page.title().endswith("· coroner"), where
    assert page.evaluate("document.documentElement.dataset.run") is None, where


def visit(page: Page, path: str) -> None:
    page.goto(path)
    check(page, path)


def test_nothing_runs_on_pages_that_list_the_hostile(
    hostile_service: tuple[Hub, str, list[str]], sign_in: SignIn
) -> None:
    hub, url, _ = hostile_service
    for who in ("Eve", hostile.STRINGS[0]):
        page = sign_in(who, base_url=url)
        for path in ("/queue", "/runs", "/runs?verdicts=shown", "/compare", "/disagreements", "/learning", "/import"):
            visit(page, path)
        for field in ("cause", "tier2", "phase", "step", "agent"):
            visit(page, f"/agreement/page?field={field}")
            visit(page, f"/agreement/runs?field={field}")
    with hub.database.begin(write=False) as session:
        found = batches.every(session, projects.find(session, projects.DEFAULT), limit=100)
    assert all(each.failed for each in found)
    for each in found:
        visit(page, f"/batches/{each.uid}/page")
        assert hostile.MARK in page.inner_text("main")


def test_nothing_runs_on_the_pages_of_a_hostile_run(
    hostile_service: tuple[Hub, str, list[str]], sign_in: SignIn
) -> None:
    _, url, uids = hostile_service
    page = sign_in("Eve", base_url=url)
    for text, uid in zip(hostile.STRINGS, uids, strict=True):
        for path in ("/steps/2", "/delete", f"?{urlencode({'q': text[:199], 'saved': text})}"):
            visit(page, f"/runs/{uid}{path}")
        visit(page, f"/runs/{uid}")
        assert page.inner_text("main").count(hostile.MARK) > 20
        visit(page, f"/disagreements/{uid}")
        assert page.inner_text("main").count(hostile.MARK) > 8


def test_nothing_runs_where_the_address_comes_back(
    hostile_service: tuple[Hub, str, list[str]], sign_in: SignIn
) -> None:
    page = sign_in("Eve", base_url=hostile_service[1])
    fields = ("text", "cause", "framework", "model", "batch", "since", "phase", "outcome")
    names = ("field", "first", "second", "category", "source", "label", "verdict")
    for text in hostile.STRINGS:
        for some in (fields, ("text", "cause", "framework", "model")):
            visit(page, f"/runs?{urlencode(dict.fromkeys(some, text))}")
            visit(page, f"/compare?{urlencode({f'{side}-{each}': text for side in 'ab' for each in some})}")
        visit(page, f"/agreement/runs?{urlencode(dict.fromkeys(names, text[:299]))}")
        visit(page, f"/disagreements?{urlencode({'settled': text, 'kind': text})}")


def test_nothing_runs_where_what_was_sent_comes_back(
    hostile_service: tuple[Hub, str, list[str]], sign_in: SignIn
) -> None:
    _, url, uids = hostile_service
    page = sign_in("Eve", base_url=url)
    said = ("cause", "typed", "phase", "secondary", "step", "agent", "note", "then")
    for text, uid in zip(hostile.STRINGS, uids, strict=True):
        visit(page, f"/runs/{uid}")
        send(page, f"/runs/{uid}/label", dict.fromkeys(said, text))
        assert hostile.MARK in page.inner_text("main")
        send(page, f"/runs/{uid}/label", {"cause": "P1", "agent": text})
        send(page, f"/disagreements/{uid}/settle", {"cause": text[:99], "step": text[:19], "note": text})
        send(page, f"/disagreements/{uid}/comment", {"said": text})
        send(page, "/learning/activate", {"version": text[:64]})
        send(page, "/learning/activate", {"csrf": text})
        visit(page, "/import")
        name = f"{text}.exe".replace("/", "|")
        page.set_input_files("#files", {"name": name, "mimeType": "text/plain", "buffer": b"x"})
        page.click("main button.primary")
        check(page, f"/import of {name}")


def send(page: Page, path: str, form: dict[str, str]) -> None:
    """Send a form from where one is, with fields that no input would take, and look at what comes back."""
    with page.expect_navigation():
        page.evaluate(
            """([path, form]) => {
                const made = document.createElement("form");
                made.method = "post"; made.action = path;
                for (const [name, value] of Object.entries(form)) {
                    const field = document.createElement("textarea");
                    field.name = name; field.value = value; made.append(field);
                }
                document.body.append(made); made.submit(); }""",
            [path, {"csrf": page.get_attribute("meta[name=csrf]", "content") or "", **form}],
        )
    check(page, path)


def test_nothing_runs_for_a_hostile_key_in_a_hostile_project(
    hostile_service: tuple[Hub, str, list[str]], sign_in: SignIn
) -> None:
    hub, url, _ = hostile_service
    page = sign_in("Eve", base_url=url)
    for text in hostile.STRINGS:
        name = text[:WHO].replace("\x00", "")
        with hub.database.begin() as session:
            secret = projects.issue(session, projects.ensure(session, name), name, Role.ADMIN)[1]
        token = page.get_attribute("meta[name=csrf]", "content")
        page.request.post("/signin", form={"csrf": token or "", "key": secret})
        visit(page, "/queue")
        assert page.get_attribute(".who span", "title") == f"admin in the project {name}"
