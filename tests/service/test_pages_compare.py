"""Comparing two sets of runs: the tests on published numbers, the comparison on sets made by hand, and its page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hubs import work_off
from runs import run, verdict
from stage import local, put, with_key
from starlette.testclient import TestClient
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from classifier.diagnosis import Familiarity, Outcome
from classifier.trace import Phase
from service.app import create
from service.comparison import Share, adjust, compare, fisher, mcnemar, newcombe
from service.storage.figures import Line
from service.storage.projects import Role

if TYPE_CHECKING:
    from service.hub import Hub


def line(
    uid: str, cause: str | None = "E2.2", *, task: str = "", framework: str = "autogen", index: str = "one"
) -> Line:
    """A run with a verdict; the cause `ok` stands for success, `?` for no verdict."""
    outcome = {"ok": Outcome.SUCCEEDED, "?": None}.get(cause or "", Outcome.FAILED)
    named = None if cause in {"ok", "?"} else cause
    return Line(
        uid=uid, name=uid, framework=framework, model=None, task=task or uid, outcome=outcome, cause=named,
        phase=Phase.EXECUTION if named else None, confidence=0.5, familiarity=Familiarity.KNOWN, index_version=index,
    )  # fmt: skip


def many(prefix: str, **causes: int) -> list[Line]:
    """So many runs of each cause, of tasks of their own."""
    return [
        line(f"{prefix}-{cause}-{i}", cause.replace("_", ".")) for cause, count in causes.items() for i in range(count)
    ]


def test_fisher_is_that_of_the_lady_tasting_tea() -> None:
    assert fisher(Share(part=3, of=4), Share(part=1, of=4)) == pytest.approx(0.4857, abs=1e-4)  # Fisher 1935, ch. II


def test_the_interval_is_newcombes() -> None:
    # Newcombe 1998, "Interval estimation for the difference between independent proportions", table II (a), method 10
    low, high = newcombe(Share(part=56, of=70), Share(part=48, of=80))
    assert (low, high) == (pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))


def test_the_adjustment_is_benjamini_and_hochbergs() -> None:
    published = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590,
        1.0,
    ]  # fmt: skip
    told = adjust([None, *published])
    assert told[0] is None
    assert sum(q is not None and q <= 0.05 for q in told) == 4  # Benjamini and Hochberg 1995, section 4.1


@pytest.mark.parametrize(("gained", "lost"), [(6, 16), (0, 5), (8, 8), (150, 86)])
def test_mcnemar_is_the_exact_one_of_statsmodels(gained: int, lost: int) -> None:
    expected = statsmodels_mcnemar([[10, gained], [lost, 10]], exact=True).pvalue
    assert mcnemar(gained, lost) == pytest.approx(expected)


def test_no_pair_that_changed_is_no_sign_of_change() -> None:
    assert mcnemar(0, 0) == 1


def test_a_cause_that_became_rarer_beyond_chance_is_told_and_one_within_chance_is_not() -> None:
    found = compare(many("a", E2_2=30, P1=10, ok=10), many("b", E2_2=8, P1=11, ok=31))
    by_name = {each.name: each for each in found.causes}
    assert (by_name["E2.2"].before, by_name["E2.2"].now) == (Share(part=30, of=50), Share(part=8, of=50))
    assert by_name["E2.2"].direction == -1
    assert by_name["P1"].direction == 0
    assert found.success.direction == 1
    assert found.causes[0].name == "E2.2"  # the largest difference comes first
    assert by_name["E2.2"].p == fisher(Share(part=30, of=50), Share(part=8, of=50))
    assert (by_name["E2.2"].low or 0) < (by_name["E2.2"].difference or 0) < (by_name["E2.2"].high or 0) < 0


def test_pairs_tell_what_shares_alone_cannot() -> None:
    tasks = [f"task {i}" for i in range(40)]
    before = [line(f"a{i}", "E2.2" if i < 20 else "ok", task=task) for i, task in enumerate(tasks)]
    now = [line(f"b{i}", "E2.2" if i < 13 else "ok", task=task) for i, task in enumerate(tasks)]
    found = compare(before, now)
    assert found.pairs == 40
    assert (found.success.gained, found.success.lost) == (7, 0)
    assert found.success.paired == mcnemar(7, 0)
    assert found.success.p is not None
    assert found.success.p > 0.05 > found.success.paired
    assert found.success.direction == 1
    assert [pair.now.task for pair in found.fixed] == tasks[13:20]
    assert found.broken == ()


def test_runs_of_one_task_are_paired_one_to_one_within_their_framework() -> None:
    before = [line("a1", task="t"), line("a2", task="t"), line("a3", task="t", framework="metagpt")]
    now = [line("b1", "P1", task="t"), line("b2", task="t"), line("b4", task="t")]
    found = compare(before, now)
    assert found.pairs == 2
    assert [(pair.before.uid, pair.now.uid) for pair in found.moved] == [("a1", "b1")]


def test_a_run_in_both_sets_is_its_own_pair() -> None:
    found = compare([line("x", "E2.2", task="t"), line("y", "P1", task="t")], [line("y", "R1", task="t")])
    assert [(pair.before.uid, pair.same_run) for pair in found.moved] == [("y", True)]


def test_new_kinds_are_causes_that_did_not_occur_then() -> None:
    found = compare(many("a", E2_2=2), [*many("b", E2_2=1, P1=1), line("n", None)])
    assert found.new_kinds == ("P1",)


def test_what_has_no_verdict_or_no_stated_outcome_is_left_out_where_it_tells_nothing() -> None:
    unstated = line("u").model_copy(update={"outcome": Outcome.UNKNOWN})
    found = compare([line("w", "?"), unstated], [line("b")])
    assert found.unjudged == (1, 0)
    assert found.success.before == Share(part=0, of=0)
    assert found.success.p is None
    assert found.success.direction == 0
    assert compare([], []).causes == ()


def test_verdicts_of_different_indices_are_told_apart() -> None:
    found = compare([line("a", index="one")], [line("b", index="two")])
    assert found.indices == (("one",), ("two",))


def batch(hub: Hub, name: str, logs: list[str]) -> str:
    client = TestClient(create(hub), base_url="http://localhost")
    made = client.post(
        f"/batches?name={name}", content="\n".join(logs), headers={"content-type": "application/x-ndjson"}
    )
    work_off(hub)
    return str(made.json()["uid"])


def test_the_page_shows_the_figures_of_two_batches_and_opens_what_changed(hub: Hub) -> None:
    old = [run(f"a{i}", task=f"task {i}").model_copy(update={"succeeded": i < 2}) for i in range(8)]
    new = [run(f"b{i}", task=f"task {i}").model_copy(update={"succeeded": i > 0}) for i in range(8)]
    one, other = (
        batch(hub, name, [each.model_dump_json() for each in runs]) for name, runs in (("a", old), ("b", new))
    )
    page = with_key(hub, "rea", Role.READER).get(f"/compare?a={one}&b={other}").text
    assert "25 %" in page
    assert "88 %" in page
    assert "6 now succeed, 1 now fail" in page
    assert f"/runs?batch={other}&amp;cause=E2.2" in page
    assert len(re.findall(r'href="/runs/[0-9a-f]{24}">a0<', page)) == 1  # it broke
    assert len(re.findall(r'href="/runs/[0-9a-f]{24}">b7<', page)) == 1  # it was fixed


def test_filters_are_compared_as_well(hub: Hub) -> None:
    put(hub, run("one", framework="autogen"), "E2.2")
    put(hub, run("two", framework="metagpt"), "P1")
    page = with_key(hub, "rea", Role.READER).get("/compare?a-framework=autogen&b-framework=metagpt").text
    assert '<b>100 %</b> <span class="hint">1 of 1</span>' in page
    assert "/runs?framework=metagpt&amp;cause=P1" in page


def test_the_page_does_not_tell_an_annotator_the_verdict_on_a_run(hub: Hub) -> None:
    trace = run("x")
    uid = put(hub, trace, "E2.2")
    log = trace.model_dump_json()
    one = batch(hub, "a", [log])
    put(hub, trace, verdict(trace, "P1"))
    page = local(hub).get(f"/compare?a={one}&b-text=x").text
    moved = page.partition("Fail for another cause")[2]
    assert uid in moved
    assert "hidden until" in moved
    assert "P1" not in moved


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 200),
        ("?a=000000000000000000000000&b=000000000000000000000000", 404),
        ("?a-text=x", 422),
        ("?a-since=x&b-text=y", 422),
        ("?a-text=%3Cscript%3E&b-text=y", 200),
    ],
)
def test_odd_questions_get_an_answer(hub: Hub, query: str, status: int) -> None:
    put(hub, "one")
    page = local(hub).get(f"/compare{query}")
    assert page.status_code == status
    assert "<script>" not in page.text.replace('<script src="/static/coroner.js" defer></script>', "")
