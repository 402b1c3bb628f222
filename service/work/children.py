"""Workers as children of the service: started with it, ended with it, started again where one dies."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

from service.work.reader import PARENT_DEATH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAUSE = 2.0  # seconds before a worker that died is started again, so that a broken one does not spin
GRACE = 30.0  # seconds that a worker may take to finish what it has begun


@contextlib.contextmanager
def workers(number: int, options: Sequence[str]) -> Iterator[None]:
    """Keep `number` processes of `coroner worker` running."""
    ended = threading.Event()
    threads = [threading.Thread(target=_keep, args=(options, ended), daemon=True) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _keep(options: Sequence[str], ended: threading.Event) -> None:
    command = [sys.executable, "-c", "from classifier.cli import main; main()", "worker", *options]
    while not ended.is_set():
        child = subprocess.Popen(  # noqa: S603 - ours
            command,
            process_group=0,  # Ctrl-C is for us, who then tell it
            preexec_fn=end_with_parent,  # noqa: PLW1509 - it locks nothing
        )
        while child.poll() is None and not ended.wait(0.2):
            pass
        if child.poll() is None:
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(GRACE)
            child.kill()
            child.wait()
        elif not ended.is_set():
            time.sleep(PAUSE)


def end_with_parent() -> None:
    """Let a service that is killed take its workers along; they finish what they have begun."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PARENT_DEATH, signal.SIGTERM)
