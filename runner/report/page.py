"""A report as one HTML page that needs nothing but itself: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from runner.report import plots, words
from runner.report.tables import UNDECIDED

if TYPE_CHECKING:
    from classifier.taxonomy import Taxonomy
    from runner.matrix import Config
    from runner.report.tables import Report


def render(report: Report, taxonomy: Taxonomy, config: Config | None = None) -> str:
    """Return the page."""
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - for the page alone
    from markupsafe import Markup  # noqa: PLC0415 - as above

    def drawn(svg: str | None) -> Markup | None:
        return None if svg is None else Markup(svg)  # noqa: S704 - drawn by `plots`, which escapes what it is given

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    source = resources.files("runner.report").joinpath("page.html.j2").read_text(encoding="utf-8")
    found = (*taxonomy.ids, UNDECIDED)
    causes = [row for row in report.causes or () if row.failed]
    return environment.from_string(source).render(
        report=report,
        config=config,
        taxonomy=taxonomy,
        words=words,
        models=list(dict.fromkeys(row.system.model for row in report.success)),
        rounds=sorted({point.rounds for point in report.at_rounds}),
        causes=causes,
        cause_rows=[cause for cause in found if any(row.causes.get(cause) for row in causes)],
        named=lambda cause: plots.named(cause, taxonomy),
        success_plot=drawn(plots.success(report)),
        rounds_plot=drawn(plots.rounds(report)),
        causes_plot=drawn(plots.causes(report, taxonomy)),
    )
