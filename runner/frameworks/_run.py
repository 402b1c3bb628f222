"""What the frameworks share: the run's folder in the workspace, how a driver is started, and the safe way back."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.frameworks import Installed, Setup, Start

if TYPE_CHECKING:
    from collections.abc import Sequence

RUN = ".coroner"  # folder in the workspace: what the run is told, and its native logs; _driver.py names it too
KEY = "thrown-away-by-coroner"  # the frameworks ask for a key; the proxy needs none
HOME = "/home/agent"  # what every sandbox has as an empty home
MAX_LOG = 64 * 2**20  # bytes of one native log; a run that leaves more has gone astray

DRIVERS = Path(__file__).parent / "drivers"
PLACE = "/opt/coroner/drivers"  # where the run finds them
_PYTHON = "/opt/python"
# a shared build (pyenv's, say) knows its library by the host's folder, or takes the system's of another release
_AT_ITS_PLACE = {"PYTHONHOME": _PYTHON, "LD_LIBRARY_PATH": f"{_PYTHON}/lib"}


def prepare(setup: Setup, driver: str, env: dict[str, str] | None = None, **more: Any) -> Start:
    """Write what the driver is told (`more` besides the setup), and say how it is started.

    The whole environment is made here: nothing of ours reaches the run.
    """
    folder = setup.workspace / RUN
    folder.mkdir()
    told = {
        "prompt": setup.prompt,
        "model": setup.model,
        "base_url": setup.base_url,
        "max_rounds": setup.max_rounds,
        "key": KEY,
    }
    (folder / "setup.json").write_text(json.dumps(told | more, ensure_ascii=False), encoding="utf-8")
    places = _places(setup.installed)
    tools = f"/opt/{setup.installed.name}/bin"
    return Start(
        argv=(f"{tools}/python", f"{PLACE}/{driver}.py"),
        env={
            "PATH": f"{tools}:/usr/local/bin:/usr/bin:/bin",  # the agent's `python` is the framework's
            "HOME": HOME,
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            "PYTHONHASHSEED": "0",  # the same run twice gives the same log
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_RETRIES": "0",  # there is no network: say so at once
            "MPLBACKEND": "Agg",
            "OPENBLAS_NUM_THREADS": "1",  # threads count against the run's processes
            "OMP_NUM_THREADS": "1",
        }
        | (_AT_ITS_PLACE if _PYTHON in places.values() else {})
        | (env or {}),
        readable={DRIVERS: PLACE} | places,
    )


def _places(installed: Installed) -> dict[Path, str]:
    """Return where the run finds the environment, and its Python beside it: at the same places on every machine.

    So tracebacks, and what they do to a context window, are the same everywhere, and name no folder of the host. Where
    nothing is to be shown (an image has it all), the environment is at its place already.
    """
    return dict(zip(installed.folders, (f"/opt/{installed.name}", _PYTHON), strict=False))


def native(workspace: Path, names: Sequence[str]) -> tuple[Path, ...]:
    """Return those of the named logs that are there, as plain files of a bearable size in the run's own folder.

    The agent may have written anything there: links and devices are left alone. The key is struck out of what remains.
    """
    folder = workspace.resolve() / RUN
    found = (folder / name for name in names)
    return tuple(path for path in found if _is_plain(path) and _redacted(path))


def read(path: Path) -> Any:
    """Return the JSON in one of `native`'s files, None where there is none."""
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None


def _is_plain(path: Path) -> bool:
    try:
        if path.resolve() != path:  # a link somewhere on the way
            return False
        found = path.lstat()
    except (OSError, RuntimeError):  # not there; a ring of links
        return False
    return stat.S_ISREG(found.st_mode) and 0 < found.st_size <= MAX_LOG


def _redacted(path: Path) -> bool:
    """Strike the key out, byte for byte, so that an SQLite file stays one."""
    data = path.read_bytes()
    if KEY.encode() in data:
        fresh = path.with_name(f".{path.name}.redacted")
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data.replace(KEY.encode(), b"*" * len(KEY)))
        fresh.replace(path)
    return True
