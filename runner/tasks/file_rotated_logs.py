"""Rotated logs, some of them compressed, put together again and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._draw import Draw
from runner.tasks._files import SHELL, gz, text

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(
    id="file_rotated_logs",
    category=Category.FILES,
    level="medium",
    seed=4203,
    description="A service rotates its log: app.log is the newest part, and the higher the number, the older the part. "
    "Older parts are compressed with gzip.",
    instruction="Put the parts together into one log in the order of time, and count its errors.",
    constraints=(
        (
            "Write merged.log to the working directory: the decompressed parts one after another, the oldest first, "
            "byte for byte, with nothing added between them."
        ),
        "An entry begins with a date; lines that begin with a space belong to the entry above them and are no entry.",
        "An error is an entry whose level, its third field, is ERROR. Its component is the fourth field.",
        "On a tie between components take the first in the alphabet.",
    ),
    environment="The folder logs in the working directory holds the parts. An entry looks like "
    f"2024-02-03 04:05:06 ERROR billing: what happened. {SHELL}",
    answers=(
        Answer(name="errors", value="99", kind=Kind.NUMBER, decimals=0, what="the number of errors"),
        Answer(name="component", value="billing", what="the component with the most errors, without the colon"),
        Answer(name="merged_hash", value="043dbe1d686a", what="the first 12 hex digits of the SHA-256 of merged.log"),
    ),
    stages=(
        Stage(
            aim="List the parts, the oldest first",
            code="""\
import re
from pathlib import Path


def age(path):
    number = re.search(r"\\.(\\d+)(\\.gz)?$", path.name)
    return int(number[1]) if number else 0


parts = sorted(Path("logs").glob("app.log*"), key=age, reverse=True)
print([part.name for part in parts])
""",
        ),
        Stage(
            aim="Put them together with gzip and cat",
            code="""\
import subprocess

with open("merged.log", "wb") as merged:
    for part in parts:
        command = ["gzip", "-dc"] if part.suffix == ".gz" else ["cat"]
        merged.write(subprocess.run([*command, str(part)], check=True, stdout=subprocess.PIPE).stdout)
print(subprocess.run(["wc", "-l", "merged.log"], check=True, stdout=subprocess.PIPE, text=True).stdout)
""",
        ),
        Stage(
            aim="Count the errors by component and state the answers",
            code="""\
import hashlib
from collections import Counter

data = Path("merged.log").read_bytes()
entries = [line.split(maxsplit=4) for line in data.decode().splitlines() if re.match(r"\\d{4}-", line)]
errors = Counter(entry[3].rstrip(":") for entry in entries if entry[2] == "ERROR")
print(sorted(errors.items()))
print(f"@errors[{errors.total()}]")
print(f"@component[{min(errors, key=lambda name: (-errors[name], name))}]")
print(f"@merged_hash[{hashlib.sha256(data).hexdigest()[:12]}]")
""",
        ),
    ),
)

_SAID = ("retry after ERROR 7", "took too long", "queue is full", "no ERROR so far", "connection reset")


def build(folder: Path) -> None:
    """Write logs/app.log and eleven older parts, so that 10 sorts before 2 as text; ERROR is also said by others."""
    draw = Draw(TASK.seed)
    minute = 0
    for number in range(11, -1, -1):
        lines = []
        for _ in range(draw.whole(25, 45)):
            minute += draw.whole(1, 19)
            day, rest = divmod(minute, 1440)
            at = f"2024-02-{1 + day:02d} {rest // 60:02d}:{rest % 60:02d}:{draw.whole(0, 59):02d}"
            level = draw.pick(("INFO", "INFO", "WARN", "ERROR"))
            lines.append(f"{at} {level} {draw.pick(('billing', 'mail', 'search', 'web'))}: {draw.pick(_SAID)}")
            if level == "ERROR" and draw.chance(0.3):
                lines += ["  Traceback follows", f"  ERROR code {draw.whole(1, 9)}"]
        content = "\n".join(lines) + "\n"
        if number < 2:
            text(folder / "logs" / ("app.log.1" if number else "app.log"), content)
        else:
            (folder / "logs").mkdir(exist_ok=True)
            (folder / "logs" / f"app.log.{number}.gz").write_bytes(gz(content.encode()))
