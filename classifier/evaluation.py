"""How well predictions meet annotations: causes on every tier, step, agent, calibration, what abstaining buys.

Intervals are 95 % bootstrap over tasks (see `bootstrap`). Every report counts whose labels it rests on.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from classifier.annotation import UNKNOWN, Label, agent_key, in_terms_of
from classifier.bootstrap import RESAMPLES, Estimate, draws, estimate, mean
from classifier.confusion import (
    NONE,
    CauseScore,
    Confusion,
    Tier,
    TierName,
    at_tier,
    cause_scores,
    confusion,
    tier,
    tiers,
)
from classifier.diagnosis import Provenance
from classifier.prediction import Prediction
from classifier.reliability import Calibration, RiskCoverage, calibration, risk_coverage
from classifier.risk import RISK
from classifier.trace import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from classifier.bootstrap import Floats
    from classifier.corpus import Example
    from classifier.taxonomy import Taxonomy


class Case(Frozen):
    """A prediction beside the label of its run. `agents`: who acts in the run; empty: not told."""

    prediction: Prediction
    label: Label
    group: str
    source: str
    agents: tuple[str, ...] = ()


class LabelCount(Frozen):
    """How many labels of a field are of which provenance."""

    field: Literal["cause", "step", "agent"]
    provenance: Provenance
    runs: int


class Scores(Frozen):
    """All figures on one set of runs. An Estimate's `n` is the number of runs it is over.

    `without_cause`: runs left out of all figures on causes, as their label is absent or `unknown`. `top2`: the label is
    one of the two likeliest causes. `named`: share of those runs for which a cause is named; `named_right`: share of
    the named that are right, a parent being right for its children. Steps: the first one is the label's, is at most
    one away from it, or the label's is among the first three. `agents_left_out`: runs whose labelled agent does not
    act in them (a module, a role), left out of `agent`.
    """

    name: str
    runs: int
    tasks: int
    without_cause: int
    tiers: tuple[Tier, ...]
    top2: Estimate
    named: Estimate
    named_right: Estimate
    step_exact: Estimate
    step_top3: Estimate
    step_within_one: Estimate
    agent: Estimate
    agents_left_out: int
    calibration: Calibration
    risk_coverage: RiskCoverage
    set_coverage: Estimate
    set_size: Estimate
    causes: tuple[CauseScore, ...]
    confusion: Confusion
    labels: tuple[LabelCount, ...]

    def tier(self, name: TierName) -> Tier:
        """Return the scores of one tier; KeyError where the taxonomy has none."""
        return {tier.tier: tier for tier in self.tiers}[name]


class Evaluation(Frozen):
    """Scores of all runs, then of each source. `cautions`: what a reader must be told beside the figures."""

    overall: Scores
    sources: tuple[Scores, ...]
    cautions: tuple[str, ...]


def cases(
    examples: Iterable[Example], predictions: Iterable[Prediction], *, native: Taxonomy | None = None
) -> tuple[Case, ...]:
    """Put predictions beside the examples of the same trace id; examples without one are left out.

    With `native`, a taxonomy of the annotators' own, their category stands for the cause (see `in_terms_of`).
    """
    by_id = {prediction.trace_id: prediction for prediction in predictions}
    return tuple(
        Case(
            prediction=by_id[example.trace.id],
            label=in_terms_of(example.label, native) if native else example.label,
            group=example.group,
            source=example.source,
            agents=tuple(sorted({step.agent for step in example.trace.steps})),
        )
        for example in examples
        if example.trace.id in by_id
    )


def evaluate(
    cases: Sequence[Case], taxonomy: Taxonomy, *, resamples: int = RESAMPLES, seed: int = 0, risk: float = RISK
) -> Evaluation:
    """Measure predictions against labels, over all runs and per source. Raises ValueError without cases.

    `taxonomy` is the one whose ids labels and predictions hold; it tells the tiers. `risk`: see `risk.promise`.
    """
    if not cases:
        raise ValueError("nothing to evaluate: no prediction has a label")
    overall = _scores("all", _Sample.of(cases, resamples, seed), taxonomy, risk)
    sources = tuple(
        _scores(name, _Sample.of([case for case in cases if case.source == name], resamples, seed), taxonomy, risk)
        for name in sorted({case.source for case in cases})
    )
    return Evaluation(overall=overall, sources=sources, cautions=_cautions(overall))


@dataclass(frozen=True, slots=True)
class _Sample:
    """Cases with their resampling weights (r, n)."""

    cases: tuple[Case, ...]
    weights: Floats
    tasks: int

    @classmethod
    def of(cls, cases: Sequence[Case], resamples: int, seed: int) -> _Sample:
        groups = [case.group for case in cases]
        return cls(tuple(cases), draws(groups, resamples=resamples, seed=seed), len(set(groups)))

    def only(self, keep: Callable[[Case], bool]) -> _Sample:
        """Keep some cases and their weights."""
        kept = np.array([keep(case) for case in self.cases], dtype=bool)
        cases = tuple(case for case, inside in zip(self.cases, kept, strict=True) if inside)
        return _Sample(cases, self.weights[:, kept], len({case.group for case in cases}))

    def mean(self, value: Callable[[Case], float]) -> Estimate:
        """Average a figure of a case."""
        return estimate(mean(self.weights, self.each(value)), len(self.cases), tasks=self.tasks)

    def each(self, value: Callable[[Case], float]) -> Floats:
        return np.array([value(case) for case in self.cases], dtype=np.float64)


def _scores(name: str, sample: _Sample, taxonomy: Taxonomy, risk: float) -> Scores:
    caused = sample.only(lambda case: case.label.cause not in {None, UNKNOWN})
    with_set = caused if any(case.prediction.candidates for case in caused.cases) else caused.only(lambda _: False)
    named = caused.only(lambda case: case.prediction.named is not None)
    stepped = sample.only(lambda case: case.label.step is not None)
    blamed = sample.only(lambda case: case.label.agent is not None)
    acting = blamed.only(_acts)
    right = caused.each(lambda case: _right(case, taxonomy))
    confidence = caused.each(lambda case: case.prediction.confidence)
    whole = bool(caused.cases) and all(case.prediction.probabilities for case in caused.cases)
    crossed = confusion(
        [at_tier("cause", case.label.cause, taxonomy) for case in caused.cases],
        [at_tier("cause", case.prediction.best, taxonomy) for case in caused.cases],
    )
    return Scores(
        name=name,
        runs=len(sample.cases),
        tasks=sample.tasks,
        without_cause=len(sample.cases) - len(caused.cases),
        tiers=tuple(
            tier(
                tier_name,
                [at_tier(tier_name, case.label.cause, taxonomy) for case in caused.cases],
                [at_tier(tier_name, case.prediction.best, taxonomy) for case in caused.cases],
                caused.weights,
                tasks=caused.tasks,
            )
            for tier_name in tiers(taxonomy)
        ),
        top2=caused.mean(lambda case: case.label.cause in _ranked(case.prediction)[:2]),
        named=caused.mean(lambda case: case.prediction.named is not None),
        named_right=named.mean(lambda case: _right(case, taxonomy)),
        step_exact=stepped.mean(lambda case: case.label.step in case.prediction.steps[:1]),
        step_top3=stepped.mean(lambda case: case.label.step in case.prediction.steps[:3]),
        step_within_one=stepped.mean(_near),
        agent=acting.mean(_same_agent),
        agents_left_out=len(blamed.cases) - len(acting.cases),
        calibration=calibration(
            confidence, right, caused.weights, tasks=caused.tasks, brier=caused.each(_brier) if whole else None
        ),
        risk_coverage=risk_coverage(
            confidence, right, caused.weights, tasks=caused.tasks, risk=risk, once=_once(caused.cases)
        ),
        set_coverage=with_set.mean(lambda case: case.label.cause in case.prediction.candidates),
        set_size=with_set.mean(lambda case: len(case.prediction.candidates)),
        causes=cause_scores(crossed),
        confusion=crossed,
        labels=_label_counts(sample.cases),
    )


def _once(cases: Sequence[Case]) -> NDArray[np.bool_]:
    """Pick each run's first prediction: one that is predicted by several splits is no more evidence for it."""
    first = {case.prediction.trace_id: i for i, case in reversed(list(enumerate(cases)))}
    return np.array([first[case.prediction.trace_id] == i for i, case in enumerate(cases)], dtype=np.bool_)


def _right(case: Case, taxonomy: Taxonomy) -> bool:
    """Say whether what is named is right, or what would be named is where it abstains: the label or above it."""
    gold, claim = case.label.cause, case.prediction.named or case.prediction.best
    if gold is None or claim is None:
        return False
    return claim == gold or (gold in taxonomy and claim in {above.id for above in taxonomy.ancestors(gold)})


def _ranked(prediction: Prediction) -> tuple[str, ...]:
    if not prediction.probabilities:
        return prediction.candidates or ((prediction.best,) if prediction.best else ())
    ranked = sorted(prediction.probabilities, key=lambda candidate: (-candidate.probability, candidate.cause))
    return tuple(candidate.cause for candidate in ranked)


def _brier(case: Case) -> float:
    """Sum the squared differences of the distribution from the label; a label outside it has probability 0."""
    given = {candidate.cause: candidate.probability for candidate in case.prediction.probabilities}
    gold = given.pop(case.label.cause or NONE, 0.0)
    return (1 - gold) ** 2 + sum(probability**2 for probability in given.values())


def _near(case: Case) -> bool:
    gold, steps = case.label.step, case.prediction.steps
    return gold is not None and bool(steps) and abs(steps[0] - gold) <= 1


def _acts(case: Case) -> bool:
    known = {agent_key(agent) for agent in case.agents}
    return not known or agent_key(case.label.agent or "") in known


def _same_agent(case: Case) -> bool:
    return agent_key(case.prediction.agent or "") == agent_key(case.label.agent or "")


def _label_counts(cases: Sequence[Case]) -> tuple[LabelCount, ...]:
    counts = Counter(
        (field, by)
        for case in cases
        for field, value, by in (
            ("cause", case.label.cause, case.label.cause_by),
            ("step", case.label.step, case.label.step_by),
            ("agent", case.label.agent, case.label.agent_by),
        )
        if by is not None and value != UNKNOWN
    )
    return tuple(LabelCount(field=field, provenance=by, runs=runs) for (field, by), runs in sorted(counts.items()))


def _cautions(scores: Scores) -> tuple[str, ...]:
    cautions = []
    for field in ("cause", "step", "agent"):
        total = sum(count.runs for count in scores.labels if count.field == field)
        made = sum(c.runs for c in scores.labels if c.field == field and c.provenance is Provenance.MODEL)
        if made:
            cautions.append(
                f"{made} of {total} {field} labels were made by a language model, not by a person: "
                f"what is measured of the {field} on them is agreement with that model."
            )
    return tuple(cautions)
