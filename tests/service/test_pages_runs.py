"""The list of runs, importing, and batches, as a person with a browser sees them."""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING

import pytest
from hubs import open_hub, work_off
from runs import run, verdict
from stage import local, put, with_key

from service.storage import projects
from service.storage.projects import Role

if TYPE_CHECKING:
    from pathlib import Path

    from service.hub import Hub

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{777*7}}'


def names(page: str) -> set[str]:
    return set(re.findall(r'class="run" href="/runs/[0-9a-f]{24}">([^<]+)<', page))


def bars(page: str, title: str) -> dict[str, tuple[int, str]]:
    """Read a plot as a screen reader would: label -> count and address."""
    [table] = re.findall(rf"<caption>{title}</caption>(.*?)</table>", page, flags=re.DOTALL)
    found = re.findall(r'<a href="([^"]+)">(.*?)</a>.*?class="count">(\d+)', table, flags=re.DOTALL)
    return {re.sub(r"<[^>]+>", "", text).strip(): (int(n), href.replace("&amp;", "&")) for href, text, n in found}


def test_an_upload_of_files_and_archives_becomes_one_batch_whose_progress_shows(hub: Hub) -> None:
    ann = local(hub)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("in/a.json", run("zipped").model_dump_json())
    files = [
        ("files", ("one.json", run("one").model_dump_json(), "application/json")),
        ("files", ("more.zip", out.getvalue(), "application/zip")),
        ("files", ("bad.json", "{", "application/json")),
    ]
    page = ann.post("/import", {"name": "night"}, files=files)
    assert page.status_code == 200
    assert re.search(r"/batches/[0-9a-f]{24}/page$", str(page.url))
    assert 'http-equiv="refresh"' in page.text
    work_off(hub)
    page = ann.get(page.url.path)
    assert 'http-equiv="refresh"' not in page.text
    assert "bad.json" in page.text
    assert "Try 1 again" in page.text
    assert names(ann.get("/runs").text) == {"one", "zipped"}


def test_what_waits_can_be_cancelled_and_tried_again(hub: Hub) -> None:
    ann = local(hub)
    page = ann.post("/import", files=[("files", ("one.json", run("one").model_dump_json(), "application/json"))])
    place = page.url.path
    assert "1 were cancelled" in ann.post(f"{place}/cancel").text
    work_off(hub)
    assert names(ann.get("/runs").text) == set()
    ann.post(f"{place}/retry")
    work_off(hub)
    assert names(ann.get("/runs").text) == {"one"}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [("a.exe", b"MZ", "a.exe"), ("a.zip", b"PK no zip", "broken"), ("", b"", "at least one")],
)
def test_what_is_no_upload_is_refused_with_the_reason(hub: Hub, name: str, content: bytes, told: str) -> None:
    page = local(hub).post("/import", files=[("files", (name or "x", content, "text/plain"))] if name else [])
    assert page.status_code == 422
    assert told in page.text


def test_an_import_without_the_forms_token_is_refused(hub: Hub) -> None:
    ann = local(hub)
    files = [("files", ("one.json", run("one").model_dump_json(), "application/json"))]
    assert ann.client.post("/import", files=files).status_code == 403
    work_off(hub)
    assert names(ann.get("/runs").text) == set()


def test_each_filter_narrows_and_the_address_holds_it(hub: Hub) -> None:
    put(hub, run("first", framework="autogen"), "E2.2", ann="E2.2")
    put(hub, run("second", framework="metagpt"), "P1")
    hard = run("third", task="HARD to say")
    put(hub, hard, verdict(hard))
    ann = local(hub)
    for query, expected in {
        "cause=E2.2": {"first"},
        "cause=none": {"third"},
        "phase=planning": {"second"},
        "framework=metagpt": {"second"},
        "min=60": {"first", "second"},
        "max=60": {"third"},
        "labelled=yes": {"first"},
        "labelled=no": {"second", "third"},
        "text=HARD": {"third"},
        "outcome=succeeded": set(),
        "cause=P1&framework=autogen": set(),
        "since=2020-01-01&until=2021-01-01": set(),
        "since=2020-01-01": {"first", "second", "third"},
    }.items():
        assert names(ann.get(f"/runs?{query}").text) == expected, query


@pytest.mark.parametrize("query", ["min=much", "max=nan", "since=yesterday", "phase=none", "outcome=x"])
def test_a_filter_that_cannot_be_meant_says_so(hub: Hub, query: str) -> None:
    put(hub, "first")
    page = local(hub).get(f"/runs?{query}")
    assert page.status_code == 422
    assert 'role="alert"' in page.text


@pytest.mark.parametrize("query", ["after=x", "after=-1", f"after={'9' * 40}", "batch=nobatch", "text=%00"])
def test_odd_addresses_do_no_harm(hub: Hub, query: str) -> None:
    put(hub, "first")
    assert local(hub).get(f"/runs?{query}").status_code == 200


def test_each_bar_counts_the_runs_that_it_opens(hub: Hub) -> None:
    for i in range(3):
        put(hub, f"read-{i}", "E2.2")
    put(hub, "plan", "P1")
    hard = run("hard", task="HARD to say")
    put(hub, hard, verdict(hard))
    fine = run("fine").model_copy(update={"succeeded": True})
    put(hub, fine, verdict(fine))
    rea = with_key(hub, "rea", Role.READER)
    page = rea.get("/runs").text
    causes = {label.partition(" ")[0]: count for label, (count, _) in bars(page, "Causes").items()}
    assert causes == {"E2.2": 3, "P1": 1, "no": 1, "succeeded": 1}
    assert {label: count for label, (count, _) in bars(page, "Phases").items()} == {"planning": 1, "execution": 4}
    for title in ("Causes", "Phases", "Confidence", "Systems"):
        for label, (count, href) in bars(page, title).items():
            assert len(names(rea.get(href).text)) == count, (title, label)


def test_runs_are_paged_by_a_cursor(hub: Hub) -> None:
    for i in range(60):
        put(hub, f"run-{i:02}")
    ann = local(hub)
    first = ann.get("/runs?framework=autogen").text
    [older] = re.findall(r'rel="next" href="([^"]+)"', first)
    second = ann.get(older.replace("&amp;", "&")).text
    assert len(names(first)) == 50
    assert len(names(second)) == 10
    assert not names(first) & names(second)
    assert "framework=autogen" in older


def test_verdicts_of_runs_that_one_has_not_labelled_are_hidden_until_asked_for(hub: Hub) -> None:
    put(hub, "mine", "E2.2", ann="E2.2")
    put(hub, "other", "P1", bob="P1")
    ann = local(hub, "ann")
    rows = re.findall(r"<tr>\s*<td>.*?</tr>", ann.get("/runs").text, flags=re.DOTALL)
    told = {next(iter(names(row))): "hidden until" not in row for row in rows if names(row)}
    assert told == {"mine": True, "other": False}
    shown = ann.get("/runs?verdicts=shown").text
    assert "hidden until" not in shown
    assert "verdicts of 1 runs" in shown
    assert "hidden until" not in ann.get("/runs").text  # seen is seen


def test_who_filters_by_cause_is_noted_to_have_seen_the_verdict(hub: Hub) -> None:
    uid = put(hub, "other", "P1")
    local(hub, "ann").get("/runs?cause=P1")
    with hub.database.begin(write=False) as session:
        project = projects.find(session, projects.DEFAULT)
        assert [entry.subject for entry in projects.log(session, project) if entry.action == "verdict.shown"] == [uid]


def test_nothing_is_hidden_where_labels_are_not_blind_or_the_reader_does_not_label(hub: Hub, tmp_path: Path) -> None:
    put(hub, "other", "P1")
    assert "hidden until" not in with_key(hub, "rea", Role.READER).get("/runs").text
    seeing = open_hub(tmp_path / "s", blind=False)
    put(seeing, "other", "P1")
    assert "hidden until" not in local(seeing).get("/runs").text


def test_a_run_is_deleted_by_an_admin_who_says_so_twice(hub: Hub) -> None:
    uid = put(hub, "gone", "P1", bob="P1")
    ann = local(hub)
    assert "1 label " in ann.get(f"/runs/{uid}/delete").text
    ann.post(f"/runs/{uid}/delete")
    assert names(ann.get("/runs").text) == {"gone"}
    assert with_key(hub, "bob", Role.ANNOTATOR).post(f"/runs/{uid}/delete", {"sure": "yes"}).status_code == 403
    ann.post(f"/runs/{uid}/delete", {"sure": "yes"})
    assert names(ann.get("/runs").text) == set()
    assert ann.get(f"/runs/{uid}/delete").status_code == 404


def test_nothing_that_a_run_or_a_batch_says_becomes_html(hub: Hub) -> None:
    odd = run(HOSTILE, task=HOSTILE, framework=HOSTILE[:90])
    ann = local(hub, HOSTILE[:60])
    page = ann.post("/import", {"name": HOSTILE}, files=[("files", (f"{HOSTILE}.json", odd.model_dump_json(), "a/b"))])
    work_off(hub)
    uid = put(hub, odd, "P1")
    for text in (
        page.text,
        ann.get("/runs").text,
        ann.get(f"/runs/{uid}/delete").text,
        ann.get("/runs?cause=<script>").text,
    ):
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "5439" not in text
        assert "alert(1)" in text or "&lt;script&gt;" in text
