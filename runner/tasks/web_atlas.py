"""A crawl over relative links, some of them below a base, with circles and dead ends."""

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._web import ENVIRONMENT

TASK = Task(
    id="web_atlas",
    category=Category.WEB,
    level="hard",
    description="An atlas of tide stations is a web of small pages that link to each other in every way there is.",
    instruction=(
        "Start at {site}/atlas/index.html and follow the links to every page of the atlas that can be reached. Count "
        "the pages, add up the elevations that they state, and find the title (h1) of the page that is most clicks "
        "away from the start by the shortest way."
    ),
    constraints=(
        "Stay below {site}/atlas/. Fragments and queries (#..., ?...) do not make another page.",
        "Links are relative to the base of their page, where it declares one.",
        "A link to a page that is not there (404) leads to no page and does not count. The start is a page too.",
    ),
    environment=ENVIRONMENT,
    answers=(
        Answer(name="pages", value="28", kind=Kind.NUMBER, decimals=0, what="how many pages can be reached"),
        Answer(
            name="elevation_sum", value="3014", kind=Kind.NUMBER, decimals=0, what="the sum of elevations in metres"
        ),
        Answer(name="farthest", value="Grimholm", what="the title of the page that is most clicks away"),
    ),
    stages=(
        Stage(
            aim="Write a function that reads a page: title, elevation, and the addresses that it links to",
            code="""\
from urllib.parse import urldefrag, urljoin

import requests
from bs4 import BeautifulSoup

def read(address):
    response = requests.get(address, timeout=10)
    if response.status_code == 404:
        return None
    response.raise_for_status()
    soup = BeautifulSoup(response.text, "html.parser")
    base = soup.find("base", href=True)
    root = urljoin(address, base["href"]) if base else address
    links = {urldefrag(urljoin(root, a["href"]))[0].split("?")[0] for a in soup.find_all("a", href=True)}
    metres = int(soup.select_one("dl.facts dd").get_text().split()[0])
    return soup.h1.get_text(strip=True), metres, {link for link in links if link.startswith("{site}/atlas/")}

print(read("{site}/atlas/index.html"))
""",
        ),
        Stage(
            aim="Crawl in the order of distance from the start",
            code="""\
from collections import deque

start = "{site}/atlas/index.html"
pages, clicks, queue = {}, {start: 0}, deque([start])
while queue:
    address = queue.popleft()
    page = read(address)
    if page is None:
        continue
    pages[address] = page
    for link in sorted(page[2]):
        if link not in clicks:
            clicks[link] = clicks[address] + 1
            queue.append(link)
print(len(pages), "pages of", len(clicks), "addresses")
""",
        ),
        Stage(
            aim="Add up the elevations, find the farthest page, and state the answer",
            code="""\
farthest = max(pages, key=clicks.get)
print(sorted(clicks[address] for address in pages)[-3:], "clicks")
total = sum(metres for _, metres, _ in pages.values())
print(f"@pages[{len(pages)}] @elevation_sum[{total}] @farthest[{pages[farthest][0]}]")
""",
        ),
    ),
)
