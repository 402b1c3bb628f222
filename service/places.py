"""Places: where a run lies among others, as the database keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier import encoding
from classifier.pipeline import Classifier

if TYPE_CHECKING:
    from classifier.intake import Classifies
    from classifier.trace import Trace


def place(classifier: Classifies, trace: Trace) -> bytes | None:
    """Return the run's vector in half precision; None from a classifier without vectors, and of a run that succeeded.

    To be asked after the diagnosis: what was embedded for that is at hand.
    """
    if not isinstance(classifier, Classifier) or trace.succeeded:
        return None
    found: bytes = encoding.place(trace, classifier.embedder).astype("float16").tobytes()
    return found
