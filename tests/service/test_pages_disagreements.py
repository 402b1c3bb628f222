"""Disagreements: found, seen only by those who may, discussed, settled."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from bs4 import BeautifulSoup
from runs import run, said, verdict
from stage import local, put, unled, with_key

from classifier import taxonomy
from service.disputes import disputes
from service.storage import annotations, projects
from service.storage.projects import Role

if TYPE_CHECKING:
    from stage import Person

    from service.hub import Hub
    from service.storage.annotations import Statement

HOSTILE = "<script>alert(1)</script>"
TAXONOMY = taxonomy.load()


def listed(page: str) -> set[str]:
    return set(re.findall(r'class="run" href="/disagreements/[0-9a-f]{24}">([^<]+)<', page))


def token(person: Person) -> str:
    return re.search(r'name="csrf" content="([^"]+)"', person.page("/queue"))[1]


def voices(page: str) -> dict[str, str]:
    """Return what stands of each voice on the page of a disagreement, by its heading."""
    sections = BeautifulSoup(page, "html.parser").select("section.voice")
    return {each.h3.get_text(" ", strip=True): each.decode() for each in sections}


def statements(hub: Hub) -> tuple[Statement, ...]:
    with hub.database.begin(write=False) as session:
        return annotations.every(session, projects.find(session, projects.DEFAULT))


@pytest.mark.parametrize(
    ("one", "other", "found", "differs"),
    [
        (("E2.2", 2), ("E2.2", 2), "E2.2", set()),
        (("E2.2", 2), ("P1", 2), "E2.2", {"cause", "classifier"}),
        (("E2.2", 2), ("E2.2", 1), "E2.2", {"step"}),
        (("E2.2", 2), ("E2.2", None), "E2.2", set()),
        (("E2.2", 2), ("unknown", None), None, {"cause"}),
        (("E2.2", 2), ("E2.2", 2), "P1", {"classifier"}),
        (("E2.2", 2), ("E2.2", 2), "E2", set()),  # the parent of what they say
        (("E2", 2), ("E2", 2), "E2.2", {"classifier"}),
        ((None, 2), (None, 1), None, {"step"}),
    ],
)
def test_who_differs_from_whom(
    hub: Hub,
    one: tuple[str | None, int | None],
    other: tuple[str | None, int | None],
    found: str | None,
    differs: set[str],
) -> None:
    trace = run("a")
    uid = put(hub, trace, None)
    with hub.database.begin() as session:
        project = projects.find(session, projects.DEFAULT)
        for who, (cause, step) in {"ann": one, "bob": other}.items():
            annotations.add(session, project, uid, said(trace, who, cause, step))
    verdicts = {uid: verdict(trace, found or "P1").model_copy(update={"cause": found})}
    seen = {
        name
        for each in disputes(statements(hub), verdicts, TAXONOMY)
        for name in ("cause", "step", "classifier")
        if getattr(each, name)
    }
    assert seen == differs


def test_only_those_who_labelled_a_run_see_that_it_is_disputed_and_how(hub: Hub) -> None:
    uid = put(hub, "disputed", "P1", bob="E2.2", cat="R1")
    ann = local(hub, "ann")
    page = ann.get("/disagreements").text
    assert listed(page) == set()
    assert "1 more run is disputed" in page
    for name in ("bob", "cat", "P1"):
        assert f">{name}<" not in ann.get(f"/disagreements/{uid}").text
    assert listed(local(hub, "bob").get("/disagreements").text) == {"disputed"}
    assert listed(with_key(hub, "rea", Role.READER).get("/disagreements").text) == {"disputed"}


def test_who_asks_to_see_it_all_the_same_is_remembered(hub: Hub) -> None:
    uid = put(hub, "disputed", "P1", bob="E2.2", cat="R1")
    ann = local(hub, "ann")
    page = ann.post(f"/disagreements/{uid}/reveal").text
    assert "cat" in page
    assert "E2.2" in page
    with hub.database.begin(write=False) as session:
        log = projects.log(session, projects.find(session, projects.DEFAULT))
    assert [(each.person, each.action, each.subject) for each in log] == [("ann", "verdict.shown", uid)]


def test_cause_step_and_note_of_each_stand_side_by_side_with_the_steps_they_name(hub: Hub) -> None:
    trace = run("disputed")
    uid = put(hub, trace, "E2.2", bob="P1")
    with hub.database.begin() as session:
        mine = said(trace, "ann", "R1", 1).model_copy(update={"note": "the plan forgets the file"})
        annotations.add(session, projects.find(session, projects.DEFAULT), uid, mine, unsure=True)
    page = local(hub, "ann").get(f"/disagreements/{uid}").text
    for part in ("the plan forgets the file", "Plan for disputed: read, group, count.", "loans = 12", "not sure", "P1"):
        assert part in page
    assert f'href="/runs/{uid}?at=1#s1"' in page


def test_the_discussion_is_kept_with_names(hub: Hub) -> None:
    uid = put(hub, "disputed", "P1", ann="E2.2", bob="R1")
    local(hub, "ann").post(f"/disagreements/{uid}/comment", {"said": "Look at step 2."})
    page = local(hub, "bob").post(f"/disagreements/{uid}/comment", {"said": HOSTILE}).text
    assert "Look at step 2." in page
    assert HOSTILE not in page
    assert local(hub, "bob").post(f"/disagreements/{uid}/comment", {"said": "  "}).status_code == 422


def test_who_has_not_labelled_a_run_cannot_join_its_discussion(hub: Hub) -> None:
    uid = put(hub, "disputed", "P1", bob="E2.2", cat="R1")
    local(hub, "ann").post(f"/disagreements/{uid}/comment", {"said": "hello"})
    assert "hello" not in local(hub, "bob").get(f"/disagreements/{uid}").text


def test_a_settled_run_leaves_the_list_and_the_labels_stay(hub: Hub) -> None:
    uid = put(hub, "disputed", "P1", ann="E2.2", bob="R1")
    ann = local(hub, "ann")
    holds = next(each.uid for each in statements(hub) if each.annotation.annotator == "bob")
    page = ann.post(
        f"/disagreements/{uid}/settle", {"holds": holds, "note": "the answer came before the file was read"}
    )
    assert page.status_code == 200
    assert listed(page.text) == set()
    assert listed(ann.get("/disagreements?kind=settled").text) == {"disputed"}
    assert "the answer came before" in ann.get(f"/disagreements/{uid}").text
    kept = {(each.annotation.annotator, each.annotation.cause, each.adjudicated) for each in statements(hub)}
    assert kept == {("ann", "E2.2", False), ("bob", "R1", False), ("ann", "R1", True)}


def test_there_is_one_last_word_whoever_has_it(hub: Hub) -> None:
    uid = put(hub, "disputed", "P1", ann="E2.2", bob="R1")
    local(hub, "ann").post(f"/disagreements/{uid}/settle", {"cause": "P1", "step": "1"})
    local(hub, "bob").post(f"/disagreements/{uid}/settle", {"cause": "E2.2", "step": "2"})
    last = [each for each in statements(hub) if each.adjudicated]
    assert [(each.annotation.annotator, each.annotation.cause, each.annotation.step) for each in last] == [
        ("bob", "E2.2", 2)
    ]


@pytest.mark.parametrize(
    "form", [{"cause": ""}, {"cause": "nonsense"}, {"cause": "P1", "step": "99"}, {"cause": "P1", "step": "x"}]
)
def test_a_last_word_that_cannot_be_is_refused_with_the_reason(hub: Hub, form: dict[str, str]) -> None:
    uid = put(hub, "disputed", "P1", ann="E2.2", bob="R1")
    page = local(hub, "ann").post(f"/disagreements/{uid}/settle", form)
    assert page.status_code == 422
    assert 'role="alert"' in page.text
    assert not [each for each in statements(hub) if each.adjudicated]


def test_only_an_admin_has_the_last_word(hub: Hub) -> None:
    uid = put(hub, "disputed", "P1", ann="E2.2", bob="R1")
    cat = with_key(hub, "bob", Role.ANNOTATOR)
    assert cat.post(f"/disagreements/{uid}/settle", {"cause": "P1"}).status_code == 403
    assert "Settle it" not in cat.get(f"/disagreements/{uid}").text


def test_names_and_notes_are_text(hub: Hub) -> None:
    trace = run(HOSTILE, task=HOSTILE)
    uid = put(hub, trace, "P1", ann="E2.2")
    with hub.database.begin() as session:
        odd = said(trace, HOSTILE, "R1", 2).model_copy(update={"note": HOSTILE})
        annotations.add(session, projects.find(session, projects.DEFAULT), uid, odd)
    ann = local(hub, "ann")
    for path in ("/disagreements", f"/disagreements/{uid}"):
        text = ann.get(path).text
        assert HOSTILE not in text
        assert "&lt;script&gt;" in text


def test_of_an_imported_label_nobody_claims_that_it_was_blind(hub: Hub) -> None:
    uid = put(hub, "a")
    bob = local(hub, "bob")
    line = said(run("a"), "eve", "P1").model_copy(update={"trace": uid}).model_dump_json()
    assert bob.client.post("/annotations/import", content=line, headers={"x-csrf-token": token(bob)}).status_code == 200
    unled(hub, "bob").label(uid, "P1")
    page = bob.get(f"/disagreements/{uid}").text
    badges = {who: re.findall(r'class="badge[^"]*">([^<]+)<', part) for who, part in voices(page).items()}
    assert (badges["eve"], badges["bob (you)"]) == (["imported"], ["blind"])
