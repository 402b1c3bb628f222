"""docker: a container of its own for each run, through an engine on this machine (Linux, unix socket; $DOCKER_HOST).

The root is read-only; /tmp, the home, /dev/shm and the workspace are memory of bounded size; all capabilities are
dropped, no new privileges are to be had, and the engine's seccomp profile holds besides coroner's own (`_seccomp`);
memory, processes and processor time are the engine's to bound; there is no network but the container's own loopback.
The container's output is not logged by the engine, and it is removed when it ends. It ends when coroner does: its
standard input then closes.

A job with an image runs in that. Others run in a base image with Python, and find what they read of the host at its
place, programs among it; so its C library must not be older than this machine's. `runner/images.py` makes both.
"""

from __future__ import annotations

import os
import socket
import struct
import tempfile
import time
import uuid
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from runner.sandboxes import HOME, WORKSPACE, Bounds, Job, SandboxError
from runner.sandboxes._etc import stubs
from runner.sandboxes._launch import INSIDE, launcher, shown
from runner.sandboxes._session import CHUNK, converse, order, sockets

if TYPE_CHECKING:
    from docker import APIClient

    from runner.sandboxes import Ended

BASES = ("coroner-base", "python:3.11-slim")  # the first that is here; else the last is pulled
AGENT = 10001  # the user in a container where coroner is root; else it is coroner's own
PLACES = {"/tmp": "1777", HOME: "0755", WORKSPACE: "0755"}  # noqa: S108 - of the container
PERIOD = 100_000  # microseconds over which processor time is shared out
FILES = 100_000  # in each place that can be written to
NO_ENGINE = "install docker (Debian: apt-get install docker.io) and start it, or set DOCKER_HOST to its unix socket"
NO_IMAGE = "make one without a registry: python -m runner.images base (needs root and debootstrap)"


@cache
def available() -> str | None:
    """None where an engine answers that has an image, or can pull one, and a trial run ends well."""
    try:
        with tempfile.TemporaryDirectory(prefix="coroner-") as folder:
            (workspace := Path(folder, "workspace")).mkdir()
            log = Path(folder, "log")
            ended = run(Job(argv=("true",), workspace=workspace, log=log, bounds=Bounds(seconds=30)))
            return None if ended.code == 0 else f"a trial run ended with {ended.code}: {log.read_text()[:500]}"
    except SandboxError as error:
        return str(error)


def run(job: Job) -> Ended:
    """Run the job in a container of its own. Raises SandboxError."""
    from docker.errors import DockerException  # noqa: PLC0415 - a cold start must feel instant

    try:
        with ExitStack() as stack:
            return _run(job, stack)
    except DockerException as error:
        raise SandboxError(f"docker: {error}") from error


def client() -> APIClient:
    """Return a connection to the engine; raises SandboxError where none answers on a unix socket."""
    from docker import APIClient  # noqa: PLC0415 - as above
    from docker.errors import DockerException  # noqa: PLC0415 - as above

    with socket.socket(socket.AF_UNIX) as probe:  # where nobody answers, the SDK leaves its own socket open
        try:
            probe.connect(_socket())
        except OSError as error:
            raise SandboxError(f"no engine answers at {_socket()} ({error.strerror}); {NO_ENGINE}") from error
    try:
        engine = APIClient(base_url=f"unix://{_socket()}", version="auto", timeout=120)
        engine.ping()
    except DockerException as error:
        raise SandboxError(f"the engine at {_socket()} does not answer: {error}") from error
    return engine


def _socket() -> str:
    host = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    if not host.startswith("unix://"):
        raise SandboxError(f"DOCKER_HOST is {host}: the engine must be on this machine; {NO_ENGINE}")
    return host.removeprefix("unix://")


def _run(job: Job, stack: ExitStack) -> Ended:
    engine = client()
    stack.callback(engine.close)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="coroner-")))
    root = os.geteuid() == 0
    uid = AGENT if root else os.geteuid()
    mounts = {str(source): place for source, place in stubs(folder, uid).items()}
    mounts |= dict(shown(job, everybody=root))
    mounts |= _doors(folder, mounts)
    mounts |= {str(path): f"{INSIDE}/{port}.sock" for port, path in sockets(job, everybody=root).items()}
    name = f"coroner-{uuid.uuid4().hex}"
    engine.create_container(
        job.image or find_base(engine),
        entrypoint=launcher("python3", INSIDE),
        command=[],
        name=name,
        hostname="sandbox",
        user=f"{uid}:{uid}",
        working_dir="/",
        stdin_open=True,  # once: it closes when our end does
        network_disabled=False,  # it has its loopback, see network_mode
        labels={"coroner": "run"},
        host_config=engine.create_host_config(**_confinement(job.bounds, uid, mounts)),
    )
    stack.callback(_remove, engine, name)
    channel = stack.enter_context(Attached(name))
    engine.start(name)
    todo = order(job, ports={port: f"{INSIDE}/{port}.sock" for port in job.ports})
    return converse(job, channel, todo, ooms=lambda: _killed(engine, name), trouble=channel.errors)


def _confinement(bounds: Bounds, uid: int, mounts: dict[str, str]) -> dict[str, Any]:
    """Return what the engine is told of a container's bounds (its HostConfig, in the SDK's words)."""
    from docker.types import LogConfig, Mount  # noqa: PLC0415 - as above

    own = f"rw,exec,nosuid,nodev,size={bounds.scratch},nr_inodes={FILES},uid={uid},gid={uid}"
    return {
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "mem_limit": bounds.memory,
        "memswap_limit": bounds.memory,
        "pids_limit": bounds.processes + 1,  # the first is ours
        "cpu_period": PERIOD,
        "cpu_quota": int(bounds.cpus * PERIOD),
        "shm_size": bounds.scratch,
        "tmpfs": {place: f"{own},mode={mode}" for place, mode in PLACES.items()},
        "mounts": [Mount(place, source, type="bind", read_only=True) for source, place in mounts.items()],
        "network_mode": "none",
        "ipc_mode": "private",
        "log_config": LogConfig(type="none"),
        "auto_remove": True,
    }


def _doors(folder: Path, mounts: dict[str, str]) -> dict[str, str]:
    """Make and return what to mount on /root where something below it is to be read: images keep it to root.

    A Python of root's own, as pyenv makes it, lies there.
    """
    below = {Path(source): place for source, place in mounts.items() if place.startswith("/root/")}
    for source, place in below.items():
        point = folder / place.lstrip("/")
        (point if source.is_dir() else point.parent).mkdir(parents=True, exist_ok=True)
        if not source.is_dir():
            point.touch()
    return {str(folder / "root"): "/root"} if below else {}


def find_base(engine: APIClient) -> str:
    """Return the image that runs have who ask for none, pulling it if need be. Raises SandboxError."""
    from docker.errors import APIError, ImageNotFound  # noqa: PLC0415 - as above

    for name in BASES:
        with suppress(ImageNotFound):
            engine.inspect_image(name)
            return name
    try:
        engine.pull(BASES[-1])
        engine.inspect_image(BASES[-1])
    except APIError as error:
        reason = f"there is no image with Python, and {BASES[-1]} cannot be pulled ({error.explanation}); {NO_IMAGE}"
        raise SandboxError(reason) from error
    return BASES[-1]


def _killed(engine: APIClient, name: str) -> bool:
    from docker.errors import APIError  # noqa: PLC0415 - as above

    with suppress(APIError):
        return bool(engine.inspect_container(name)["State"]["OOMKilled"])
    return False


def _remove(engine: APIClient, name: str) -> None:
    """Kill and remove a container, and wait until it is gone: the engine removes it by itself as well."""
    from docker.errors import APIError, NotFound  # noqa: PLC0415 - as above

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            engine.remove_container(name, force=True, v=True)
        except NotFound:
            return
        except APIError:  # its removal is under way
            time.sleep(0.02)
    raise SandboxError(f"the container {name} cannot be removed; try docker rm --force {name}")


class Attached:
    """The channel to a container, over a connection of its own to the engine.

    Both of the container's output streams come mixed, in packets that name theirs: see "Stream format" in the engine's
    API, at ContainerAttach. The SDK has no public way to hold and to close such a connection.
    """

    def __init__(self, name: str) -> None:
        self.buffer = bytearray()
        self.said = bytearray()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(_socket())
        path = f"/containers/{name}/attach?stdin=1&stdout=1&stderr=1&stream=1"
        head = (
            f"POST {path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n"
        )
        self.socket.sendall(head.encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            byte = self.socket.recv(1)
            answer += byte
            if not byte:
                break
        if answer.split()[1:2] != [b"101"]:
            self.socket.close()
            raise SandboxError(f"docker: cannot attach to {name}: {answer.decode(errors='replace')[:200]!r}")
        self.socket.settimeout(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def readable(self) -> int:
        """File descriptor to wait on for input."""
        return self.socket.fileno()

    def writable(self) -> int:
        """File descriptor to wait on for output."""
        return self.socket.fileno()

    def read(self) -> bytes | None:
        """Return what has come on standard output."""
        try:
            data = self.socket.recv(CHUNK)
        except BlockingIOError:
            return None
        except ConnectionError:
            return b""
        if not data:
            return data
        self.buffer += data
        found = bytearray()
        while len(self.buffer) >= 8:
            kind, size = struct.unpack(">BxxxI", self.buffer[:8])
            if len(self.buffer) < 8 + size:
                break
            content = self.buffer[8 : 8 + size]
            if kind == 1:
                found += content
            else:
                self.said += content[: max(0, 4000 - len(self.said))]
            del self.buffer[: 8 + size]
        return bytes(found) or None

    def write(self, data: memoryview) -> int:
        """Send some of it."""
        try:
            return self.socket.send(data)
        except BlockingIOError:
            return 0

    def errors(self) -> str:
        """Return what came on standard error: the first process's own complaints."""
        return self.said.decode(errors="replace").strip()
