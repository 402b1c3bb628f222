"""The fence around untrusted text: marks that the text cannot hold, because their code is computed from it.

The code must be the same for the same prompt, or no recorded answer would ever be found again, and it must be
something that whoever wrote the log could not have put into it. A random code would be the second but not the first; a
code kept secret on one machine would be both, but a recorded answer would be worth nothing on another. So it is a hash
of all untrusted text in the prompt: to close the fence, a text would have to hold 128 bits of its own hash. It is
known only once the text can no longer be changed. As after a MIME boundary, the text is searched for it all the same.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_BYTES = 16


def nonce(texts: Sequence[str], key: bytes = b"") -> str:
    """Return the code of the marks around `texts`: 32 hex digits that occur in none of them.

    `key` (at most 64 bytes) makes it secret too, where answers need not be found again on another machine.
    """
    attempt = 0
    while True:
        digest = hashlib.blake2b(digest_size=_BYTES, key=key)
        for part in (str(attempt), *texts):
            raw = part.encode("utf-8", "surrogatepass")
            digest.update(len(raw).to_bytes(8, "big") + raw)
        code = digest.hexdigest()
        if not any(code in text.lower() for text in texts):
            return code
        attempt += 1


def fence(what: str, text: str, code: str) -> str:
    """Return `text`, whose lines all stand behind bars or are our own, between marks with the code."""
    return f"<<<BEGIN UNTRUSTED {what} {code}>>>\n{text}\n<<<END UNTRUSTED {what} {code}>>>"
