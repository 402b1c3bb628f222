"""`coroner label` in a process of its own, with a classifier that needs no index and takes its time."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from fake_classifier import FakeClassifier

from classifier.cli import app
from classifier.terminal import Tools

if TYPE_CHECKING:
    from classifier.diagnosis import Diagnosis
    from classifier.trace import Trace


class Slow(FakeClassifier):
    """Takes its time, so that a kill hits something."""

    def classify(self, trace: Trace, file: str | None = None) -> Diagnosis:
        time.sleep(0.01)
        return super().classify(trace, file)


if __name__ == "__main__":
    app(["label", *sys.argv[1:]], obj=Tools(load=lambda *_: Slow()))
