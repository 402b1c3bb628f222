"""What a page does not show: linked data in a script, and reviews that are loaded from elsewhere, a few at a time."""

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._web import ENVIRONMENT

TASK = Task(
    id="web_reviews",
    category=Category.WEB,
    level="hard",
    description="Each product of the shop of Skerry Instruments has its own page, which loads its reviews from JSON.",
    instruction=(
        "Find the products of the category Loggers in the shop at {site}/shop (over all its pages) and open the page "
        "of each. Load its reviews from the address that the page names for them, all parts of it. Of the loggers "
        "with at least 8 reviews by verified buyers, find the one with the highest mean of these buyers' stars, that "
        "mean, and the weight that its page states as linked data (JSON-LD)."
    ),
    constraints=(
        "Reviews by buyers who are not verified do not count.",
        "The JSON names the address of the next part, relative to its own address, as long as there is one.",
    ),
    environment=ENVIRONMENT,
    answers=(
        Answer(name="sku", value="SK-1494", what="the SKU of the logger"),
        Answer(name="mean_stars", value="3.94", kind=Kind.NUMBER, decimals=2, what="the mean of the verified stars"),
        Answer(name="weight_g", value="1770", kind=Kind.NUMBER, decimals=0, what="its weight in grams"),
    ),
    stages=(
        Stage(
            aim="Collect the addresses of the pages of all loggers from the pages of the shop",
            code="""\
from urllib.parse import urljoin

import requests
from bs4 import BeautifulSoup

address, loggers = "{site}/shop", {}
while address:
    soup = BeautifulSoup(requests.get(address, timeout=10).text, "html.parser")
    for card in soup.select("article.product"):
        if card.select_one(".category").get_text(strip=True) == "Loggers":
            loggers[card["data-sku"]] = urljoin(address, card.h3.a["href"])
    following = soup.find("a", rel="next")
    address = urljoin(address, following["href"]) if following else None
print(len(loggers), "loggers")
""",
        ),
        Stage(
            aim="Open each page for its linked data and the address of its reviews",
            code="""\
import json

weights, sources = {}, {}
for sku, address in loggers.items():
    soup = BeautifulSoup(requests.get(address, timeout=10).text, "html.parser")
    linked = json.loads(soup.find("script", type="application/ld+json").string)
    weights[sku] = round(linked["weight"]["value"] * 1000)
    sources[sku] = urljoin(address, soup.find(id="reviews")["data-source"])
print(weights)
""",
        ),
        Stage(
            aim="Load all parts of the reviews of each logger",
            code="""\
stars = {}
for sku, address in sources.items():
    stars[sku] = []
    while address:
        part = requests.get(address, timeout=10).json()
        stars[sku] += [review["stars"] for review in part["reviews"] if review["verified"]]
        address = urljoin(address, part["next"]) if "next" in part else None
print({sku: len(given) for sku, given in stars.items()})
""",
        ),
        Stage(
            aim="Compare the means of those with at least 8 verified reviews and state the answer",
            code="""\
means = {sku: sum(given) / len(given) for sku, given in stars.items() if len(given) >= 8}
print(means)
best = max(means, key=means.get)
print(f"@sku[{best}] @mean_stars[{means[best]:.2f}] @weight_g[{weights[best]}]")
""",
        ),
    ),
)
