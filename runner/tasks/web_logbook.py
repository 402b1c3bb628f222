"""A page too large to be read by a model: it has to be read by code."""

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._web import ENVIRONMENT

TASK = Task(
    id="web_logbook",
    category=Category.WEB,
    level="medium",
    description="The tide stations' logbook of a year is one page of nearly a megabyte with thousands of entries.",
    instruction=(
        "Read {site}/archive/2023.html. Count the entries of level ALERT at the station Kvitnes that mention a valve. "
        "Then take the ALERT entries of all stations in the order of time, and find the longest time between one and "
        "the next, in minutes, and the station whose entry ended it."
    ),
    constraints=(
        "The page is too large to print or to read as a whole.",
        "Entries do not stand in the order of time: what was handed in late stands at the end of its month.",
    ),
    environment=ENVIRONMENT,
    answers=(
        Answer(name="valve_alerts", value="43", kind=Kind.NUMBER, decimals=0, what="how many such entries there are"),
        Answer(name="longest_gap", value="4954", kind=Kind.NUMBER, decimals=0, what="the longest time, in minutes"),
        Answer(name="ended_by", value="Brattholm", what="the station whose entry ended it"),
    ),
    stages=(
        Stage(
            aim="Download the page and see how large it is and what an entry looks like",
            code="""\
import requests

response = requests.get("{site}/archive/2023.html", timeout=30)
response.raise_for_status()
page = response.text
start = page.index('<p class="entry">')
print(len(page), "characters; an entry:", page[start : page.index("</p>", start) + 4])
""",
        ),
        Stage(
            aim="Read time, level, station and text of each entry and sort by time",
            code="""\
import re
from datetime import datetime

ENTRY = re.compile(
    r'<p class="entry"><time datetime="([^"]+)">[^<]*</time> <b>(\\w+)</b> <i>(\\w+)</i>: <span>([^<]*)</span>'
)
entries = sorted(
    (datetime.fromisoformat(time), level, station, text) for time, level, station, text in ENTRY.findall(page)
)
assert len(entries) == page.count('class="entry"')
alerts = [entry for entry in entries if entry[1] == "ALERT"]
print(len(entries), "entries,", len(alerts), "alerts")
""",
        ),
        Stage(
            aim="Count the alerts about valves at Kvitnes",
            code="""\
valves = [entry for entry in alerts if entry[2] == "Kvitnes" and "valve" in entry[3].lower()]
print(len(valves), valves[:2])
""",
        ),
        Stage(
            aim="Find the longest time between two alerts and state the answer",
            code="""\
gaps = [((later[0] - earlier[0]).total_seconds() / 60, later[2]) for earlier, later in zip(alerts, alerts[1:])]
longest, station = max(gaps)
print(f"@valve_alerts[{len(valves)}] @longest_gap[{longest:.0f}] @ended_by[{station}]")
""",
        ),
    ),
)
