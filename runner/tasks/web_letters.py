"""Odd encodings: declared in the header, in the page, wrongly, or not at all."""

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._web import ENVIRONMENT

TASK = Task(
    id="web_letters",
    category=Category.WEB,
    level="hard",
    description="Old letters were put on the web by many hands, each in another encoding.",
    instruction=(
        "Read the letters at {site}/letters/. Give their authors' names in the order of the letters' numbers, and the "
        "sum of the crates that they ask for."
    ),
    constraints=(
        "The encoding that a page or its header declares can be wrong, and some declare none.",
        "Names are given in full and as their authors write them, in their own script, quotation marks included.",
    ),
    environment=ENVIRONMENT,
    answers=(
        Answer(
            name="authors",
            value=(
                "Åse Bjørnstad, Zoë “Tide” Müller, Łukasz Żółkiewski, 山田 花子, François Lœuillet, "
                "Þórdís Guðmundsdóttir, Фёдор Щукин, Σοφία Παπαδάκη"
            ),
            kind=Kind.LIST,
            what="the authors in the order of the letters",
        ),
        Answer(name="crates", value="112", kind=Kind.NUMBER, decimals=0, what="the sum of the crates"),
    ),
    stages=(
        Stage(
            aim="Download the letters as bytes, with what their headers say",
            code="""\
from urllib.parse import urljoin

import requests
from bs4 import BeautifulSoup

start = "{site}/letters/"
soup = BeautifulSoup(requests.get(start, timeout=10).text, "html.parser")
letters = []
for a in soup.select("ol a"):
    response = requests.get(urljoin(start, a["href"]), timeout=10)
    letters.append((response.content, response.headers["Content-Type"]))
print([(len(content), declared) for content, declared in letters])
""",
        ),
        Stage(
            aim="Decode each: by its byte order mark, as strict UTF-8, or as what is declared",
            code="""\
import re

def decode(content, declared):
    if content[:2] in (b"\\xff\\xfe", b"\\xfe\\xff"):
        return content.decode("utf-16")
    meta = re.search(rb'charset="?([\\w-]+)', content)
    header = re.search(r"charset=([\\w-]+)", declared)
    names = ["utf-8", meta and meta[1].decode(), header and header[1], "cp1252"]
    for name in filter(None, names):
        try:
            return content.decode(name)
        except UnicodeDecodeError:
            continue
    raise ValueError("no encoding fits")

texts = [decode(*letter) for letter in letters]
print([ascii(text[60:110]) for text in texts[:2]])
""",
        ),
        Stage(
            aim="Read authors and crates and state the answer",
            code="""\
pages = [BeautifulSoup(text, "html.parser") for text in texts]
authors = [page.select_one(".author").get_text(strip=True) for page in pages]
crates = sum(int(page.select_one(".crates").get_text()) for page in pages)
print(f"@authors[{', '.join(authors)}] @crates[{crates}]")
""",
        ),
    ),
)
