"""Files with the same content under several names, of which one stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._draw import Draw
from runner.tasks._files import SHELL, text

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(
    id="file_duplicates",
    category=Category.FILES,
    level="medium",
    seed=4202,
    description="A folder of documents has grown over years, and holds the same content under several names.",
    instruction="Move all but one file of each content out of the folder, and report what is left.",
    constraints=(
        "Two files are duplicates if their contents are equal byte for byte, whatever they are called.",
        (
            "Of each group of duplicates keep the file with the shortest path relative to documents (in characters, "
            "with forward slashes); of equally short ones the first in ascending order of the path."
        ),
        "Move the others to the folder duplicates in the working directory, under the same relative path.",
        "Empty files are no duplicates of each other: leave them where they are.",
        (
            "The list of documents has a line for each file that is left: its path relative to documents and a line "
            "feed; lines are in ascending order of the path (code points)."
        ),
    ),
    environment=f"The folder documents, with folders in it, is in the working directory. {SHELL}",
    answers=(
        Answer(name="moved", value="34", kind=Kind.NUMBER, decimals=0, what="the number of files moved"),
        Answer(name="bytes_moved", value="3513", kind=Kind.NUMBER, decimals=0, what="their size in bytes, summed up"),
        Answer(name="list_hash", value="e8daacd24a57", what="the first 12 hex digits of the SHA-256 of the list"),
    ),
    stages=(
        Stage(
            aim="Group the files of documents by the hash of their content",
            code="""\
import hashlib
from collections import defaultdict
from pathlib import Path

groups = defaultdict(list)
for path in Path("documents").rglob("*"):
    if path.is_file() and path.stat().st_size:
        groups[hashlib.sha256(path.read_bytes()).hexdigest()].append(path.relative_to("documents").as_posix())
print(len(groups), "contents,", sum(len(group) > 1 for group in groups.values()), "of them more than once")
""",
        ),
        Stage(
            aim="Move all but the first of each group to duplicates",
            code="""\
import shutil

for group in groups.values():
    for name in sorted(group, key=lambda name: (len(name), name))[1:]:
        target = Path("duplicates") / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(Path("documents") / name, target)
""",
        ),
        Stage(
            aim="Count what was moved, list what is left and state the answers",
            code="""\
moved = [path for path in Path("duplicates").rglob("*") if path.is_file()]
left = sorted(path.relative_to("documents").as_posix() for path in Path("documents").rglob("*") if path.is_file())
listing = "".join(f"{name}\\n" for name in left)
print(len(left), "left")
print(f"@moved[{len(moved)}]")
print(f"@bytes_moved[{sum(path.stat().st_size for path in moved)}]")
print(f"@list_hash[{hashlib.sha256(listing.encode()).hexdigest()[:12]}]")
""",
        ),
    ),
)


def build(folder: Path) -> None:
    """Write documents: 80 files of 46 contents, some of which differ by a space at the end only, and three empty."""
    draw = Draw(TASK.seed)
    words = ("report", "draft", "offer", "plan", "minutes", "letter")
    bodies = [f"{draw.pick(words)} {number}\n" * draw.whole(1, 30) for number in range(40)]
    bodies += [body[:-1] + " \n" for body in bodies[:6]]
    places = ("", "old/", "old/2019/", "shared/", "shared/to sort/")
    contents = draw.shuffled(bodies + [draw.pick(bodies[:25]) for _ in range(34)] + [""] * 3)
    for number, body in enumerate(contents):
        name = f"{draw.pick(places)}{draw.pick(words)}{draw.pick(('', ' (copy)', '-v2'))} {number}.txt"
        text(folder / "documents" / name, body)
