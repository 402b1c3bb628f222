"""Control groups: memory, processes and processor time of a run, bounded by the kernel (see cgroups(7)).

Version 2 is used where its controllers may be had below our own group or below the top, version 1 where it is mounted
and writable, as root finds it; otherwise there is none, and the sandbox must do without.
"""

from __future__ import annotations

import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.sandboxes import Bounds

PERIOD = 100_000  # microseconds over which processor time is shared out
STALE = 3600.0  # seconds after which an empty group belongs to nobody any more
WANTED = ("memory", "pids", "cpu")


class Group:
    """A control group of one run: one folder in version 2, one for each controller in version 1."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self.folders = folders
        self.bounds_memory, self.bounds_cpu = "memory" in folders, "cpu" in folders

    @classmethod
    @contextmanager
    def make(cls, bounds: Bounds, proc: Path = Path("/proc/self")) -> Iterator[Group]:
        """Make a group with these bounds as far as it is allowed, and remove it in the end."""
        group = cls({})
        name = f"coroner-{uuid.uuid4().hex}"
        for controller, parents in _parents(proc).items():
            for parent in parents:
                _tidy(parent)
                if _made(parent / name, controller, bounds):
                    group.folders[controller] = parent / name
                    break
        group.bounds_memory, group.bounds_cpu = "memory" in group.folders, "cpu" in group.folders
        try:
            yield group
        finally:
            group._remove()

    def add(self, pid: int) -> None:
        """Put a process, and so all that it starts from now on, into the group."""
        for folder in set(self.folders.values()):
            (folder / "cgroup.procs").write_text(str(pid), encoding="ascii")

    def ooms(self) -> bool:
        """Whether the kernel has killed in the group for want of memory."""
        for name in ("memory.events", "memory.oom_control"):
            with suppress(OSError, KeyError):
                lines = (self.folders["memory"] / name).read_text(encoding="ascii").splitlines()
                if any(line.startswith("oom_kill ") and line.split()[1] != "0" for line in lines):
                    return True
        return False

    def _remove(self) -> None:
        for folder in set(self.folders.values()):
            for _ in range(100):  # the last processes may still be on their way out
                try:
                    folder.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.02)


def _tidy(parent: Path) -> None:
    """Remove groups that a coroner which was killed has left: they are empty, and long so."""
    for folder in parent.glob("coroner-*"):
        with suppress(OSError):  # it is in use; or gone by now
            if time.time() - folder.stat().st_mtime > STALE:
                folder.rmdir()


def _parents(proc: Path) -> dict[str, list[Path]]:
    """Return, for each controller that is there, the folders below which a group may be made, best first."""
    mounts: dict[str, Path] = {}
    for line in (proc / "mountinfo").read_text(encoding="utf-8").splitlines():
        fields, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        if kind == "cgroup2":
            mounts["2"] = Path(fields.split()[4])
        elif kind == "cgroup":
            mounts |= {name: Path(fields.split()[4]) for name in options.split(",") if name in WANTED}
    found: dict[str, list[Path]] = {}
    for line in (proc / "cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers and "2" in mounts:
            with suppress(OSError):
                top = mounts["2"]
                for name in set(WANTED) & set((top / "cgroup.controllers").read_text(encoding="ascii").split()):
                    found[name] = [top / path.lstrip("/"), top]
        for name in controllers.split(","):
            if name in mounts:
                found[name] = [mounts[name] / path.lstrip("/")]
    return found


def _made(folder: Path, controller: str, bounds: Bounds) -> bool:
    """Make a group with its bound for one controller; whether that was allowed."""
    processes, quota = str(bounds.processes + 1), int(bounds.cpus * PERIOD)  # one more: the first is ours
    settings: dict[str, tuple[dict[str, str], dict[str, str]]] = {  # version 2, version 1
        "memory": (
            {"memory.max": str(bounds.memory), "memory.swap.max": "0"},
            {"memory.limit_in_bytes": str(bounds.memory)},
        ),
        "pids": ({"pids.max": processes}, {"pids.max": processes}),
        "cpu": ({"cpu.max": f"{quota} {PERIOD}"}, {"cpu.cfs_period_us": str(PERIOD), "cpu.cfs_quota_us": str(quota)}),
    }
    second = (folder.parent / "cgroup.controllers").exists()
    there = folder.is_dir()
    try:
        if second:
            allowed = folder.parent / "cgroup.subtree_control"
            if controller not in allowed.read_text(encoding="ascii").split():
                allowed.write_text(f"+{controller}", encoding="ascii")
        folder.mkdir(exist_ok=True)
        for name, value in settings[controller][0 if second else 1].items():
            if name != "memory.swap.max" or (folder / name).exists():
                (folder / name).write_text(value, encoding="ascii")
    except OSError:
        if not there:
            with suppress(OSError):
                folder.rmdir()
        return False
    return True
