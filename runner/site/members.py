"""Members: a form with a hidden token and a cookie, behind which the invoices are."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from runner.site.almanac import MONTHS
from runner.site.page import page, redirect, seeded

if TYPE_CHECKING:
    from runner.site.page import Asked, Reply

NAME, WORD = "lab-visitor", "spindrift"  # given in the task: a door to walk through, no secret


class Invoice(NamedTuple):
    """An invoice, or a credit note where the amount is negative."""

    number: str
    date: date
    amount: Decimal
    state: str


@cache
def invoices() -> tuple[Invoice, ...]:
    """Return the invoices in no order of time."""
    random = seeded("skerry-invoices-15")
    out = []
    for i in range(31):
        amount = Decimal(random.randrange(12000, 4_500_000)) / 100 * (-1 if random.random() < 0.15 else 1)
        day = date(2024, 1, 5) + timedelta(days=random.randrange(340))
        out.append(Invoice(f"R{24100 + 3 * i}", day, amount, random.choice(("paid", "paid", "unpaid", "disputed"))))
    random.shuffle(out)
    return tuple(out)


def answer(asked: Asked) -> Reply | None:
    """Answer for the pages below /members/."""
    if asked.path in {"/members", "/members/"}:
        return redirect("/members/login")
    if asked.path == "/members/login":
        return _enter(asked) if asked.method == "POST" else _door()
    if asked.path == "/members/invoices":
        return _invoices() if asked.cookies.get("session") == _hash("session") else redirect("/members/login")
    return None


def _door(problem: str = "", status: int = 200) -> Reply:
    note = f'<p class="problem">{problem}</p>' if problem else ""
    body = (
        f'{note}<form method="post" action="login"><input type="hidden" name="csrf" value="{_hash("visit")}">'
        '<label>Name <input name="member"></label> <label>Password <input type="password" name="secret"></label>'
        '<input type="hidden" name="next" value="invoices"><button>Enter</button></form>'
    )
    reply = page("Members", body, status=status)
    return reply._replace(headers=(("set-cookie", f"visit={_hash('cookie')}; Path=/members; HttpOnly"),))


def _enter(asked: Asked) -> Reply:
    if asked.cookies.get("visit") != _hash("cookie") or asked.form.get("csrf") != _hash("visit"):
        return _door("This form has expired. Please try again.", 403)
    if (asked.form.get("member"), asked.form.get("secret")) != (NAME, WORD):
        return _door("Name or password is wrong.")  # 200, as many sites do
    return redirect("/members/invoices", 303, cookies=(f"session={_hash('session')}; Path=/members; HttpOnly",))


def _invoices() -> Reply:
    rows = "\n".join(
        f"<tr><td>{one.number}</td><td>{one.date.day} {MONTHS[one.date.month - 1]} {one.date.year}</td>"
        f'<td class="amount">{_crowns(one.amount)}</td><td>{one.state}</td></tr>'
        for one in invoices()
    )
    head = "<tr><th>Number</th><th>Date</th><th>Amount</th><th>State</th></tr>"
    return page("Your invoices", f"<table>\n{head}\n{rows}\n</table>")


def _crowns(amount: Decimal) -> str:
    written = f"{abs(amount):,.2f}".replace(",", "&nbsp;").replace(".", ",")
    return f"kr {'&minus;' if amount < 0 else ''}{written}"


def _hash(of: str) -> str:
    return hashlib.sha256(f"skerry-{of}".encode()).hexdigest()[:24]
