"""A shop over several pages, with advertisements that repeat products and prices as written on the continent."""

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._web import ENVIRONMENT

TASK = Task(
    id="web_prices",
    category=Category.WEB,
    level="medium",
    description="Skerry Instruments sells its products in a shop whose list goes over several pages.",
    instruction=(
        "Go through all pages of {site}/shop. Of the products of the category Sensors that are in stock, find how many "
        "there are, the mean of their prices, and the SKU (data-sku) of the cheapest."
    ),
    constraints=(
        "The price is the one to be paid now, not one that is struck out.",
        "A sponsored card repeats a product of another page: each product counts once.",
        "Products that are sold out or on order are not in stock.",
    ),
    environment=ENVIRONMENT,
    answers=(
        Answer(name="in_stock", value="11", kind=Kind.NUMBER, decimals=0, what="how many sensors are in stock"),
        Answer(
            name="mean_price", value="1263.93", kind=Kind.NUMBER, decimals=2, what="the mean of their prices in euros"
        ),
        Answer(name="cheapest", value="SK-1013", what="the SKU of the cheapest of them"),
    ),
    stages=(
        Stage(
            aim="Follow the links to the next page from the first page of the shop to the last",
            code="""\
from urllib.parse import urljoin

import requests
from bs4 import BeautifulSoup

address, cards, pages = "{site}/shop", [], 0
while address:
    response = requests.get(address, timeout=10)
    response.raise_for_status()
    soup = BeautifulSoup(response.text, "html.parser")
    cards += soup.select("article.product")
    pages += 1
    following = soup.find("a", rel="next")
    address = urljoin(address, following["href"]) if following else None
print(pages, "pages,", len(cards), "cards")
""",
        ),
        Stage(
            aim="Read category, price and stock of each card, once per SKU",
            code="""\
def euros(text):
    return float(text.replace("\\u20ac", "").strip().replace(".", "").replace(",", "."))

products = {}
for card in cards:
    price = card.select_one(".price")
    now = price.find("ins") or price
    products[card["data-sku"]] = {
        "category": card.select_one(".category").get_text(strip=True),
        "price": euros(now.get_text(strip=True)),
        "stock": card.select_one(".stock").get_text(strip=True),
    }
print(len(products), "products")
""",
        ),
        Stage(
            aim="Keep the sensors in stock and state the answer",
            code="""\
sensors = {
    sku: product["price"]
    for sku, product in products.items()
    if product["category"] == "Sensors" and product["stock"].startswith("In stock")
}
print(sensors)
mean = sum(sensors.values()) / len(sensors)
print(f"@in_stock[{len(sensors)}] @mean_price[{mean:.2f}] @cheapest[{min(sensors, key=sensors.get)}]")
""",
        ),
    ),
)
