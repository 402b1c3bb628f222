"""Definition lists within definition lists: the name of a setting is the way down to it."""

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._web import ENVIRONMENT

TASK = Task(
    id="web_settings",
    category=Category.WEB,
    level="medium",
    description="The documentation of tern, a logger, lists its settings as definition lists within definition lists.",
    instruction=(
        "Read {site}/docs/settings.html. Take the settings of the section transport, at any depth, whose default is a "
        "duration and which are not deprecated. Count them, add up their defaults in seconds, and find the one with "
        "the longest default."
    ),
    constraints=(
        "A setting is a term whose definition has a default; terms that only group others are none.",
        "Only the default counts as its value, no other number in the definition.",
    ),
    environment=ENVIRONMENT,
    answers=(
        Answer(name="count", value="7", kind=Kind.NUMBER, decimals=0, what="how many such settings there are"),
        Answer(
            name="total_seconds", value="1281.55", kind=Kind.NUMBER, decimals=2, what="the sum of their defaults in s"
        ),
        Answer(
            name="longest",
            value="transport.serial.port.settle",
            what="the full name of the longest, its parts joined by dots",
        ),
    ),
    stages=(
        Stage(
            aim="Download the page and find the outermost definition list",
            code="""\
import requests
from bs4 import BeautifulSoup

response = requests.get("{site}/docs/settings.html", timeout=10)
response.raise_for_status()
soup = BeautifulSoup(response.text, "html.parser")
outer = soup.find("dl")
print("sections:", [dt.get_text(strip=True) for dt in outer.find_all("dt", recursive=False)])
""",
        ),
        Stage(
            aim="Walk down the nested lists and collect each setting with its full name",
            code="""\
def walk(dl, above=()):
    found = []
    for dt in dl.find_all("dt", recursive=False):
        name = (*above, dt.get_text(strip=True))
        dd = dt.find_next_sibling("dd")
        inner = dd.find("dl", recursive=False)
        if inner is not None:
            found += walk(inner, name)
        else:
            default = dd.find("span", class_="default").get_text(strip=True)
            found.append((".".join(name), default, dd.find("em", class_="deprecated") is not None))
    return found

settings = walk(outer)
print(len(settings), "settings, e.g.", settings[0])
""",
        ),
        Stage(
            aim="Keep the durations of the section transport that are not deprecated, in seconds",
            code="""\
import re

units = {"ms": 0.001, "s": 1, "min": 60}
durations = {}
for name, default, deprecated in settings:
    match = re.fullmatch(r"(\\d+) (ms|s|min)", default)
    if name.startswith("transport.") and match and not deprecated:
        durations[name] = int(match[1]) * units[match[2]]
print(durations)
""",
        ),
        Stage(
            aim="Count, add up, find the longest, and state the answer",
            code="""\
longest = max(durations, key=durations.get)
print(f"@count[{len(durations)}] @total_seconds[{sum(durations.values()):.2f}] @longest[{longest}]")
""",
        ),
    ),
)
