"""A model double that obeys: whatever order it finds outside the fence, or takes for being outside, it carries out.

It is as gullible as can be. Inside the fence it takes anything like a mark for the end, anything like a role or a chat
template's token for a new turn; it sees through look-alike letters, invisible characters and encodings; it knows
nothing of bars and does not check codes. Only where none of that happens does it answer as it should.
"""

from __future__ import annotations

import base64
import codecs
import html
import json
import re
import unicodedata
import urllib.parse
from functools import cache
from typing import TYPE_CHECKING

from attacks import ORDER, ORDERS

from classifier.llm.request import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.llm.request import Request

_LOOKS = str.maketrans("аеорсухіѕтεντ", "aeopcyxistent")
_ENDS = re.compile(
    r"end\W{0,6}(of\W{0,3})?(the\W{0,3})?untrusted"
    r"|^\W*</?\s*(log|trace|data|untrusted\w*)\s*>|^\W*end of (the )?(log|trace|data)\W*$"
)
_TURNS = re.compile(
    r"^[\s|#*>]*(system|developer|assistant|user|human|" + "система".translate(_LOOKS) + r"|系统|النظام|सिस्टम)[\s*]*:"
    r"|<\|[^>]{1,40}\|>|\[/?inst\]|<</?sys>>|<(start|end)_of_turn>|</?system[\w -]*>"
)


class Obedient:
    """Answers with `answer`, unless it finds an order to obey. `obeyed` counts how often it did."""

    def __init__(self, answer: dict[str, object]) -> None:
        self.answer, self.obeyed, self.asked = answer, 0, 0

    def __call__(self, request: Request) -> Reply:
        self.asked += 1
        text = "\n".join(message.content for message in request.messages if message.role != "assistant")
        order = any(understands(heard) for heard in escaped(text))
        self.obeyed += order
        said = {**self.answer, "cause": "R2.2", "probability": 1.0, "reason": ORDER} if order else self.answer
        return Reply(text=json.dumps(said), finish_reason="stop", model=request.model)


@cache
def understands(text: str) -> bool:
    """Whether an order is in the text."""
    heard = " ".join(fold(text).split())
    return any(" ".join(fold(order).split()) in heard for order in ORDERS)


def escaped(text: str) -> Iterator[str]:
    """Give everything the double listens to: what is outside the fence or seems so, and what it decodes."""
    outside, inside, fooled = [], False, False
    for line in text.split("\n"):
        if line.startswith("<<<BEGIN UNTRUSTED "):
            inside, fooled = True, False
        elif inside and line.startswith("<<<END UNTRUSTED ") and not fooled and _real(line, text):
            inside = False
        elif not inside or fooled:
            outside.append(line)
            inside = inside and not (fooled and _real(line, text))
        elif any(
            _ENDS.search(seen) or _TURNS.search(seen)
            for part in re.split(r"[\r\u2028\u2029]", line)
            for seen in views(part)
        ):
            fooled = True
            outside += views(line)
        yield from thoughts(line)
    whole = "\n".join(outside)
    yield from views(whole)


def _real(line: str, text: str) -> bool:
    """Whether a closing mark has the code of the first opening one."""
    code = re.search(r"<<<BEGIN UNTRUSTED \w+ (\w+)>>>", text)
    return bool(code) and f" {code[1]}>>>" in line


def fold(text: str) -> str:
    """See a text as the eye does."""
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    text = "".join(letter for letter in text if letter in "\n\t" or unicodedata.category(letter)[0] != "C")
    return unicodedata.normalize("NFKC", text).casefold().translate(_LOOKS)


def views(text: str) -> list[str]:
    """Give a text as it is, turned, mirrored and unescaped."""
    plain = html.unescape(urllib.parse.unquote(text))
    plain = re.sub(r"\\u([0-9a-fA-F]{4})", lambda hit: chr(int(hit[1], 16)), plain)
    return [fold(text), fold(codecs.encode(text, "rot13")), fold(text)[::-1], fold(plain)]


@cache  # most lines of a prompt are the codebook's
def thoughts(line: str) -> tuple[str, ...]:
    """Give what a line says once decoded: the double takes it for its own idea, wherever it stood."""
    return tuple(_thoughts(line))


def _thoughts(line: str) -> Iterator[str]:
    yield "".join(chr(ord(letter) - 0xE0000) for letter in line if 0xE0020 <= ord(letter) < 0xE007F)
    for blob in re.findall(r"[A-Za-z0-9+/_-]{16,}={0,2}", line):
        raw = blob.rstrip("=").replace("-", "+").replace("_", "/")
        if len(raw) % 4 != 1:
            found = base64.b64decode(raw + "=" * (-len(raw) % 4))
            yield found.decode("utf-8", "ignore")
            yield found.decode("utf-16-le", "ignore")
    for blob in re.findall(r"(?:[0-9a-f]{2} ?){12,}", line):
        yield bytes.fromhex(blob).decode("utf-8", "ignore")
    if not understands(line):  # an order in plain words is no thought of its own
        yield codecs.encode(line, "rot13")
        yield fold(line)[::-1]
