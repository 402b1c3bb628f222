"""Training: a project's labels -> a new version of its index, measured beside the one that answers now."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier import training
from classifier.annotation import UNKNOWN
from classifier.corpus import Example
from classifier.folds import FOLDS
from classifier.pipeline import Classifier
from classifier.training import TrainingError
from service.learning.comparison import SIZES, Comparison, Contest
from service.learning.material import gather
from service.storage import ConflictError, indices, projects, traces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from classifier.index import Index
    from classifier.trace import Trace
    from service.hub import Hub, Training
    from service.learning.material import Material
    from service.storage.indices import IndexVersion
    from service.storage.projects import Access

FEWEST = 5  # labels that a training needs: two people who label ten runs seldom agree on more than six of them


STARTS = 5.0  # seconds that a training waits for another to have ended


@dataclass(frozen=True)
class Made:
    """A new index, and what it would be worth."""

    index: Index
    comparison: Comparison


def begin(hub: Hub, access: Access) -> Training:
    """Begin a training beside the requests. Raises ConflictError where it cannot be, and says what is missing."""
    with hub.database.begin(write=False) as session:
        problem = lacking(gather(session, access.project))
    if problem:
        raise ConflictError(problem)
    with _alone(hub, access.project, 0):
        pass  # another service, or a command line, may be at it
    begun = hub.trainer.start(access.project_name, access.person)
    with hub.database.begin() as session:
        projects.note(session, access, "begin training", access.project_name)
    return begun


def state(hub: Hub, access: Access) -> Training:
    """Return how far the training of a project is, whoever has begun it."""
    own = hub.trainer.state(access.project_name)
    if not own.running:
        try:
            with _alone(hub, access.project, 0):
                pass
        except ConflictError:
            return own.model_copy(update={"running": True, "failed": False, "said": "another process trains"})
    return own


@contextlib.contextmanager
def _alone(hub: Hub, project: int, seconds: float) -> Iterator[None]:
    """Keep others from training a project, in all processes that share the folder; a kill lets go of it.

    Raises ConflictError where another does so for longer than `seconds`.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - only to train

    file = hub.settings.folder / "indices" / f"{project}.lock"
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(file, timeout=seconds):
            yield
    except Timeout as error:
        raise ConflictError("a training of this project is under way") from error


def train(
    hub: Hub,
    access: Access,
    *,
    sizes: Sequence[int] = SIZES,
    folds: int = FOLDS,
    watch: Callable[[str], None] = lambda _: None,
) -> IndexVersion:
    """Train a new version on the project's labels, measure it, and store both as a candidate.

    It is made of the shipped index and all labels that hold now: what was deleted or taken back meanwhile is in no new
    version. Takes minutes; holds no transaction meanwhile. See `Contest.compare` for `sizes` and `folds`.
    Raises ConflictError where it cannot be, and says why.
    """
    with _alone(hub, access.project, STARTS):
        return _train(hub, access, sizes, folds, watch)


def _train(hub: Hub, access: Access, sizes: Sequence[int], folds: int, watch: Callable[[str], None]) -> IndexVersion:
    shipped = hub.classifiers.shipped
    if not isinstance(shipped, Classifier):
        raise ConflictError("this classifier does not learn from labels")
    with hub.database.begin(write=False) as session:
        material = gather(session, access.project, (shipped.index.version, shipped.learnt))
        active = indices.active(session, access.project)
        known = {each.version for each in indices.every(session, access.project)}
        runs = {each.run: traces.get(session, access.project, each.run) for each in material.resolution.labels}
    watch(f"{len(runs)} labelled runs")
    current = active.version if active else shipped.index.version
    try:
        made = make(shipped, material, runs, current=current, known=known, sizes=sizes, folds=folds, watch=watch)
    except TrainingError as error:
        raise ConflictError(str(error)) from error
    path = f"indices/{access.project}/{made.index.version}.npz"
    file = hub.settings.folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    made.index.save(file)
    with hub.database.begin() as session:
        added = indices.add(
            session,
            access.project,
            made.index.version,
            path,
            by=access.person,
            labels=made.comparison.runs,
            evaluation=made.comparison.model_dump_json(),
        )
        projects.note(session, access, "train index", added.version, labels=added.labels)
    return added


def make(
    shipped: Classifier,
    material: Material,
    runs: dict[str, Trace],
    *,
    current: str,
    known: set[str],
    sizes: Sequence[int] = SIZES,
    folds: int = FOLDS,
    watch: Callable[[str], None] = lambda _: None,
) -> Made:
    """Make the index and compare it. Raises ConflictError with too few labels, or where nothing has changed."""
    if problem := lacking(material):
        raise ConflictError(problem)
    examples = [
        Example(
            trace=runs[each.run].model_copy(update={"id": each.run}),
            annotations=(each.annotation,),
            group=material.groups[each.run],
            system=runs[each.run].framework,
            source=runs[each.run].framework,
        )
        for each in material.resolution.labels
    ]
    tables = [training.describe(example, shipped.embedder) for example in examples]
    labelled = [
        training.label(example, table, shipped.taxonomy) for example, table in zip(examples, tables, strict=True)
    ]
    silent = frozenset(each.run for each in material.resolution.labels if each.label.cause is None)
    contest = Contest(shipped.index, labelled, tables, shipped.embedder, shipped.taxonomy, silent=silent)
    watch("training")
    index = contest.fit()
    if index.version in known:
        raise ConflictError(f"index {index.version} is there already: the labels have not changed since")
    learnt = material.learnt.get(current, frozenset()) & set(runs)
    return Made(index, contest.compare(learnt, current, sizes=sizes, folds=folds, watch=watch))


def lacking(material: Material) -> str | None:
    """Say what is missing for a training; None: nothing is."""
    named = [each for each in material.resolution.labels if each.label.cause not in {None, UNKNOWN}]
    if len(named) < FEWEST:
        return f"{len(named)} runs have a label with a cause; {FEWEST - len(named)} more are needed to train"
    tasks = Counter(material.groups[each.run] for each in named)
    if len(tasks) < 2:
        return "the labelled runs are all of one task, so that none can be held out: label runs of others"
    return None
