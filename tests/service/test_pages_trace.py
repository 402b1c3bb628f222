"""The page of a run: what it shows, what it hides, and that a hostile run is only ever text."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import hostile
import pytest
from bs4 import BeautifulSoup
from hubs import open_hub
from hypothesis import given
from hypothesis import strategies as st
from runs import EXAMPLE, run, verdict
from shot_runs import ferry, long_run, verdict_on_ferry
from stage import Person, store, unled

from classifier.trace import Role, Step, ToolCall, Trace
from service.pages import reading
from service.pages.reading import Emphasis, Reading
from service.storage import projects, traces

if TYPE_CHECKING:
    from pathlib import Path

    from service.hub import Hub

SECRET = re.compile(r'(name="csrf" (?:value|content)|data-token)="[^"]*"')


def seen(hub: Hub, uid: str, who: str = "Ann") -> Person:
    """Somebody who asked to see the verdict."""
    person = unled(hub, who)
    assert person.post(f"/runs/{uid}/reveal").status_code == 303
    return person


def soup(page: str) -> BeautifulSoup:
    return BeautifulSoup(page, "html.parser")


def test_a_run_is_shown_with_its_verdict_confidence_in_words_and_what_helps(hub: Hub) -> None:
    uid = store(hub, ferry(), verdict_on_ferry(ferry()))
    other = store(hub, ferry("ferry-007"), None)
    page = soup(seen(hub, uid).page(f"/runs/{uid}"))
    beside = page.select_one("#verdict").get_text(" ", strip=True)
    for words in (
        "E1.1 Lack of online knowledge",
        "more likely right than wrong",
        "What to do",
        "step 9",
        "index fake",
    ):
        assert words in beside
    assert page.select_one(f'.neighbours a[href^="/runs/{other}"]') is not None  # this one is stored
    assert "mo-113" in page.select_one(".neighbours").get_text()  # this one is not, so it is no link
    assert page.select_one("#s9.decisive mark.decisive").get_text().startswith("Ferries to islands")
    assert "No such file" in page.select_one("#s5 mark.evidence").get_text()
    assert page.select_one("#s5 .badge.warn").get_text().startswith("traceback")
    assert page.select_one("#s4 .code .kn").get_text() == "import"  # coloured
    assert len(page.select("svg.lanes rect.planning")) == 3


def test_a_verdict_that_changed_is_shown_with_those_before_it(hub: Hub) -> None:
    trace = run()
    uid = store(hub, trace, verdict(trace, "P1"))
    store(hub, trace, verdict(trace, "E3.1"))
    page = seen(hub, uid).page(f"/runs/{uid}")
    assert "Earlier verdicts (1)" in page
    assert soup(page).select_one(".headline").get_text(strip=True).startswith("E3.1")


@pytest.mark.parametrize("path", ["", "?at=2", "?q=loans", "/steps", "/steps/2", "/steps?start=0&q=a"])
def test_what_a_blind_annotator_is_sent_is_the_same_whatever_the_verdict(tmp_path: Path, path: str) -> None:
    pages = set()
    for number, (cause, step) in enumerate((("E3.1", 2), ("P1", 1), (None, None))):
        hub = open_hub(tmp_path / str(number))
        trace = run()
        found = verdict(trace, cause or "E2.2").model_copy(update={"step": step, "confidence": 0.1 * number})
        uid = store(hub, trace, found if cause else None)
        store(hub, run("ag-1"), None)
        page = unled(hub, "Ann").page(f"/runs/{uid}{path}")
        pages.add(re.sub(r"<time.*?</time>", "", SECRET.sub("", page)))
        hub.close()
    assert len(pages) == 1


def test_blind_holds_for_what_others_said_too(hub: Hub) -> None:
    uid = store(hub, run(), verdict(run()))
    unled(hub, "Bob").label(uid, "R2.1", note="Bob's own words")
    ann = unled(hub, "Ann")
    assert "Bob" not in ann.page(f"/runs/{uid}")
    ann.label(uid)
    assert "Bob&#39;s own words" in ann.page(f"/runs/{uid}")


def test_where_nobody_works_blind_the_verdict_is_there_at_once(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, blind=False)
    uid = store(hub, run(), verdict(run()))
    assert "Functionality error" in soup(unled(hub, "Ann").page(f"/runs/{uid}")).select_one("#verdict").get_text()


def test_that_a_verdict_was_asked_for_is_in_the_audit_log_once(hub: Hub) -> None:
    uid = store(hub, run(), verdict(run()))
    ann = seen(hub, uid)
    ann.page(f"/runs/{uid}")
    ann.post(f"/runs/{uid}/reveal")
    with hub.database.begin(write=False) as session:
        assert [each.action for each in projects.log(session, 1)] == ["verdict.shown"]


def test_a_long_run_is_sent_in_parts_around_what_matters(hub: Hub) -> None:
    trace = long_run(1000)
    uid = store(hub, trace, verdict(trace).model_copy(update={"step": 777}))
    ann = seen(hub, uid)
    page = soup(ann.page(f"/runs/{uid}"))
    shown = [int(each["data-step"]) for each in page.select("article.step")]
    assert 777 in shown
    assert 0 in shown
    assert len(shown) <= 150
    links = [int(each["data-first"]) for each in page.select(".chunk:not([data-loaded])")]
    part = soup(ann.page(f"/runs/{uid}/steps?start={links[0]}"))
    assert [int(each["data-step"]) for each in part.select("article.step")] == list(range(links[0], links[0] + 50))
    assert ann.get(f"/runs/{uid}/steps?start=1000").status_code == 404
    assert len(page.select("svg.lanes rect")) < 1500


def test_the_weight_of_a_page_is_bounded_and_the_whole_step_is_one_link_away(hub: Hub) -> None:
    steps = tuple(
        Step(index=i, agent="a", role=Role.TOOL, content=f"{i} " + "word and word\n" * 20_000) for i in range(60)
    )
    trace = Trace(id="heavy", format="coroner", framework="f", task="t", steps=steps)
    uid = store(hub, trace, None)
    ann = unled(hub, "Ann")
    assert len(ann.page(f"/runs/{uid}")) < 1_500_000
    first, last = ann.page(f"/runs/{uid}/steps/7"), ann.page(f"/runs/{uid}/steps/7?part=5")
    assert "Part 1 of 6" in first
    assert "7 word and word" in first
    assert "Part 6 of 6" in last
    assert ann.get(f"/runs/{uid}/steps/7?part=6").status_code == 404
    assert ann.get(f"/runs/{uid}/steps/99").status_code == 404


def test_a_quote_deep_in_a_long_step_is_shown_where_it_stands(hub: Hub) -> None:
    content = "line\n" * 9000 + "the one that counts\n" + "line\n" * 10
    trace = Trace(
        id="deep",
        format="c",
        framework="f",
        task="t",
        steps=(Step(index=0, agent="a", role=Role.TOOL, content=content),),
    )
    found = verdict(trace)
    quote = found.evidence[0].model_copy(update={"quote": "the one that counts"})
    uid = store(hub, trace, found.model_copy(update={"evidence": (quote,)}))
    assert soup(seen(hub, uid).page(f"/runs/{uid}")).select_one(".excerpt mark").get_text() == "the one that counts"


def test_search_finds_steps_and_marks_the_words(hub: Hub) -> None:
    uid = store(hub, EXAMPLE, None)
    ann = unled(hub, "Ann")
    page = soup(ann.page(f"/runs/{uid}?q=DATES+not+read"))
    hits = [int(each.get_text()) for each in page.select('.hits a[href*="at="]')]
    assert hits == [each.index for each in EXAMPLE.steps if "dates not read" in each.content.casefold()]
    assert {each.get_text() for each in page.select("mark.hit")} == {"dates not read"}
    assert "No step holds" in ann.page(f"/runs/{uid}?q=zebra")


def test_runs_that_are_not_there_and_those_of_others_are_the_same_404(hub: Hub) -> None:
    with hub.database.begin() as session:
        other = projects.ensure(session, "other")
        uid = traces.put_trace(session, other, run())[0].uid
    ann = unled(hub, "Ann")
    for path in (f"/runs/{uid}", f"/runs/{uid}/steps", f"/runs/{uid}/steps/0", "/runs/" + "0" * 24):
        assert ann.get(path).status_code == 404
    assert ann.post(f"/runs/{uid}/reveal").status_code == 404
    assert ann.label(uid).status_code == 404


def test_a_hostile_run_is_only_ever_text(hub: Hub) -> None:
    ann, bob = unled(hub, "Ann"), unled(hub, "Bob <script>alert('xss7')</script>")
    for number, text in enumerate(hostile.STRINGS):
        trace = hostile.trace(text, f"run {number}")
        uid = store(hub, trace, hostile.verdict(verdict(trace), trace, text), file=text)
        for path in (f"/runs/{uid}", f"/runs/{uid}?at=1", f"/runs/{uid}/steps", f"/runs/{uid}/steps/2"):
            assert not list(hostile.breaches(ann.page(path)))
        answer = ann.label(uid, "E9.<b>", typed=text, note=text, step=text, agent=text, secondary=[text], phase=text)
        assert answer.status_code == 422
        assert not list(hostile.breaches(answer.text))
        assert bob.label(uid, "E2.2", note=text, step="1").status_code == 303
        assert ann.label(uid, "E2.2", note=text, step="0").status_code == 303
        page = ann.page(f"/runs/{uid}")
        assert page.count(hostile.MARK) > 20
        for each in (page, ann.page("/queue"), bob.page("/queue")):
            assert not list(hostile.breaches(each))
        found = ann.client.get(f"/runs/{uid}", params={"q": text[:200]}, headers={"accept": "text/html"})
        assert not list(hostile.breaches(found.text))


def test_code_has_its_colours_in_a_sheet_of_this_service(hub: Hub) -> None:
    answer = unled(hub, "Ann").get("/styles/code.css")
    assert answer.headers["content-type"].startswith("text/css")
    assert ".code .kn" in answer.text
    assert "prefers-color-scheme: dark" in answer.text


def test_a_folded_step_shows_its_beginning_its_end_and_what_a_signal_is_in(hub: Hub) -> None:
    lines = [f"line {number} of the output, which goes on and on" for number in range(200)]
    lines[100] = "FileNotFoundError: [Errno 2] No such file or directory: 'rents.csv'"
    tool = Step(index=1, agent="terminal", role=Role.TOOL, content="exitcode: 1\n" + "\n".join(lines))
    asks = Step(index=0, agent="user", role=Role.USER, content="t")
    uid = store(hub, Trace(id="long", format="c", framework="f", task="t", steps=(asks, tool)), None)
    step = soup(unled(hub, "Ann").page(f"/runs/{uid}")).select_one("#s1")
    head, folded, tail = step.select("pre.content")
    assert "line 6 " in head.get_text()
    assert "line 7 " not in head.get_text()
    assert tail.get_text().splitlines() == lines[-2:]
    assert folded.find_parent("details").summary.get_text() == f"{folded.get_text().count(chr(10))} more lines"
    assert head.get_text() + folded.get_text() + tail.get_text() == tool.content
    assert [each.get_text() for each in step.select("pre.glimpse")] == [lines[100]]
    assert step.select_one("pre.glimpse mark.signal").get_text() in lines[100]


@given(st.text(alphabet="a b\n`<", max_size=3000))
def test_what_is_folded_is_all_there_and_in_its_order(text: str) -> None:
    steps = (Step(index=0, agent="a", role=Role.TOOL, content=text),)
    (shown,) = reading.show(
        Reading.of(Trace(id="t", format="c", framework="f", task="t", steps=steps)), range(1), Emphasis()
    )
    parts = [re.sub(r"<[^>]+>", "", each) for each in (shown.head, shown.rest, shown.tail) if each is not None]
    assert html.unescape("".join(parts)) == text


def test_search_and_the_page_of_a_step_reach_what_tools_are_called_with_and_its_error(hub: Hub) -> None:
    call = ToolCall(name="lookup_zebra", arguments='{"reader": "A-17", "pad": "' + "x" * 13_000 + '", "end": "quagga"}')
    asks = Step(index=0, agent="user", role=Role.USER, content="t")
    step = Step(index=1, agent="a", role=Role.ASSISTANT, content="I look.", tool_calls=(call,), error="no such okapi")
    uid = store(hub, Trace(id="calls", format="c", framework="f", task="t", steps=(asks, step)), None)
    ann = unled(hub, "Ann")
    for words in ("ZEBRA", "a-17", "quagga", "okapi"):
        page = soup(ann.page(f"/runs/{uid}?q={words}"))
        assert [each.get_text() for each in page.select('.hits a[href*="at="]')] == ["1"]
    page = soup(ann.page(f"/runs/{uid}?q=a-17"))
    assert page.select_one("details.call[open] mark.hit").get_text() == "A-17"
    assert "quagga" not in page.get_text()  # too long to be shown there; the whole is one link away
    whole = soup(ann.page(page.select_one(f'a[href="/runs/{uid}/steps/1"]')["href"])).get_text()
    assert all(words in whole for words in ("I look.", "lookup_zebra", "quagga", "no such okapi"))
