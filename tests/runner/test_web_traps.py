"""Each oddity of the site matters: a solution that overlooks it gives another answer, or none."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import pytest

from runner.scoring import score
from runner.site.serving import on_port
from runner.tasks import load

if TYPE_CHECKING:
    from collections.abc import Iterator

TRAPS = {
    "fractions are dropped": ("web_almanac", "sum(PARTS.get(letter, 0) for letter in text)", "0"),
    "the minus sign is not a hyphen": ("web_almanac", 'in "-\\u2212"', 'in "-"'),
    "struck rows count": ("web_almanac", ' and not row.find("s")', ""),
    "a base is overlooked": ("web_atlas", 'urljoin(address, base["href"]) if base else address', "address"),
    "queries make other pages": ("web_atlas", '.split("?")[0]', ""),
    "fragments make other pages": ("web_atlas", 'urldefrag(urljoin(root, a["href"]))[0]', 'urljoin(root, a["href"])'),
    "spans are overlooked": ("web_bookings", 'cell.get("rowspan", 1)', "1"),
    "bookings of two rooms count once": ("web_bookings", 'cell.get("colspan", 1)', "1"),
    "hidden fields are left out": ("web_invoices", 'field.get("value", "")', '""'),
    "there is no session": ("web_invoices", "requests.Session()", "requests"),
    "credit notes count as owed": ("web_invoices", '.replace("\\u2212", "-")', '.replace("\\u2212", "")'),
    "disputed invoices count": ("web_invoices", 'state == "unpaid"', 'state != "paid"'),
    "the header is believed": ("web_letters", '["utf-8", meta', '["latin-1", meta'),
    "UTF-8 is taken for granted": ("web_letters", "content.decode(name)", 'content.decode("utf-8", "replace")'),
    "entries are taken as they stand": ("web_logbook", "entries = sorted(", "entries = list("),
    "the header is left out": ("web_readings", "headers=headers", "headers=None"),
    "the first part is taken for all": ("web_readings", 'cursor = part["next_cursor"]', "cursor = None"),
    "the cursor is not encoded": (
        "web_readings",
        "params=params,",
        'params="&".join(f"{key}={value}" for key, value in params.items()),',
    ),
    "suspect readings count": ("web_readings", ' and one["quality"] == "ok"', ""),
    "one page is taken for the shop": ("web_prices", "if following else None", "if False else None"),
    "advertisements count as products": ("web_prices", 'products[card["data-sku"]]', "products[id(card)]"),
    "the old price is read": ("web_prices", 'price.find("ins")', 'price.find("del")'),
    "the comma is taken for thousands": ("web_prices", '.replace(".", "").replace(",", ".")', '.replace(",", "")'),
    "what is on order is in stock": ("web_prices", '.startswith("In stock")', '!= "Sold out"'),
    "any review counts": ("web_reviews", ' if review["verified"]', ""),
    "the first reviews are taken for all": ("web_reviews", 'if "next" in part else None', "if False else None"),
    "few reviews are enough": ("web_reviews", ">= 8", ">= 1"),
    "deprecated settings count": ("web_settings", " and not deprecated", ""),
    "units are overlooked": ("web_settings", " * units[match[2]]", ""),
    "only the upper list is read": ("web_settings", "found += walk(inner, name)", "pass"),
    "refreshes are no hops": ("web_shortlinks", "if meta is not None:", "if False:"),
    "addresses are joined by hand": ("web_shortlinks", "urljoin(address, response", '"{site}".__add__(response'),
    "robots.txt is not respected": ("web_stories", "disallowed.append(value.strip())", "pass"),
    "a sitemap is overlooked": ("web_stories", '"s:sitemap/s:loc", SPACE)', '"s:sitemap/s:loc", SPACE)[1:]'),
    "noindex is not respected": ("web_stories", '"noindex" not in', '"nothing" not in'),
    "missing stories count": ("web_stories", "response.status_code == 404", "False"),
}


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with on_port() as address:
        yield address


def final(code: str) -> str:
    """Run a solution; it says nothing more where it fails."""
    out = io.StringIO()
    compiled = compile(code, "solution.py", "exec")
    try:
        with redirect_stdout(out):
            exec(compiled, {"__name__": "__main__"})  # noqa: S102 - the project's own code
    except Exception as error:  # noqa: BLE001 - whatever a trap does to it
        return f"{type(error).__name__}"
    return out.getvalue()


@pytest.mark.parametrize("trap", TRAPS)
def test_who_overlooks_an_oddity_does_not_solve_the_task(trap: str, site: str) -> None:
    name, careful, careless = TRAPS[trap]
    task = load(name)
    code = "\n".join(stage.code for stage in task.stages)
    assert careful in code
    assert not score(task, final(code.replace(careful, careless).replace("{site}", site))).success
