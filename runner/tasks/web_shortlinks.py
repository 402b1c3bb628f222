"""Redirects: by status and by meta refresh, in full and relative; some end nowhere and some never end."""

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._web import ENVIRONMENT

TASK = Task(
    id="web_shortlinks",
    category=Category.WEB,
    level="hard",
    description="A catalogue prints short links, each of which leads to its page over one or more hops.",
    instruction=(
        "Follow every short link of {site}/links.html to its end. List the codes of those that end at a page that is "
        "not there (404), count those that run in a circle, and of those that arrive at a page, find the code of the "
        "one with most hops and how many they are."
    ),
    constraints=(
        "A redirect by its status (301, 302, 307 ...) is one hop, and so is a page that sends on by a meta refresh.",
        "A link runs in a circle where it comes back to an address where it has been.",
    ),
    environment=ENVIRONMENT,
    answers=(
        Answer(
            name="dead",
            value="bzp51, gzh49, ukw23",
            kind=Kind.LIST,
            what="the codes that end at a 404, in the order of the alphabet",
        ),
        Answer(name="circles", value="2", kind=Kind.NUMBER, decimals=0, what="how many run in a circle"),
        Answer(name="longest", value="uef80", what="the code of the one that arrives over most hops"),
        Answer(name="hops", value="7", kind=Kind.NUMBER, decimals=0, what="how many hops it has"),
    ),
    stages=(
        Stage(
            aim="Collect the short links",
            code="""\
from urllib.parse import urljoin

import requests
from bs4 import BeautifulSoup

start = "{site}/links.html"
soup = BeautifulSoup(requests.get(start, timeout=10).text, "html.parser")
links = {a.get_text(strip=True): urljoin(start, a["href"]) for a in soup.select("a.short")}
print(len(links), "links")
""",
        ),
        Stage(
            aim="Write a function that makes one hop, by status or by meta refresh",
            code="""\
import re

def hop(address):
    response = requests.get(address, timeout=10, allow_redirects=False)
    if response.is_redirect:
        return urljoin(address, response.headers["Location"]), response.status_code
    meta = BeautifulSoup(response.text, "html.parser").find("meta", attrs={"http-equiv": re.compile("^refresh$", re.I)})
    if meta is not None:
        return urljoin(address, re.search(r"url=(.+)", meta["content"], re.I)[1].strip()), response.status_code
    return None, response.status_code

print(hop(next(iter(links.values()))))
""",
        ),
        Stage(
            aim="Follow each link to its end",
            code="""\
ends = {}
for code, address in links.items():
    seen, status = [], None
    while address is not None and address not in seen:
        seen.append(address)
        address, status = hop(address)
    ends[code] = ("circle" if address is not None else status, len(seen) - 1)
print(ends)
""",
        ),
        Stage(
            aim="Sort the ends and state the answer",
            code="""\
dead = sorted(code for code, (end, _) in ends.items() if end == 404)
circles = sum(end == "circle" for end, _ in ends.values())
arrived = {code: hops for code, (end, hops) in ends.items() if end == 200}
longest = max(arrived, key=arrived.get)
print(f"@dead[{', '.join(dead)}] @circles[{circles}] @longest[{longest}] @hops[{arrived[longest]}]")
""",
        ),
    ),
)
