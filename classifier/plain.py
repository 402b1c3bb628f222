"""Text of hostile traces, made safe to print."""

from __future__ import annotations

import re
import unicodedata

# CSI and OSC (also DCS, SOS, PM, APC) sequences whole, so that no "[31m" is left behind
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
)
_BREAKS = re.compile(r"\r\n?|[\u2028\u2029\x85\x0b\x0c]")
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Co"))  # control, format (bidi, zero width), surrogate, private use


def clean(text: str) -> str:
    """Return text without escape sequences, control, bidi or other invisible characters.

    Line breaks of any kind become a newline, tabs a space.
    """
    text = _BREAKS.sub("\n", _ESCAPES.sub("", text)).replace("\t", " ")
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in _INVISIBLE)


def line(text: str) -> str:
    """Return `clean` text on one line."""
    return " ".join(clean(text).split())
