"""Agreement: the classifier against each annotator, annotators among themselves, and the runs behind each figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple, get_args

from fastapi import APIRouter, Query, Request, Response

from classifier.annotation import Judged, field_value
from classifier.diagnosis import Provenance
from classifier.prediction import Prediction
from service import figures
from service.access import hub_of
from service.learning.statements import CLASSIFIER
from service.pages import Reader, plots, render
from service.pages.runs import open_runs
from service.storage import figures as stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.agreement import AgreementReport, Pair
    from classifier.confusion import Confusion
    from classifier.taxonomy import Taxonomy
    from service.hub import Hub
    from service.learning.material import Material
    from service.storage.projects import Access

FEW = 30  # runs below which an interval is so wide that little can be said
LISTED = 200
FIELDS = ("cause", "tier2", "phase", "step", "agent")
NAMES = {"cause": "Cause", "tier2": "Group of causes", "phase": "Phase", "step": "Step", "agent": "Agent"}
SHADES = 9
SHOWN = 12  # pairs of a table that are shown at once; the rest unfolds

router = APIRouter(include_in_schema=False)
Name = Annotated[str, Query(max_length=300)]


class Cell(NamedTuple):
    """A cell of the confusion table: how many, how dark, and where the runs are named."""

    runs: int
    shade: int
    is_right: bool
    column: str


@router.get("/agreement/page")
def page(request: Request, access: Reader, field: str = "cause") -> Response:
    """Show how far all agree on a field, and the classifier measured against the labels."""
    hub = hub_of(request)
    judged: Judged = field if field in FIELDS and field in get_args(Judged) else "cause"  # type: ignore[assignment]
    both = figures.agree(hub, access.project, judged)
    people = _people(hub, access, judged, both.report)
    measured = figures.measure(hub, access.project)
    scores = measured.evaluation.overall if measured.evaluation else None
    ceiling = both.ceiling.kappa if both.ceiling and judged == "cause" else None
    return render(
        request,
        "agreement.html",
        access,
        field=judged,
        fields=[(each, NAMES[each]) for each in FIELDS],
        both=both,
        people=people,
        machines=_pairs(both.report, machine=True),
        others=_pairs(both.report, machine=False),
        ties=_ties(people.pairs if people else ()),
        shown=SHOWN,
        measured=measured,
        scores=scores,
        models=_models(both.report),
        few=FEW,
        machine=CLASSIFIER,
        calibration=plots.calibration(scores.calibration) if scores and scores.calibration.bins else None,
        coverage=plots.risk_coverage(scores.risk_coverage) if scores and scores.risk_coverage.rows else None,
        trend=plots.over_versions([(each.version, each.kappa) for each in measured.trend], ceiling=ceiling)
        if measured.trend[1:]
        else None,
        only=None if measured.trend[1:] else next(iter(measured.trend), None),
        heat=_heat(scores.confusion) if scores else (),
        heat_labels=scores.confusion.labels if scores else (),
    )


def _people(hub: Hub, access: Access, field: Judged, report: AgreementReport | None) -> AgreementReport | None:
    """Return the report of the people alone; None where no two of them labelled a run."""
    names = tuple(each.name for each in report.raters if each.name != CLASSIFIER) if report else ()
    if len(names) < 2:
        return None
    return figures.agree(hub, access.project, field, names).report


def _pairs(report: AgreementReport | None, *, machine: bool) -> tuple[Pair, ...]:
    """Return the pairs with the classifier, or those without it; those that share most runs first."""
    found = [each for each in (report.pairs if report else ()) if (CLASSIFIER in {each.first, each.second}) is machine]
    return tuple(sorted(found, key=lambda each: -each.units))


def _ties(pairs: Sequence[Pair]) -> int:
    """Return the most runs that any two of several people share, where it is too few for their kappa; else 0."""
    most = max((each.units for each in pairs), default=0)
    return most if len(pairs) > 1 and most < FEW else 0


def _models(report: AgreementReport | None) -> tuple[str, ...]:
    """Return who is no person, the classifier aside."""
    raters = report.raters if report else ()
    return tuple(each.name for each in raters if each.name != CLASSIFIER and Provenance.MODEL in each.provenance)


def _heat(found: Confusion) -> tuple[tuple[str, tuple[Cell, ...]], ...]:
    """Shade each row by its share."""
    rows = []
    for label, counts in zip(found.labels, found.counts, strict=True):
        total = sum(counts)
        cells = (
            Cell(runs, -(-SHADES * runs // total) if total else 0, column == label, column)
            for column, runs in zip(found.labels, counts, strict=True)
        )
        rows.append((label, tuple(cells)))
    return tuple(rows)


class Behind(NamedTuple):
    """A run behind a figure: who says what of it; None: hidden from this person until they have labelled it."""

    uid: str
    name: str
    said: tuple[tuple[str, str], ...] | None
    differ: bool


@router.get("/agreement/runs")
def runs(
    request: Request,
    access: Reader,
    *,
    field: str = "cause",
    first: Name = "",
    second: Name = "",
    category: Name = "",
    source: Name = "",
    label: Name = "",
    verdict: Name = "",
) -> Response:
    """List the runs behind a figure: those that two have labelled, of a category, of a source, or of a cell."""
    hub = hub_of(request)
    judged: Judged = field if field in FIELDS and field in get_args(Judged) else "cause"  # type: ignore[assignment]
    material, _ = figures.material(hub, access.project)
    may_see = open_runs(hub, access)
    said = _said(material, judged, hub.classifiers.shipped.taxonomy)
    labels = {each.run: each.label.cause for each in material.resolution.labels}
    found = []
    for uid, by in said.items():
        wanted = [
            not first or first in by,
            not second or second in by,
            not category or category in by.values(),
            not source or material.runs[uid].framework == source,
            not label or labels.get(uid) == label,
            not verdict or by.get(CLASSIFIER) == verdict,
        ]
        if all(wanted):
            among = [value for name, value in by.items() if not (first and second) or name in {first, second}]
            visible = may_see is None or uid in may_see
            found.append((uid, tuple(by.items()) if visible else None, len(set(among)) > 1))
    with hub.database.begin(write=False) as session:
        lines = stored.named(session, access.project, [uid for uid, _, _ in found[:LISTED]])
    told = [each for each in (first, second, category and f"used {category}", source) if each]
    if label or verdict:
        told.append(f"labelled {label or 'anything'}, verdict {verdict or 'anything'}")
    return render(
        request,
        "agreement_runs.html",
        access,
        field=judged,
        told=" · ".join(told),
        found=[Behind(uid, lines[uid].name, by, differ) for uid, by, differ in found[:LISTED] if uid in lines],
        total=len(found),
        names=NAMES,
    )


def _said(material: Material, field: Judged, taxonomy: Taxonomy) -> dict[str, dict[str, str]]:
    """Return who says what of each labelled run, the classifier last, as far as its verdicts are counted."""
    said: dict[str, dict[str, str]] = {}
    for each in material.statements:
        value = None if each.adjudicated else field_value(each.annotation, field, taxonomy)
        if value is not None:
            said.setdefault(each.run, {})[each.annotation.annotator] = value
    for uid, found in material.counted.items():
        value = field_value(Prediction.of(found).annotation(CLASSIFIER), field, taxonomy)
        if value is not None and uid in said:
            said[uid][CLASSIFIER] = value
    return said
