"""Stubs of what programs look up in /etc, without anything of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.sandboxes import HOME

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "passwd": "root:x:0:0:root:/:/bin/false\nagent:x:{uid}:{uid}:agent:" + HOME + ":/bin/sh\n",
    "group": "root:x:0:\nagent:x:{uid}:\n",
    "hosts": "127.0.0.1 localhost sandbox\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "resolv.conf": "",
}


def stubs(folder: Path, uid: int) -> dict[Path, str]:
    """Write the stubs into `folder`; return where each belongs."""
    places = {}
    for name, text in FILES.items():
        (folder / name).write_text(text.format(uid=uid), encoding="utf-8")
        places[folder / name] = f"/etc/{name}"
    return places
