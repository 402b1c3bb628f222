"""Labelled runs -> an index: the localiser, the space in which causes are voted, and how far both are to be believed.

The same input gives the same bytes. What is tuned is tuned by cross-validation that keeps runs of one task together.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from classifier import calibration, causes, features, localise
from classifier.annotation import UNKNOWN
from classifier.encoding import encode
from classifier.features import StepTable
from classifier.index import Index, Labelled, is_taught, middles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from classifier.corpus import Example
    from classifier.embedders import Embedder
    from classifier.taxonomy import Taxonomy

FEWEST = 10  # labelled runs below which a cross-validation inside them says nothing
_LARGEST = 60_000.0  # a half-precision number holds no more


class TrainingError(ValueError):
    """Labelled runs that no index can be made from. Says why and what to do."""


def train(
    examples: Sequence[Example],
    embedder: Embedder,
    taxonomy: Taxonomy,
    *,
    base: Index | None = None,
    watch: Callable[[Iterable[Example]], Iterable[Example]] = iter,
) -> Index:
    """Make an index of `examples`, and of the runs that `base` holds; a run of the same id replaces that of `base`.

    A run teaches the step if it has one, the cause if it has one of the taxonomy's. What `base` has learnt of a judge
    stays. `watch` sees the examples go by.
    Raises TrainingError where there is too little to learn from.
    """
    tables = [describe(example, embedder) for example in watch(examples)]
    labelled = [label(example, table, taxonomy) for example, table in zip(examples, tables, strict=True)]
    if base is not None:
        if (base.embedder, base.taxonomy) != (embedder.name, taxonomy.digest):
            raise TrainingError("the index to add to was made with another embedder or taxonomy: train anew")
        if tuple(map(str, base.group("tables").get("names", ()))) != features.names():
            raise TrainingError("the index to add to was made by another version of coroner: train anew")
        new = {run.run for run in labelled}
        kept = [(run, table) for run, table in zip(base.runs, tables_of(base), strict=True) if run.run not in new]
        labelled = [*(run for run, _ in kept), *labelled]
        tables = [*(table for _, table in kept), *tables]
    made = fit(labelled, tables, embedder=embedder.name, taxonomy=taxonomy.digest)
    # what a judge has shown to be worth, and what is promised of the systems that it taught
    judged = {} if base is None else {k: v for k, v in base.arrays.items() if k.startswith(("combiner/", "taught/"))}
    return replace(made, arrays={**made.arrays, **judged})


def describe(example: Example, embedder: Embedder) -> StepTable:
    """Encode a run, rounded to what an index holds of it, so that to add to an index is to train on all its runs."""
    table = encode(example.trace, embedder)
    return StepTable(
        indices=table.indices,
        agents=table.agents,
        candidates=table.candidates,
        matrix=np.clip(table.matrix, -_LARGEST, _LARGEST).astype(np.float16).astype(np.float32),
        names=table.names,
        vectors=table.vectors.astype(np.float16).astype(np.float32),
    )


def label(example: Example, table: StepTable, taxonomy: Taxonomy) -> Labelled:
    """Return what a run teaches: the step if it is one of its steps, the cause if it is one of the taxonomy's."""
    resolved = example.label
    known = resolved.cause is not None and resolved.cause != UNKNOWN and resolved.cause in taxonomy
    provenance = resolved.cause_by if known else resolved.step_by
    return Labelled(
        run=example.trace.id,
        system=example.system,
        group=example.group,
        step=resolved.step if resolved.step in table.indices else None,
        cause=resolved.cause if known else None,
        provenance=provenance or example.annotations[0].provenance,
    )


def fit(
    labelled: Sequence[Labelled],
    tables: Sequence[StepTable],
    *,
    embedder: str,
    taxonomy: str,
) -> Index:
    """Fit everything on labelled runs and the tables of their steps (as `tables_of` returns them).

    On one machine the same runs give the same bytes, in whatever order and on however many cores.
    Raises TrainingError where two runs have one id, where fewer than `FEWEST` have a cause, or a step, and where those
    with a cause are all of one task.
    """
    import scipy.linalg  # noqa: F401, PLC0415 - loads its BLAS, so that it is limited too
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - not on the path of classify

    with threadpool_limits(1):  # sums over several threads differ in their last bits
        return _fit(labelled, tables, embedder, taxonomy)


def _fit(labelled: Sequence[Labelled], tables: Sequence[StepTable], embedder: str, taxonomy: str) -> Index:
    twice = sorted(run for run, times in Counter(one.run for one in labelled).items() if times > 1)
    if twice:
        raise TrainingError(f"{len(twice)} runs are there twice, {twice[0]!r} is one: give each an id of its own")
    order = sorted(range(len(labelled)), key=lambda i: labelled[i].run)
    labelled, tables = [labelled[i] for i in order], [tables[i] for i in order]
    located = [i for i, run in enumerate(labelled) if _candidate(tables[i], run.step)]
    named = [i for i, run in enumerate(labelled) if run.cause is not None]
    for what, rows in (("a decisive step", located), ("a cause", named)):
        if len(rows) < FEWEST:
            raise TrainingError(f"{len(rows)} of {len(labelled)} runs have {what}; label at least {FEWEST}")
    if len({labelled[i].group for i in named}) < 2:
        raise TrainingError("the runs with a cause are all of one task, so none can be held out: label runs of others")
    ratios = localise.ratios(*_steps(labelled, tables, located))
    localiser, unseen = localise.learn(*_steps(labelled, tables, located), ratios)
    posteriors = [localiser.rank(table, run.system) for table, run in zip(tables, labelled, strict=True)]
    for i, held_out in zip(located, unseen, strict=True):
        posteriors[i] = held_out
    known = [tables[i] for i in named], [posteriors[i] for i in named], [labelled[i] for i in named]
    fitted = causes.fit(*known)
    y = np.array([fitted.model.labels.index(labelled[i].cause or "") for i in named])
    calibrated = calibration.fit(
        [calibration.Held(votes, y) for votes in fitted.held_out],
        _strangers(labelled, tables, posteriors, fitted.model, dict(zip(located, ratios, strict=True))),
    )
    # what is promised of verdicts that nobody is asked about rests on no judge's word
    vouched = calibrated.accepted[[not is_taught(labelled[i]) for i in named]]
    calibrated = replace(calibrated, accepted=vouched)
    agents: defaultdict[str, set[str]] = defaultdict(set)
    for table, run in zip(tables, labelled, strict=True):
        agents[run.system].update(table.agents)
    return Index(
        embedder=embedder,
        taxonomy=taxonomy,
        runs=tuple(labelled),
        vectors=middles(table.vectors for table in tables),
        agents={system: tuple(sorted(names)) for system, names in agents.items()},
        arrays={
            **_prefixed("localiser", localiser.to_arrays()),
            **_prefixed("causes", fitted.model.to_arrays()),
            **_prefixed("calibration", calibrated.to_arrays()),
            **_prefixed("tables", _packed(tables)),
        },
    )


def _steps(
    labelled: Sequence[Labelled], tables: Sequence[StepTable], rows: Sequence[int]
) -> tuple[list[StepTable], list[int], list[str], list[int]]:
    """Return what the localiser learns from: tables, decisive steps, systems and groups of the runs in `rows`."""
    groups = sorted({run.group for run in labelled})
    return (
        [tables[i] for i in rows],
        [labelled[i].step or 0 for i in rows],
        [labelled[i].system for i in rows],
        [groups.index(labelled[i].group) for i in rows],
    )


def _strangers(
    labelled: Sequence[Labelled],
    tables: Sequence[StepTable],
    posteriors: Sequence[NDArray[np.float64]],
    whole: causes.CauseModel,
    located: Mapping[int, NDArray[np.float64]],
) -> list[calibration.Held]:
    """Return what is said of the runs of each system by a localiser and a model that have seen none of it.

    `located` gives the rows that have a decisive step, with their `localise.ratios`, which other systems do not change.
    """
    held = []
    for system in sorted({run.system for run in labelled}):
        seen = [i for i, run in enumerate(labelled) if run.system != system]
        steps = [i for i in seen if i in located]
        named = [i for i in seen if labelled[i].cause is not None]
        asked = [i for i, run in enumerate(labelled) if run.system == system and run.cause is not None]
        if len(named) < FEWEST or len(steps) < FEWEST or len(asked) < FEWEST:
            continue
        localiser = localise.fit(*_steps(labelled, tables, steps), [located[i] for i in steps])
        model = causes.settle(
            [tables[i] for i in named], [posteriors[i] for i in named], [labelled[i] for i in named], whole.knobs
        )
        columns = [whole.labels.index(name) for name in model.labels]
        votes = np.full((len(asked), len(whole.labels)), causes.SMALL)
        for row, i in enumerate(asked):
            ranked = localiser.rank(tables[i], system)
            votes[row, columns] = model.predict(tables[i], ranked, system).probabilities
        y = np.array([whole.labels.index(labelled[i].cause or "") for i in asked])
        held.append(calibration.Held(votes / votes.sum(axis=1, keepdims=True), y))
    return held


def tables_of(index: Index) -> list[StepTable]:
    """Return the step tables of an index's runs, in their order: what `train` adds to."""
    held = index.group("tables")
    names = tuple(map(str, held["names"]))
    ends = np.cumsum(np.asarray(held["lengths"], dtype=np.int64))
    tables = []
    for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True):
        tables.append(
            StepTable(
                indices=tuple(np.asarray(held["indices"][start:end], dtype=np.int64).tolist()),
                agents=tuple(map(str, held["agents"][start:end])),
                candidates=np.asarray(held["candidates"][start:end], dtype=np.bool_),
                matrix=np.asarray(held["matrix"][start:end], dtype=np.float32),
                names=names,
                vectors=np.asarray(held["vectors"][start:end], dtype=np.float32),
            )
        )
    return tables


def _packed(tables: Sequence[StepTable]) -> dict[str, NDArray[np.generic]]:
    return {
        "names": np.array(tables[0].names, dtype=np.str_),
        "lengths": np.array([len(table) for table in tables], dtype=np.int32),
        "indices": np.concatenate([np.array(table.indices, dtype=np.int32) for table in tables]),
        "agents": np.array([agent for table in tables for agent in table.agents], dtype=np.str_),
        "candidates": np.concatenate([table.candidates for table in tables]),
        "matrix": np.vstack([table.matrix for table in tables]).astype(np.float16),
        "vectors": np.vstack([table.vectors for table in tables]).astype(np.float16),
    }


def _candidate(table: StepTable, step: int | None) -> bool:
    return step in table.indices and bool(table.candidates[table.indices.index(step)])


def _prefixed(name: str, arrays: dict[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
    return {f"{name}/{key}": value for key, value in arrays.items()}
