"""Disputes: runs on whose cause or step people differ, among themselves or with the classifier. Pure."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

from classifier.trace import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from classifier.annotation import Annotation
    from classifier.diagnosis import Diagnosis
    from classifier.taxonomy import Taxonomy
    from service.storage.annotations import Statement


class Dispute(Frozen):
    """A run that is disputed. `cause`, `step`: people differ there; `classifier`: the verdict is another than theirs.

    `causes`: what each person says, by name. `settled`: somebody has had the last word.
    """

    run: str
    causes: tuple[tuple[str, str | None], ...]
    verdict: str | None
    cause: bool
    step: bool
    classifier: bool
    settled: bool

    @property
    def people(self) -> bool:
        """Whether people differ."""
        return self.cause or self.step


def disputes(
    statements: Iterable[Statement], verdicts: Mapping[str, Diagnosis], taxonomy: Taxonomy
) -> tuple[Dispute, ...]:
    """Return the runs on which anyone differs, those first that people differ on, then as they were first labelled.

    Two people differ where both name a cause, or a step, and not the same: `unknown` is a cause here, as for agreement.
    The classifier differs where it names a cause that is neither what a person said nor above it; where it abstains,
    or finds another step for the same cause, it does not.
    """
    said: defaultdict[str, list[Statement]] = defaultdict(list)
    settled = set()
    for each in statements:
        if each.adjudicated:
            settled.add(each.run)
        else:
            said[each.run].append(each)
    found = [_dispute(run, own, verdicts.get(run), taxonomy, settled=run in settled) for run, own in said.items()]
    differing = [each for each in found if each.people or each.classifier]
    return tuple(sorted(differing, key=lambda each: (not each.cause, not each.step)))


def _dispute(
    run: str, said: Sequence[Statement], verdict: Diagnosis | None, taxonomy: Taxonomy, *, settled: bool
) -> Dispute:
    notes = [each.annotation for each in said]
    named = verdict.cause if verdict else None
    return Dispute(
        run=run,
        causes=tuple((note.annotator, note.cause) for note in notes),
        verdict=named,
        cause=_differ([note.cause for note in notes]),
        step=_differ([note.step for note in notes]),
        classifier=named is not None and any(not _covers(named, note, taxonomy) for note in notes),
        settled=settled,
    )


def _differ(values: Sequence[object]) -> bool:
    return any(one != other for one, other in combinations([each for each in values if each is not None], 2))


def _covers(cause: str, note: Annotation, taxonomy: Taxonomy) -> bool:
    if note.cause is None or note.cause == cause:
        return True
    return note.cause in taxonomy and cause in {above.id for above in taxonomy.ancestors(note.cause)}
