"""Agreement and the index on their pages: the figures are those of the core, and each opens its runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from runs import run, said, verdict
from stage import local, put, with_key

from classifier.agreement import agree
from classifier.annotation import Annotation
from classifier.diagnosis import Provenance
from service.storage import annotations, batches, diagnoses, items, projects
from service.storage.projects import Role

if TYPE_CHECKING:
    from service.hub import Hub

HOSTILE = "<script>alert(1)</script>"
SAID = [("E2.2", "E2.2"), ("E2.2", "P1"), ("P1", "P1"), ("R1", "E2.2"), ("P1", "P1"), ("E2.2", "E2.2")]


def fill(hub: Hub) -> None:
    for i, (ann, bob) in enumerate(SAID):
        put(hub, run(f"run-{i}", task=f"Count the parcels of depot {i * 37}."), "E2.2", ann=ann, bob=bob)


def kappas(one: list[str], other: list[str]) -> tuple[str, str, str]:
    notes = [
        Annotation(trace=str(i), annotator=who, provenance=Provenance.HUMAN, cause=cause)
        for who, causes in (("a", one), ("b", other))
        for i, cause in enumerate(causes)
    ]
    report = agree(notes, field="cause")
    pair = report.pairs[0]
    return f"{pair.kappa.value:.2f}", f"{pair.ac1.value:.2f}", f"{report.alpha.value:.2f}"


def test_the_figures_are_those_of_the_core(hub: Hub) -> None:
    fill(hub)
    page = with_key(hub, "rea", Role.READER).get("/agreement/page").text
    kappa, ac1, alpha = kappas([each[0] for each in SAID], [each[1] for each in SAID])
    [row] = re.findall(r"ann and bob</td>(.*?)</tr>", page, flags=re.DOTALL)
    assert re.findall(r"<b>([^<]+)</b>", row)[:2] == [kappa, ac1]
    assert re.search(
        rf"People with each other</h2>.*?alpha</th><td><span class=\"estimate\"><b>{alpha}</b>", page, flags=re.DOTALL
    )
    for who, place in (("ann", 0), ("bob", 1)):
        against = kappas([each[place] for each in SAID], ["E2.2"] * len(SAID))[0]
        [row] = re.findall(rf"{who} and classifier</td>(.*?)</tr>", page, flags=re.DOTALL)
        assert re.findall(r"<b>([^<]+)</b>", row)[0] == against


def test_few_labels_are_said_to_be_few_and_none_is_said_plainly(hub: Hub) -> None:
    assert "Too few labels to compare" in local(hub).get("/agreement/page").text
    fill(hub)
    assert "Only 6 runs" in local(hub).get("/agreement/page").text


def test_every_figure_opens_as_many_runs_as_it_counts(hub: Hub) -> None:
    fill(hub)
    rea = with_key(hub, "rea", Role.READER)
    page = rea.get("/agreement/page").text
    cells = re.findall(r'<td class="h\d[^"]*"><a href="([^"]+)"[^>]*>(\d+)</a>', page)
    pairs = re.findall(
        r'<td class="number"><a href="(/agreement/runs\?field=cause&amp;first[^"]+)"[^>]*>(\d+)</a>', page
    )
    assert cells
    assert len(pairs) == 3
    for href, count in (*cells, *pairs):
        behind = rea.get(href.replace("&amp;", "&")).text
        assert len(re.findall(r'class="run" href="/runs/', behind)) == int(count), href


def test_whoever_has_not_labelled_a_run_does_not_see_what_others_said(hub: Hub) -> None:
    fill(hub)
    put(hub, run("mine", task="Another task of its own"), "R1", cat="R1", bob="R1")
    page = local(hub, "cat").get("/agreement/runs").text
    assert page.count("hidden until") == len(SAID)


@pytest.mark.parametrize("field", ["cause", "tier2", "phase", "step", "agent", "<script>"])
def test_each_field_has_its_page_and_no_name_becomes_html(hub: Hub, field: str) -> None:
    fill(hub)
    put(hub, run(HOSTILE, framework=HOSTILE), "P1", **{HOSTILE: "P1", "ann": "R1"})
    rea = with_key(hub, "rea", Role.READER)
    for path in (f"/agreement/page?field={field}", f"/agreement/runs?field={field}&first={HOSTILE}", "/learning"):
        page = rea.get(path)
        assert page.status_code == 200
        assert HOSTILE not in page.text


def test_the_index_page_says_what_is_missing_and_what_answers(hub: Hub) -> None:
    fill(hub)
    page = local(hub).get("/learning").text
    assert "<small> of 6 runs" in page
    assert "answers now" in page
    assert "not yet" in page


def test_runs_that_another_index_judged_are_sent_through_again_by_a_button(hub: Hub) -> None:
    trace, present = run("old"), verdict(run("old"))
    older = present.versions.model_copy(update={"index": "older"})
    old = put(hub, trace, present.model_copy(update={"versions": older}))
    put(hub, "new")
    assert "Diagnose 1 run again" in local(hub).get("/learning").text
    assert with_key(hub, "rea", Role.READER).post("/learning/again").status_code == 403
    sent = local(hub).post("/learning/again")
    assert "again, by index fake" in sent.text
    with hub.database.begin() as session:
        (batch,) = batches.every(session, 1)
        assert batch.inputs == 1
        claimed = items.claim(session, items.pending(session)[0])
        assert claimed is not None
        assert claimed.run == old
        diagnoses.add(session, 1, old, hub.classifier(1).classify(trace))
    assert "again</button>" not in local(hub).get("/learning").text
    assert local(hub).post("/learning/again").status_code == 409


def test_only_an_admin_changes_the_index_and_what_cannot_be_done_is_said(hub: Hub) -> None:
    fill(hub)
    ann = with_key(hub, "ann", Role.ANNOTATOR)
    for path in ("train", "activate", "rollback"):
        assert ann.post(f"/learning/{path}", {"version": "shipped"}).status_code == 403
        refused = local(hub).post(f"/learning/{path}", {"version": "000000000000"})
        assert refused.status_code == 409
        assert 'role="alert"' in refused.text


def test_labels_of_a_model_are_said_to_be(hub: Hub) -> None:
    trace = run("x")
    uid = put(hub, trace, "E2.2", ann="E2.2")
    with hub.database.begin() as session:
        note = said(trace, "gpt", "P1").model_copy(update={"provenance": Provenance.MODEL})
        annotations.add(session, projects.find(session, projects.DEFAULT), uid, note)
    assert "No person made the labels of gpt" in with_key(hub, "rea", Role.READER).get("/agreement/page").text
