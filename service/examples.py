"""What the API's documentation shows."""

from __future__ import annotations

from typing import Any

from classifier import formats


def description(judge: str | None) -> str:
    """Say what the service does, and who else may read the logs that are sent to it."""
    asked = (
        f"Where the labelled runs are not sure, {judge} is asked: it is sent the log, less the secrets found in it."
        if judge
        else "No language model is asked and nothing leaves the machine."
    )
    return f"""\
Send a log of an agent run in whatever format its framework wrote. Back comes which step sank it, which cause that
was, the quotes that prove it, and how sure that is. {asked}
"""


_LOG: dict[str, Any] = {
    "chat_history": [
        {"name": "user_proxy", "role": "assistant", "content": "How many rows has data.csv?"},
        {"name": "assistant", "role": "user", "content": "```python\nprint(len(open('input.csv').readlines()))\n```"},
        {"name": "user_proxy", "role": "assistant", "content": "exitcode: 1 (execution failed)\nCode output: "
         "FileNotFoundError: [Errno 2] No such file or directory: 'input.csv'"},
        {"name": "assistant", "role": "user", "content": "The file is not there, sorry. TERMINATE"},
    ]
}  # fmt: skip

_DIAGNOSIS: dict[str, Any] = {
    "trace_id": "run-7",
    "file": "run-7.json",
    "outcome": "unknown",
    "cause": "E3.2",
    "phase": "execution",
    "step": 1,
    "agent": "assistant",
    "confidence": 0.71,
    "steps": [{"step": 1, "agent": "assistant", "probability": 0.8}],
    "candidates": [{"cause": "E3.2", "probability": 0.71}, {"cause": "E2.2", "probability": 0.12}],
    "evidence": [
        {"step": 2, "quote": "No such file or directory: 'input.csv'", "signal": "missing_file"},
    ],
    "neighbours": [
        {
            "trace_id": "ag-1",
            "step": 3,
            "cause": "E3.2",
            "similarity": 0.83,
            "provenance": "model",
            "system": "autogen",
        }
    ],
    "secondary": [],
    "mitigation": {
        "kind": "navigation_tool",
        "advice": "List the working folder in the prompt and, on a missing path, route to a directory listing.",
    },
    "decided_by": "neighbours",
    "familiarity": "known",
    "segments": [{"phase": "execution", "start": 0, "end": 2}, {"phase": "response", "start": 3, "end": 3}],
    "notes": ["The source does not say whether the run failed; the cause is the likeliest one if it did."],
    "versions": {"coroner": "0.1.0", "index": "2025-1", "taxonomy": "lu2025", "embedder": "minilm:53aa51172d14"},
}

DIAGNOSES: dict[str, Any] = {
    "one run": {"value": _DIAGNOSIS},
    "several runs": {"value": [_DIAGNOSIS, {**_DIAGNOSIS, "trace_id": "run-8"}]},
}

REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "description": f"A log. Formats, found by content: {', '.join(formats.names())}.",
    "content": {
        "application/json": {"schema": {}, "examples": {"AutoGen chat history": {"value": _LOG}}},
        "application/x-ndjson": {"schema": {"type": "string"}},
        "text/plain": {"schema": {"type": "string"}},
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {"file": {"type": "array", "items": {"type": "string", "format": "binary"}}},
            }
        },
    },
}
