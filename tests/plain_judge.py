"""A stand-in for a language model: answers any prompt in good form, and knows nothing. To try the judge without a key.

    PYTHONPATH=tests python tests/model_server.py --port 8001 --answer plain_judge:answer

It names the first cause that the prompt defines, and quotes the longest line of the log.
"""

from __future__ import annotations

import json
import re
from typing import Any

_CAUSE = re.compile(r"# Causes\n(\S+) ")
_STEP = re.compile(r"\[step (\d+)\] ([^\n]*)\n((?:\|[^\n]*\n?)*)")


def answer(body: dict[str, Any]) -> str:
    """Return the answer to a request of the Chat Completions API."""
    prompt = body["messages"][1]["content"]
    log = prompt.split("<<<BEGIN UNTRUSTED LOG ")[1].split("<<<END UNTRUSTED LOG ")[0]
    said = [
        (line[2:].strip(), int(number), head)
        for number, head, text in _STEP.findall(log)
        for line in text.splitlines()
        if "[SECRET-" not in line
    ]
    quote, step, head = max(said, key=lambda each: len(each[0][:200]))
    found = _CAUSE.search(prompt)
    return json.dumps(
        {
            "quotes": [quote[:200].strip()],
            "reason": "This stand-in reads nothing; it names the first cause of the list.",
            "step": step,
            "agent": head.split(",")[0],
            "cause": found[1] if found else "unknown",
            "second_cause": None,
            "probability": 0.5,
        }
    )
