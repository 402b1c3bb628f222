"""What the drivers share. Runs in the sandbox, under the framework's own Python: the standard library alone."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import sys
import tempfile
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN = pathlib.Path(".coroner").absolute()  # in the working folder: what the run is told, and its native logs


def start() -> dict[str, Any]:
    """Return what `prepare` wrote (prompt, model, base_url, key, max_rounds), and keep a copy of what is printed."""
    # `import autogen` in autogen.py must find the framework, not the driver.
    sys.path[:] = [
        place for place in sys.path if pathlib.Path(place or ".").absolute() != pathlib.Path(__file__).parent
    ]
    console = (RUN / "console.txt").open("w", encoding="utf-8")
    sys.stdout, sys.stderr = _Tee(sys.stdout, console), _Tee(sys.stderr, console)
    told: dict[str, Any] = json.loads((RUN / "setup.json").read_text(encoding="utf-8"))
    return told


def write(name: str, value: Any) -> None:
    """Write JSON so that a kill at any moment leaves the old file or the new one."""
    handle, path = tempfile.mkstemp(dir=RUN, prefix=f".{name}-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, ensure_ascii=False, default=str)
    pathlib.Path(path).replace(RUN / name)


@contextlib.contextmanager
def at_home() -> Iterator[None]:
    """Have the home as the working folder for a while."""
    here = pathlib.Path.cwd()
    os.chdir(pathlib.Path.home())
    try:
        yield
    finally:
        os.chdir(here)


class _Tee:
    """A standard stream that also writes to a file, as it goes."""

    def __init__(self, stream: TextIO, file: TextIO) -> None:
        self._stream, self._file = stream, file

    def write(self, text: str) -> int:
        self._file.write(text)
        self._file.flush()
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
