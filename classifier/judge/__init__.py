"""The judge: a question to a language model about one run, and its opinion, checked before anyone believes it.

`ask` is all of it. `prepare` gives the question alone, for batch files: what comes back goes to `Prompt.read`, and to
`Prompt.again` once where it cannot be used; `tally` counts several votes.
"""

from classifier.diagnosis import Opinion
from classifier.judge._ask import Prompt, ask, prepare, tally
from classifier.judge._case import (
    Case,
    LabelledWindow,
    OpinionRejected,
    Options,
    approximate_tokens,
)
from classifier.judge._secrets import Secret

__all__ = [
    "Case",
    "LabelledWindow",
    "Opinion",
    "OpinionRejected",
    "Options",
    "Prompt",
    "Secret",
    "approximate_tokens",
    "ask",
    "prepare",
    "tally",
]
