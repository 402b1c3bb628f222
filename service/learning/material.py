"""Material: what a project's annotators and its classifier have said, gathered in one transaction."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING

from classifier.corpus import group_tasks
from service.learning.resolve import Resolution, resolve
from service.storage import annotations as statements
from service.storage import diagnoses, indices, traces

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from classifier.diagnosis import Diagnosis
    from service.storage.annotations import Statement
    from service.storage.traces import StoredTrace


@dataclass(frozen=True)
class Material:
    """The runs of a project, what holds of them, and each index version's last verdict on those that are labelled.

    `groups` names the task of each run. `learnt`: the runs that each version of the index has seen, by their uids.
    """

    runs: Mapping[str, StoredTrace]
    statements: tuple[Statement, ...]
    verdicts: Mapping[str, Mapping[str, Diagnosis]]
    present: Mapping[str, Diagnosis]
    learnt: Mapping[str, frozenset[str]]

    @cached_property
    def groups(self) -> dict[str, str]:
        """The task of each run, by the run's uid: no task stands on both sides of a split."""
        return dict(zip(self.runs, group_tasks([run.task for run in self.runs.values()]), strict=True))

    @cached_property
    def resolution(self) -> Resolution:
        """The labels."""
        return resolve(self.statements)

    @cached_property
    def counted(self) -> dict[str, Diagnosis]:
        """The present verdicts that figures rest on: those on tasks that whoever gave them had not learnt.

        Where there is none, all of them, which `flatters`.
        """
        by_version: dict[str, dict[str, Diagnosis]] = {}
        for uid, verdict in self.present.items():
            by_version.setdefault(verdict.versions.index, {})[uid] = verdict
        fresh = {uid for version, verdicts in by_version.items() for uid in self.unseen(version, verdicts)}
        return {uid: verdict for uid, verdict in self.present.items() if uid in fresh or not fresh}

    @property
    def flatters(self) -> bool:
        """Whether the verdicts that are counted repeat what the index was told."""
        return any(not self.unseen(each.versions.index, {uid: each}) for uid, each in self.counted.items())

    def knowing(self, copies: frozenset[str]) -> Material:
        """Return the same where every version has also learnt the runs named: the first index held copies of them."""
        return replace(self, learnt={version: known | copies for version, known in self.learnt.items()})

    def unseen(self, version: str, verdicts: Mapping[str, Diagnosis]) -> dict[str, Diagnosis]:
        """Return those of a version's verdicts that were no repetition: on tasks of which it has learnt no run."""
        learnt = self.learnt.get(version, frozenset())
        barred = {self.groups[uid] for uid in self.runs if learnt & self.names(uid)}
        return {uid: found for uid, found in verdicts.items() if self.groups[uid] not in barred}

    def names(self, uid: str) -> frozenset[str]:
        """Return what an index may call a run: its uid, its own id, or its file without the ending."""
        run = self.runs[uid]
        return frozenset((uid, run.name, PurePath(run.file or run.name).name.partition(".")[0]))


def gather(session: Session, project: int, shipped: tuple[str, frozenset[str]] | None = None) -> Material:
    """Read it. `shipped`: version of the index that the project began with, and the runs that it has learnt."""
    said = statements.every(session, project)
    version, known = shipped or ("", frozenset())
    learnt = {
        each.version: known | frozenset(json.loads(each.evaluation or "{}").get("learnt", ()))
        for each in indices.every(session, project)
    }
    return Material(
        runs={run.uid: run for run in traces.stored(session, project)},
        statements=said,
        verdicts=diagnoses.by_version(session, project),
        present=diagnoses.present(session, project, sorted({each.run for each in said})),
        learnt={**learnt, version: known},
    )
