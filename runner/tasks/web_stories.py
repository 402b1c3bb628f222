"""What robots may read: robots.txt, gzipped sitemaps below an index, and pages that ask not to be indexed."""

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._web import ENVIRONMENT

TASK = Task(
    id="web_stories",
    category=Category.WEB,
    level="hard",
    description="Skerry Instruments publishes stories from the field. There is no list of them but the site's sitemap.",
    instruction=(
        "Start from {site}/robots.txt and the sitemap that it names. Take the stories that were last modified in 2024 "
        "and that robots.txt allows for any robot. Open each, leave out those that ask not to be indexed and those "
        "that are gone (404), and find how many remain, how many words they have together, and which author has most "
        "words."
    ),
    constraints=(
        "Respect robots.txt: open nothing that it disallows for User-agent: *.",
        "A story names its author and number of words in its meta elements, and may ask there not to be indexed.",
    ),
    environment=ENVIRONMENT,
    answers=(
        Answer(name="stories", value="27", kind=Kind.NUMBER, decimals=0, what="how many stories remain"),
        Answer(name="words", value="49320", kind=Kind.NUMBER, decimals=0, what="how many words they have together"),
        Answer(name="author", value="Ragna Vik", what="the author with most words among them"),
    ),
    stages=(
        Stage(
            aim="Read robots.txt: what is disallowed for any robot, and where the sitemap is",
            code="""\
import requests

robots = requests.get("{site}/robots.txt", timeout=10).text
disallowed, agent, sitemap = [], None, None
for line in robots.splitlines():
    key, _, value = line.partition(":")
    if key.lower() == "user-agent":
        agent = value.strip()
    elif key.lower() == "disallow" and agent == "*":
        disallowed.append(value.strip())
    elif key.lower() == "sitemap":
        sitemap = value.strip()
print(disallowed, sitemap)
""",
        ),
        Stage(
            aim="Open the sitemaps below the index and collect addresses and dates",
            code="""\
import gzip
from xml.etree import ElementTree

SPACE = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
index = ElementTree.fromstring(requests.get(sitemap, timeout=10).content)
listed = []
for loc in index.findall("s:sitemap/s:loc", SPACE):
    urls = ElementTree.fromstring(gzip.decompress(requests.get(loc.text, timeout=10).content))
    listed += [(url.find("s:loc", SPACE).text, url.find("s:lastmod", SPACE).text) for url in urls]
print(len(listed), "stories listed")
""",
        ),
        Stage(
            aim="Keep what was modified in 2024 and is allowed",
            code="""\
from urllib.parse import urlsplit

allowed = [
    address
    for address, modified in listed
    if modified.startswith("2024") and not any(urlsplit(address).path.startswith(path) for path in disallowed)
]
print(len(allowed), "to open")
""",
        ),
        Stage(
            aim="Open each story, count the words by author, and state the answer",
            code="""\
from collections import Counter

from bs4 import BeautifulSoup

words, count = Counter(), 0
for address in allowed:
    response = requests.get(address, timeout=10)
    if response.status_code == 404:
        continue
    soup = BeautifulSoup(response.text, "html.parser")
    meta = {tag["name"]: tag["content"] for tag in soup.find_all("meta", attrs={"name": True})}
    if "noindex" not in meta.get("robots", ""):
        words[meta["author"]] += int(meta["words"])
        count += 1
print(words)
print(f"@stories[{count}] @words[{sum(words.values())}] @author[{words.most_common(1)[0][0]}]")
""",
        ),
    ),
)
