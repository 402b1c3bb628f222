"""Files copied into folders under names made of what stands in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._draw import Draw
from runner.tasks._files import SHELL, text

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(
    id="file_photo_sort",
    category=Category.FILES,
    level="medium",
    seed=4201,
    description="A folder holds the side files of photos, named by three cameras in three ways.",
    instruction="Sort the files into a new folder by the time at which the photo was taken, and report on the result.",
    constraints=(
        "Copy each file of inbox to sorted/YYYY-MM/YYYYMMDD-HHMMSS.txt, by its line taken:. Leave inbox as it is.",
        (
            "Where several files were taken in the same second, the first by its old name (compared by code points, "
            "case matters) gets that name, the second ends in -2.txt, the third in -3.txt."
        ),
        "Ignore files of inbox without a line that begins with taken:.",
        (
            "The list of sorted has a line for each file: the SHA-256 of its content in lower-case hex, two spaces, "
            "its path relative to sorted with forward slashes, a line feed; lines are in ascending order of the path."
        ),
    ),
    environment="The folder inbox is in the working directory. A file says when its photo was taken in a line such as "
    f"taken: 2023-05-04 10:22:03. {SHELL}",
    answers=(
        Answer(name="files", value="70", kind=Kind.NUMBER, decimals=0, what="the number of files in sorted"),
        Answer(name="fullest", value="2023-04", what="the folder of sorted with the most files, as YYYY-MM"),
        Answer(name="list_hash", value="419528bbf466", what="the first 12 hex digits of the SHA-256 of the list"),
    ),
    stages=(
        Stage(
            aim="Read when each photo in inbox was taken",
            code="""\
import re
from pathlib import Path

taken = {}
for path in sorted(Path("inbox").iterdir(), key=lambda path: path.name):
    found = re.search(r"^taken: (\\d{4})-(\\d\\d)-(\\d\\d) (\\d\\d):(\\d\\d):(\\d\\d)$", path.read_text(), re.MULTILINE)
    if found:
        taken[path] = found.groups()
print(len(taken), "photos with a time")
""",
        ),
        Stage(
            aim="Copy the files to their new names",
            code="""\
import shutil

shutil.rmtree("sorted", ignore_errors=True)
for path, (year, month, day, hour, minute, second) in taken.items():
    folder = Path("sorted") / f"{year}-{month}"
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{year}{month}{day}-{hour}{minute}{second}"
    target, number = folder / f"{stem}.txt", 1
    while target.exists():
        number += 1
        target = folder / f"{stem}-{number}.txt"
    shutil.copyfile(path, target)
print(sorted(folder.name for folder in Path("sorted").iterdir()))
""",
        ),
        Stage(
            aim="List what is in sorted and state the answers",
            code="""\
import hashlib
from collections import Counter

paths = sorted(path.relative_to("sorted").as_posix() for path in Path("sorted").rglob("*.txt"))
lines = [f"{hashlib.sha256((Path('sorted') / path).read_bytes()).hexdigest()}  {path}\\n" for path in paths]
folders = Counter(path.split("/")[0] for path in paths)
print(folders)
print(f"@files[{len(paths)}]")
print(f"@fullest[{folders.most_common(1)[0][0]}]")
print(f"@list_hash[{hashlib.sha256(''.join(lines).encode()).hexdigest()[:12]}]")
""",
        ),
    ),
)


def build(folder: Path) -> None:
    """Write inbox: 70 side files, some of the same second, and some notes without a time."""
    draw = Draw(TASK.seed)
    moments = [
        f"2023-{draw.whole(4, 9):02d}-{draw.whole(1, 28):02d} {draw.whole(6, 21):02d}:{draw.whole(0, 59):02d}:07"
        for _ in range(56)
    ]
    names = ("IMG_{:04d}.txt", "dsc{}.TXT", "Photo {}.txt")
    for number, moment in enumerate(draw.shuffled(moments + [draw.pick(moments[:9]) for _ in range(14)])):
        name = draw.pick(names).format(number * 7 + 3)
        text(folder / "inbox" / name, f"camera: {draw.pick('ABC')}\ntaken: {moment}\nlight: {draw.whole(1, 99)}\n")
    for number in range(5):
        text(folder / "inbox" / f"note {number}.txt", f"by hand, was taken: 2023-08-{draw.whole(10, 28)} 12:00:07\n")
