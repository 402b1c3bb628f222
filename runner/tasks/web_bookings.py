"""Tables whose cells span rows and columns, in which a cell's place is not its index."""

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._web import ENVIRONMENT

TASK = Task(
    id="web_bookings",
    category=Category.WEB,
    level="hard",
    description=(
        "A laboratory shows who has booked its rooms in one table per day. A row is half an hour; a booking spans "
        "several rows, and two columns where it holds two rooms."
    ),
    instruction=(
        "Read all five tables of {site}/lab/bookings.html. Find for how many hours of the week the team Osprey holds "
        "the room N2, which team holds most room-hours in the building South, and how many room-hours that is."
    ),
    constraints=(
        "A booking of two rooms for one hour is two room-hours, one in each room.",
        "Cells that an earlier cell reaches into by rowspan or colspan are missing from the HTML of their row.",
    ),
    environment=ENVIRONMENT,
    answers=(
        Answer(name="osprey_n2_hours", value="2.5", kind=Kind.NUMBER, decimals=1, what="hours of Osprey in N2"),
        Answer(name="south_team", value="Avocet", what="the team with most room-hours in South"),
        Answer(
            name="south_hours", value="13.5", kind=Kind.NUMBER, decimals=1, what="the room-hours of that team in South"
        ),
    ),
    stages=(
        Stage(
            aim="Download the page and lay a table out as a grid, each cell in every place that it spans",
            code="""\
import requests
from bs4 import BeautifulSoup

soup = BeautifulSoup(requests.get("{site}/lab/bookings.html", timeout=10).text, "html.parser")

def grid(table):
    cells = {}
    for row, tr in enumerate(table.find_all("tr")):
        column = 0
        for cell in tr.find_all(["td", "th"]):
            while (row, column) in cells:
                column += 1
            for down in range(int(cell.get("rowspan", 1))):
                for right in range(int(cell.get("colspan", 1))):
                    cells[row + down, column + right] = cell.get_text(strip=True)
    return cells

tables = soup.find_all("table")
print(len(tables), "tables; the head of the first:", [grid(tables[0])[1, column] for column in range(6)])
""",
        ),
        Stage(
            aim="Collect half hours by building, room and team",
            code="""\
from collections import Counter

slots = Counter()
for table in tables:
    cells = grid(table)
    columns = 1 + max(column for _, column in cells)
    rows = 1 + max(row for row, _ in cells)
    for column in range(1, columns):
        for row in range(2, rows):
            if cells[row, column]:
                slots[cells[0, column], cells[1, column], cells[row, column]] += 1
print(sum(slots.values()), "half hours")
""",
        ),
        Stage(
            aim="Add up hours and state the answer",
            code="""\
south = Counter()
for (building, room, team), count in slots.items():
    if building == "South":
        south[team] += count / 2
print(south)
(team, hours), = south.most_common(1)
osprey = slots["North", "N2", "Osprey"] / 2
print(f"@osprey_n2_hours[{osprey:.1f}] @south_team[{team}] @south_hours[{hours:.1f}]")
""",
        ),
    ),
)
