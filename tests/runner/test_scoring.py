from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.scoring import Verdict, extract, score, state, without_answers
from runner.task import Answer, Category, Kind, Task

if TYPE_CHECKING:
    from decimal import Decimal

RIGHT, WRONG, MISSING, MISFORMED = Verdict.RIGHT, Verdict.WRONG, Verdict.MISSING, Verdict.MISFORMED


def task(*answers: Answer) -> Task:
    return Task(id="t", category=Category.DATA, description="d", instruction="i", answers=answers)


def verdict(final: str, value: str, kind: Kind = Kind.TEXT, decimals: int | None = None) -> Verdict:
    return score(task(Answer(name="x", value=value, kind=kind, decimals=decimals)), final).checked[0].verdict


@pytest.mark.parametrize(
    ("final", "expected"),
    [
        ("@x[1]", {"x": "1"}),
        ("Done. **@x[ 1 ]** @y[a b].", {"x": "1", "y": "a b"}),
        ("@x[1] and later @x[2]", {"x": "2"}),
        ("@x[[1, 2], [3]]", {"x": "[1, 2], [3]"}),
        ("@x[\n1\n]", {"x": "1"}),
        ("@x[1", {}),
        ("@x[ @y[2]", {"y": "2"}),
        ("@x []", {}),
        ("a@x[1] @@x[1]", {}),
        ("", {}),
    ],
)
def test_the_last_closed_form_of_each_name_is_extracted(final: str, expected: dict[str, str]) -> None:
    assert extract(final) == expected


def test_what_is_said_beside_the_answers_is_kept() -> None:
    assert without_answers("a @x[1] b @y[2] c @x[3]", {"x"}).split() == ["a", "b", "@y[2]", "c"]


@pytest.mark.parametrize(
    ("final", "value", "decimals", "expected"),
    [
        ("@x[34.65]", "34.65", 2, RIGHT),
        ("@x[34.6]", "34.60", 2, RIGHT),
        ("@x[+7]", "7", 0, RIGHT),
        ("@x[7.0]", "7", 0, RIGHT),
        ("@x[3.465e1]", "34.65", 2, RIGHT),
        ("@x[34.6512]", "34.65", 2, MISFORMED),
        ("@x[34.7]", "34.65", 2, MISFORMED),
        ("@x[35]", "34.65", 2, MISFORMED),
        ("@x[0]", "0.42", 2, WRONG),
        ("@x[34.64]", "34.65", 2, WRONG),
        ("@x[34.65 EUR]", "34.65", 2, MISFORMED),
        ("@x[$34.65]", "34.65", 2, MISFORMED),
        ("@x[1,234.50]", "1234.50", 2, MISFORMED),
        ("@x[1 234.50]", "1234.50", 2, MISFORMED),
        ("@x[42%]", "0.42", 2, MISFORMED),
        ("@x[41.8%]", "0.42", 2, MISFORMED),
        ("@x[42]", "0.42", 2, MISFORMED),
        ("@x[0.42]", "42.00", 2, MISFORMED),
        ("@x[0.42]", "42", 0, WRONG),
        ("@x[\u22125]", "-5", 0, MISFORMED),
        ("@x[5]", "-5", 0, WRONG),
        ("@x[between 34.65 and 40]", "34.65", 2, WRONG),
        ("@x[nan]", "34.65", 2, WRONG),
        ("@x[]", "34.65", 2, MISSING),
        ("@x[]", "0", 0, MISSING),
        ("The mean is 34.65 over 12 rows.", "34.65", 2, MISFORMED),
        ("The mean is 1,234.5 over 12 rows.", "1234.50", 2, MISFORMED),
        ("@X[34.65]", "34.65", 2, MISFORMED),
        ("There are 5 of them.", "5", 0, MISFORMED),
        ("I read 12 rows; 5 of them are late.", "5", 0, MISSING),
        ("I could not find the file.", "34.65", 2, MISSING),
        ("@x[12] since the mean is 34.65", "34.65", 2, WRONG),
    ],
)
def test_numbers_are_compared_as_numbers_and_wrong_forms_are_told_apart(
    final: str, value: str, decimals: int | None, expected: Verdict
) -> None:
    assert verdict(final, value, Kind.NUMBER, decimals) is expected


@pytest.mark.parametrize(
    ("final", "value", "expected"),
    [
        ("@x[Nordic Lamp]", "Nordic Lamp", RIGHT),
        ("@x[ Nordic   Lamp ]", "Nordic Lamp", RIGHT),
        ("@x[Caf\u0065\u0301]", "Caf\u00e9", RIGHT),
        ("@x[nordic lamp]", "Nordic Lamp", MISFORMED),
        ("@x['Nordic Lamp']", "Nordic Lamp", MISFORMED),
        ("@x[Nordic Lamp.]", "Nordic Lamp", MISFORMED),
        ("@x[the Nordic Lamp]", "Nordic Lamp", MISFORMED),
        ("@x[Nordic Lamp or Baltic Chair]", "Nordic Lamp", WRONG),
        ("@x[Nordic Lamp, Baltic Chair]", "Nordic Lamp", WRONG),
        ("@x[not Nordic Lamp]", "Nordic Lamp", WRONG),
        ("@x[Nordic Lamps]", "Nordic Lamp", WRONG),
        ("It is the Nordic Lamp.", "Nordic Lamp", MISFORMED),
        ("The answer is: No.", "No", MISFORMED),
        ("No file was found", "No", MISSING),
        ("@x[x]", "Nordic Lamp", WRONG),
    ],
)
def test_texts_match_exactly_and_wrong_forms_are_told_apart(final: str, value: str, expected: Verdict) -> None:
    assert verdict(final, value) is expected


@pytest.mark.parametrize(
    ("final", "decimals", "expected"),
    [
        ("@x[north, 2.50, east]", 2, RIGHT),
        ("@x[north,2.5,east]", 2, RIGHT),
        ("@x[north,2.5,east]", None, WRONG),
        ("@x[[north, 2.50, east]]", 2, MISFORMED),
        ("@x['north', '2.50', 'east']", 2, MISFORMED),
        ("@x[north; 2.50; east]", 2, MISFORMED),
        ("@x[North, 2.50, East]", 2, MISFORMED),
        ("@x[east, 2.50, north]", 2, MISFORMED),
        ("@x[north, 2.50]", 2, WRONG),
        ("@x[north, 2.50, east, east]", 2, WRONG),
        ("First north, then 2.50, last east.", 2, MISFORMED),
        ("First east, then 2.50, last north.", 2, MISSING),
    ],
)
def test_lists_match_item_by_item_in_order(final: str, decimals: int | None, expected: Verdict) -> None:
    assert verdict(final, "north, 2.50, east", Kind.LIST, decimals) is expected


def test_a_run_succeeds_where_every_value_is_right() -> None:
    both = task(Answer(name="a", value="1", kind=Kind.NUMBER), Answer(name="b", value="two"))
    assert score(both, "@a[1] @b[two]").success
    half = score(both, "@a[1] @b[three]")
    assert not half.success
    assert [(one.given, one.verdict) for one in half.checked] == [("1", RIGHT), ("three", WRONG)]
    assert half.checked[1].why


NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
VALUES = st.text(st.characters(exclude_characters="[]@", exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip)
TEXTS = st.text(st.characters(exclude_characters="[]@", exclude_categories=["Cs"]))


@given(st.dictionaries(NAMES, VALUES, min_size=1), TEXTS, TEXTS)
def test_what_is_stated_is_extracted_from_any_text(values: dict[str, str], before: str, after: str) -> None:
    assert extract(f"{before}\n{state(values)}\n{after}") == {name: value.strip() for name, value in values.items()}


@given(st.text())
def test_any_text_is_scored(final: str) -> None:
    answers = [Answer(name=kind, value="3.25", kind=kind, decimals=2) for kind in Kind]
    for one in score(task(*answers), final).checked:
        assert (one.given is None) <= (one.verdict in {MISSING, MISFORMED})


@given(st.decimals(-(10**9), 10**9, places=3), st.integers(0, 2))
def test_a_number_with_more_places_than_asked_for_is_misformed_and_never_right(exact: Decimal, decimals: int) -> None:
    value = round(exact, decimals)
    expected = RIGHT if value == exact else MISFORMED
    assert verdict(f"@x[{exact:f}]", f"{value:f}", Kind.NUMBER, decimals) is expected


@given(st.decimals(-(10**6), 10**6, places=2), st.decimals(-(10**6), 10**6, places=2))
def test_a_number_is_right_only_where_it_is_equal(value: Decimal, given: Decimal) -> None:
    assert (verdict(f"@x[{given:f}]", f"{value:f}", Kind.NUMBER, 2) is RIGHT) == (value == given)


@given(st.lists(st.from_regex(r"[a-z]{1,6}", fullmatch=True), min_size=1, max_size=6))
def test_a_list_in_another_order_is_misformed(items: list[str]) -> None:
    other = sorted(items)
    expected = RIGHT if other == items else MISFORMED
    assert verdict(f"@x[{', '.join(other)}]", ",".join(items), Kind.LIST) is expected
