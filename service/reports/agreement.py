"""Agreement of annotators and classifier, and the classifier measured against what was agreed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier import agreement, evaluation
from classifier.agreement import AgreementReport, Versus
from classifier.bootstrap import Estimate
from classifier.evaluation import Case, Evaluation
from classifier.prediction import Prediction
from classifier.trace import Frozen
from service.learning import statements
from service.learning.statements import CLASSIFIER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from classifier.annotation import Judged
    from classifier.diagnosis import Diagnosis
    from classifier.taxonomy import Taxonomy
    from service.learning.material import Material


class Agreement(Frozen):
    """How far annotators agree on one field, the classifier among them under the name `classifier`.

    `ceiling`: the humans with each other; `classifier`: it with them. `left_out`: verdicts that are none, as the index
    has learnt from that task. `flatters`: it has learnt from all of them, so they are not left out, but prove nothing.
    `report` is None where there is nothing to compare; `problem` says why.
    """

    field: str
    report: AgreementReport | None
    ceiling: Versus | None
    classifier: Versus | None
    left_out: int
    flatters: bool = False
    problem: str | None = None


class Point(Frozen):
    """A version of the index against the labels of today, on tasks that it has not learnt. Versions share few runs."""

    version: str
    runs: int
    kappa: Estimate
    accuracy: Estimate


class Measured(Frozen):
    """The present verdicts against the resolved labels, overall and per framework (its `sources`).

    `evaluation` is None where there is nothing to measure; `problem` says why. `left_out`, `flatters`: as in
    `Agreement`.
    `disputed` and `unsure` runs have no label yet. `trend`: each version of the index, oldest first.
    """

    evaluation: Evaluation | None
    labels: int
    disputed: int
    unsure: int
    left_out: int
    flatters: bool
    trend: tuple[Point, ...]
    problem: str | None = None


def agree(
    material: Material, taxonomy: Taxonomy, *, field: Judged = "cause", annotators: Sequence[str] | None = None
) -> Agreement:
    """Measure agreement over what holds now. Raises ValueError for an annotator who said nothing of this field."""
    fresh = material.counted
    told = [
        Prediction.of(verdict).annotation(CLASSIFIER).model_copy(update={"trace": uid})
        for uid, verdict in fresh.items()
    ]
    said = [statements.record(each) for each in material.statements]
    if annotators is not None and (absent := set(annotators) - {each.annotator for each in (*said, *told)}):
        raise ValueError(f"{', '.join(sorted(absent))} said nothing here")
    left_out = len(material.present) - len(fresh)
    try:
        report = agreement.agree(
            [*said, *told], field=field, annotators=annotators, groups=material.groups, taxonomy=taxonomy
        )
    except ValueError as error:
        return Agreement(
            field=field,
            report=None,
            ceiling=None,
            classifier=None,
            left_out=left_out,
            flatters=material.flatters,
            problem=str(error),
        )
    versus = {each.rater: each for each in report.versus_humans}
    return Agreement(
        field=field,
        report=report,
        ceiling=versus.get(None),
        classifier=versus.get(CLASSIFIER),
        left_out=left_out,
        flatters=material.flatters,
    )


def measure(material: Material, taxonomy: Taxonomy) -> Measured:
    """Measure the present verdicts against the labels."""
    fresh = material.counted
    found = _cases(material, fresh)
    problem = None
    if not found:
        problem = (
            "no label to measure against"
            if not material.resolution.labels
            else "no labelled run has a verdict: classify them"
        )
    return Measured(
        evaluation=evaluation.evaluate(found, taxonomy) if found else None,
        labels=len(material.resolution.labels),
        disputed=len(material.resolution.disputed),
        unsure=len(material.resolution.unsure),
        left_out=len(material.present) - len(fresh),
        flatters=material.flatters,
        trend=_trend(material, taxonomy),
        problem=problem,
    )


def _trend(material: Material, taxonomy: Taxonomy) -> tuple[Point, ...]:
    points = []
    for version, verdicts in material.verdicts.items():
        cases = _cases(material, material.unseen(version, verdicts))
        if not cases:
            continue
        top = evaluation.evaluate(cases, taxonomy).overall.tiers[0]
        points.append(Point(version=version, runs=len(cases), kappa=top.kappa, accuracy=top.accuracy))
    return tuple(points)


def _cases(material: Material, verdicts: Mapping[str, Diagnosis]) -> list[Case]:
    labels = material.resolution.by_run
    return [
        Case(
            prediction=Prediction.of(verdict).model_copy(update={"trace_id": uid}),
            label=labels[uid].label,
            group=material.groups[uid],
            source=material.runs[uid].framework,
        )
        for uid, verdict in verdicts.items()
        if uid in labels
    ]
