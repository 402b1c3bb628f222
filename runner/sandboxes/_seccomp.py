"""The system calls that are refused to a run, as a seccomp filter in classic BPF (see seccomp(2)).

A list of what is refused rather than of what is allowed: agents run any program. It takes away what is of no use to
them and widens what of the kernel can be attacked: namespaces of their own, mounts, tracing, kernel keys, and sockets
of families that no network namespace holds (AF_VSOCK reaches a virtual machine's host).
"""

from __future__ import annotations

import errno
import platform
import struct

_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_LOAD, _EQUAL, _GREATER, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NR, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data

FAMILIES = (1, 2, 10, 16)  # unix, inet, inet6, netlink: the last is how programs list interfaces
NAMESPACES = 0x7E020080  # the CLONE_NEW… flags
TIOCSTI = 0x5412  # types into a terminal

# Numbers of x86-64 and of arm64, from the kernel's tables; None: there is no such call.
CALLS: dict[str, tuple[int | None, int | None]] = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "unshare": (272, 97),
    "setns": (308, 268),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),  # its operations are seen by no filter
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "syslog": (103, 116),
    "vhangup": (153, 58),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "sched_setaffinity": (203, 122),  # the processors that the run was given are all it gets
}
# Memory that no process need have mapped, so that only a control group counts it.
HIDDEN_MEMORY: dict[str, tuple[int | None, int | None]] = {"memfd_create": (319, 279), "shmget": (29, 194)}
_CLONE, _CLONE3, _SOCKET, _IOCTL = (56, 220), (435, 435), (41, 198), (16, 29)
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32 = 0x40000000


def program(machine: str = "", *, hidden_memory: bool = True) -> bytes:
    """Return the filter for a kind of machine (default: this one), eight bytes an instruction; b"" where unknown.

    Without `hidden_memory` it also refuses memory that cannot be seen in any process.
    """
    machine = machine or platform.machine()
    if machine not in _AUDIT:
        return b""
    column = 0 if machine == "x86_64" else 1
    lines = [
        _line(_LOAD, _ARCH),
        _line(_EQUAL, _AUDIT[machine], 1, 0),
        _refuse(errno.EPERM),  # the calls of another machine, which have other numbers
        _line(_LOAD, _NR),
        *_skip_unless(_GREATER, _X32, [_refuse(errno.EPERM)]),
    ]
    for numbers in (CALLS if hidden_memory else CALLS | HIDDEN_MEMORY).values():
        number = numbers[column]
        if number is not None:
            lines += _skip_unless(_EQUAL, number, [_refuse(errno.EPERM)])
    # Its flags lie in memory, where no filter sees them; without it the C library takes clone.
    lines += _skip_unless(_EQUAL, _CLONE3[column], [_refuse(errno.ENOSYS)])
    lines += _skip_unless(
        _EQUAL,
        _CLONE[column],
        [_argument(0), *_skip_unless(_ANY_BIT, NAMESPACES, [_refuse(errno.EPERM)]), _line(_RETURN, _ALLOW)],
    )
    lines += _skip_unless(
        _EQUAL,
        _SOCKET[column],
        [
            _argument(0),
            *(line for family in FAMILIES for line in _skip_unless(_EQUAL, family, [_line(_RETURN, _ALLOW)])),
            _refuse(errno.EAFNOSUPPORT),
        ],
    )
    lines += _skip_unless(
        _EQUAL,
        _IOCTL[column],
        [_argument(1), *_skip_unless(_EQUAL, TIOCSTI, [_refuse(errno.EPERM)]), _line(_RETURN, _ALLOW)],
    )
    return b"".join([*lines, _line(_RETURN, _ALLOW)])


def _line(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("<HBBI", code, yes, no, value)


def _refuse(number: int) -> bytes:
    return _line(_RETURN, _REFUSE | number)


def _argument(index: int) -> bytes:
    return _line(_LOAD, _ARGUMENTS + 8 * index)


def _skip_unless(test: int, value: int, lines: list[bytes]) -> list[bytes]:
    return [_line(test, value, 0, len(lines)), *lines]
