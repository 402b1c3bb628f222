from __future__ import annotations

import invented_traces as invented
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.decide import FLOOR, MAX_EVIDENCE, Findings, decide, name_cause
from classifier.diagnosis import DecidedBy, Evidence, Familiarity, Outcome, StepChoice, Versions
from classifier.signals import Signal, SignalKind
from classifier.taxonomy import Cause, Taxonomy
from classifier.trace import Phase

RUN = invented.trace(1)  # step 3 shows the mark
QUOTE = RUN.steps[3].content
SCHEME = invented.scheme()
DISTRIBUTIONS = st.lists(st.integers(0, 20), min_size=len(SCHEME.ids), max_size=len(SCHEME.ids)).filter(any)


def findings(causes: dict[str, float], *seen: Signal, trust: float = 0.7, quote: str | None = QUOTE) -> Findings:
    return Findings(
        steps=(StepChoice(step=3, agent="Coder", probability=0.6), StepChoice(step=1, agent="Coder", probability=0.3)),
        causes=causes,
        candidates=tuple(sorted(causes, key=lambda cause: (-causes[cause], cause)))[:4],
        neighbours=(),
        signals=seen,
        segments=(),
        familiarity=Familiarity.KNOWN if trust else Familiarity.NEW,
        trust=trust,
        quote=quote,
        versions=Versions(coroner="0", index="i", taxonomy="t", embedder="e"),
    )


def signal(kind: SignalKind, step: int, quote: str | None = None) -> Signal:
    return Signal(kind=kind, step=step, quote=quote or RUN.steps[step].content)


def test_a_likely_cause_is_named_with_its_phase_its_probability_and_what_to_do() -> None:
    diagnosis = decide(RUN, findings({"E2.2": 0.62, "P1": 0.3, "R2": 0.08}), SCHEME, file="a.json")
    assert (diagnosis.outcome, diagnosis.file) == (Outcome.FAILED, "a.json")
    assert (diagnosis.cause, diagnosis.phase, diagnosis.confidence) == ("E2.2", Phase.EXECUTION, 0.62)
    assert (diagnosis.step, diagnosis.agent, diagnosis.decided_by) == (3, "Coder", DecidedBy.NEIGHBOURS)
    assert diagnosis.mitigation == SCHEME.cause("E2.2").mitigation
    assert [(one.cause, one.probability) for one in diagnosis.candidates] == [("E2.2", 0.62), ("P1", 0.3), ("R2", 0.08)]
    assert diagnosis.notes == ()


def test_a_run_that_succeeded_has_no_cause_and_no_step() -> None:
    well = RUN.model_copy(update={"succeeded": True})
    diagnosis = decide(well, findings({"E2.2": 0.9, "P1": 0.1}, signal(SignalKind.TIMEOUT, 2)), SCHEME)
    assert diagnosis.outcome is Outcome.SUCCEEDED
    assert (diagnosis.cause, diagnosis.phase, diagnosis.step, diagnosis.agent) == (None, None, None, None)
    assert (diagnosis.candidates, diagnosis.evidence, diagnosis.secondary, diagnosis.mitigation) == ((), (), (), None)
    assert "succeeded" in diagnosis.notes[0]


def test_where_the_source_is_silent_on_the_outcome_a_note_says_so() -> None:
    silent = RUN.model_copy(update={"succeeded": None})
    diagnosis = decide(silent, findings({"E2.2": 0.9, "P1": 0.1}), SCHEME)
    assert (diagnosis.outcome, diagnosis.cause) == (Outcome.UNKNOWN, "E2.2")
    assert "does not say whether" in diagnosis.notes[0]


@pytest.mark.parametrize(
    ("causes", "named", "phase", "probability"),
    [
        ({"E2.2": FLOOR, **dict.fromkeys(("P1", "P2", "P3", "R1", "E1"), 0.16)}, "E2.2", Phase.EXECUTION, FLOOR),
        (
            {"E2.1": 0.1, "E2.2": 0.1, "E2": 0.05, **dict.fromkeys(("P1", "P2", "R1", "R3", "E1"), 0.15)},
            "E2", Phase.EXECUTION, 0.25,
        ),
        ({**dict.fromkeys(("P1", "P2", "P3"), 0.18), "R1": 0.16, "R3": 0.15, "E1": 0.15}, None, Phase.PLANNING, 0.18),
        (dict.fromkeys(("P1", "P2", "R1", "R3", "E1", "E3"), 1 / 6), None, None, 1 / 6),
    ],
    ids=["cause", "parent", "phase", "nothing"],
)  # fmt: skip
def test_the_finest_node_that_is_likely_enough_is_named(
    causes: dict[str, float], named: str | None, phase: Phase | None, probability: float
) -> None:
    diagnosis = decide(RUN, findings(causes), SCHEME)
    assert (diagnosis.cause, diagnosis.phase) == (named, phase)
    assert diagnosis.confidence == pytest.approx(probability, abs=1e-4)
    assert diagnosis.mitigation == (SCHEME.cause(named).mitigation if named else None)
    assert diagnosis.decided_by is (DecidedBy.NEIGHBOURS if named else DecidedBy.NOBODY)
    assert bool(diagnosis.notes) == (named is None)


def test_where_the_vote_cannot_be_trusted_no_cause_is_named_however_likely_it_looks() -> None:
    diagnosis = decide(RUN, findings({"E2.2": 0.9, "P1": 0.1}, trust=0), SCHEME)
    assert (diagnosis.cause, diagnosis.phase, diagnosis.mitigation) == (None, Phase.EXECUTION, None)
    assert diagnosis.decided_by is DecidedBy.NOBODY
    assert diagnosis.candidates[0].cause == "E2.2"
    assert "--add" in diagnosis.notes[0]


def test_of_equally_likely_causes_the_first_candidate_is_named() -> None:
    for causes in ({"E1.1": 0.4, "R2": 0.4, "P1": 0.2}, {"R2": 0.4, "E1.1": 0.4, "P1": 0.2}):
        diagnosis = decide(RUN, findings(causes), SCHEME)
        assert diagnosis.cause == diagnosis.candidates[0].cause == "E1.1"


@given(DISTRIBUTIONS, st.sampled_from((0, 0.5)))
def test_confidence_is_the_probability_of_what_is_named(parts: list[int], trust: float) -> None:
    causes = {cause: part / sum(parts) for cause, part in zip(SCHEME.ids, parts, strict=True)}
    named = name_cause(causes, SCHEME, trust)
    if named.cause is None:
        assert named.probability == max(causes.values())
        assert trust == 0 or named.probability < FLOOR
        return
    family = [named.cause, *(child.id for child in SCHEME.children(named.cause))]
    own, all_of_it = causes[named.cause], sum(causes[node] for node in family)
    assert named.probability == own or named.probability == pytest.approx(all_of_it)
    assert named.probability >= FLOOR
    assert named.phase is SCHEME.phase_of(named.cause)
    assert named.probability == own or max(causes.values()) < FLOOR  # a parent only where no cause is likely


def test_a_taxonomy_without_phases_and_parents_backs_off_to_nothing() -> None:
    flat = Taxonomy(
        name="flat", causes=tuple(Cause(id=f"c{i}", slug=f"c{i}", name=f"c{i}", definition="d") for i in range(8))
    )
    causes = dict.fromkeys(flat.ids, 1 / 8)
    assert name_cause(causes, flat, 0.5) == (found := name_cause(causes, flat, 0))
    assert (found.cause, found.phase) == (None, None)


def test_what_else_the_run_shows_is_secondary_each_once_and_never_the_cause_or_a_stranger() -> None:
    seen = [
        signal(SignalKind.SYNTAX_ERROR, 1), signal(SignalKind.MISSING_MODULE, 2), signal(SignalKind.SYNTAX_ERROR, 4),
        signal(SignalKind.NO_ANSWER, 5), signal(SignalKind.LIMIT_REACHED, 6),
    ]  # fmt: skip
    found = findings({"E3.1": 0.8, "P1": 0.2}, *seen)
    assert decide(RUN, found, SCHEME).secondary == ("E2.1", "R3")
    without = Taxonomy(name="short", causes=tuple(cause for cause in SCHEME.causes if cause.id != "E2.1"))
    assert decide(RUN, found, without).secondary == ("R3",)


def test_the_decisive_passage_comes_first_then_the_signals_nearest_to_it() -> None:
    seen = [signal(SignalKind.TIMEOUT, i) for i in (0, 2, 5)]
    proof = decide(RUN, findings({"P1": 1.0}, *seen), SCHEME).evidence
    assert [(one.step, one.signal) for one in proof] == [(3, None), (2, "timeout"), (5, "timeout"), (0, "timeout")]


def test_what_does_not_stand_in_the_step_is_no_evidence() -> None:
    seen = [signal(SignalKind.TIMEOUT, 2, "never said"), signal(SignalKind.TIMEOUT, 99, QUOTE)]
    assert decide(RUN, findings({"P1": 1.0}, *seen, quote="nor this"), SCHEME).evidence == ()


def test_no_more_quotes_are_given_than_a_reader_takes_in_and_none_twice() -> None:
    content = RUN.steps[3].content
    seen = [signal(SignalKind.TIMEOUT, 3, content[i : i + 5]) for i in range(12)]
    proof = decide(RUN, findings({"P1": 1.0}, *seen), SCHEME).evidence
    assert len(proof) == MAX_EVIDENCE
    twice = decide(RUN, findings({"P1": 1.0}, signal(SignalKind.TIMEOUT, 3, QUOTE)), SCHEME).evidence
    assert twice == (Evidence(step=3, quote=QUOTE),)
