"""What a run is not to have is given up here: the user that made the sandbox, capabilities, system calls, limits."""

from __future__ import annotations

import base64
import contextlib
import ctypes
import os
import resource
import signal
import struct
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .wire import Order

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP = 1, 4, 22, 24
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 36, 38
SECCOMP_MODE_FILTER = 2


def prctl(option: int, *values: int) -> None:
    """Have the kernel change something of this process; raises OSError. The options are those of prctl in section 2."""
    libc = ctypes.CDLL(None, use_errno=True)
    filled = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    if libc.prctl(option, *filled) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option})")


def drop(order: Order) -> None:
    """Become the order's user for good, without any capability; then let no other process of that user look into us."""
    if order["uid"] is not None and os.getuid() == 0:
        for folder in order["own"]:
            os.chown(folder, order["uid"], order["uid"])
        for capability in range(64):
            with contextlib.suppress(OSError):  # past the last one that the kernel knows
                prctl(PR_CAPBSET_DROP, capability)
        os.setgroups([])
        os.setresgid(*[order["uid"]] * 3)
        os.setresuid(*[order["uid"]] * 3)
    prctl(PR_SET_DUMPABLE, 0)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a change of user clears it
    if os.getpid() != 1:
        prctl(PR_SET_CHILD_SUBREAPER, 1)


def confine(order: Order) -> None:
    """Set what the command may take: its limits, and the system calls that are refused to it."""
    prctl(PR_SET_DUMPABLE, 1)  # of the copy that becomes the command
    for name, wanted in order["limits"].items():
        limit = getattr(resource, "RLIMIT_" + name)
        _, hard = resource.getrlimit(limit)
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(limit, (value, value))
    if order["cpus"]:
        os.sched_setaffinity(0, order["cpus"])
    with contextlib.suppress(OSError):
        # Where memory is short, the kernel is to take the command and not us, who bring its files home.
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="utf-8")
    if order["filter"]:
        code = base64.b64decode(order["filter"])
        lines = ctypes.create_string_buffer(code, len(code))
        packed = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(lines))  # struct sock_fprog, 64 bits
        holder = ctypes.create_string_buffer(packed, len(packed))
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(holder))
