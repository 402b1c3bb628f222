"""Code that needs a package or program which is not installed where agents run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.scripted.mutate import Mutation

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

# Neither in the environments of the frameworks (runner/frameworks/*.lock), nor in the sandboxes.
PACKAGES = {  # the package, and a line that would use it
    "import polars as pl": "print(pl.__version__)",
    "import duckdb": 'con = duckdb.connect(":memory:")',
    "import seaborn as sns": 'sns.set_theme(style="whitegrid")',
    "import statsmodels.api as sm": "print(sm.__name__)",
    "import xgboost as xgb": "booster = xgb.XGBRegressor(n_estimators=10)",
    "import pingouin as pg": "print(pg.__version__)",
    "import selectolax.parser as slx": "parser = slx.HTMLParser",
    "import pyquery": "query = pyquery.PyQuery",
    "import mechanicalsoup": "browser = mechanicalsoup.StatefulBrowser()",
    "import scrapy": "print(scrapy.__version__)",
    "import requests_html": "session = requests_html.HTMLSession()",
    "import html2text": "reader = html2text.HTML2Text()",
    "import dask.dataframe as dd": "print(dd.__name__)",
    "import vaex": "print(vaex.__version__)",
    "import petl as etl": "print(etl.__version__)",
    "import agate": "table_reader = agate.Table",
    "import dateparser": 'print(dateparser.parse("today") is not None)',
    "import arrow": "print(arrow.utcnow().year)",
    "import ftfy": "print(ftfy.__version__)",
    "import unidecode": 'print(unidecode.unidecode("x"))',
    "import sh": "print(sh.__version__)",
    "import pyjanitor": "print(pyjanitor.__version__)",
    "from openpyxl import load_workbook": "reader = load_workbook",
    "from selenium import webdriver": "driver = webdriver.Chrome()",
    "from lightgbm import LGBMRegressor": "regressor = LGBMRegressor()",
    "from fuzzywuzzy import fuzz": 'print(fuzz.ratio("a", "a"))',
    "from pandasql import sqldf": "query = sqldf",
    "from parsel import Selector": "make = Selector",
    "from great_tables import GT": "make = GT",
    "from ydata_profiling import ProfileReport": "report = ProfileReport",
}
PROGRAMS = {  # the program, and what would be done with it
    "jq": "jq -r '.' {file} | head -n 20",
    "mlr": "mlr --icsv --opprint stats1 -a mean,count -f value {file}",
    "xsv": "xsv stats {file} | xsv table",
    "csvstat": "csvstat {file}",
    "pandoc": "pandoc -t plain {file} -o plain.txt && wc -w plain.txt",
    "Rscript": "Rscript -e 'summary(read.csv(\"{file}\"))'",
    "xmllint": "xmllint --html --xpath '//table' {file}",
    "psql": "psql -c '\\copy t from {file} csv header'",
    "rg": "rg -c . {file}",
    "lynx": "lynx -dump {file}",
    "datamash": "datamash -t, --header-in mean 2 < {file}",
    "q": "q -H -d, 'select count(*) from {file}'",
    "node": 'node -e \'console.log(require("fs").readFileSync("{file}", "utf8").length)\'',
}


def absent(code: str, rng: random.Random) -> Iterator[Mutation]:
    """Yield code that first imports a package that is not there, and uses it."""
    names = list(PACKAGES)
    rng.shuffle(names)
    for line in names:
        name = re.split(r"[\s.]", line)[1]
        used = f"{line}\n{PACKAGES[line]}\n" if rng.random() < 0.5 else f"{line}\n"
        yield Mutation(f"{used}{code}", f"the package {name} is not installed")
