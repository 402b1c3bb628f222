"""A real worker in a process of its own, with a classifier that needs no index: work_off.py FOLDER DATABASE."""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from fake_classifier import FakeClassifier
from hubs import open_hub

from service.work import worker

if TYPE_CHECKING:
    from classifier.diagnosis import Diagnosis
    from classifier.trace import Trace


class Slow(FakeClassifier):
    """Takes its time, so that a kill hits something; KILL in a task ends the process, SLOW waits."""

    def classify(self, trace: Trace, file: str | None = None) -> Diagnosis:
        time.sleep(1.0 if "SLOW" in trace.task else 0.02)
        if "KILL" in trace.task:
            os._exit(9)
        return super().classify(trace, file)


if __name__ == "__main__":
    folder, database = Path(sys.argv[1]), sys.argv[2]
    worker.run(open_hub(folder, Slow(), database=database), lease=timedelta(seconds=2), sweep=0.3)
