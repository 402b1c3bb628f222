"""A release made from an archive: layers of settings merged, files left out, modes set, a manifest written."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._draw import Draw
from runner.tasks._files import SHELL

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(
    id="file_release_bundle",
    category=Category.FILES,
    level="hard",
    seed=4204,
    description="A program is released from an archive that holds more than should be released.",
    instruction="Make the folder release from bundle.zip: unpack it, merge the settings, leave out what does not "
    "belong, set the modes, and write a manifest.",
    constraints=(
        (
            "Unpack bundle.zip into release. Merge the settings/*.json in ascending order of their names (code points) "
            "into release/settings.json: objects are merged key by key at "
            "every depth, any other value replaces the earlier one."
        ),
        (
            "Write settings.json as JSON with sorted keys, an indent of 2 and one line feed at its end, as Python's "
            "json.dumps(value, sort_keys=True, indent=2) does. Then remove release/settings."
        ),
        "Remove all files whose name ends in .tmp or .bak, and the empty folders that are left.",
        "Set the mode of files whose first two bytes are #! to 755, that of all others to 644 (octal).",
        (
            "The manifest has a line for each file of release: mode, size in bytes, SHA-256 in lower-case hex and path "
            "relative to release, separated by single spaces, ended by a line feed; in ascending order of the path."
        ),
        "Write the manifest to manifest.txt in the working directory, outside release.",
    ),
    environment=f"bundle.zip is in the working directory. {SHELL}",
    answers=(
        Answer(name="files", value="14", kind=Kind.NUMBER, decimals=0, what="the number of files in release"),
        Answer(name="timeout", value="356", kind=Kind.NUMBER, decimals=0, what="the merged setting server.timeout"),
        Answer(
            name="manifest_hash", value="5d80e4938b42", what="the first 12 hex digits of the SHA-256 of manifest.txt"
        ),
    ),
    stages=(
        Stage(
            aim="Unpack bundle.zip into an empty folder release",
            code="""\
import shutil
import zipfile
from pathlib import Path

release = Path("release")
shutil.rmtree(release, ignore_errors=True)
zipfile.ZipFile("bundle.zip").extractall(release)
print(len([path for path in release.rglob("*") if path.is_file()]), "files")
""",
        ),
        Stage(
            aim="Merge the settings",
            code="""\
import json


def merge(lower, upper):
    if isinstance(lower, dict) and isinstance(upper, dict):
        return {key: merge(lower.get(key), upper[key]) if key in upper else lower[key] for key in {**lower, **upper}}
    return upper


settings = {}
for path in sorted((release / "settings").glob("*.json"), key=lambda path: path.name):
    settings = merge(settings, json.loads(path.read_text()))
(release / "settings.json").write_text(json.dumps(settings, sort_keys=True, indent=2) + "\\n")
shutil.rmtree(release / "settings")
print(settings)
""",
        ),
        Stage(
            aim="Leave out temporary files and empty folders, and set the modes",
            code="""\
for path in sorted(release.rglob("*"), reverse=True):
    if path.is_dir():
        if not any(path.iterdir()):
            path.rmdir()
    elif path.suffix in (".tmp", ".bak"):
        path.unlink()
    else:
        path.chmod(0o755 if path.read_bytes()[:2] == b"#!" else 0o644)
""",
        ),
        Stage(
            aim="Write the manifest and state the answers",
            code="""\
import hashlib

lines = []
for name in sorted(path.relative_to(release).as_posix() for path in release.rglob("*") if path.is_file()):
    path = release / name
    data = path.read_bytes()
    lines.append(f"{path.stat().st_mode & 0o777:o} {len(data)} {hashlib.sha256(data).hexdigest()} {name}\\n")
Path("manifest.txt").write_text("".join(lines))
print("".join(lines))
print(f"@files[{len(lines)}]")
print(f"@timeout[{settings['server']['timeout']}]")
print(f"@manifest_hash[{hashlib.sha256(''.join(lines).encode()).hexdigest()[:12]}]")
""",
        ),
    ),
)


def build(folder: Path) -> None:
    """Write bundle.zip: four layers of settings, scripts with and without an ending, a folder of temporary files."""
    draw = Draw(TASK.seed)
    layers = {
        "00-base": {"server": {"host": "localhost", "timeout": 30, "tls": {"on": False}}, "paths": ["a", "b"]},
        "10-site": {"server": {"timeout": draw.whole(41, 99), "tls": {"on": True, "port": 8443}}, "colour": "grey"},
        "20-load": {"server": {"timeout": draw.whole(101, 499), "workers": 4}, "paths": ["c"]},
        "9-late": {"server": {"workers": 6, "tls": {"port": None}}, "colour": {"front": "black", "back": "white"}},
    }
    files = {f"settings/{name}.json": json.dumps(layer) for name, layer in layers.items()}
    for number in range(12):
        words = " ".join(draw.pick(("open", "close", "wait", "send")) for _ in range(draw.whole(3, 40)))
        files[f"{draw.pick(('bin', 'lib', 'share/help'))}/part{number}{draw.pick(('', '.sh', '.txt'))}"] = (
            f"#!/bin/sh\n# {words}\n" if draw.chance(0.5) else f"{words}\n#! not a script\n"
        )
    files |= {f"cache/{name}": draw.pick(("x", "yy")) for name in ("one.tmp", "two.tmp", "deep/three.bak")}
    files |= {"lib/old.bak": "old\n", "lib/notes.tmp.txt": "kept, for its name ends in .txt\n"}
    with zipfile.ZipFile(folder / "bundle.zip", "w") as bundle:  # stored: deflate differs between builds of zlib
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, date_time=(2024, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            bundle.writestr(entry, content)
