"""Build the service's image where a build can reach no registry and no package index (`make image`).

    python .ci/image.py [--base coroner-base] [--tag coroner:latest]

The base has to be there: `python -m runner.images base` makes one of debootstrap. The host fetches the wheels into
`wheels/`, with its own settings of index, proxy and certificates; the build has no network, and checks their hashes.
Nothing of the host's settings comes into the image, nor into a file.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.requirements import Requirement

HOUSE = Path(__file__).resolve().parent.parent
VERSION = "import platform; print(platform.python_version())"
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "download", "--no-deps")


def meant(lock: str, python: str) -> str:
    """Return a lock's pins that are meant for a Python of this version on this machine, without their conditions.

    pip asks its own Python, whose patch release is another than the base's.
    """
    kept = []
    for pin in re.split(r"\n(?=\S)", lock):
        first, _, hashes = pin.partition(" \\\n")
        if first.startswith("#") or not first.strip():
            continue
        required = Requirement(first)
        here = {"python_full_version": python, "python_version": ".".join(python.split(".")[:2])}
        if required.marker is None or required.marker.evaluate(here):
            required.marker = None
            kept.append(f"{required} \\\n{hashes}\n" if hashes else f"{required}\n")
    return "".join(kept)


def fetch(lock: Path, python: str, target: Path) -> int:
    """Fetch the wheels of a lock, with their hashes checked; return pip's exit status."""
    with tempfile.NamedTemporaryFile("w", suffix=".lock") as file:
        file.write(meant(lock.read_text(), python))
        file.flush()
        command = [
            *PIP,
            "--require-hashes",
            "--only-binary",
            ":all:",
            "--dest",
            str(target),
            "--requirement",
            file.name,
        ]
        return subprocess.run(command, check=False).returncode  # noqa: S603 - ours


def main() -> None:
    """Fetch and build."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="coroner-base")
    parser.add_argument("--tag", default="coroner:latest")
    given = parser.parse_args()
    asked = ("docker", "run", "--rm", "--network", "none", given.base, "python3", "-c", VERSION)
    python = subprocess.run(asked, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()  # noqa: S603 - as above
    target = HOUSE / "wheels"
    target.mkdir(exist_ok=True)
    locks = [HOUSE / f"requirements{kind}.lock" for kind in ("", "-otel", "-torch-cpu", "-torch")]
    program, spans, small, large = (lambda lock=lock: fetch(lock, python, target) for lock in locks)
    if status := program() or spans() or (small() and large()):  # a place that has the small build may not be known
        sys.exit(status)
    told = (f"BASE={given.base}", "PIP_NO_INDEX=1")
    options = [part for each in told for part in ("--build-arg", each)]
    build = ("docker", "build", "--network", "none", *options, "--tag", given.tag, str(HOUSE))
    sys.exit(subprocess.run(build, check=False).returncode)  # noqa: S603 - as above


if __name__ == "__main__":
    main()
