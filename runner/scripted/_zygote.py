"""The lab's helper process: it has the packages imported, and forks for each piece of code. See `lab`.

It reads a JSON object a line (`folder`, `code`, `seconds`) and answers with one (`printed`, `error`).
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import signal
import sys
import traceback

_WANTED = ("numpy", "pandas", "scipy.stats", "sklearn.linear_model", "requests", "bs4", "re", "json", "csv")
_WALL = 6  # seconds of the clock for each of the processor's: what waits for ever uses none
_MEMORY, _FILE = 4 * 2**30, 64 * 2**20  # bytes that a trial may take
_MOST = 200_000  # characters of output that are kept


def main() -> None:
    """Serve until standard input is closed."""
    for name in _WANTED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        question = json.loads(line)
        answers.write(json.dumps(_try(question["folder"], question["code"], int(question["seconds"]))) + "\n")
        answers.flush()


def _try(folder: str, code: str, seconds: int) -> dict[str, str]:
    printed, verdict = (os.path.join(os.path.dirname(folder), name) for name in ("printed", "verdict"))  # noqa: PTH118, PTH120 - a file for each, beside the folder
    child = os.fork()
    if not child:
        status = 1
        try:
            _run(folder, code, seconds, printed, verdict)
            status = 0
        finally:
            os._exit(status)
    os.waitpid(child, 0)
    return {"printed": _read(printed)[:_MOST], "error": _read(verdict) or ("" if os.path.exists(verdict) else "Killed")}  # noqa: PTH110


def _run(folder: str, code: str, seconds: int, printed: str, verdict: str) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))  # not of the clock: a busy machine tells the same
    signal.alarm(seconds * _WALL)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE, _FILE))
    os.chdir(folder)
    out = os.open(printed, os.O_WRONLY | os.O_CREAT, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    error = ""
    sys.argv = ["script.py"]
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - the descriptor itself
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    try:
        exec(compile(code, "script.py", "exec"), {"__name__": "__main__"})  # noqa: S102 - this is what it is for
    except SystemExit as ended:
        error = "SystemExit" if ended.code else ""
    except BaseException as raised:  # noqa: BLE001 - whatever it raises is the outcome
        traceback.print_exc()
        error = type(raised).__name__
    sys.stdout.flush()
    sys.stderr.flush()
    with open(verdict, "w") as file:  # noqa: PTH123
        file.write(error)


def _read(path: str) -> str:
    try:
        with open(path, errors="replace") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return ""


if __name__ == "__main__":
    main()
