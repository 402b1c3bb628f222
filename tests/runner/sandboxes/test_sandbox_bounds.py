"""The parts of the sandboxes that can be tried without one: control groups, the filter, the way home."""

from __future__ import annotations

import io
import os
import struct
import tarfile
import time
from typing import TYPE_CHECKING

import pytest

from runner.sandboxes import Bounds, SandboxError, _seccomp, bubblewrap, load, names, pick
from runner.sandboxes._cgroup import Group
from runner.sandboxes._home import bring_home

if TYPE_CHECKING:
    from pathlib import Path


def lay_out(root: Path, version: int, *, delegated: bool = True) -> Path:
    """Make what /proc and the control groups look like to a process in the group /mine."""
    proc = root / "proc"
    proc.mkdir()
    if version == 2:
        top = root / "cg"
        (top / "mine").mkdir(parents=True)
        for folder in (top, top / "mine"):
            controllers = "cpuset cpu io memory pids\n" if delegated else "\n"
            (folder / "cgroup.controllers").write_text(controllers, encoding="ascii")
            (folder / "cgroup.subtree_control").write_text(controllers, encoding="ascii")
        mounts = f"30 23 0:26 / {top} rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"
        groups = "0::/mine\n"
    else:
        for name in ("memory", "cpu,cpuacct", "pids"):
            (root / name / "mine").mkdir(parents=True)
        mounts = "".join(
            f"30 23 0:26 / {root / name} rw,nosuid shared:4 - cgroup cgroup rw,{name}\n"
            for name in ("memory", "cpu,cpuacct", "pids")
        )
        groups = "3:memory:/mine\n2:cpu,cpuacct:/mine\n1:pids:/mine\n0::/\n"
    (proc / "mountinfo").write_text(mounts, encoding="utf-8")
    (proc / "cgroup").write_text(groups, encoding="utf-8")
    return proc


def settings(group: Group) -> dict[str, str]:
    return {file.name: file.read_text() for folder in set(group.folders.values()) for file in folder.iterdir()}


def test_in_version_2_one_group_below_our_own_holds_all_bounds(tmp_path: Path) -> None:
    bounds = Bounds(memory=1000, processes=7, cpus=0.5)
    with Group.make(bounds, lay_out(tmp_path, 2)) as group:
        assert {folder.parent for folder in group.folders.values()} == {tmp_path / "cg" / "mine"}
        assert settings(group) == {"memory.max": "1000", "pids.max": "8", "cpu.max": "50000 100000"}
        assert group.bounds_memory
        group.add(77)
        assert settings(group)["cgroup.procs"] == "77"
        (group.folders["memory"] / "memory.events").write_text("oom 3\noom_kill 0\n", encoding="ascii")
        assert not group.ooms()
        (group.folders["memory"] / "memory.events").write_text("oom 3\noom_kill 2\n", encoding="ascii")
        assert group.ooms()
        for folder in set(group.folders.values()):  # in a real group they are no files and go with it
            for file in folder.iterdir():
                file.unlink()
    assert {path.name for path in (tmp_path / "cg" / "mine").iterdir()} == {
        "cgroup.controllers",
        "cgroup.subtree_control",
    }


def test_in_version_1_there_is_one_group_for_each_controller(tmp_path: Path) -> None:
    with Group.make(Bounds(memory=1000, processes=7, cpus=2), lay_out(tmp_path, 1)) as group:
        assert settings(group) == {
            "memory.limit_in_bytes": "1000",
            "pids.max": "8",
            "cpu.cfs_period_us": "100000",
            "cpu.cfs_quota_us": "200000",
        }
        for folder in set(group.folders.values()):
            for file in folder.iterdir():
                file.unlink()


def test_where_no_controller_may_be_had_there_is_no_group(tmp_path: Path) -> None:
    with Group.make(Bounds(), lay_out(tmp_path, 2, delegated=False)) as group:
        assert group.folders == {}
        assert not group.bounds_memory
        assert not group.ooms()


def test_what_a_killed_coroner_has_left_is_tidied_up_and_nothing_else(tmp_path: Path) -> None:
    proc = lay_out(tmp_path, 2)
    mine = tmp_path / "cg" / "mine"
    for name, age in (("coroner-old", 7200), ("coroner-new", 10), ("coroner-used", 7200), ("other", 7200)):
        (mine / name).mkdir()
        if name == "coroner-used":
            (mine / name / "process").touch()  # as the kernel refuses to remove a group that is in use
        os.utime(mine / name, (time.time() - age,) * 2)
    with Group.make(Bounds(), proc) as group:
        for folder in set(group.folders.values()):
            for file in folder.iterdir():
                file.unlink()
    assert {path.name for path in mine.iterdir() if path.is_dir()} == {"coroner-new", "coroner-used", "other"}


def verdict(program: bytes, machine: int, number: int, *arguments: int) -> int:
    """Run a filter as the kernel would, on one call: what it returns. Only the instructions that ours has."""
    data = struct.pack("<IIQ6Q", number, machine, 0, *(*arguments, 0, 0, 0, 0, 0, 0)[:6])
    lines = list(struct.iter_unpack("<HBBI", program))
    at, value = 0, 0
    while True:
        code, yes, no, k = lines[at]
        at += 1
        if code == 0x20:
            value = struct.unpack_from("<I", data, k)[0]
        elif code == 0x06:
            return int(k)
        else:
            holds = {0x15: value == k, 0x35: value >= k, 0x45: bool(value & k)}[code]
            at += yes if holds else no


ALLOW, EPERM, ENOSYS, EAFNOSUPPORT = 0x7FFF0000, 0x50001, 0x50026, 0x50061


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ((0,), ALLOW),  # read
        ((101, 16), EPERM),  # ptrace
        ((165,), EPERM),  # mount
        ((272, 0x10000000), EPERM),  # unshare
        ((56, 0x01200011), ALLOW),  # clone, as fork does it
        ((56, 0x003D0F00), ALLOW),  # clone, as threads are made
        ((56, 0x10000011), EPERM),  # clone, with a user namespace
        ((435,), ENOSYS),  # clone3
        ((41, 1, 1), ALLOW),  # socket: unix
        ((41, 2, 1), ALLOW),  # inet
        ((41, 10, 1), ALLOW),  # inet6
        ((41, 16, 3), ALLOW),  # netlink
        ((41, 40, 1), EAFNOSUPPORT),  # vsock
        ((41, 17, 3), EAFNOSUPPORT),  # packet
        ((16, 0, 0x5401), ALLOW),  # ioctl: TCGETS
        ((16, 0, 0x5412), EPERM),  # TIOCSTI
        ((319,), ALLOW),  # memfd_create
        ((0x40000000,), EPERM),  # the x32 calls
    ],
)
def test_the_filter_refuses_what_it_should_and_nothing_else(call: tuple[int, ...], expected: int) -> None:
    assert verdict(_seccomp.program("x86_64"), 0xC000003E, *call) == expected


def test_the_filter_knows_the_other_machine_and_refuses_foreign_calls() -> None:
    arm = _seccomp.program("aarch64")
    assert verdict(arm, 0xC00000B7, 117) == EPERM  # ptrace
    assert verdict(arm, 0xC00000B7, 63) == ALLOW  # read
    assert verdict(arm, 0xC000003E, 63) == EPERM
    assert _seccomp.program("pdp11") == b""


def test_memory_that_hides_is_refused_where_no_control_group_counts_it() -> None:
    assert verdict(_seccomp.program("x86_64", hidden_memory=False), 0xC000003E, 319) == EPERM


def archive(*members: tuple[str, bytes | str]) -> io.BytesIO:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    target.seek(0)
    return target


def test_a_tar_that_lies_writes_nothing_outside_the_workspace(tmp_path: Path) -> None:
    (workspace := tmp_path / "in" / "workspace").mkdir(parents=True)
    (workspace / "old.txt").touch()
    tar = archive(
        ("../up.txt", b"x"),
        ("/tmp/coroner-absolute.txt", b"x"),  # noqa: S108 - it must not get there
        ("folder", ".."),
        ("here", "."),
        ("here/through.txt", b"x"),
        ("good.txt", b"good"),
        ("good.txt", b"twice"),
    )
    left = bring_home(tar, workspace, 100_000)
    assert [word.split(":")[0] for word in left] == [
        "../up.txt",
        "/tmp/coroner-absolute.txt",  # noqa: S108 - as above
        "good.txt",
        "folder",
        "here",
    ]
    assert {path.name for path in workspace.iterdir()} == {"good.txt", "here"}
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"good.txt", "through.txt"}
    assert not (workspace / "here").is_symlink()
    assert (workspace / "good.txt").read_bytes() == b"good"


def test_a_tar_that_is_cut_off_comes_home_as_far_as_it_goes(tmp_path: Path) -> None:
    (workspace := tmp_path / "workspace").mkdir()
    whole = archive(("a", b"x" * 1000), ("b", b"x" * 5000)).getvalue()
    left = bring_home(io.BytesIO(whole[:4000]), workspace, 100_000)
    assert (workspace / "a").read_bytes() == b"x" * 1000
    assert left
    assert "cut off" in left[-1]


def test_no_more_comes_home_than_may(tmp_path: Path) -> None:
    (workspace := tmp_path / "workspace").mkdir()
    left = bring_home(archive(("a", b"x" * 1000), ("b", b"x" * 9000), ("c", b"x" * 10)), workspace, 5000)
    assert [path.name for path in workspace.iterdir()] == ["a"]
    assert [word.split(":")[0] for word in left] == ["b", "c"]


def test_what_is_missing_for_bubblewrap_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "install bubblewrap" in (bubblewrap.available.__wrapped__() or "")


def test_every_sandbox_says_whether_it_works() -> None:
    reasons = {name: load(name).available() for name in names()}
    assert reasons["unsafe"] is None
    if all(reasons[name] for name in ("docker", "bubblewrap")):
        with pytest.raises(SandboxError, match="no sandbox works here"):
            pick()
    else:
        assert reasons[pick()] is None
