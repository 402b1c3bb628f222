"""Rebuild the lock files from pyproject.toml (`make lock`): releases pinned, files by sha256, no index named.

requirements.lock            what coroner needs to run, but for torch
requirements-torch.lock      torch as PyPI has it, with the CUDA libraries that its Linux build needs to be imported
requirements-torch-cpu.lock  torch's own CPU build instead, a tenth of the size, where pip knows a place that has it
requirements-otel.lock       what spans need besides (the extra `otel`)
requirements-dev.lock        what the checks need besides, that among it

All hold for Python 3.11 and newer on every platform (uv's universal resolution). Needs uv on the path or in `UV`.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
TORCH = re.compile(r"(torch==|nvidia-|cuda-|triton==)")
# For Linux on x86-64 and Python 3.11. No marker says so: elsewhere pip has to fail and the Makefile to take the other.
CPU_BUILD = """torch==2.13.0+cpu \\
    --hash=sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"""


def compile_lock(*extras: str) -> dict[str, str]:
    """Resolve pyproject.toml; return each pin with its hashes, as text, by its first line."""
    command = [os.environ.get("UV", "uv"), "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    command += ["--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate"]
    command += [part for extra in extras for part in ("--extra", extra)]
    command += ["pyproject.toml"]
    found = subprocess.run(command, cwd=HOUSE, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - uv itself
    return {pin.partition("\n")[0]: pin for pin in re.split(r"\n(?=\S)", found.stdout.strip())}


def write(name: str, pins: dict[str, str]) -> None:
    """Write one lock file."""
    head = "# Written by `make lock`; CONTRIBUTING.md tells how it is used.\n"
    (HOUSE / name).write_text(head + "".join(f"{pin}\n" for pin in pins.values()))


def main() -> None:
    """Write the five files."""
    run, spans, everything = compile_lock(), compile_lock("otel"), compile_lock("dev", "otel")
    if changed := (run.keys() | spans.keys()) - everything.keys() | run.keys() - spans.keys():
        raise SystemExit(f"the checks need other releases than the program: {', '.join(sorted(changed))}")
    torch = {line: pin for line, pin in run.items() if TORCH.match(line)}
    if not any(line.startswith(CPU_BUILD.partition("+")[0]) for line in torch):
        raise SystemExit("torch has moved on: give CPU_BUILD its new version and sha256")
    write("requirements.lock", {line: pin for line, pin in run.items() if line not in torch})
    write("requirements-torch.lock", torch)
    write("requirements-torch-cpu.lock", {CPU_BUILD: CPU_BUILD})
    write("requirements-otel.lock", {line: pin for line, pin in spans.items() if line not in run})
    write("requirements-dev.lock", {line: pin for line, pin in everything.items() if line not in run})


if __name__ == "__main__":
    main()
