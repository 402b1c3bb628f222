"""Untrusted text made harmless: nothing invisible, no marks of a conversation or of our own, nothing encoded.

Text is data whatever it says; what is taken from it here are the means by which it could stop looking like data.
Every change is an `Edit` of the source, so that a quote of the cleaned text leads back to the words of the log.
"""

# ruff: noqa: RUF001 - look-alike letters and marks are what is taken out here
from __future__ import annotations

import base64
import binascii
import html
import re
import string
import unicodedata
import urllib.parse
from typing import TYPE_CHECKING

from classifier.judge._passage import Edit, Passage, Why, merge

if TYPE_CHECKING:
    from collections.abc import Iterator

FORGED = "[a line made to look like a mark of this prompt was taken out]"

# Terminal sequences; then control characters, what Unicode calls default-ignorable or format (bidi, zero width, tags),
# fillers that look like nothing, private use, surrogates. Tabs and line ends stay.
_TERMINAL = r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)|[@-Z\\-_])|\x9b[0-?]{0,64}[@-~]"
_INVISIBLE = (
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160"
    r"\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0"
    r"\ufff0-\ufffb\ue000-\uf8ff\ud800-\udfff\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
_HIDDEN = re.compile(f"(?P<line>\r\n?|[\x0b\x0c\x85\u2028\u2029])|{_TERMINAL}|{_INVISIBLE}+")

# Letters of other scripts that pass for Latin ones, beyond what NFKC folds (Unicode TR 39, the common ones).
_LOOKALIKES = str.maketrans(
    {
        look: letter
        for letter, looks in {
            "a": "аɑα", "b": "вβƅ", "c": "сϲᴄ", "d": "ԁɗ", "e": "еєεҽ", "g": "ɡց", "h": "нһհ", "i": "іıɩιӏ", "j": "ј",
            "k": "кκ", "m": "мᴍ", "n": "ոռη", "o": "оοօσ", "p": "рρ", "q": "ԛգ", "r": "гᴦ", "s": "ѕꜱ", "t": "тτ",
            "u": "υսʋ", "v": "νѵ", "w": "ԝωա", "x": "хχ", "y": "уγү", "z": "ᴢ", "l": "ⅼ", "|": "ǀ∣│┃", "-": "‐‑‒–—―−",
            "<": "‹«〈《❮⟨⟪", ">": "›»〉》❯⟩⟫",
        }.items()
        for look in looks
    }
)  # fmt: skip
_CAPITALS = str.maketrans("ΝΗΥ", "nhy")  # Greek ones that look like another letter than their small ones
_ROLES = (
    "system|developer|assistant|user|human|ai|instructions?|new instructions?|important instructions?"
    "|system prompt|system message|system note|systeme|sistema|systemnachricht|anweisung|benutzer|usuario|utilisateur"
    "|assistent|asistente|система|пользователь|ассистент|系统|系統|用户|助手|指令|システム|ユーザー|アシスタント|시스템"
    "|نظام|النظام|المستخدم|सिस्टम|प्रणाली"
)
_NAMES = r"system|assistant|user|human|developer|tool|inst|sys|bos|eos|im_start|im_end|start_of_turn|end_of_turn|s"
_MARK = re.compile(
    r"(?P<turn><[|｜][^<>\n]{1,60}?[|｜]>|<{1,2}\s?/?\s?(?:"
    + _NAMES
    + r")(?:[ _-]?(?:prompt|message|reminder|instructions?|"
    r"results?|turn))?\s?>{1,2}|\[/?\s?(?:inst|system|system_prompt|available_tools|tool_results?|tool_calls?)\])"
    r"|^(?P<role>[\s>#*_`|\[({-]{0,12}(?:"
    + "|".join(sorted(_ROLES.translate(_LOOKALIKES).split("|"), key=len)[::-1])
    + r")"
    r"[\])}*_` ]{0,4})(?P<colon>[::])"
)
_THING = (
    r"(?:untrusted|log|trace|transcript|data|input|document|context|examples?|material|run|fence|quote|prompt|user)"
)
_OVER = "end|stop|close|finish|fin|ende|конец|结束|結束|終了|نهاية|समाप्त".translate(_LOOKALIKES)
_FENCE = re.compile(
    rf"(?:begin|start|{_OVER})\W{{0,8}}(?:of\W{{1,4}})?(?:the\W{{1,4}})?untrusted"
    rf"|(?<!<)<{{3,}}\W{{0,4}}(?:begin|start|{_OVER})\b|untrusted\W{{1,4}}(?:log|examples?)\b"
    rf"|^[\W_]{{0,40}}(?:<\W{{0,3}}/|{_OVER})[\W_]{{0,8}}(?:of[\W_]{{1,4}})?(?:the[\W_]{{1,4}})?"
    rf"{_THING}(?:[\W_]{{1,4}}{_THING}){{0,3}}(?:[\W_]{{1,4}}[0-9a-f]{{4,64}})?[\W_]{{0,40}}$"
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[ :]?){16,}")
_ESCAPED = re.compile(r"%[0-9a-fA-F]{2}|&#?\w{1,8};|\\[xu][0-9a-fA-F]{2}")
_BACKSLASH = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))")
_ROT13 = str.maketrans(
    string.ascii_letters,
    string.ascii_lowercase[13:]
    + string.ascii_lowercase[:13]
    + string.ascii_uppercase[13:]
    + string.ascii_uppercase[:13],
)
# "the this and you your with that ignore mark run as", turned: words that no language of a log has.
_TURNED = re.compile(r"\b(?:gur|guvf|naq|lbh|lbhe|jvgu|gung|vtaber|znex|eha|snvyrq|fhpprrqrq)\b", re.IGNORECASE)
_MIRRORED = re.compile(r"\b(?:eht|siht|uoy|ruoy|htiw|taht|erongi|kram|deliaf|dedeeccus)\b", re.IGNORECASE)
_TEXT, _LETTERS = 0.95, 0.6  # shares of printable characters and of letters from which decoded bytes are text


def clean(text: str, start: int = 0, end: int | None = None) -> list[Edit]:
    """Return what must be shown otherwise in `text[start:end]`; overlaps are left to `merge`. Linear in its length."""
    end = len(text) if end is None else end
    edits = [
        Edit(hit.start(), hit.end(), "\n" if hit["line"] else "", Why.CLEANED)
        for hit in _HIDDEN.finditer(text, start, end)
    ]
    at = start
    for line in text[start:end].splitlines(keepends=True):
        edits += [edit._replace(start=edit.start + at, end=edit.end + at) for edit in _in_line(line)]
        at += len(line)
    return edits


def one_line(text: str, most: int) -> str:
    """Return a name or a quote of the source as one harmless line of at most `most` characters."""
    text = text[: 4 * most]
    line = " ".join(Passage(text, merge(clean(text))).shown.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def skeleton(line: str) -> tuple[str, list[int]]:
    """Return a line as the eye reads it (folded, lower case, look-alikes Latin) and where each letter stood."""
    letters, places = [], []
    for place, letter in enumerate(line):
        if letter == "\0":  # what was hidden
            continue
        if letter.isascii():
            seen = letter.lower()
        else:
            seen = unicodedata.normalize("NFKC", letter).translate(_CAPITALS).casefold().translate(_LOOKALIKES)
        letters.append(seen)
        places += [place] * len(seen)
    return "".join(letters), places


def _in_line(line: str) -> Iterator[Edit]:
    bare = line.rstrip("\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
    if not bare.strip():
        return
    seen, places = skeleton(_HIDDEN.sub(lambda hit: "\0" * len(hit[0]), bare))
    marks = list(_MARK.finditer(seen))
    if _FENCE.search(seen) or _veiled(*_blanked(bare, seen, places, marks)):
        yield Edit(0, len(bare), FORGED, Why.CLEANED)
        return
    for mark in marks:
        first, last = places[mark.start()], places[mark.end() - 1] + 1
        if mark["turn"]:
            yield Edit(first, last, f"‹{mark['turn'].strip('<>|｜[]/ ')}›", Why.CLEANED)
        else:
            colon = places[mark.start("colon")]
            yield Edit(colon, colon + 1, " -", Why.CLEANED)
    yield from _encoded(bare)


def _blanked(bare: str, seen: str, places: list[int], marks: list[re.Match[str]]) -> tuple[str, str]:
    """Return both forms of a line without the marks that show: some of them look like marks when turned, too."""
    raw, eye = list(bare), list(seen)
    for mark in marks:
        for at in range(mark.start(), mark.end()):
            raw[places[at]] = eye[at] = " "
    return "".join(raw), "".join(eye)


def _veiled(bare: str, seen: str) -> bool:
    """Whether a mark or an order shows once the line is turned, mirrored or unescaped."""
    if len(_TURNED.findall(seen)) > 1 or len(_MIRRORED.findall(seen)) > 1:
        return True
    others = [seen.translate(_ROT13), seen[::-1]]
    if _ESCAPED.search(bare):
        plain = html.unescape(urllib.parse.unquote(bare))
        others.append(skeleton(_BACKSLASH.sub(lambda hit: chr(int(hit[1] or hit[2], 16)), plain))[0])
    return any(_FENCE.search(other) or _MARK.search(other) for other in others)


def _encoded(bare: str) -> Iterator[Edit]:
    """Leave out what decodes to readable text: it says nothing to whoever labels a run, and may hide anything."""
    for hit in _BASE64.finditer(bare):
        raw = hit[0].rstrip("=").replace("-", "+").replace("_", "/")
        raw = raw[: len(raw) - (len(raw) % 4 == 1)]
        if _readable(base64.b64decode(raw + "=" * (-len(raw) % 4))):
            yield Edit(
                hit.start(), hit.end(), f"[encoded text left out: base64, {len(hit[0]):,} characters]", Why.CLEANED
            )
    for hit in _HEX.finditer(bare):
        try:
            found = bytes.fromhex(re.sub(r"[ :]", "", hit[0]))
        except (ValueError, binascii.Error):
            continue
        if _readable(found):
            yield Edit(hit.start(), hit.end(), f"[encoded text left out: hex, {len(hit[0]):,} characters]", Why.CLEANED)


def _readable(found: bytes) -> bool:
    for coding in ("utf-8", "utf-16-le"):
        text = found.decode(coding, "ignore")
        if len(text.encode(coding)) < _TEXT * len(found) or (coding == "utf-16-le" and not text.isascii()):
            continue  # random bytes are valid UTF-16 too, though not of Latin letters
        letters = sum(letter.isspace() or unicodedata.category(letter)[0] in "LM" for letter in text)
        printable = sum(letter.isspace() or letter.isprintable() for letter in text)
        if text and letters >= _LETTERS * len(text) and printable >= _TEXT * len(text):
            return True
    return False
