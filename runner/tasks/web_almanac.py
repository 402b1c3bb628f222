"""Numbers written with entities, rows that are struck out, rows that are commented out, and dashes for nothing."""

from runner.task import Answer, Category, Kind, Stage, Task
from runner.tasks._web import ENVIRONMENT

TASK = Task(
    id="web_almanac",
    category=Category.WEB,
    level="medium",
    description="An almanac prints a table of water levels per year, with fractions, signs and corrections.",
    instruction=(
        "From the table of 2022 at {site}/almanac.html, find the sum of the mean deviations of all months, the months "
        "without a deviation, and the month with the highest level."
    ),
    constraints=(
        "Rows that are struck out, and rows that are commented out in the HTML, do not count.",
        "A dash means that the deviation was not measured.",
    ),
    environment=ENVIRONMENT,
    answers=(
        Answer(name="deviation_sum", value="-20.50", kind=Kind.NUMBER, decimals=2, what="the sum of deviations in cm"),
        Answer(
            name="not_measured",
            value="April, June, August",
            kind=Kind.LIST,
            what="the months without one, in the order of the year",
        ),
        Answer(name="highest_month", value="April", what="the month with the highest level"),
    ),
    stages=(
        Stage(
            aim="Download the page and take the rows of the table of 2022 that are not struck out",
            code="""\
import requests
from bs4 import BeautifulSoup

soup = BeautifulSoup(requests.get("{site}/almanac.html", timeout=10).text, "html.parser")
table = next(table for table in soup.find_all("table") if table.caption.get_text(strip=True) == "2022")
rows = [
    [cell.get_text(strip=True) for cell in row.find_all("td")]
    for row in table.find_all("tr")
    if row.find("td") and not row.find("s")
]
print(len(rows), "rows, e.g.", ascii(rows[0]))
""",
        ),
        Stage(
            aim="Write a function that reads signs, fractions and thin spaces",
            code="""\
from fractions import Fraction

PARTS = {"\\u00bc": Fraction(1, 4), "\\u00bd": Fraction(1, 2), "\\u00be": Fraction(3, 4)}

def number(text):
    sign = -1 if text[0] in "-\\u2212" else 1
    digits = "".join(letter for letter in text if letter in "0123456789")
    return sign * (int(digits or 0) + sum(PARTS.get(letter, 0) for letter in text))

print([float(number(row[1])) for row in rows])
""",
        ),
        Stage(
            aim="Add up, list what is missing, find the highest, and state the answer",
            code="""\
missing = [month for month, _, deviation in rows if deviation in ("\\u2014", "-", "")]
total = sum(number(deviation) for month, _, deviation in rows if month not in missing)
highest = max(rows, key=lambda row: number(row[1]))[0]
print(f"@deviation_sum[{float(total):.2f}] @not_measured[{', '.join(missing)}] @highest_month[{highest}]")
""",
        ),
    ),
)
