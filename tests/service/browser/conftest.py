"""A browser for the tests in this folder; without Chromium they are skipped and say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browsers import browsing, chromium, serving
from hubs import open_hub
from shot_runs import fill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, ConsoleMessage, Page

    from service.hub import Hub

WIDE = {"width": 1280, "height": 800}


def unexpected(said: ConsoleMessage) -> bool:
    """Say whether a browser's message is a complaint; that a page is not there, or a form wrong, is none."""
    return said.type == "error" and not any(f"status of {status}" in said.text for status in (403, 404, 409, 422))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a Chromium that the tests of a file share: its loop must not run while others are tested."""
    if chromium() is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    with browsing() as started:
        yield started


@pytest.fixture(scope="module")
def served(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hub, str, dict[str, str]]]:
    """Give a service with invented runs: its inside, its address, and the uids of the runs by name."""
    del browser  # without one, nothing needs to be served
    hub = open_hub(tmp_path_factory.mktemp("service"), overlap=3)
    uids = fill(hub)
    with serving(hub) as url:
        yield hub, url, uids
    hub.close()


@pytest.fixture
def empty(browser: Browser, tmp_path: Path) -> Iterator[str]:
    """Give the address of a service in which nothing is yet."""
    del browser
    hub = open_hub(tmp_path / "empty")
    with serving(hub) as url:
        yield url
    hub.close()


@pytest.fixture
def sign_in(browser: Browser, served: tuple[Hub, str, dict[str, str]]) -> Iterator[Callable[..., Page]]:
    """Give a function that opens the browser as a person; whatever the page complains of fails the test."""
    opened, complaints = [], []

    def signed_in(name: str, **context: object) -> Page:
        made = browser.new_context(**{"viewport": WIDE, "base_url": served[1], **context})
        opened.append(made)
        page = made.new_page()
        page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("console", lambda said: complaints.append(said.text) if unexpected(said) else None)
        page.goto("/signin")
        page.fill("#person", name)
        page.click("button.primary")
        page.wait_for_url("**/queue")
        return page

    yield signed_in
    for each in opened:
        each.close()
    assert not complaints
