"""How far annotators agree, the classifier being one: pairwise, overall, per cause, and beside the human ceiling.

Intervals are 95 % percentiles over tasks drawn with replacement. The coefficients are in `coefficients`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from classifier.annotation import field_value
from classifier.bootstrap import RESAMPLES, Estimate, draws, estimate, mean, ratio
from classifier.coefficients import (
    ac1_over,
    alpha_over,
    category_over,
    cohen_kappa,
    fleiss_kappa,
    fleiss_over,
    gwet_ac1,
    kappa_over,
    krippendorff_alpha,
    observed_over,
    tables_over,
)
from classifier.diagnosis import Provenance
from classifier.trace import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from classifier.annotation import Annotation, Judged
    from classifier.bootstrap import Floats
    from classifier.taxonomy import Taxonomy

__all__ = ["AgreementReport", "agree", "cohen_kappa", "fleiss_kappa", "gwet_ac1", "krippendorff_alpha"]

_MISSING = -1


class Rater(Frozen):
    """An annotator, whose word its labels are, and how many of the units it labelled."""

    name: str
    provenance: tuple[Provenance, ...]
    units: int


class Pair(Frozen):
    """Two annotators on the units that both labelled. `within_one`: at most one step apart (field `step` only)."""

    first: str
    second: str
    units: int
    observed: Estimate
    kappa: Estimate
    ac1: Estimate
    within_one: Estimate | None = None


class CategoryAgreement(Frozen):
    """One label among all annotators.

    `uses`: how often it was given. `specific`: given that one annotator chose it, how probably another one did
    (Spitzer and Fleiss 1974). `kappa`: it against all others (Fleiss 1971, p. 381).
    """

    category: str
    uses: int
    specific: Estimate
    kappa: Estimate


class Versus(Frozen):
    """Agreement with the humans: pairwise figures averaged over pairs, weighted by units.

    `rater` is None for the humans against each other, which is the ceiling. `shared` tells the same on only those
    units that at least two humans labelled, where it can be held against the ceiling; for the ceiling it is None.
    """

    rater: str | None
    units: int
    observed: Estimate
    kappa: Estimate
    shared: Versus | None = None


class AgreementReport(Frozen):
    """Agreement on one field. Units are the runs with two labels or more.

    `observed`: share of agreeing pairs of labels. `fleiss` needs the same number of labels everywhere: it is over the
    `complete` units, those that every rater labelled. `model_made`: labels here that a model gave, not a person.
    """

    field: str
    raters: tuple[Rater, ...]
    units: int
    complete: int
    tasks: int
    model_made: int
    observed: Estimate
    fleiss: Estimate
    alpha: Estimate
    ac1: Estimate
    pairs: tuple[Pair, ...]
    categories: tuple[CategoryAgreement, ...]
    versus_humans: tuple[Versus, ...]


@dataclass(frozen=True, slots=True)
class _Ratings:
    """Labels as numbers: `codes` (units x raters, -1: missing) point into `labels`; `groups` (units,) name the task."""

    raters: tuple[Rater, ...]
    labels: tuple[str, ...]
    codes: NDArray[np.int64]
    groups: tuple[str, ...]
    resamples: int
    seed: int

    def given(self, *raters: int) -> NDArray[np.bool_]:
        """Mark the units that all these raters labelled."""
        return np.asarray((self.codes[:, raters] != _MISSING).all(axis=1))

    def weights(self, units: NDArray[np.bool_]) -> tuple[Floats, int]:
        """Draw over some of the units; tell also how many tasks they are of."""
        groups = [group for group, inside in zip(self.groups, units, strict=True) if inside]
        return draws(groups, resamples=self.resamples, seed=self.seed), len(set(groups))


def agree(
    annotations: Sequence[Annotation],
    *,
    field: Judged = "cause",
    annotators: Sequence[str] | None = None,
    groups: Mapping[str, str] | None = None,
    taxonomy: Taxonomy | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> AgreementReport:
    """Measure how far annotators agree on one field.

    `annotators` restricts and orders them (all, sorted, if None); one who shares no run with another is left out.
    `groups` gives a run's task (a run is a task of its own where it is silent). `taxonomy` is needed for the fields
    `tier2` and `phase`; a cause that it does not hold stays as it is. `unknown` counts as a label. Where an annotator
    labelled a run twice, its first word counts; what was adjudicated does not. Agents are compared by `agent_key`.
    Raises ValueError where an annotator named has no label, or no run has two.
    """
    said: dict[str, dict[str, str]] = {}
    provenance: dict[str, set[Provenance]] = {}
    for note in annotations:
        if not note.adjudicated and (label := field_value(note, field, taxonomy)) is not None:
            said.setdefault(note.trace, {}).setdefault(note.annotator, label)
            provenance.setdefault(note.annotator, set()).add(note.provenance)
    names = tuple(annotators) if annotators is not None else tuple(sorted(provenance))
    if absent := [name for name in names if name not in provenance]:
        raise ValueError(f"no {field} label by {', '.join(absent)}; there are {', '.join(sorted(provenance))}")
    runs = sorted(run for run, by in said.items() if sum(name in by for name in names) >= 2)
    if not runs:
        raise ValueError(f"no run has a {field} label by two of: {', '.join(names)}")
    names = tuple(name for name in names if any(name in said[run] for run in runs))
    labels = sorted({said[run][name] for run in runs for name in names if name in said[run]}, key=_natural)
    number = {label: code for code, label in enumerate(labels)}
    codes = np.array([[number[said[run][n]] if n in said[run] else _MISSING for n in names] for run in runs])
    ratings = _Ratings(
        raters=tuple(
            Rater(name=name, provenance=tuple(sorted(provenance[name])), units=int((codes[:, i] != _MISSING).sum()))
            for i, name in enumerate(names)
        ),
        labels=tuple(labels),
        codes=codes,
        groups=tuple((groups or {}).get(run, run) for run in runs),
        resamples=resamples,
        seed=seed,
    )
    return _report(field, ratings)


def _natural(label: str) -> tuple[int, str]:
    return (int(label), "") if label.isdecimal() else (-1, label)


def _report(field: Judged, ratings: _Ratings) -> AgreementReport:
    codes, raters = ratings.codes, ratings.raters
    counts = np.stack([(codes == label).sum(axis=1) for label in range(len(ratings.labels))], axis=1).astype(float)
    weights, tasks = ratings.weights(np.ones(len(codes), dtype=bool))
    complete = ratings.given(*range(len(raters)))
    weights_complete, tasks_complete = ratings.weights(complete)

    def over_all(drawn: Floats) -> Estimate:
        return estimate(drawn, len(codes), tasks=tasks)

    categories = []
    for column, label in enumerate(ratings.labels):
        specific, kappa = category_over(counts[:, column], counts.sum(axis=1), weights)
        uses = int(counts[:, column].sum())
        categories.append(
            CategoryAgreement(category=label, uses=uses, specific=over_all(specific), kappa=over_all(kappa))
        )
    return AgreementReport(
        field=field,
        raters=raters,
        units=len(codes),
        complete=int(complete.sum()),
        tasks=tasks,
        model_made=sum(rater.units for rater in raters if Provenance.MODEL in rater.provenance),
        observed=over_all(observed_over(counts, weights)),
        fleiss=estimate(
            fleiss_over(counts[complete], weights_complete),
            int(complete.sum()),
            tasks=tasks_complete,
            point=fleiss_kappa(counts[complete]),
        ),
        alpha=estimate(alpha_over(counts, weights), len(codes), tasks=tasks, point=krippendorff_alpha(counts)),
        ac1=over_all(ac1_over(counts, weights)),
        pairs=tuple(
            _pair(ratings, i, j, steps=field == "step")
            for i, j in combinations(range(len(raters)), 2)
            if ratings.given(i, j).any()
        ),
        categories=tuple(categories),
        versus_humans=_versus_humans(ratings),
    )


def _pair(ratings: _Ratings, i: int, j: int, *, steps: bool) -> Pair:
    both = ratings.given(i, j)
    n = int(both.sum())
    one, other = ratings.codes[both, i], ratings.codes[both, j]
    weights, tasks = ratings.weights(both)
    counts = np.eye(len(ratings.labels))[one] + np.eye(len(ratings.labels))[other]
    used = counts.any(axis=0)  # AC1 asks for the categories of the scale: here those that the two used
    labels = np.array(ratings.labels)
    within = None
    if steps:
        near = np.abs(labels[one].astype(int) - labels[other].astype(int)) <= 1
        within = estimate(mean(weights, near.astype(float)), n, tasks=tasks)
    return Pair(
        first=ratings.raters[i].name,
        second=ratings.raters[j].name,
        units=n,
        observed=estimate(mean(weights, (one == other).astype(float)), n, tasks=tasks),
        kappa=estimate(
            kappa_over(tables_over(*_compact(one, other), weights)),
            n,
            tasks=tasks,
            point=cohen_kappa(labels[one], labels[other]),
        ),
        ac1=estimate(ac1_over(counts[:, used], weights), n, tasks=tasks),
        within_one=within,
    )


def _compact(one: NDArray[np.int64], other: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Renumber the labels that two used, so that their tables hold no others; tell how many there are."""
    used, codes = np.unique(np.concatenate([one, other]), return_inverse=True)
    return codes[: len(one)], codes[len(one) :], len(used)


def _versus_humans(ratings: _Ratings) -> tuple[Versus, ...]:
    """Put the humans against each other first, where two labelled one run, then every other rater against them."""
    humans = [i for i, rater in enumerate(ratings.raters) if rater.provenance == (Provenance.HUMAN,)]
    several = (ratings.codes[:, humans] != _MISSING).sum(axis=1) >= 2
    found = []
    if several.any():
        found.append(_versus(ratings, None, tuple(combinations(humans, 2)), several))
    for other, rater in enumerate(ratings.raters):
        pairs = tuple((other, human) for human in humans)
        whole = _versus(ratings, rater.name, pairs, np.ones(len(several), dtype=bool))
        if other not in humans and whole.units:
            shared = _versus(ratings, rater.name, pairs, several) if several.any() else None
            found.append(whole.model_copy(update={"shared": shared}))
    return tuple(found)


def _versus(
    ratings: _Ratings, rater: str | None, pairs: Sequence[tuple[int, int]], inside: NDArray[np.bool_]
) -> Versus:
    weights, tasks = ratings.weights(inside)
    codes = ratings.codes[inside]
    agreed, compared, kappas, with_kappa = np.zeros((4, len(weights)))
    labelled = np.zeros(len(codes), dtype=bool)
    for i, j in pairs:
        both = ratings.given(i, j)[inside]
        if not both.any():
            continue
        labelled |= both
        tables = tables_over(*_compact(codes[both, i], codes[both, j]), weights[:, both])
        total, kappa = tables.sum(axis=(1, 2)), kappa_over(tables)
        defined = np.isfinite(kappa)  # two who share a single run have no kappa to average
        agreed += np.trace(tables, axis1=1, axis2=2)
        compared += total
        kappas += np.where(defined, kappa, 0) * total
        with_kappa += np.where(defined, total, 0)
    units = int(labelled.sum())
    return Versus(
        rater=rater,
        units=units,
        observed=estimate(ratio(agreed, compared), units, tasks=tasks),
        kappa=estimate(ratio(kappas, with_kappa), units, tasks=tasks),
    )
