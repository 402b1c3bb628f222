"""Forms: how a value can be written other than it was asked for. `scoring` tells wrong forms from wrong values by it.

Everything here errs to the side of "wrong": a wrong form is claimed only where the right value is plainly there.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, InvalidOperation

from runner.task import Answer, Kind

_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_WRITTEN = re.compile(
    r"(?<![\w.])[+-]?(?:\d{1,3}(?:[,'\u00a0\u2009\u202f ]\d{3})+|\d+)?(?:\.\d+|(?<=\d))(?:[eE][+-]?\d{1,3})?(?!\w*\d)",
    re.ASCII,
)
_GROUPED = re.compile(r"(?<=\d)[,'\u00a0\u2009\u202f ](?=\d{3}(?!\d))")
_WRAPPING = " \t\r\n\"'`*_.,;:!?()[]{}<>\u201c\u201d\u2018\u2019$"
_HEDGE = re.compile(r"\b(?:or|not|nor|either|neither|but)\b|[,;/|]", re.IGNORECASE)
_SEPARATORS = re.compile(r"\s*[,;|/\n\u2022>]\s*|\s+(?:and|then|->)\s+|\s*\u2192\s*", re.IGNORECASE)


def clean(text: str) -> str:
    """Return the text in one normal form of Unicode, with single spaces, and none at its ends."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def number(text: str) -> Decimal | None:
    """Read a plain number; None where the text is anything else, such as 1,234 or 5 EUR."""
    return Decimal(text) if _PLAIN.fullmatch(text) else None


def equal(answer: Answer, value: str) -> bool:
    """Tell whether the value is right, in the form that is declared.

    Numbers are compared as numbers, so that 34.6 is 34.60; but 34.601 is not, where two decimals are asked for.
    """
    given, expected = clean(value), clean(answer.value)
    if answer.kind is Kind.LIST:
        return _same_items(answer, given.split(","), expected.split(","))
    return given == expected or (answer.kind is Kind.NUMBER and _same_number(given, expected))


def misformed(answer: Answer, value: str) -> str | None:
    """Say in what way a value that is not `equal` has the right value in a wrong form; None where it has not."""
    given, expected = clean(value).replace("\u2212", "-"), clean(answer.value)
    if answer.kind is Kind.NUMBER:
        return _misformed_number(given, Decimal(expected), answer.decimals) if number(expected) is not None else None
    if answer.kind is Kind.LIST:
        return _misformed_list(answer, value, expected)
    if given.casefold() == expected.casefold():
        return "letter case differs"
    if given.strip(_WRAPPING).casefold() == expected.strip(_WRAPPING).casefold() and expected.strip(_WRAPPING):
        return "quotes, brackets or punctuation around it"
    rest = re.sub(re.escape(expected), " ", given, flags=re.IGNORECASE)
    return "more than the value" if _spoken(expected, given) and not _HEDGE.search(rest) else None


def told(answer: Answer, prose: str) -> bool:
    """Tell whether running text gives the right value, if not in the form. A short number must be all that it gives."""
    expected = clean(answer.value)
    if answer.kind is Kind.NUMBER:
        wanted = number(expected)
        found = [*map(_read, _WRITTEN.findall(prose.replace("\u2212", "-")))]
        if wanted is None or wanted not in found:
            return False
        return _digits(wanted) > 2 or set(found) == {wanted}
    if answer.kind is Kind.LIST:
        return _told_list(expected, clean(prose))
    return _spoken(expected, clean(prose))


def _same_number(given: str, expected: str) -> bool:
    left, right = number(given), number(expected)
    return left is not None and left == right


def _same_items(answer: Answer, given: list[str], expected: list[str]) -> bool:
    if len(given) != len(expected):
        return False
    numeric = answer.decimals is not None
    pairs = [(left.strip(), right.strip()) for left, right in zip(given, expected, strict=True)]
    return all(left == right or (numeric and _same_number(left, right)) for left, right in pairs)


def _misformed_number(given: str, expected: Decimal, decimals: int | None) -> str | None:
    found = [value for value in map(_read, _WRITTEN.findall(given)) if value is not None]
    if len(found) != 1:
        return None
    value, bare = found[0], number(given) is not None
    if value == expected:
        return "a thousands separator" if _read(given) == expected else "more than a plain number, such as a unit"
    if _rounds_to(value, expected, decimals):
        return "rounded to other places" if bare else "rounded to other places, and more than the number"
    return _misscaled(value, expected, decimals, percent="%" in given)


def _misscaled(value: Decimal, expected: Decimal, decimals: int | None, *, percent: bool) -> str | None:
    fraction, hundredfold = value / 100, value * 100
    if 0 < abs(expected) <= 1 and (percent or abs(value) > 1):
        if fraction == expected or _rounds_to(fraction, expected, decimals):
            return "a percentage in place of a fraction"
    elif (
        decimals != 0
        and 0 < abs(value) <= 1
        and (hundredfold == expected or _rounds_to(hundredfold, expected, decimals))
    ):
        return "a fraction in place of a percentage"
    return None


def _rounds_to(value: Decimal, expected: Decimal, decimals: int | None) -> bool:
    """Tell whether the value is the expected one with more places than asked for, or with fewer, but two digits."""
    asked = -int(expected.as_tuple().exponent) if decimals is None else decimals
    has = max(0, -int(value.as_tuple().exponent))
    if has > asked:
        return decimals is not None and expected in _rounded(value, asked)
    return has < asked and value != 0 and (_digits(value) > 1 or has == asked - 1) and value in _rounded(expected, has)


def _rounded(value: Decimal, places: int) -> tuple[Decimal, ...]:
    unit = Decimal(1).scaleb(-places)
    try:
        return tuple(value.quantize(unit, mode) for mode in (ROUND_HALF_EVEN, ROUND_HALF_UP))
    except InvalidOperation:  # more digits than Decimal carries: no answer of a task
        return ()


def _misformed_list(answer: Answer, value: str, expected: str) -> str | None:
    wanted = [item.strip() for item in expected.split(",")]
    bare = clean(value).strip(_WRAPPING).split(",")
    items = [clean(item).strip(_WRAPPING) for item in _SEPARATORS.split(value.strip(_WRAPPING))]
    items = [item for item in items if item]
    if _same_items(answer, bare, wanted):
        return "brackets or punctuation around it"
    if _same_items(answer, [item.casefold() for item in items], [item.casefold() for item in wanted]):
        return "other separators, quotes or letter case"
    key = [str(number(item) or item).casefold() if answer.decimals is not None else item.casefold() for item in items]
    want = [str(number(item) or item).casefold() if answer.decimals is not None else item.casefold() for item in wanted]
    return "another order" if Counter(key) == Counter(want) else None


def _told_list(expected: str, prose: str) -> bool:
    """Tell whether all items are there, in their order."""
    place = 0
    for item in (item.strip() for item in expected.split(",")):
        found = re.compile(rf"(?<!\w){re.escape(item)}(?!\w)", re.IGNORECASE).search(prose, place)
        if not found:
            return False
        place = found.end()
    return True


def _spoken(expected: str, prose: str) -> bool:
    """Tell whether the value stands there as words of its own; up to three letters count only at the end after "is"."""
    word = rf"(?<!\w){re.escape(expected)}(?!\w)"
    if len(expected) > 3:
        return re.search(word, prose, re.IGNORECASE) is not None
    return re.search(rf"(?:\bis|[:=])\s*[\"'`*]*{word}[\"'`*.!]*\s*$", prose, re.IGNORECASE) is not None


def _read(written: str) -> Decimal | None:
    return number(_GROUPED.sub("", written))


def _digits(value: Decimal) -> int:
    return len(value.normalize().as_tuple().digits)
