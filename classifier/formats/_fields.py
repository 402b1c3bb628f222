"""Reading values of foreign JSON: what is unambiguous is accepted, the rest is a TraceError with its place.

A place is written as in code: `history[3].role`. Every string that ends in a Trace passes `text` or `clean`, so a
Trace can always be encoded as UTF-8.
"""

from __future__ import annotations

import json
import re
from typing import Any

from classifier.trace import Role, TraceError

_UNENCODABLE = re.compile("[\ud800-\udfff\x00]")
_LONGEST_NAME = 1000
_ROLES = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "human": Role.USER,
    "assistant": Role.ASSISTANT,
    "ai": Role.ASSISTANT,
    "model": Role.ASSISTANT,
    "tool": Role.TOOL,
    "function": Role.TOOL,
}


def clean(value: str) -> str:
    """Put U+FFFD for what UTF-8 or a database refuses: lone surrogates and NUL. All else stays."""
    return value if value.isascii() and "\x00" not in value else _UNENCODABLE.sub("\ufffd", value)


def mapping(value: Any, place: str) -> dict[str, Any]:
    """Return the value, which must be a JSON object."""
    if not isinstance(value, dict):
        raise TraceError(f"expected an object, found {_kind(value)}", place=place or "the top level")
    return value


def sequence(value: Any, place: str) -> list[Any]:
    """Return the value, which must be a list with something in it."""
    if not isinstance(value, list):
        raise TraceError(f"expected a list, found {_kind(value)}", place=place or "the top level")
    if not value:
        raise TraceError("no steps: the list is empty", place=place or "the top level")
    return value


def text(value: Any) -> str:
    """Return content as text: null is "", parts (OpenAI's text and image) come one a line, else it is JSON."""
    if isinstance(value, str):
        return clean(value)
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(_part(part) for part in value)
    return compact(value)


def compact(value: Any) -> str:
    """Write the value as JSON text, keys in the order of the source."""
    return clean(json.dumps(value, ensure_ascii=False))


def name(value: Any, place: str) -> str:
    """Return a name: a string that is not blank (a number is taken as one)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise TraceError(f"expected a name, found {_kind(value)}", place=place)
    if len(value) > _LONGEST_NAME:
        raise TraceError(f"a name of {len(value)} characters", place=place)
    return clean(value.strip())


def optional(value: Any) -> str | None:
    """Return text, or None where there is none."""
    return text(value) or None


def role(value: Any, place: str) -> Role:
    """Return a chat role by its usual names."""
    try:
        return _ROLES[value.strip().lower()]
    except (AttributeError, KeyError):
        known = ", ".join(sorted(_ROLES))
        raise TraceError(f"unknown role {compact(value)[:60]} (known: {known})", place=place) from None


def truth(value: Any) -> bool | None:
    """Read a yes or no however it was written (true, "True", 1, 1.0, "no"); None where it says neither."""
    if isinstance(value, str):
        return {"true": True, "yes": True, "false": False, "no": False}.get(value.strip().lower())
    if isinstance(value, bool | int | float) and value in (0, 1):
        return bool(value)
    return None


def _part(part: Any) -> str:
    if not isinstance(part, dict):
        return text(part)
    for key in ("text", "input_text", "output_text", "refusal"):
        if isinstance(part.get(key), str):
            return clean(part[key])
    if "image" in str(part.get("type", "")) or "image_url" in part:
        url = part.get("image_url", part.get("url"))
        url = url.get("url") if isinstance(url, dict) else url
        return f"[image: {clean(url)}]" if isinstance(url, str) and not url.startswith("data:") else "[image]"
    return compact(part)


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return names.get(type(value), "a number")
