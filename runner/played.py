"""Play the stages of a solution as a script and as a kernel would; runs where coroner is not, so it imports none of it.

Reads stages.json (a list of pieces of code) in its working folder, and writes played.json: for either way of running a
list of `[standard output, traceback or ""]`. In the folder script/, all stages so far run as one script, again and
again, as AutoGen sends them; in kernel/, stage by stage, with the names of the earlier ones, as in MetaGPT and
TaskWeaver.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from pathlib import Path


def main() -> None:
    """Play the stages both ways."""
    home = Path.cwd()
    stages = json.loads((home / "stages.json").read_text(encoding="utf-8"))
    scripts = ["\n".join(stages[: i + 1]) for i in range(len(stages))]
    played = {
        "script": [_play(home / "script", code, _names()) for code in scripts],
        "kernel": _kernel(home / "kernel", stages),
    }
    (home / "played.json").write_text(json.dumps(played), encoding="utf-8")


def _kernel(folder: Path, stages: list[str]) -> list[tuple[str, str]]:
    names = _names()
    return [_play(folder, code, names) for code in stages]


def _names() -> dict[str, object]:
    return {"__name__": "__main__", "__builtins__": __builtins__}


def _play(folder: Path, code: str, names: dict[str, object]) -> tuple[str, str]:
    """Run code in a folder; what its child processes print counts as well."""
    os.chdir(folder)
    sys.stdout.flush()
    saved = os.dup(1)
    problem = ""
    with tempfile.TemporaryFile() as out:
        os.dup2(out.fileno(), 1)
        try:
            exec(compile(code, "solution.py", "exec"), names)  # noqa: S102 - the point of it
        except BaseException:  # noqa: BLE001 - a script may also exit
            problem = traceback.format_exc()
        finally:
            sys.stdout.flush()
            os.dup2(saved, 1)
            os.close(saved)
        out.seek(0)
        return out.read().decode("utf-8", "replace"), problem


if __name__ == "__main__":
    main()
