"""The page for people: readable at 80 columns without colour, honest about doubt, safe with hostile text."""

from __future__ import annotations

import io
import re

import pytest
from fake_classifier import EXAMPLES, FakeClassifier
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from classifier import formats, report
from classifier.diagnosis import Diagnosis, Evidence, Familiarity, Outcome, Segment
from classifier.plain import clean, line
from classifier.trace import Phase

FAKE = FakeClassifier()
SGR = re.compile(r"\x1b\[[0-9;]*m")  # the only sequences that rich itself writes


def diagnosis(**changes: object) -> Diagnosis:
    data = (EXAMPLES / "failed_run.json").read_bytes()
    [trace] = formats.read(data, name="failed_run.json")
    return FAKE.classify(trace, "failed_run.json").model_copy(update=changes)


def printed(what: object, width: int = 80, *, colour: bool = False, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(
        file=file, width=width, force_terminal=colour, color_system="truecolor" if colour else None,
        legacy_windows=False, highlight=False, markup=False, emoji=False,
    )  # fmt: skip
    console.print(what)
    file.seek(0)
    return file.read()


def page(found: Diagnosis, width: int = 80) -> str:
    return printed(report.page(found, FAKE.taxonomy), width)


def words(text: str) -> str:
    return " ".join(text.split())


def test_the_page_tells_verdict_confidence_place_proof_neighbours_and_advice() -> None:
    text = words(page(diagnosis()))
    for part in (
        "Verdict E2.2 Functionality error",
        "more likely right than wrong (62%)",
        "step 4, Data_Analyst (50%)",
        'format="%m/%d/%Y"',
        "30% P1 Improper task decomposition",
        "ag-1 (autogen, step 2): E2.2 Functionality error, coded by a model",
        "feed a failed check back",
        "index fake, taxonomy lu2025",
    ):
        assert part in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(len(row) for row in page(diagnosis(), width).splitlines()) <= width


def test_colour_changes_nothing_but_colour() -> None:
    found = report.page(diagnosis(), FAKE.taxonomy)
    assert SGR.sub("", printed(found, colour=True)) == printed(found)
    assert SGR.search(printed(found, colour=True))


def test_abstaining_is_said_plainly_with_the_reason_and_the_likeliest_causes() -> None:
    text = words(page(diagnosis(cause=None, confidence=0.2, mitigation=None, notes=("No cause is likely enough.",))))
    assert "Verdict None: coroner abstains rather than guess." in text
    assert "Best guess E2.2 Functionality error, little more than a guess (20%)" in text
    assert "Phase execution: the fault most likely lies there" in text
    assert "No cause is likely enough." in text
    assert "What to do" not in text


def test_a_run_that_succeeded_gets_no_cause() -> None:
    text = page(diagnosis(outcome=Outcome.SUCCEEDED, cause=None, candidates=(), evidence=()))
    assert "The run succeeded: there is no failure to explain." in text
    assert "Confidence" not in text


@pytest.mark.parametrize(
    ("familiarity", "warning"),
    [(Familiarity.NEW, "take the verdict as a hint"), (Familiarity.SIMILAR, "trust the verdict less")],
)
def test_an_unfamiliar_system_is_warned_of(familiarity: Familiarity, warning: str) -> None:
    assert warning in words(page(diagnosis(familiarity=familiarity)))
    assert "Warning" not in page(diagnosis(familiarity=Familiarity.KNOWN))


@pytest.mark.parametrize(
    ("confidence", "said"),
    [(1.0, "likely right"), (0.75, "likely right"), (0.74, "more likely"), (0.25, "one guess"), (0.0, "little more")],
)
def test_confidence_is_put_into_words(confidence: float, said: str) -> None:
    assert report.in_words(confidence).startswith(said)


def lane(segments: tuple[Segment, ...], step: int | None, width: int = 80, encoding: str = "utf-8") -> list[str]:
    text = printed(report.Lane(segments, step), width, encoding=encoding)
    return [row.rstrip() for row in text.splitlines()]


def test_the_lane_shows_each_phase_and_marks_the_decisive_step() -> None:
    segments = (
        Segment(phase=Phase.PLANNING, start=0, end=1),
        Segment(phase=Phase.EXECUTION, start=2, end=4),
        Segment(phase=Phase.RESPONSE, start=5, end=5),
    )
    assert lane(segments, 3) == [
        "planning   ████████",
        "execution          ████◆███████",
        "response                       ████",
        "step       0           3       5",
    ]
    assert lane(segments, 3, encoding="ascii")[1] == "execution          ####X#######"
    assert "◆" not in "".join(lane(segments, None))


@given(
    lengths=st.lists(st.integers(1, 400), min_size=1, max_size=30),
    start=st.integers(0, 50),
    at=st.floats(0, 1),
    width=st.integers(20, 120),
)
def test_a_lane_of_any_run_fits_and_has_one_mark(lengths: list[int], start: int, at: float, width: int) -> None:
    segments, here = [], start
    for number, length in enumerate(lengths):
        segments.append(Segment(phase=list(Phase)[number % 3], start=here, end=here + length - 1))
        here += length
    rows = lane(tuple(segments), start + int(at * (here - start - 1)), width)
    assert len(rows) == 4
    assert "".join(rows).count("◆") == 1
    assert max(map(len, rows)) <= width


HOSTILE = "a\x1b[31mb\x1b]8;;http://x\x07c\x1b]0;title\x1b\\d\x07e\u202ef\x9b2Jg\x00\u2066h[bold]i[/bold] :smile:\r\nj"


def test_hostile_text_loses_its_controls_and_is_no_markup() -> None:
    assert clean(HOSTILE) == "abcdefgh[bold]i[/bold] :smile:\nj"
    hostile = diagnosis(
        agent=HOSTILE, file=HOSTILE, trace_id=HOSTILE, evidence=(Evidence(step=4, quote=HOSTILE, signal=HOSTILE),),
        cause="E2.2", secondary=(HOSTILE,), notes=(HOSTILE,),
    )  # fmt: skip
    for text in (page(hostile), printed(report.row(hostile, FAKE.taxonomy, 80))):
        assert "[bold]i[/bold]" in text or "…" in text
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2066]", text)


@given(st.text())
def test_cleaned_text_holds_nothing_that_moves_a_cursor_or_reorders(text: str) -> None:
    cleaned = clean(text)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", cleaned)
    assert "\n" not in line(text)


def test_a_long_quote_is_cut_and_says_so() -> None:
    text = page(diagnosis(evidence=(Evidence(step=4, quote="word " * 500),)))
    assert "[…]" in text
    assert len(text) < 4000


def test_a_row_keeps_the_end_of_a_long_file_name() -> None:
    found = diagnosis(file="/a/very/long/way/down/to/the/folder/of/runs/failed_run.json")
    assert printed(report.row(found, FAKE.taxonomy, 80)).rstrip("\n").endswith("failed_run.json")
    assert len(report.row(found, FAKE.taxonomy, 80).plain) <= 80
    assert "/a/very/long" in report.row(found, FAKE.taxonomy).plain


def test_a_cause_that_the_taxonomy_lacks_is_shown_by_its_id() -> None:
    assert "Verdict     X9" in page(diagnosis(cause="X9"))
