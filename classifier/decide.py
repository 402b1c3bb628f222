"""Neighbours, signals and the judge -> Diagnosis: which cause is named, or none, by whom, and the proof shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from classifier.diagnosis import (
    Candidate,
    Cost,
    DecidedBy,
    Diagnosis,
    Evidence,
    Familiarity,
    NeighbourRun,
    Opinions,
    Outcome,
    Segment,
    StepChoice,
    Versions,
    likeliest,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classifier.signals import Signal
    from classifier.taxonomy import Taxonomy
    from classifier.trace import Phase, Trace

FLOOR = 0.2  # calibrated probability under which a cause is a guess: wrong four times in five
MAX_EVIDENCE = 6  # more quotes than a reader takes in hide the one that matters


@dataclass(frozen=True, slots=True)
class Findings:
    """All that the classifier learnt of one run, before anything is decided.

    `trust` (0 to 1) says how far the labelled runs can speak for this one. `causes` maps every id of the taxonomy
    that the index knows to its calibrated probability (they sum to 1); `candidates` is the conformal set, most likely
    first; `quote` is the passage of the decisive step that the vote rests on, verbatim. Where a judge was asked,
    `causes` are its and the neighbours' together, `alone` the neighbours' own, and `remarks` tell why it could not be
    heard.
    """

    steps: tuple[StepChoice, ...]
    causes: Mapping[str, float]
    candidates: tuple[str, ...]
    neighbours: tuple[NeighbourRun, ...]
    signals: tuple[Signal, ...]
    segments: tuple[Segment, ...]
    familiarity: Familiarity
    trust: float
    quote: str | None
    versions: Versions
    alone: Mapping[str, float] | None = None
    opinions: Opinions | None = None
    cost: Cost = field(default_factory=Cost)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """A node of the taxonomy, or none, with the probability that it is right."""

    cause: str | None
    phase: Phase | None
    probability: float


def decide(trace: Trace, findings: Findings, taxonomy: Taxonomy, *, file: str | None = None) -> Diagnosis:
    """Return the verdict on `trace`.

    Where no cause is as likely as `FLOOR`, the verdict backs off to the parent, then to the phase, then to none at all.
    """
    if trace.succeeded:
        return Diagnosis(
            trace_id=trace.id,
            file=file,
            outcome=Outcome.SUCCEEDED,
            cause=None,
            phase=None,
            step=None,
            agent=None,
            confidence=1.0,
            familiarity=findings.familiarity,
            segments=findings.segments,
            notes=("The source says that the run succeeded, so there is no failure to explain.",),
            versions=findings.versions,
        )
    named = name_cause(findings.causes, taxonomy, _trust(findings))
    first = findings.steps[0]
    secondary = _secondary(findings, named.cause, taxonomy)
    return Diagnosis(
        trace_id=trace.id,
        file=file,
        outcome=Outcome.FAILED if trace.succeeded is False else Outcome.UNKNOWN,
        cause=named.cause,
        phase=named.phase,
        step=first.step,
        agent=first.agent,
        confidence=round(named.probability, 4),
        steps=findings.steps,
        candidates=tuple(
            Candidate(cause=cause, probability=round(findings.causes[cause], 4)) for cause in findings.candidates
        ),
        evidence=_evidence(trace, findings, named),
        neighbours=findings.neighbours,
        secondary=secondary,
        mitigation=taxonomy.cause(named.cause).mitigation if named.cause else None,
        decided_by=_decided_by(findings, named, taxonomy),
        opinions=findings.opinions,
        cost=findings.cost,
        familiarity=findings.familiarity,
        segments=findings.segments,
        notes=_notes(trace, findings, named),
        versions=findings.versions,
    )


def name_cause(causes: Mapping[str, float], taxonomy: Taxonomy, trust: float) -> Named:
    """Return the finest node that holds at least `FLOOR` of the probability.

    The best cause is taken if it does; else the best node whose own and children's probability together do; else
    the best phase alone; else nothing, with the best cause's probability, so that the reader sees how lost it is.
    Where the vote is not trusted at all (0: the index holds no run of this system), nothing finer than a phase is
    named: there it agrees with annotators no better than chance.
    """
    best = likeliest(causes)[0]
    if trust == 0:
        return Named(None, _phase(causes, taxonomy), causes[best])
    if causes[best] >= FLOOR:
        return Named(best, taxonomy.phase_of(best), causes[best])
    parents = {
        cause.id: sum(
            causes.get(node, 0.0) for node in (cause.id, *(child.id for child in taxonomy.children(cause.id)))
        )
        for cause in taxonomy.causes
        if taxonomy.children(cause.id)
    }
    family = next(iter(likeliest(parents)), None)
    if family is not None and parents[family] >= FLOOR:
        return Named(family, taxonomy.phase_of(family), parents[family])
    return Named(None, _phase(causes, taxonomy), causes[best])


def _decided_by(findings: Findings, named: Named, taxonomy: Taxonomy) -> DecidedBy:
    """Say whose word the verdict is: the judge's where the neighbours alone would have given another."""
    if named.cause is None:
        return DecidedBy.NOBODY
    heard = findings.opinions is not None and findings.opinions.judge is not None
    alone = name_cause(findings.alone or findings.causes, taxonomy, findings.trust)
    return DecidedBy.JUDGE if heard and alone.cause != named.cause else DecidedBy.NEIGHBOURS


def _trust(findings: Findings) -> float:
    """Return how far the likeliest cause counts: a judge who named it makes up for labelled runs of the system."""
    opinion = findings.opinions.judge if findings.opinions else None
    best = likeliest(findings.causes)[0]
    return 1.0 if opinion and best in {opinion.cause, opinion.second_cause} else findings.trust


def _phase(causes: Mapping[str, float], taxonomy: Taxonomy) -> Phase | None:
    """Return the phase that holds most of the probability, if it holds half of it."""
    sums: dict[Phase, float] = {}
    for cause, probability in causes.items():
        phase = taxonomy.phase_of(cause)
        if phase is not None:
            sums[phase] = sums.get(phase, 0.0) + probability
    best = max(sums, key=lambda phase: sums[phase], default=None)
    return best if best is not None and sums[best] >= 0.5 else None


def _secondary(findings: Findings, cause: str | None, taxonomy: Taxonomy) -> tuple[str, ...]:
    """Return the other causes that the run shows plainly, by its signals, in order of appearance."""
    shown = (signal.cause for signal in findings.signals if signal.cause is not None)
    return tuple(dict.fromkeys(other for other in shown if other in taxonomy and other != cause))


def _evidence(trace: Trace, findings: Findings, named: Named) -> tuple[Evidence, ...]:
    """Return quotes, each checked to occur in the step it names.

    First the judge's, where it holds the cause that is named, then the decisive passage, then the nearest signals.
    """
    told = {
        step.index: (step.content, step.error or "", *(call.arguments for call in step.tool_calls))
        for step in trace.steps
    }
    first = findings.steps[0].step
    opinion = findings.opinions.judge if findings.opinions else None
    quotes = list(opinion.quotes) if opinion and opinion.cause == named.cause else []
    if findings.quote:
        quotes.append(Evidence(step=first, quote=findings.quote))
    near = sorted(findings.signals, key=lambda signal: (abs(signal.step - first), signal.step))
    quotes += [Evidence(step=signal.step, quote=signal.quote, signal=signal.kind.value) for signal in near]
    seen: set[tuple[int, str]] = set()
    proven: list[Evidence] = []
    for evidence in quotes:
        key = (evidence.step, evidence.quote)
        if key not in seen and any(evidence.quote in text for text in told.get(evidence.step, ())):
            seen.add(key)
            proven.append(evidence)
    return tuple(proven[:MAX_EVIDENCE])


def _notes(trace: Trace, findings: Findings, named: Named) -> tuple[str, ...]:
    notes = list(findings.remarks)
    if trace.succeeded is None:
        notes.append("The source does not say whether the run failed; the cause is the likeliest one if it did.")
    if findings.trust == 0:
        notes.append(
            "The index holds no labelled run of this system or team of agents, and causes do not carry over: "
            "label 20 to 40 of its runs and add them with `coroner train --add`."
        )
    elif named.cause is None:
        notes.append("No cause is likely enough to be named.")
    return tuple(notes)
