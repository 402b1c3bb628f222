"""Reviews: what buyers say of a product, as JSON that its page would load, five at a time."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from runner.site.page import JSON, Reply, seeded
from runner.site.shop import products

if TYPE_CHECKING:
    from random import Random

    from runner.site.page import Asked

_AT_ONCE = 5
_WORDS = ("Holds its zero.", "The clamp is too wide.", "Two winters, no drift.", "Arrived late.", "Clear manual.")


class Review(NamedTuple):
    """A review. `verified`: by somebody who bought the product."""

    stars: int
    verified: bool
    text: str


@cache
def reviews() -> dict[str, tuple[Review, ...]]:
    """Return the reviews of each product, by its SKU."""
    random = seeded("skerry-reviews-30")
    return {product.sku: tuple(_review(random) for _ in range(random.randrange(24))) for product in products()}


def answer(asked: Asked) -> Reply | None:
    """Answer for /shop/reviews/SKU.json?from=N."""
    sku = asked.path.removeprefix("/shop/reviews/").removesuffix(".json")
    if asked.path != f"/shop/reviews/{sku}.json" or sku not in reviews():
        return None
    start = asked.query.get("from", "0")
    first = int(start) if start.isascii() and start.isdigit() else 0
    found = reviews()[sku]
    body: dict[str, object] = {"sku": sku, "reviews": [one._asdict() for one in found[first : first + _AT_ONCE]]}
    if first + _AT_ONCE < len(found):
        body["next"] = f"{sku}.json?from={first + _AT_ONCE}"  # relative to this address
    return Reply(json.dumps(body).encode(), JSON)


def _review(random: Random) -> Review:
    return Review(random.choice((1, 2, 3, 3, 4, 4, 4, 5, 5, 5)), random.random() < 0.7, random.choice(_WORDS))
