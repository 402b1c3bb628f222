"""bubblewrap (https://github.com/containers/bubblewrap): namespaces without an engine.

A run sees /usr read-only, a few stubs of /etc, coroner's own Python, what the job lets it read, and nothing else of
the host; /tmp, its home, /dev/shm and its workspace are memory of bounded size. It has its own processes, network
(loopback alone), hostname and IPC, no capability, and a seccomp filter (`_seccomp`).

Where coroner is root, each run gets a user id of its own that nobody else has, which bounds its processes too; else it
is a user namespace of yours. Where control groups are writable (`_cgroup`), memory, processes and processor time are
bounded by the kernel. Where they are not, each process is bounded by RLIMIT_DATA, their number by RLIMIT_NPROC, the
processors by affinity, and `_watch` ends a run whose processes together take more memory than they may; memory files
are then refused, since no process need show them.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from runner.sandboxes import HOME, MIB, WORKSPACE, Bounds, Job, SandboxError
from runner.sandboxes._cgroup import Group
from runner.sandboxes._etc import stubs
from runner.sandboxes._launch import INSIDE, launcher, shown
from runner.sandboxes._session import Pipes, converse, order, sockets, tail
from runner.sandboxes._watch import Watch

if TYPE_CHECKING:
    from runner.sandboxes import Ended

SYSTEM = (
    "/etc/ld.so.cache",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/mime.types",
)
INSTALL = "install bubblewrap (Debian, Ubuntu: apt-get install bubblewrap)"


@cache
def available() -> str | None:
    """None where a sandbox can be made; tries one."""
    if shutil.which("bwrap") is None:
        return f"there is no bwrap on the PATH; {INSTALL}"
    with tempfile.TemporaryDirectory(prefix="coroner-") as folder:
        (workspace := Path(folder, "workspace")).mkdir()
        log = Path(folder, "log")
        try:
            ended = run(Job(argv=("/bin/true",), workspace=workspace, log=log, bounds=Bounds(seconds=30)))
        except SandboxError as error:
            return f"{error}; it needs user namespaces, or root"
        return None if ended.code == 0 else f"a trial run ended with {ended.code}: {log.read_text()[:500]}"


def run(job: Job, *, cgroups: bool = True) -> Ended:
    """Run the job in a sandbox of its own; `cgroups=False` does without control groups. Raises SandboxError."""
    root = os.geteuid() == 0
    uid = secrets.randbelow(2**30) + 2**30 if root else os.geteuid()  # a new user each time
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="coroner-")))
        group = stack.enter_context(Group.make(job.bounds)) if cgroups else Group({})
        errors = stack.enter_context(tempfile.TemporaryFile())
        command = [*_arguments(job, folder, uid, root=root), "--", *launcher(os.path.realpath(sys.executable), INSIDE)]
        process, first = _start(command, errors)
        channel = Pipes.of(process)
        stack.callback(_end, process, first, channel)

        if first is not None:
            group.add(first)
        todo = order(
            job,
            hidden_memory=group.bounds_memory,
            ports={port: f"{INSIDE}/{port}.sock" for port in job.ports},
            uid=uid if root else None,
            own=(WORKSPACE, HOME),
            limits=_limits(job.bounds, group),
            cpus=() if group.bounds_cpu else _processors(job.bounds.cpus),
        )
        watch = Watch(first, job.bounds, memory=not group.bounds_memory) if first is not None else (lambda: None)
        return converse(job, channel, todo, watch=watch, ooms=group.ooms, trouble=lambda: tail(errors))


def _limits(bounds: Bounds, group: Group) -> dict[str, int]:
    limits = {"CORE": 0, "FSIZE": bounds.scratch, "NOFILE": 4096, "NPROC": bounds.processes, "MEMLOCK": 8 * MIB}
    return limits if group.bounds_memory else {**limits, "DATA": bounds.memory}


def _processors(count: float) -> tuple[int, ...]:
    mine = sorted(os.sched_getaffinity(0))
    wanted = min(len(mine), math.ceil(count))
    return tuple(secrets.SystemRandom().sample(mine, wanted))  # spread over parallel runs


def _arguments(job: Job, folder: Path, uid: int, *, root: bool) -> list[str]:
    """Return bubblewrap's command line. What comes later is mounted over what came before."""
    folders = _folders(job, everybody=root)
    arguments = ["bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    arguments += ["--die-with-parent", "--as-pid-1", "--new-session", "--clearenv", "--hostname", "sandbox"]
    arguments += ["--cap-drop", "ALL"]
    if root:  # what it takes to become the run's own user, once
        for capability in ("SETUID", "SETGID", "SETPCAP", "CHOWN"):
            arguments += ["--cap-add", f"CAP_{capability}"]
    else:
        arguments += ["--unshare-user"]
    arguments += ["--proc", "/proc", "--dev", "/dev"]
    for parent in _parents([HOME, f"{INSIDE}/any", "/etc/any", *folders]):
        arguments += ["--perms", "0755", "--dir", parent]  # bubblewrap alone would make them for root only
    for place, mode in (("/tmp", "1777"), ("/dev/shm", "1777"), (HOME, "0755"), (WORKSPACE, "0755")):  # noqa: S108
        arguments += ["--perms", mode, "--size", str(job.bounds.scratch), "--tmpfs", place]
    for parent in _parents(list(folders)):
        if parent.startswith("/tmp/"):  # noqa: S108 - a folder of the host that lies in its /tmp
            arguments += ["--perms", "0755", "--dir", parent]  # the tmpfs hides the one made above
    arguments += _system()
    for stub, place in stubs(folder, uid).items():
        arguments += ["--ro-bind", str(stub), place]
    for place, source in folders.items():
        arguments += ["--ro-bind", source, place]
    for port, socket in sockets(job, everybody=root).items():
        arguments += ["--bind", str(socket), f"{INSIDE}/{port}.sock"]
    return [*arguments, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]


def _system() -> list[str]:
    """Return the arguments that show the machine's programs and libraries."""
    arguments = ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            arguments += ["--ro-bind", str(path), str(path)]
    for place in SYSTEM:
        arguments += ["--ro-bind-try", place, place]
    return arguments


def _parents(places: list[str]) -> list[str]:
    """Return all folders above the places, outermost first."""
    above = {str(folder) for place in places for folder in PurePosixPath(place).parents}
    return sorted(above - {"/", "/usr"})


def _folders(job: Job, *, everybody: bool) -> dict[str, str]:
    """Return what of the host is shown besides, by place, a folder before what lies in it."""
    places = {prefix: prefix for prefix in (sys.base_prefix, str(Path(sys.base_prefix).resolve()))}
    places |= {place: source for source, place in shown(job, everybody=everybody)}
    return {place: places[place] for place in sorted(places) if not Path(place).is_relative_to("/usr")}


def _start(command: list[str], errors: IO[bytes]) -> tuple[subprocess.Popen[bytes], int | None]:
    """Start bubblewrap; return it and the first process of the sandbox, None where there was none."""
    told, tell = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 - bubblewrap is the point
            [*command[:1], "--info-fd", str(tell), *command[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={"PATH": os.environ.get("PATH", os.defpath)},
            pass_fds=[tell],
        )
    finally:
        os.close(tell)
    with os.fdopen(told, "rb") as source:
        info: dict[str, Any] = json.loads(source.read() or b"{}")
    return process, info.get("child-pid")


def _end(process: subprocess.Popen[bytes], first: int | None, channel: Pipes) -> None:
    """See to it that nothing of the run is left: with the first process, the kernel ends its whole namespace."""
    channel.close()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            if first is not None:
                os.kill(first, signal.SIGKILL)  # still bubblewrap's child, so the number is still its own
        process.kill()
        process.wait()
