"""The images of the docker sandbox: a base with Python, and one for each framework that has a Dockerfile.

    python -m runner.images base              a base from debootstrap, where no registry can be reached; needs root
    python -m runner.images autogen metagpt   the images of these frameworks, from runner/frameworks/<name>.Dockerfile

A framework's image is named by the content of its Dockerfile and its lock, so one that is out of date is never used.
The host fetches the wheels, with its own settings of package index, proxy and certificates, and checks their hashes;
the build itself has no network. Without an image, docker runs a framework in the base image, with the environment that
was installed on the host shown to it read-only, at its own place; both are the same packages from the same lock.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from runner import frameworks
from runner.sandboxes import SandboxError
from runner.sandboxes.docker import BASES, client, find_base

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.frameworks import Installed

HERE = Path(frameworks.__file__).parent
SUITE = "bookworm"  # its Python is 3.11, as in the locks
PACKAGES = "python3,python3-venv"
MINUTES = 30


def name(framework: str) -> str:
    """Return what the image of a framework is called now; "" where it has no Dockerfile."""
    files = [HERE / f"{framework}.{kind}" for kind in ("Dockerfile", "lock")]
    if not all(file.is_file() for file in files):
        return ""
    digest = hashlib.sha256(b"\n".join(file.read_bytes() for file in files)).hexdigest()[:12]
    return f"coroner-{framework}:{digest}"


def find(framework: str) -> str:
    """Return the name of a framework's image if the engine has it, else ""; raises SandboxError without an engine."""
    from docker.errors import ImageNotFound  # noqa: PLC0415 - a cold start must feel instant

    wanted = name(framework)
    engine = client()
    try:
        if wanted:
            engine.inspect_image(wanted)
    except ImageNotFound:
        return ""
    finally:
        engine.close()
    return wanted


def within(installed: Installed) -> Installed:
    """Return the framework as its image has it: nothing of the host is to be read."""
    return installed.model_copy(update={"python": Path("/opt", installed.name, "bin/python"), "folders": ()})


def build(framework: str, home: Path) -> str:
    """Build a framework's image, unless it is there; return its name.

    `home` is where frameworks are installed: that Python fetches the wheels. Raises SandboxError, InstallError.
    """
    wanted = name(framework)
    if not wanted:
        raise SandboxError(f"{framework} has no Dockerfile and lock in {HERE}")
    if find(framework):
        return wanted
    installed = frameworks.load(framework).install(home)
    with tempfile.TemporaryDirectory(prefix="coroner-image-") as folder:
        context = Path(folder)
        for kind in ("Dockerfile", "lock"):
            shutil.copy(HERE / f"{framework}.{kind}", context)
        pip = (str(installed.python), "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
        lock = str(context / f"{framework}.lock")
        _call((*pip, "--require-hashes", "--requirement", lock, "--wheel-dir", str(context / "wheels")))
        make(context, f"{framework}.Dockerfile", wanted)
    return wanted


def make(context: Path, file: str, wanted: str) -> None:
    """Build the image `wanted` from a Dockerfile in a folder, without network. Raises SandboxError."""
    from docker.errors import DockerException  # noqa: PLC0415 - as above

    engine = client()
    try:
        base = find_base(engine)
        told = engine.build(
            path=str(context), dockerfile=file, tag=wanted, buildargs={"BASE": base}, network_mode="none", rm=True,
            forcerm=True, decode=True,
        )  # fmt: skip
        for line in told:
            if "error" in line:
                raise SandboxError(f"{wanted} cannot be built: {line['error']}")
    except DockerException as error:
        raise SandboxError(f"{wanted} cannot be built: {error}") from error
    finally:
        engine.close()


def base(rootfs: Path | None = None) -> str:
    """Make the base image from a Debian system that debootstrap has made (`rootfs`), or makes now; return its name.

    Raises SandboxError.
    """
    with tempfile.TemporaryDirectory(prefix="coroner-base-") as folder:
        if rootfs is None:
            rootfs = Path(folder, "rootfs")
            _call(("debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(rootfs)))
        archive = Path(folder, "rootfs.tar")
        leave = ("./proc/*", "./sys/*", "./dev/*", "./var/cache/apt/*", "./var/lib/apt/lists/*")
        _call(
            (
                "tar",
                "--create",
                "--file",
                str(archive),
                *(f"--exclude={place}" for place in leave),
                "-C",
                str(rootfs),
                ".",
            )
        )
        engine = client()
        try:
            engine.import_image_from_file(str(archive), repository=BASES[0], tag="latest")
        finally:
            engine.close()
    return BASES[0]


def _call(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60 * MINUTES, check=False)  # noqa: S603
    except FileNotFoundError as error:
        raise SandboxError(f"{command[0]} is not here; install it (Debian: apt-get install {command[0]})") from error
    except subprocess.TimeoutExpired as error:
        raise SandboxError(f"{command[0]} did not finish in {MINUTES} minutes") from error
    if done.returncode:
        said = "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-8:])
        raise SandboxError(f"{command[0]} failed: {said}")


def main(arguments: Sequence[str]) -> None:
    """Build what is named; `base` may be followed by the folder of a system that debootstrap has made."""
    from classifier.embedders import cache_folder  # noqa: PLC0415 - of the command alone

    if arguments[:1] == ["base"] and len(arguments) <= 2:
        print(base(Path(arguments[1]) if arguments[1:] else None))  # noqa: T201 - the command's output
        return
    if not arguments or any(not name(framework) for framework in arguments):
        known = ", ".join(framework for framework in frameworks.names() if name(framework))
        raise SystemExit(f"python -m runner.images base [ROOTFS] | NAME ... of: {known}")
    for framework in arguments:
        print(build(framework, cache_folder() / "frameworks"))  # noqa: T201 - as above


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (SandboxError, frameworks.InstallError) as problem:
        sys.exit(str(problem))
