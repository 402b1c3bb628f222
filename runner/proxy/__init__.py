"""The recording proxy: an OpenAI-compatible endpoint through which a run reaches its model, and the run's record.

    with Proxy(model, record=folder / "record.jsonl", run=Run(id="r-1", framework="autogen"), unix=socket) as proxy:
        ... run the agent ...
    totals = proxy.totals
    add_outcome(record, Outcome(succeeded=True))

`model` is whatever answers (`runner.model.Model`). The record is read back by `classifier.formats` as a Trace, and by
`read` for its calls.
"""

from runner.proxy.caps import Caps, Totals
from runner.proxy.record import Call, End, Outcome, Record, RecordError, Run, add_outcome, read
from runner.proxy.server import Proxy, ProxyError
from runner.proxy.session import AGENT, LIMIT
from runner.proxy.window import Full, Window

__all__ = [
    "AGENT",
    "LIMIT",
    "Call",
    "Caps",
    "End",
    "Full",
    "Outcome",
    "Proxy",
    "ProxyError",
    "Record",
    "RecordError",
    "Run",
    "Totals",
    "Window",
    "add_outcome",
    "read",
]
