"""Progress: how far a project's index knows its system, and whether it is good enough to be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.annotation import UNKNOWN
from classifier.diagnosis import Familiarity
from classifier.risk import Promise
from classifier.trace import Frozen
from service.learning.comparison import CurvePoint
from service.learning.training import FEWEST, lacking
from service.learning.versions import SHIPPED, Version
from service.storage.indices import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.learning.material import Material
    from service.storage.diagnoses import Tally


class Share(Frozen):
    """The part of the verdicts on runs that the index knows so well."""

    familiarity: Familiarity
    runs: int
    share: float


class Progress(Frozen):
    """Where a project stands.

    `labels`: runs with a cause to learn from; `missing`: how many more a training needs. `fresh`: labels that the
    newest version has not learnt. `familiarity`: of the present verdicts. `curve` and `promises` are the newest
    version's, from runs that it was not taught. `trusted_at`: the least share of wrong verdicts that can be promised.
    `advice`: all of it in words, what to do first.
    """

    runs: int
    labels: int
    missing: int
    disputed: int
    unsure: int
    tasks: int
    active: str
    newest: Version | None
    fresh: int
    familiarity: tuple[Share, ...]
    curve: tuple[CurvePoint, ...]
    promises: tuple[Promise, ...]
    trusted_at: float | None
    advice: tuple[str, ...]


def progress(material: Material, versions: Sequence[Version], tally: Sequence[Tally]) -> Progress:
    """Say where the project stands."""
    named = [each for each in material.resolution.labels if each.label.cause not in {None, UNKNOWN}]
    newest = versions[0] if versions else None
    compared = newest.comparison if newest else None
    learnt = set(compared.learnt) if compared else set()
    active = next((each.version for each in versions if each.state is State.ACTIVE), SHIPPED)
    promises = compared.promises if compared else ()
    total = sum(each.runs for each in tally)
    counted = {kind: sum(each.runs for each in tally if each.familiarity == kind) for kind in Familiarity}
    fresh = sum(each.run not in learnt for each in named)
    trusted = min((each.risk for each in promises if each.threshold is not None), default=None)
    return Progress(
        runs=len(material.runs),
        labels=len(named),
        missing=max(FEWEST - len(named), 0),
        disputed=len(material.resolution.disputed),
        unsure=len(material.resolution.unsure),
        tasks=len({material.groups[each.run] for each in named}),
        active=active,
        newest=newest,
        fresh=fresh,
        familiarity=tuple(
            Share(familiarity=kind, runs=runs, share=runs / total if total else 0.0) for kind, runs in counted.items()
        ),
        curve=compared.curve if compared else (),
        promises=promises,
        trusted_at=trusted,
        advice=tuple(_advice(material, newest, fresh, promises)),
    )


def _advice(
    material: Material,
    newest: Version | None,
    fresh: int,
    promises: Sequence[Promise],
) -> list[str]:
    said = []
    if problem := lacking(material):
        said.append(f"{problem[0].upper()}{problem[1:]}.")
    elif newest is None:
        said.append("There are labels enough: train an index.")
    elif fresh:
        said.append(f"{fresh} labels are newer than the newest index: train again.")
    if newest is not None and newest.state is State.CANDIDATE:
        verdict = {
            True: "is better than the one that answers: activate it",
            False: "is worse than the one that answers: do not activate it",
            None: f"is not proved better or worse than the one that answers{_rights(newest)}: more labels would tell",
        }[newest.better]
        said.append(f"Index {newest.version} {verdict}.")
    if material.resolution.disputed:
        said.append(f"{len(material.resolution.disputed)} runs are disputed and teach nothing: adjudicate them.")
    if promises:
        kept = [each for each in promises if each.threshold is not None]
        best = min(kept, key=lambda each: each.risk) if kept else max(promises, key=lambda each: each.risk)
        said.append(best.words)
    else:
        said.append("How far the index can be trusted on this system is not known before it is trained.")
    return said


def _rights(newest: Version) -> str:
    """Tell how often both are right on the held-out runs."""
    compared = newest.comparison
    new, old = (compared.new.accuracy.value, compared.old.accuracy.value) if compared else (None, None)
    return "" if new is None or old is None else f" (right in {new:.0%} of the held-out runs, that one in {old:.0%})"
