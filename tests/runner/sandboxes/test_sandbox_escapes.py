"""What no run may do to its host: each case is a program that tries, run inside every sandbox that claims to hold."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sandboxed import MIB, Place, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "what-only-the-host-may-know"  # noqa: S105 - it is the bait


def test_files_of_the_host_are_not_there(cell: Place, tmp_path: Path) -> None:
    folders = [tmp_path, Path("/tmp"), Path("/var/tmp"), Path.home(), Path.cwd()]  # noqa: S108 - the places are the case
    baits = [folder / f"coroner-bait-{uuid.uuid4().hex}" for folder in folders if os.access(folder, os.W_OK)]
    for bait in baits:
        bait.write_text(SECRET, encoding="utf-8")
    places = ["/etc/shadow", "/etc/machine-id", "/proc/kcore", "/dev/sda", "/dev/vda", "/dev/mem", "/dev/kmsg"]
    places += ["/proc/1/environ", "/proc/1/mem", "/proc/1/fd/0", "/proc/1/maps", "/var/run/docker.sock"]
    try:
        cell.python(f"""
import os
for path in {places + [str(bait) for bait in baits]!r} + ["/proc/1/root" + str(p) for p in {[str(b) for b in baits]!r}]:
    try:
        with open(path, "rb") as f:
            print("READ", path, f.read(10)) if f.read(1) else None
    except OSError:
        pass
skipped = {("/proc", "/sys", "/usr", "/dev", str(Path(sys.base_prefix).resolve()))!r}
for root, folders, files in os.walk("/"):
    folders[:] = [f for f in folders if os.path.join(root, f) not in skipped]
    for name in files:
        if name.startswith("coroner-bait-"):
            print("FOUND", root, name)
print("done")
""")
    finally:
        for bait in baits:
            bait.unlink()
    assert len(baits) > 2
    assert cell.output == "done\n"


def test_the_environment_of_the_host_is_nowhere_to_be_read(cell: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    cell.python(f"""
import glob, os
assert {SECRET!r} not in str(os.environ)
for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline"):
    try:
        with open(path, "rb") as f:
            data = f.read()
    except OSError:
        continue
    if b"OPENAI_API_KEY" in data:
        print("FOUND", path, data)
print("done")
""")
    assert cell.output == "done\n"


def test_no_process_of_the_host_is_seen_or_signalled(cell: Place) -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as bystander:
        cell.python(f"""
import os, signal
for pid in (os.getppid(), {os.getpid()}, {bystander.pid}):
    if pid in (0, 1):
        continue
    try:
        os.kill(pid, signal.SIGKILL)
        print("SIGNALLED", pid)
    except ProcessLookupError:
        pass
print("mine:", sorted(int(p) for p in os.listdir("/proc") if p.isdigit()) == sorted({{1, os.getpid()}}))
""")
        try:
            assert cell.output == "mine: True\n"
            assert bystander.poll() is None
        finally:
            bystander.kill()


def test_killing_everything_kills_only_the_run(cell: Place) -> None:
    ended = cell.python("""
import os, signal, time
os.kill(1, signal.SIGKILL)
os.kill(1, signal.SIGTERM)
print("first lives", flush=True)
child = os.fork() or time.sleep(60)
os.kill(-1, signal.SIGKILL)
print("others are dead:", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
""")
    assert (ended.code, cell.output) == (0, "first lives\nothers are dead: -9\n")


def test_loopback_and_services_of_the_host_are_out_of_reach(cell: Place) -> None:
    reached = threading.Event()
    with socket.socket() as server, socket.socket(socket.AF_UNIX) as hidden:
        server.bind(("0.0.0.0", 0))
        server.listen()
        hidden.bind("\0coroner-escape")  # abstract: bound to a network namespace, not to a folder
        hidden.listen()

        def attend() -> None:
            try:
                server.accept()
                reached.set()
            except OSError:
                pass

        threading.Thread(target=attend, daemon=True).start()
        addresses = ["127.0.0.1", "0.0.0.0", *_own_addresses(), "172.17.0.1", "10.0.2.2", "169.254.169.254", "1.1.1.1"]
        cell.python(f"""
import socket
for address in {addresses!r}:
    for port in ({server.getsockname()[1]}, 53, 80, 443):
        try:
            socket.create_connection((address, port), timeout=1).close()
            print("REACHED", address, port)
        except OSError:
            pass
for family, address in ((socket.AF_INET6, ("2606:4700:4700::1111", 443)), (socket.AF_UNIX, "\\0coroner-escape"),
                        (40, (2, 5001)), (40, (1, 5001)), (40, (2, 1024))):
    try:
        s = socket.socket(family, socket.SOCK_STREAM)
        s.settimeout(1)
        s.connect(address)
        print("REACHED", family, address)
    except OSError:
        pass
try:
    print("RESOLVED", socket.getaddrinfo("example.org", 80))
except OSError:
    pass
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("1.1.1.1", 53))
    print("SENT")
except OSError:
    pass
print(sorted(name for _, name in socket.if_nameindex() if name not in ("lo", "sit0", "tunl0", "ip6tnl0")))
""")
        server.shutdown(socket.SHUT_RDWR)
    assert cell.output == "[]\n"
    assert not reached.is_set()


def _own_addresses() -> list[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only asks for the route
        except OSError:
            return []
        return [probe.getsockname()[0]]


def test_a_fork_bomb_is_bounded_and_gone_with_the_run(cell: Place) -> None:
    ended = cell.python(
        """
import os, time
children = 0
try:
    while children < 1000:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        children += 1
except OSError as error:
    print("refused", children, flush=True)
""",
        processes=40,
    )
    assert ended.code == 0
    count = int(cell.output.removeprefix("refused "))
    assert 20 <= count <= 40
    assert ended.seconds < 30  # the children, who sleep for a minute, are not waited for


def test_a_fork_bomb_without_end_is_stopped_in_time(cell: Place) -> None:
    ended = cell.run("sh", "-c", "b() { b | b & b; }; b", processes=60, seconds=2)
    assert ended.stopped_by == "time" or ended.code != 0
    assert cell.run("sh", "-c", "echo well").code == 0


HOGS = {
    "anonymous": """
held = bytearray(3 * 2**30)
for i in range(0, len(held), 4096):
    held[i] = 1
""",
    "shared": """
import mmap
held = mmap.mmap(-1, 3 * 2**30)
for i in range(0, len(held), 4096):
    held[i] = 1
""",
    "many-processes": """
import os, time
for _ in range(40):
    if os.fork() == 0:
        held = b"x" * 100_000_000
        time.sleep(60)
time.sleep(60)
""",
    "memory-files": """
import os
held = []
for i in range(100):
    held.append(os.memfd_create(str(i)))
    for _ in range(60):
        os.write(held[-1], b"x" * 2**20)
""",
}


@pytest.mark.parametrize("how", HOGS)
def test_memory_is_bounded(cell: Place, how: str) -> None:
    before = _available()
    least = [before]
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            least[0] = min(least[0], _available())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        ended = cell.python(HOGS[how], memory=256 * MIB, seconds=3)
    finally:
        done.set()
        watcher.join()
    assert ended.code != 0
    assert before - least[0] < 1500 * MIB  # a bound of 256, and whatever else goes on here


def _available() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable"):
            return int(line.split()[1]) * 1024
    raise AssertionError


def test_what_dies_for_want_of_memory_is_told_apart(cell: Place) -> None:
    ended = cell.python(
        """
import os, time
for _ in range(20):
    if os.fork() == 0:
        held = b"x" * 60_000_000
        time.sleep(60)
        os._exit(0)
held = [bytearray(b"x") * 20_000_000 for _ in range(20)]
time.sleep(60)
""",
        memory=256 * MIB,
    )
    assert (ended.code, ended.stopped_by) == (None, "memory")


@pytest.mark.parametrize("folder", ["/tmp", "/home/agent", "/workspace", "/dev/shm"])  # noqa: S108 - of the sandbox
def test_disk_is_bounded(cell: Place, folder: str) -> None:
    cell.python(
        f"""
import errno, os
written = 0
try:
    for i in range(1000):
        with open(f"{folder}/fill{{i}}", "wb") as f:
            os.unlink(f.name) if i % 2 else None
            held = os.dup(f.fileno())  # unlinked and still held: seen in no folder
            f.write(b"x" * 2**20)
            f.flush()
            written += 1
except OSError as error:
    print(written, error.errno == errno.ENOSPC)
for name in os.listdir({folder!r}):
    if name.startswith("fill"):
        os.unlink(os.path.join({folder!r}, name))
""",
        scratch=24 * MIB,
    )
    written, full = cell.output.split()
    assert full == "True"
    assert int(written) <= 24


def test_a_single_file_cannot_outgrow_the_scratch_space(cell: Place) -> None:
    ended = cell.python(
        """
import os
try:
    os.truncate(os.open("/tmp/sparse", os.O_CREAT | os.O_RDWR), 2**40)
    print("GREW")
except OSError as error:
    print(error.strerror)
""",
        scratch=24 * MIB,
    )
    assert (ended.code, cell.output) == (0, "File too large\n")


def test_empty_files_without_number_are_bounded(cell: Place) -> None:
    ended = cell.python(
        """
import os
os.chdir("/tmp")
for i in range(400_000):
    os.close(os.open(str(i), os.O_CREAT | os.O_WRONLY))
print("ALL")
""",
        seconds=30,
    )
    assert ended.stopped_by == "disk" or ended.code == 1
    assert "ALL" not in cell.output


def test_nothing_outside_its_folders_can_be_written(cell: Place, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.csv").write_text("1,2", encoding="utf-8")
    cell.python(
        """
import os
for path in ("/x", "/usr/x", "/usr/bin/python3", "/bin/x", "/etc/x", "/etc/passwd", "/lib/x", "/home/x", "/run/x",
             "/run/coroner/x", "/run/coroner/_inside/run.py", "/dev/x", "/proc/sys/kernel/core_pattern",
             "/proc/sysrq-trigger", "/sys/x", "/opt/data/x.csv", "/opt/data/y", "/root/x", "/var/x",
             "/proc/1/oom_score_adj", "/sys/fs/cgroup/x"):
    try:
        with open(path, "a"):
            print("WROTE", path)
    except OSError:
        pass
    try:
        os.chmod(path, 0o777)
        print("CHANGED", path)
    except OSError:
        pass
print("done")
""",
        readable={tmp_path / "data": "/opt/data"},
    )
    assert cell.output == "done\n"
    assert (tmp_path / "data" / "x.csv").read_text(encoding="utf-8") == "1,2"


def test_links_in_the_workspace_do_not_lead_the_host_astray(cell: Place, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "keep.txt").write_text("kept", encoding="utf-8")
    (cell.workspace / "answer.txt").write_text("none yet", encoding="utf-8")
    ended = cell.python(f"""
import os
os.unlink("answer.txt")
os.symlink("/etc/shadow", "answer.txt")
os.symlink("../outside", "up")
os.symlink(".", "here")
os.symlink("here/../../outside", "sly")
os.symlink({str(tmp_path / "outside")!r}, "folder")
os.symlink("/proc/self/environ", "environ")
os.mkfifo("pipe")
open("real.txt", "w").write("real")
os.symlink("real.txt", "good")
os.link("real.txt", "second")
os.mkdir("locked")
open("locked/in.txt", "w").write("in")
os.chmod("locked/in.txt", 0)
os.chmod("locked", 0)
import socket
socket.socket(socket.AF_UNIX).bind("s.sock")
open(b"\\xff\\xfe", "w").write("odd")
""")
    assert ended.code == 0
    left = {path.name for path in cell.workspace.iterdir()}
    assert left == {"here", "real.txt", "good", "second", "locked", "program.py", "\udcff\udcfe"}
    assert (cell.workspace / "good").read_text(encoding="utf-8") == "real"
    assert (cell.workspace / "second").read_text(encoding="utf-8") == "real"
    assert (cell.workspace / "locked" / "in.txt").read_text(encoding="utf-8") == "in"
    assert {word.split(":")[0] for word in ended.left_out} == {
        "answer.txt",
        "up",
        "sly",
        "folder",
        "environ",
        "pipe",
        "s.sock",
    }
    assert (tmp_path / "outside" / "keep.txt").read_text(encoding="utf-8") == "kept"


def test_the_workspace_comes_home_without_rights_that_it_should_not_have(cell: Place) -> None:
    cell.run("sh", "-c", "cp /bin/sh mine; chmod 6755 mine; touch free; chmod 666 free")
    assert (cell.workspace / "mine").stat().st_mode & 0o7777 == 0o755
    assert (cell.workspace / "free").stat().st_uid == os.geteuid()


PRIVILEGES = """
import ctypes, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def tried(name, worked):
    if worked:
        print("DID", name)
tried("mount", libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0)
tried("remount", libc.mount(b"none", b"/", None, 32 | 4096, None) == 0)
tried("umount", libc.umount2(b"/usr", 2) == 0)
tried("unshare user", libc.unshare(0x10000000) == 0)
tried("unshare mount", libc.unshare(0x20000) == 0)
tried("clone user", libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0) > 0)
tried("clone3", libc.syscall(435, 0, 0) == 0)
tried("setns", libc.setns(os.open("/proc/self/ns/net", os.O_RDONLY), 0) == 0)
tried("chroot", libc.chroot(b"/tmp") == 0)
tried("ptrace first", libc.ptrace(16, 1, 0, 0) == 0)
tried("ptrace me", libc.ptrace(0, 0, 0, 0) == 0)
tried("read first's memory", libc.syscall(310, 1, 0, 0, 0, 0, 0) == 0)
tried("keys", libc.syscall(250, 0, -3, 1) > 0)
tried("bpf", libc.syscall(321, 5, 0, 0) >= 0)
tried("io_uring", libc.syscall(425, 8, ctypes.create_string_buffer(120)) >= 0)
tried("setuid", libc.setuid(0) == 0)
tried("setgid", libc.setgid(0) == 0)
tried("mknod", libc.mknod(b"/tmp/node", 0o60666, 0xfe00) == 0)
tried("sethostname", libc.sethostname(b"x", 1) == 0)
tried("nice", libc.setpriority(0, 0, -10) == 0)
tried("raise a limit", libc.setrlimit(1, ctypes.byref((ctypes.c_ulong * 2)(-1, -1))) == 0)
for family, kind, protocol in ((socket.AF_INET, socket.SOCK_RAW, 1), (socket.AF_INET, socket.SOCK_RAW, 255),
                               (17, socket.SOCK_RAW, 3), (40, socket.SOCK_STREAM, 0), (38, socket.SOCK_SEQPACKET, 0)):
    try:
        socket.socket(family, kind, protocol)
        print("DID socket", family, kind)
    except OSError:
        pass
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
print([int(status[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")],
      status["NoNewPrivs"].strip(), status["Seccomp"].strip(), os.getuid() != 0)
"""


def test_no_privilege_is_held_or_to_be_had(cell: Place) -> None:
    cell.python(PRIVILEGES)
    assert cell.output == "[0, 0, 0, 0] 1 2 True\n"


def test_programs_that_change_the_user_do_not(cell: Place) -> None:
    cell.run(
        "sh", "-c", "for p in su mount passwd newgrp; do command -v $p; done; su -c id root; mount -t tmpfs x /tmp"
    )
    assert "uid=0" not in cell.output


def test_processors_are_bounded(cell: Place) -> None:
    # Four processes that spin for a second of the clock; on one processor they share one second.
    cell.python(
        """
import os, time
spent = 0.0
pipes = []
for _ in range(4):
    r, w = os.pipe()
    if os.fork() == 0:
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            pass
        os.write(w, str(time.process_time()).encode())
        os._exit(0)
    pipes.append(r)
print(sum(float(os.read(r, 100)) for r in pipes))
""",
        cpus=1,
    )
    assert float(cell.output) < 2.2


@pytest.fixture
def killed_coroner(cell: Place) -> Iterator[tuple[Place, list[float]]]:
    """Yield after a coroner that had a run going was killed: the place, and when the run was heard of."""
    heard: list[float] = []

    def listen(client: socket.socket) -> None:
        while client.recv(100):
            heard.append(time.monotonic())

    (cell.workspace / "program.py").write_text(
        """
import os, socket, time
if os.fork():
    os.setsid() if os.getpid() != os.getsid(0) else None
    time.sleep(600)
os.setsid()
s = socket.create_connection(("127.0.0.1", 8765))
while True:
    s.sendall(b"alive")
    time.sleep(0.01)
""",
        encoding="utf-8",
    )
    with serving(listen) as path:
        code = f"""
from pathlib import Path
from runner.sandboxes import Bounds, Job, load
load({cell.name.partition(" ")[0]!r}).run(Job(
    argv=("python3", "program.py"), env={{"PATH": "/usr/local/bin:/usr/bin:/bin"}},
    workspace=Path({str(cell.workspace)!r}), log=Path({str(cell.log)!r}), ports={{8765: Path({str(path)!r})}},
    bounds=Bounds(seconds=600)))
"""
        command = [sys.executable, "-c", code]
        with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}) as coroner:  # noqa: S603 - ours
            deadline = time.monotonic() + 60
            while not heard and time.monotonic() < deadline and coroner.poll() is None:
                time.sleep(0.02)
            coroner.send_signal(signal.SIGKILL)
        time.sleep(2)
        yield cell, heard


def test_a_run_dies_with_coroner(killed_coroner: tuple[Place, list[float]]) -> None:
    _, heard = killed_coroner
    assert heard
    count = len(heard)
    time.sleep(0.5)
    assert len(heard) == count
