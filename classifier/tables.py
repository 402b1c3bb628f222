"""Evaluations, agreement and findings as tables for people: figures with their interval and their number of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from classifier.plain import line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from classifier.agreement import AgreementReport, Versus
    from classifier.bootstrap import Estimate
    from classifier.crossval import CurvePoint
    from classifier.evaluation import Evaluation, Scores
    from classifier.lint import Finding
    from classifier.replay import Point

_CONFUSIONS = 10  # the most frequent ones; --json has the whole table
_TIERS = {"cause": "cause", "tier2": "cause, second tier", "phase": "phase"}


def evaluation_page(found: Evaluation, title: str) -> Group:
    """Return the figures over all runs with their intervals, each source's, each cause's, and what abstaining buys."""
    parts = [_all_runs(found.overall, title)]
    if len(found.sources) > 1:
        parts += [_heading("By source"), _by_source(found.sources)]
    parts += [_heading("By cause"), _by_cause(found.overall)]
    if confusions := _confusions(found.overall):
        parts += [_heading("Most often taken for each other"), confusions]
    if found.overall.risk_coverage.rows:
        parts += [_heading("What abstaining buys: naming a cause only for the surest runs"), _accepted(found.overall)]
        parts.append(Text(f"A judge would be asked about the others. {found.overall.risk_coverage.promise}"))
        parts += [_heading("What --risk may be chosen, and how many runs a judge is asked about"), _promises(found)]
    return Group(*parts, *_cautions(found.cautions))


def curve_page(points: Sequence[CurvePoint]) -> Group:
    """Return what a system's runs get from an index that holds none, few and more of its runs."""
    table = _table("system held out", "taught", "asked", "kappa (95 %)", "ECE", "named", "right", "set has it", "size")
    for point in points:
        figures = (point.ece, point.named, point.named_right, point.set_coverage, point.set_size)
        kappa = f"{_value(point.kappa)} ({_interval(point.kappa)})"
        table.add_row(
            line(point.system), f"{point.labelled:.0f}", str(point.runs), kappa, *(_value(figure) for figure in figures)
        )
    return Group(table)


def agreement_page(found: AgreementReport) -> Group:
    """Return how far annotators agree: overall, against the humans, by pair and by label."""
    raters = _table("annotator", "provenance", "runs")
    for rater in found.raters:
        raters.add_row(line(rater.name), ", ".join(rater.provenance), str(rater.units))
    overall = _table(f"agreement on {found.field}", "value", "95 %", "runs")
    for name, estimate in (
        ("observed", found.observed),
        ("Fleiss' kappa", found.fleiss),
        ("Krippendorff's alpha", found.alpha),
        ("Gwet's AC1", found.ac1),
    ):
        overall.add_row(name, *_cells(estimate))
    parts: list[RenderableType] = [raters, Text(""), overall]
    if found.versus_humans:
        parts += [_heading("Against the human annotators"), _versus(found.versus_humans)]
    if len(found.pairs) > 1 or found.pairs[0].within_one:
        pairs = _table("pair", "observed", "kappa", "95 %", "AC1", "runs")
        for pair in found.pairs:
            low_high = _interval(pair.kappa)
            near = f" ({_value(pair.within_one)} at most 1 apart)" if pair.within_one else ""
            name = f"{line(pair.first)} / {line(pair.second)}"
            observed = f"{_value(pair.observed)}{near}"
            pairs.add_row(name, observed, _value(pair.kappa), low_high, _value(pair.ac1), str(pair.units))
        parts += [_heading("By pair"), pairs]
    by_label = _table("label", "uses", "specific", "kappa", "95 %")
    for category in sorted(found.categories, key=lambda c: (-c.uses, c.category)):
        specific, kappa = _value(category.specific), _value(category.kappa)
        by_label.add_row(line(category.category), str(category.uses), specific, kappa, _interval(category.kappa))
    parts += [_heading("By label"), by_label]
    made = f"{found.model_made} of the labels were made by a language model." if found.model_made else ""
    over = f"Intervals are over {found.tasks} tasks."
    return Group(*parts, *_cautions([over, *([made] if made else [])]))


def replay_page(points: Sequence[Point], promise: str) -> Group:
    """Return what each threshold costs and, where the runs are labelled, what it is worth."""
    labelled = any(point.kappa for point in points)
    table = _table("below", "asked", "heard", "calls", "USD", "changed")
    for name in ("kappa", "95 %", "right", "best") if labelled else ():
        table.add_column(name, justify="right")
    for point in points:
        below = "never" if point.threshold < 0 else "always" if point.threshold > 1 else f"{point.threshold:.2f}"
        usd = "unknown" if point.cost.usd is None else f"{point.cost.usd:.4f}"
        row = [below, str(point.asked), str(point.heard), str(point.cost.calls), usd]
        row.append(str(point.changed))
        if point.kappa and point.accuracy:
            row += [_value(point.kappa), _interval(point.kappa), _value(point.accuracy), "*" if point.frontier else ""]
        table.add_row(*row)
    meant = f"Of {points[0].runs} runs; heard: a usable opinion is on record; changed: verdicts. " if points else ""
    told = "best: no threshold that asks about fewer runs has a larger kappa. " if labelled else ""
    known = "Runs of systems that the index does not know are asked about at every threshold but `never`."
    return Group(table, Text(f"\n{meant}{told}{known}\n{promise}"))


def findings_page(findings: Sequence[Finding]) -> Group:
    """Return what the linter found, by kind."""
    parts: list[RenderableType] = []
    for kind in dict.fromkeys(finding.kind for finding in findings):
        of_kind = [finding for finding in findings if finding.kind is kind]
        parts.append(Text(f"{kind.replace('_', ' ')} ({len(of_kind)})", style="bold"))
        table = Table.grid(padding=(0, 2))
        table.add_column(overflow="fold")
        for finding in of_kind:
            runs = ", ".join(map(line, finding.runs[:3])) + (" …" if len(finding.runs) > 3 else "")
            table.add_row(Text("  " + runs), Text(line(finding.annotator or "")), Text(line(finding.message)))
        parts += [table, Text("")]
    return Group(*parts, Text(f"{len(findings)} findings" if findings else "Nothing found."))


def _all_runs(scores: Scores, title: str) -> RenderableType:
    table = _table(f"{title}: {scores.runs} runs of {scores.tasks} tasks", "value", "95 %", "runs")
    for tier in scores.tiers:
        name = _TIERS[tier.tier]
        for label, estimate in (("accuracy", tier.accuracy), ("kappa", tier.kappa), ("macro-F1", tier.macro_f1)):
            table.add_row(f"{name}: {label}", *_cells(estimate))
    for label, estimate in (
        ("label among the two likeliest causes", scores.top2),
        ("a cause is named", scores.named),
        ("what is named is right", scores.named_right),
        ("decisive step", scores.step_exact),
        ("decisive step among the first three", scores.step_top3),
        ("decisive step, at most one off", scores.step_within_one),
        ("agent at fault", scores.agent),
        ("expected calibration error", scores.calibration.ece),
        ("coverage of the candidate set", scores.set_coverage),
        ("size of the candidate set", scores.set_size),
    ):
        if estimate.value is not None:
            table.add_row(label, *_cells(estimate))
    return table


def _by_source(sources: Iterable[Scores]) -> Table:
    table = _table("source", "runs", "cause", "kappa", "step", "top 3", "agent", "ECE")
    for scores in sources:
        tier = scores.tiers[0]
        figures = (tier.accuracy, tier.kappa, scores.step_exact, scores.step_top3, scores.agent, scores.calibration.ece)
        table.add_row(line(scores.name), str(scores.runs), *(_value(estimate) for estimate in figures))
    return table


def _by_cause(scores: Scores) -> Table:
    table = _table("cause", "labelled", "likeliest", "precision", "recall", "F1")
    for score in sorted(scores.causes, key=lambda score: (-score.support, score.cause)):
        shares = ("" if share is None else f"{share:.2f}" for share in (score.precision, score.recall, score.f1))
        table.add_row(line(score.cause), str(score.support), str(score.predicted), *shares)
    return table


def _confusions(scores: Scores) -> Table | None:
    labels, counts = scores.confusion.labels, scores.confusion.counts
    cells = [
        (count, gold, best)
        for gold, row in zip(labels, counts, strict=True)
        for best, count in zip(labels, row, strict=True)
        if count and gold != best
    ]
    if not cells:
        return None
    table = _table("label", "likeliest", "runs")
    for count, gold, best in sorted(cells, key=lambda cell: (-cell[0], cell[1], cell[2]))[:_CONFUSIONS]:
        table.add_row(line(gold), line(best), str(count))
    return table


def _accepted(scores: Scores) -> Table:
    table = _table("runs named", "share", "confidence from", "right", "95 %", "calls to a judge")
    for row in scores.risk_coverage.rows:
        share, threshold = f"{row.coverage:.0%}", f"{row.threshold:.2f}"
        figures = (_value(row.accuracy), _interval(row.accuracy))
        table.add_row(str(row.runs), share, threshold, *figures, str(row.asked))
    return table


def _promises(found: Evaluation) -> Table:
    table = _table("at most wrong unasked", "confidence from", "unasked", "of them wrong", "calls for 100 runs")
    for promise in found.overall.risk_coverage.promises:
        if promise.threshold is None:
            table.add_row(f"{promise.risk:.0%}", "no promise", "0", "", "100")
            continue
        wrong, calls = promise.wrong / promise.accepted, 100 * (1 - promise.accepted / promise.runs)
        table.add_row(
            f"{promise.risk:.0%}", f"{promise.threshold:.2f}", str(promise.accepted), f"{wrong:.0%}", f"{calls:.0f}"
        )
    return table


def _versus(found: Iterable[Versus]) -> Table:
    table = _table("", "observed", "kappa", "95 %", "runs", "where humans overlap")
    for versus in found:
        name = "humans with each other (the ceiling)" if versus.rater is None else line(versus.rater)
        shared = f"kappa {_value(versus.shared.kappa)}, {versus.shared.units} runs" if versus.shared else ""
        figures = (_value(versus.observed), _value(versus.kappa), _interval(versus.kappa), str(versus.units))
        table.add_row(name, *figures, shared)
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(first, overflow="fold")
    for name in others:
        table.add_column(name, justify="right")
    return table


def _cells(estimate: Estimate) -> tuple[str, str, str]:
    return _value(estimate), _interval(estimate), str(estimate.n)


def _value(estimate: Estimate) -> str:
    return "n/a" if estimate.value is None else f"{estimate.value:.2f}"


def _interval(estimate: Estimate) -> str:
    return "" if estimate.low is None or estimate.high is None else f"{estimate.low:.2f} to {estimate.high:.2f}"


def _heading(words: str) -> Text:
    return Text(f"\n{words}", style="bold")


def _cautions(cautions: Iterable[str]) -> list[Text]:
    return [Text(f"\n{line(caution)}", style="yellow") for caution in cautions]
