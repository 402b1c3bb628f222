from __future__ import annotations

import gzip
import socket
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import httpx
import pytest
from bs4 import BeautifulSoup

from runner.site import archive, letters, links, reviews
from runner.site.app import reply_to
from runner.site.page import Asked
from runner.site.serving import on_port, on_socket

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with on_port() as address, httpx.Client(base_url=address, follow_redirects=False) as client:
        yield client


def soup(client: httpx.Client, path: str) -> BeautifulSoup:
    return BeautifulSoup(client.get(path).raise_for_status().text, "html.parser")


def asked(path: str, method: str = "GET", **more: dict[str, str]) -> Asked:
    return Asked(method, path, *(more.get(name, {}) for name in ("query", "headers", "cookies", "form")))


def test_every_part_is_linked_from_the_front_page_and_there(client: httpx.Client) -> None:
    hrefs = [str(a["href"]) for a in soup(client, "/").select("main a")]
    assert len(hrefs) == 10
    for href in hrefs:
        assert client.get(href, follow_redirects=True).status_code == 200, href


@pytest.mark.parametrize(
    "path", ["/shop?page=3", "/docs/settings.html", "/archive/2023.html", "/sitemap-1.xml.gz", "/members/"]
)
def test_the_same_question_gets_the_same_bytes(client: httpx.Client, path: str) -> None:
    first, second = client.get(path), client.get(path)
    assert first.content == second.content
    assert first.headers == second.headers


def test_definition_lists_nest_three_deep(client: httpx.Client) -> None:
    assert soup(client, "/docs/settings.html").select("main > dl > dd > dl > dd > dl > dt")


def test_the_shop_goes_on_for_seven_pages_and_ends(client: httpx.Client) -> None:
    address, seen = "/shop", 0
    while True:
        page = soup(client, address)
        seen += 1
        assert len(page.select("article.sponsored")) == 1
        following = page.find("a", rel="next")
        if following is None:
            break
        address = urljoin(address, str(following["href"]))
    assert seen == 7
    assert client.get("/shop?page=8").status_code == 404
    assert client.get("/shop?page=x").status_code == 404


def test_prices_are_written_with_a_comma_for_cents_and_reductions_struck_out(client: httpx.Client) -> None:
    page = soup(client, "/shop")
    assert any("." in price.get_text() and "," in price.get_text() for price in page.select(".price"))
    assert page.select(".price del + ins")


def test_reviews_come_in_parts_that_name_the_next(client: httpx.Client) -> None:
    sku = max(reviews.reviews(), key=lambda sku: len(reviews.reviews()[sku]))
    address: str | None = f"/shop/reviews/{sku}.json"
    parts = []
    while address:
        part = client.get(address).json()
        parts.append(len(part["reviews"]))
        address = urljoin(address, part["next"]) if "next" in part else None
    assert sum(parts) == len(reviews.reviews()[sku]) > 5
    assert max(parts) == 5
    assert client.get("/shop/reviews/none.json").status_code == 404


def test_rows_of_the_bookings_lack_the_cells_that_others_reach_into(client: httpx.Client) -> None:
    tables = soup(client, "/lab/bookings.html").find_all("table")
    assert len(tables) == 5
    assert len({len(row.find_all(["td", "th"])) for row in tables[0].find_all("tr")}) > 3
    assert any(cell.get("colspan") == "2" for table in tables for cell in table.find_all("td"))
    for table in tables:  # every place is filled once: the spans add up to the whole grid
        area = sum(int(c.get("rowspan", 1)) * int(c.get("colspan", 1)) for c in table.find_all(["td", "th"]))
        assert area == 22 * 6


def test_the_logbook_is_larger_than_a_context_window_and_gzipped_where_asked(client: httpx.Client) -> None:
    plain = client.get("/archive/2023.html", headers={"accept-encoding": "identity"})
    zipped = client.get("/archive/2023.html", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert plain.content == zipped.content
    assert len(plain.content) > 600_000
    assert [entry.time for entry in archive.entries()] != sorted(entry.time for entry in archive.entries())


def test_the_interface_answers_only_who_says_who_it_is(client: httpx.Client) -> None:
    me = {"x-tern-client": "field-kit/3"}
    assert client.get("/api/v2/stations", headers={"accept": "application/json"}).status_code == 403
    assert client.get("/api/v2/stations", headers={"x-tern-client": "other", "accept": "*/*"}).status_code == 403
    assert client.get("/api/v2/stations", headers={**me, "accept": "text/html"}).status_code == 406
    asking = {**me, "accept": "application/json"}
    assert len(client.get("/api/v2/stations", headers=asking).json()["stations"]) == 4
    part = client.get("/api/v2/readings", params={"station": "KVN"}, headers=asking).json()
    assert "+" in part["next_cursor"]  # so that it must be percent-encoded
    assert client.get(f"/api/v2/readings?station=KVN&cursor={part['next_cursor']}", headers=asking).status_code == 400
    params = {"station": "KVN", "cursor": part["next_cursor"]}
    following = client.get("/api/v2/readings", params=params, headers=asking).json()
    assert following["readings"][0]["hour"] == len(part["readings"])
    assert client.get("/api/v2/readings?station=XXX", headers=asking).status_code == 404
    assert client.get("/api/v2/none", headers=asking).status_code == 404


def test_invoices_are_behind_a_form_with_a_token_and_a_cookie() -> None:
    with on_port() as address, httpx.Client(base_url=address, follow_redirects=True) as client:
        assert client.get("/members/invoices").url.path == "/members/login"
        form = BeautifulSoup(client.get("/members/").text, "html.parser").find_all("input")
        fields = {str(field["name"]): str(field.get("value", "")) for field in form}
        assert client.post("/members/login", data={"member": "lab-visitor", "secret": "spindrift"}).status_code == 403
        wrong = client.post("/members/login", data={**fields, "member": "lab-visitor", "secret": "guess"})
        assert wrong.status_code == 200
        assert "wrong" in wrong.text
        entered = client.post("/members/login", data={**fields, "member": "lab-visitor", "secret": "spindrift"})
        assert entered.url.path == "/members/invoices"
        assert "&minus;" in entered.text
        client.cookies.clear()
        spent = client.post("/members/login", data={**fields, "member": "lab-visitor", "secret": "spindrift"})
        assert spent.status_code == 403  # the token alone, without its cookie


def test_short_links_redirect_in_every_way_and_end_in_every_way(client: httpx.Client) -> None:
    assert {hop for chain in links.chains() for hop in chain.hops} == {301, 302, 307, "refresh"}
    assert {chain.end for chain in links.chains()} == {"arrives", "dead", "circle"}
    ends = {}
    for chain in links.chains():
        response = client.get(f"/go/{chain.code}")
        ends[chain.code] = response.status_code
        assert ends[chain.code] == (200 if chain.hops[0] == "refresh" else chain.hops[0])
        assert chain.hops[0] != "refresh" or 'http-equiv="Refresh"' in response.text
    circles = [chain.code for chain in links.chains() if chain.end == "circle"]
    assert all(len(visited(client, f"/go/{code}", hops=40)) < 20 for code in circles)


def visited(client: httpx.Client, address: str, *, hops: int) -> set[str]:
    seen = set()
    for _ in range(hops):
        seen.add(address)
        response = client.get(address)
        meta = BeautifulSoup(response.text, "html.parser").find("meta", attrs={"http-equiv": "Refresh"})
        to = str(meta["content"]).partition("URL=")[2] if meta else response.headers["location"]
        address = urljoin(address, to)
    return seen


def test_the_atlas_links_in_every_way(client: httpx.Client) -> None:
    pages = [soup(client, path) for path in ("/atlas/index.html", "/atlas/", "/atlas/north/tornes.html")]
    hrefs = [str(a["href"]) for page in pages for a in page.select("main a")]
    assert any(href.startswith("../") for href in hrefs)
    assert any(href.startswith("/atlas/") for href in hrefs)
    assert any("#" in href for href in hrefs)
    assert any("?" in href for href in hrefs)
    assert any(href.startswith("mailto:") for href in hrefs)
    base = pages[0].find("base")
    assert base is not None
    assert base["href"] == "/atlas/south/"


@pytest.mark.parametrize("number", range(1, len(letters.LETTERS) + 1))
def test_a_letter_says_of_its_encoding_what_it_should_and_not_more(client: httpx.Client, number: int) -> None:
    letter = letters.LETTERS[number - 1]
    response = client.get(f"/letters/{number}.html")
    assert response.headers["content-type"].partition("charset=")[2] == (letter.header or "")
    assert letter.author in response.content.decode(letter.encoding)
    declared = letter.header or letter.meta
    lies = {5: "utf-8", 8: "iso-8859-1"}
    if number in lies:
        assert letter.author not in response.content.decode(lies[number], "replace")
    elif declared:
        assert letter.author in response.content.decode(declared)


def test_the_almanac_writes_numbers_with_entities_and_hides_rows(client: httpx.Client) -> None:
    text = client.get("/almanac.html").text
    for oddity in ("&minus;", "&frac12;", "&#8239;", "&mdash;", "<s>", "<!-- <tr>"):
        assert oddity in text


def test_robots_disallow_and_sitemaps_are_gzipped_below_an_index(client: httpx.Client) -> None:
    robots = client.get("/robots.txt")
    assert "Disallow: /stories/drafts/" in robots.text
    index = client.get("/sitemap.xml").text
    assert f"<loc>http://{client.base_url.netloc.decode()}/sitemap-2.xml.gz</loc>" in index
    listed = client.get("/sitemap-2.xml.gz")
    assert listed.headers["content-type"] == "application/gzip"
    assert b"<lastmod>2024-" in gzip.decompress(listed.content)


def test_what_is_not_there_is_a_404_that_quotes_the_path_safely() -> None:
    reply = reply_to(asked("/<script>"))
    assert reply.status == 404
    assert b"<code>/&lt;script&gt;</code>" in reply.body


def test_the_site_answers_on_a_unix_socket_and_leaves_none_behind(tmp_path: Path) -> None:
    path = tmp_path / "site.sock"
    with on_socket(path), httpx.Client(transport=httpx.HTTPTransport(uds=str(path))) as client:
        assert client.get("http://site/shop").status_code == 200
    assert not path.exists()


def test_a_socket_whose_path_is_too_long_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="107 bytes"), on_socket(tmp_path / ("x" * 108)):
        pass


def test_a_port_that_is_taken_is_said_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "-m", "runner.site", "--port", str(taken.getsockname()[1])]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - its own module
    assert done.returncode == 1
    assert "choose another with --port" in done.stderr
