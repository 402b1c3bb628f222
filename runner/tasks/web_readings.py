"""An interface that answers only those who say who they are, as its documentation tells, and gives data by cursor."""

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._web import ENVIRONMENT

TASK = Task(
    id="web_readings",
    category=Category.WEB,
    level="medium",
    description="Skerry Instruments serves the readings of its tide stations as JSON, by a documented interface.",
    instruction=(
        "Find out from {site}/docs/interface.html how {site}/api/v2/ wants to be asked. Get all readings of all "
        "stations. Find the station with the highest mean level, that mean, and how many readings of all stations "
        "together are not usable."
    ),
    constraints=(
        "A reading is usable where it has a level and its quality is ok; only usable readings count in a mean.",
        "Readings come in parts: go on until there are no more.",
    ),
    environment=ENVIRONMENT,
    answers=(
        Answer(name="station", value="SNV", what="the code of the station"),
        Answer(name="mean_cm", value="191.39", kind=Kind.NUMBER, decimals=2, what="the mean level there, in cm"),
        Answer(name="not_usable", value="124", kind=Kind.NUMBER, decimals=0, what="how many readings are not usable"),
    ),
    stages=(
        Stage(
            aim="Read in the documentation which headers the interface asks for",
            code="""\
import requests
from bs4 import BeautifulSoup

soup = BeautifulSoup(requests.get("{site}/docs/interface.html", timeout=10).text, "html.parser")
codes = [code.get_text() for code in soup.select("main p code")]
print(codes)
headers = {"X-Tern-Client": codes[codes.index("X-Tern-Client") + 1], "Accept": "application/json"}
""",
        ),
        Stage(
            aim="Get the stations",
            code="""\
response = requests.get("{site}/api/v2/stations", headers=headers, timeout=10)
response.raise_for_status()
stations = [station["code"] for station in response.json()["stations"]]
print(stations)
""",
        ),
        Stage(
            aim="Get all parts of each station's readings",
            code="""\
readings = {}
for station in stations:
    readings[station], cursor = [], None
    while True:
        params = {"station": station, **({"cursor": cursor} if cursor else {})}
        response = requests.get("{site}/api/v2/readings", params=params, headers=headers, timeout=10)
        response.raise_for_status()
        part = response.json()
        readings[station] += part["readings"]
        cursor = part["next_cursor"]
        if cursor is None:
            break
print({station: len(found) for station, found in readings.items()})
""",
        ),
        Stage(
            aim="Take the means of the usable readings, count the others, and state the answer",
            code="""\
means, unusable = {}, 0
for station, found in readings.items():
    usable = [one["level_cm"] for one in found if one["level_cm"] is not None and one["quality"] == "ok"]
    unusable += len(found) - len(usable)
    means[station] = sum(usable) / len(usable)
print(means)
best = max(means, key=means.get)
print(f"@station[{best}] @mean_cm[{means[best]:.2f}] @not_usable[{unusable}]")
""",
        ),
    ),
)
