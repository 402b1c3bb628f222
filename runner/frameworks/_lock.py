"""Resolve the frameworks' packages anew into their lock files: `make lock-frameworks` (or with names, only theirs).

The locks hold for Linux and the Python of `_environment`, pin releases by sha256, name no index, and are complete.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from uv import find_uv_bin

from runner.frameworks import _environment, load, names

_HEAD = "# Written by `make lock-frameworks`; runner/frameworks/_environment.py installs it.\n"


def resolve(packages: tuple[str, ...], *options: str) -> str:
    """Return the pins of the packages and of all that they need, with hashes."""
    version = ".".join(map(str, _environment.PYTHON))
    command = [find_uv_bin(), "pip", "compile", "--quiet", "--python-version", version, "--python-platform", "linux"]
    command += ["--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate", *options, "-"]
    done = subprocess.run(command, input="\n".join(packages), check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    return done.stdout


def main() -> None:
    """Write the locks."""
    for name in sys.argv[1:] or names():
        framework = load(name)
        pins = resolve(framework.PACKAGES)
        if bare := getattr(framework, "BARE", ()):  # what is installed without what it says that it needs
            pins += resolve(bare, "--no-deps")
        Path(__file__).with_name(f"{name}.lock").write_text(_HEAD + pins, encoding="utf-8")


if __name__ == "__main__":
    main()
