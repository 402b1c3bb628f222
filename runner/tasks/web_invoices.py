"""A form with a hidden token and a cookie, and behind it amounts and dates as people write them."""

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._web import ENVIRONMENT

TASK = Task(
    id="web_invoices",
    category=Category.WEB,
    level="medium",
    description="Members of Skerry Instruments see their invoices once they have entered name and password in a form.",
    instruction=(
        "Enter at {site}/members/ as the member lab-visitor with the password spindrift. From the list of invoices, "
        "find the sum of all that are unpaid, how many these are, and the number of the oldest of them."
    ),
    constraints=(
        "Use the form as the page gives it, with its hidden fields and in one session.",
        "A negative amount is a credit note; where it is unpaid, it counts and lowers the sum.",
        "Disputed invoices are not unpaid.",
    ),
    environment=ENVIRONMENT,
    answers=(
        Answer(
            name="unpaid_sum", value="69046.87", kind=Kind.NUMBER, decimals=2, what="the sum of the unpaid, in kroner"
        ),
        Answer(name="unpaid_count", value="7", kind=Kind.NUMBER, decimals=0, what="how many are unpaid"),
        Answer(name="oldest", value="R24142", what="the number of the oldest unpaid one, such as R12345"),
    ),
    stages=(
        Stage(
            aim="Open the form in a session and read its hidden fields",
            code="""\
from urllib.parse import urljoin

import requests
from bs4 import BeautifulSoup

session = requests.Session()
response = session.get("{site}/members/", timeout=10)
form = BeautifulSoup(response.text, "html.parser").find("form")
fields = {field["name"]: field.get("value", "") for field in form.find_all("input")}
print(response.url, list(fields))
""",
        ),
        Stage(
            aim="Send the form with name and password",
            code="""\
fields.update(member="lab-visitor", secret="spindrift")
answer = session.post(urljoin(response.url, form["action"]), data=fields, timeout=10)
answer.raise_for_status()
table = BeautifulSoup(answer.text, "html.parser").find("table")
rows = [[cell.get_text() for cell in row.find_all("td")] for row in table.find_all("tr")[1:]]
print(len(rows), "invoices, e.g.", rows[0])
""",
        ),
        Stage(
            aim="Read dates and amounts of the unpaid ones and state the answer",
            code="""\
from datetime import datetime
from decimal import Decimal

def crowns(text):
    plain = text.replace("kr", "").replace("\\xa0", "").replace("\\u2212", "-").replace(",", ".")
    return Decimal(plain.strip())

unpaid = [
    (datetime.strptime(date, "%d %B %Y"), number, crowns(amount))
    for number, date, amount, state in rows
    if state == "unpaid"
]
print(sorted(unpaid)[:2])
total = sum(amount for _, _, amount in unpaid)
print(f"@unpaid_sum[{total}] @unpaid_count[{len(unpaid)}] @oldest[{min(unpaid)[1]}]")
""",
        ),
    ),
)
