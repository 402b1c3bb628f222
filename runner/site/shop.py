"""Shop: a list of products over several pages, prices as they are written on the continent, and a page per product."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from functools import cache
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from runner.site.page import missing, page, seeded

if TYPE_CHECKING:
    from runner.site.page import Asked, Reply

PER_PAGE = 12
_COUNT = 83
_NAMES = ("Skerry", "Tern", "Osprey", "Eider", "Fulmar", "Gannet", "Petrel", "Dunlin", "Plover", "Avocet", "Curlew")
_KINDS = {
    "Sensors": ("Pressure Sensor", "Level Sensor", "Float Gauge", "Radar Gauge"),
    "Loggers": ("Data Logger", "Compact Logger", "Buoy Logger"),
    "Probes": ("Salinity Probe", "Temperature Probe"),
    "Cables": ("Vented Cable", "Signal Cable"),
    "Cases": ("Field Case", "Dry Case"),
}


class Product(NamedTuple):
    """A product. `was` is the price before a reduction; `stock` None: on order."""

    sku: str
    name: str
    category: str
    price: Decimal
    was: Decimal | None
    stock: int | None
    grams: int


@cache
def products() -> tuple[Product, ...]:
    """Return the products in the order of the list."""
    random = seeded("skerry-shop-1")
    out = []
    for i in range(_COUNT):
        category = random.choice(tuple(_KINDS))
        name = f"{random.choice(_NAMES)} {random.choice(_KINDS[category])} {random.choice('ABKLT')}{100 + 7 * i}"
        price = Decimal(random.randrange(900, 240000, 5)) / 100
        was = price + Decimal(random.randrange(500, 20000, 5)) / 100 if random.random() < 0.25 else None
        stock = random.choice((None, 0, 0, 1, 2, 4, 7, 15, 30))
        out.append(Product(f"SK-{1000 + 13 * i}", name, category, price, was, stock, random.randrange(40, 4000, 5)))
    return tuple(out)


def euros(price: Decimal) -> str:
    """Write a price with a point for thousands and a comma for cents."""
    return "€ " + f"{price:,.2f}".translate(str.maketrans(",.", ".,"))


def answer(asked: Asked) -> Reply | None:
    """Answer for the list and for the products' own pages."""
    if asked.path in {"/shop", "/shop/"}:
        return _list(asked)
    if asked.path.startswith("/shop/item/"):
        sku = asked.path.removeprefix("/shop/item/")
        for product in products():
            if product.sku == sku:
                return _item(product)
    return None


def _list(asked: Asked) -> Reply:
    pages = math.ceil(_COUNT / PER_PAGE)
    number = asked.query.get("page", "1")
    if number not in {str(n) for n in range(1, pages + 1)}:
        return missing(f"{asked.path}?page={number}")
    here = int(number)
    start = PER_PAGE * (here - 1)
    sponsored = products()[(start + 29) % _COUNT]
    cards = [_card(sponsored, "product sponsored")]
    cards += [_card(product, "product") for product in products()[start : start + PER_PAGE]]
    links = f'<a rel="prev" href="?page={here - 1}">Earlier</a> ' if here > 1 else ""
    links += f'<a rel="next" href="?page={here + 1}">More</a>' if here < pages else ""
    return page(f"Shop, page {here} of {pages}", "\n".join(cards) + f'\n<p class="pages">{links}</p>')


def _card(product: Product, css: str) -> str:
    price = f"<ins>{euros(product.price)}</ins>" if product.was else euros(product.price)
    was = f"<del>{euros(product.was)}</del> " if product.was else ""
    stock = {None: "On order", 0: "Sold out"}.get(product.stock, f"In stock: {product.stock}")
    label = "<small>Sponsored</small> " if "sponsored" in css else ""
    return (
        f'<article class="{css}" data-sku="{product.sku}">{label}'
        f'<h3><a href="/shop/item/{product.sku}">{escape(product.name)}</a></h3>'
        f'<span class="category">{product.category}</span> <p class="price">{was}{price}</p>'
        f'<p class="stock">{stock}</p></article>'
    )


def _item(product: Product) -> Reply:
    linked = {
        "@context": "https://schema.org",
        "@type": "Product",
        "sku": product.sku,
        "name": product.name,
        "category": product.category,
        "weight": {"@type": "QuantitativeValue", "value": product.grams / 1000, "unitCode": "KGM"},
        "offers": {"@type": "Offer", "price": f"{product.price:.2f}", "priceCurrency": "EUR"},
    }
    body = (
        f"<p>{escape(product.category)}. {euros(product.price)}.</p>\n"
        f'<p id="reviews" data-source="/shop/reviews/{product.sku}.json">The reviews are loaded when you scroll.</p>'
    )
    head = f'<script type="application/ld+json">{json.dumps(linked, ensure_ascii=False)}</script>'
    return page(product.name, body, head=head)
