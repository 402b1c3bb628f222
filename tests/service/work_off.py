"""A real worker in a process of its own, with a classifier that needs no index: work_off.py FOLDER DATABASE QUEUE."""

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

LONG = 2.0  # seconds


class Slow(FakeClassifier):
    """Takes its time, so that a kill hits something; KILL in a task ends the process, LONG takes long."""

    def classify(self, trace: Trace, file: str | None = None) -> Diagnosis:
        time.sleep(LONG if "LONG" in trace.task else 0.02)
        if "KILL" in trace.task:
            os._exit(9)
        return super().classify(trace, file)


if __name__ == "__main__":
    folder, database, queue = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    hub = open_hub(folder, Slow(), database=database, queue=queue)
    worker.run(hub, lease=timedelta(seconds=2), sweep=0.3)
