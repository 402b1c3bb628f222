"""Comparison of two sets of runs: what got better or worse, and how sure that is. Pure.

Each share is compared by Fisher's exact test, the p-values over causes and over frameworks are held to a false
discovery rate (Benjamini and Hochberg 1995), and intervals of differences are Newcombe's (1998, method 10). Where runs
are of the same tasks, they are also compared pair by pair, by McNemar's exact test.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from classifier.diagnosis import Familiarity, Outcome
from classifier.trace import Frozen
from service.storage.figures import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RATE = 0.05  # false discoveries among what is called a difference
LEVEL = 0.95
SUCCEEDED = "succeeded"
UNNAMED = "no cause named"


class Share(Frozen):
    """How many of how many."""

    part: int
    of: int

    @property
    def value(self) -> float | None:
        """The share; None: of nothing."""
        return self.part / self.of if self.of else None


class Change(Frozen):
    """A share then and now. `low` and `high` bound the difference (now less then) at 95 %.

    `p` is Fisher's, `q` the same with all that were tested along with it taken into account; `paired` is McNemar's p
    over pairs, `gained` and `lost` the pairs that have it only now and only then. None: nothing to test.
    """

    name: str
    before: Share
    now: Share
    low: float | None
    high: float | None
    p: float | None
    q: float | None = None
    gained: int = 0
    lost: int = 0
    paired: float | None = None
    paired_q: float | None = None

    @property
    def difference(self) -> float | None:
        """Now less then."""
        return None if self.now.value is None or self.before.value is None else self.now.value - self.before.value

    @property
    def direction(self) -> int:
        """1: more than chance explains; -1: less; 0: cannot be told apart."""
        told = [each for each in (self.q, self.paired_q) if each is not None]
        if not told or min(told) > RATE or self.difference is None:
            return 0
        if self.q is not None and self.q <= RATE:
            return 1 if self.difference > 0 else -1
        return 1 if self.gained > self.lost else -1


class Pair(Frozen):
    """The same task then and now: one run in both sets, or two runs of it by one framework."""

    before: Line
    now: Line

    @property
    def same_run(self) -> bool:
        """Whether it is one run that got two verdicts."""
        return self.before.uid == self.now.uid


class Comparison(Frozen):
    """All of it. `success` is of the runs whose outcome is known; causes are shares of all runs that have a verdict.

    `new_kinds`: causes that occur now and did not then. `new_systems`: runs of now whose system the index does not
    know. `fixed`, `broken`: tasks that failed and now succeed, and the other way round. `moved`: tasks that fail for
    another cause. `unjudged`: runs without a verdict, then and now, left out.
    """

    runs: tuple[int, int]
    unjudged: tuple[int, int]
    indices: tuple[tuple[str, ...], tuple[str, ...]]
    success: Change
    causes: tuple[Change, ...]
    phases: tuple[Change, ...]
    frameworks: tuple[Change, ...]
    pairs: int
    new_kinds: tuple[str, ...]
    new_systems: tuple[Line, ...]
    fixed: tuple[Pair, ...]
    broken: tuple[Pair, ...]
    moved: tuple[Pair, ...]


def compare(before: Sequence[Line], now: Sequence[Line]) -> Comparison:
    """Compare two sets of runs, each with its verdicts."""
    old, new = ([line for line in lines if line.outcome is not None] for lines in (before, now))
    pairs = _pairs(old, new)
    known = tuple(pair for pair in pairs if None not in {_success(pair.before), _success(pair.now)})
    causes = {*map(_cause, old), *map(_cause, new)} - {SUCCEEDED}
    seen = {_cause(line) for line in old}
    return Comparison(
        runs=(len(before), len(now)),
        unjudged=(len(before) - len(old), len(now) - len(new)),
        indices=(_indices(old), _indices(new)),
        success=_adjusted([_change(SUCCEEDED, _decided(old), _decided(new), known, _succeeded)])[0],
        causes=_ranked(_adjusted([_change(cause, old, new, pairs, _has(cause)) for cause in sorted(causes)])),
        phases=_adjusted(
            [
                _change(phase, old, new, pairs, _in(phase))
                for phase in ("planning", "execution", "response")
                if any(map(_in(phase), (*old, *new)))
            ]
        ),
        frameworks=_adjusted(
            [
                _change(
                    name,
                    [line for line in _decided(old) if line.framework == name],
                    [line for line in _decided(new) if line.framework == name],
                    [pair for pair in known if pair.now.framework == name],
                    _succeeded,
                )
                for name in sorted({line.framework for line in (*old, *new)})
            ]
        ),
        pairs=len(pairs),
        new_kinds=tuple(sorted(causes - seen - {UNNAMED})),
        new_systems=tuple(line for line in new if line.familiarity is Familiarity.NEW and not _succeeded(line)),
        fixed=tuple(pair for pair in known if not _succeeded(pair.before) and _succeeded(pair.now)),
        broken=tuple(pair for pair in known if _succeeded(pair.before) and not _succeeded(pair.now)),
        moved=tuple(
            pair
            for pair in pairs
            if not _succeeded(pair.before) and not _succeeded(pair.now) and pair.before.cause != pair.now.cause
        ),
    )


def _pairs(old: Sequence[Line], new: Sequence[Line]) -> tuple[Pair, ...]:
    """Pair what is one run first, then runs of one task by one framework in their order; each run once."""
    by_uid = {line.uid: line for line in old}
    found = [Pair(before=by_uid[line.uid], now=line) for line in new if line.uid in by_uid]
    taken = {pair.now.uid for pair in found}
    left: defaultdict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in old:
        if line.uid not in taken:
            left[line.framework, line.task].append(line)
    for line in new:
        waiting = left.get((line.framework, line.task))
        if line.uid not in taken and waiting:
            found.append(Pair(before=waiting.pop(0), now=line))
    return tuple(found)


def _change(
    name: str, old: Sequence[Line], new: Sequence[Line], pairs: Sequence[Pair], has: Callable[[Line], bool]
) -> Change:
    before, now = (Share(part=sum(map(has, lines)), of=len(lines)) for lines in (old, new))
    low, high = newcombe(now, before)
    moves = Counter((has(pair.before), has(pair.now)) for pair in pairs)
    gained, lost = moves[False, True], moves[True, False]
    return Change(
        name=name,
        before=before,
        now=now,
        low=low,
        high=high,
        p=fisher(before, now),
        gained=gained,
        lost=lost,
        paired=mcnemar(gained, lost) if pairs else None,
    )


def fisher(before: Share, now: Share) -> float | None:
    """Return the two-sided p of Fisher's exact test; None where either is of nothing."""
    import numpy as np  # noqa: PLC0415 - heavy
    from scipy.stats import fisher_exact  # noqa: PLC0415 - heavy

    if not before.of or not now.of:
        return None
    table = np.array([[before.part, before.of - before.part], [now.part, now.of - now.part]])
    return float(fisher_exact(table).pvalue)


def mcnemar(gained: int, lost: int) -> float:
    """Return the two-sided p of McNemar's exact test, from the pairs that changed; 1 where none did."""
    from scipy.stats import binomtest  # noqa: PLC0415 - heavy

    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def wilson(part: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share by Wilson's score method (1927); `of` is at least 1."""
    from statsmodels.stats.proportion import proportion_confint  # noqa: PLC0415 - heavy

    low, high = proportion_confint(part, of, alpha=1 - LEVEL, method="wilson")
    return float(low), float(high)


def newcombe(one: Share, other: Share) -> tuple[float | None, float | None]:
    """Return the 95 % interval of the difference of two shares (one less other) by Newcombe's hybrid score method."""
    from statsmodels.stats.proportion import confint_proportions_2indep  # noqa: PLC0415 - heavy

    if not one.of or not other.of:
        return None, None
    low, high = confint_proportions_2indep(
        one.part, one.of, other.part, other.of, method="newcomb", compare="diff", alpha=1 - LEVEL
    )
    return float(low), float(high)


def _adjusted(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Fill in the q-values: Benjamini and Hochberg's, over what is given."""
    qs, paired = (adjust([getattr(each, name) for each in changes]) for name in ("p", "paired"))
    return tuple(
        each.model_copy(update={"q": q, "paired_q": paired_q})
        for each, q, paired_q in zip(changes, qs, paired, strict=True)
    )


def adjust(values: Sequence[float | None]) -> list[float | None]:
    """Adjust p-values for their number (Benjamini and Hochberg 1995); what is None stays so and does not count."""
    from scipy.stats import false_discovery_control  # noqa: PLC0415 - heavy

    there = [value for value in values if value is not None]
    told = iter(false_discovery_control(there).tolist() if there else ())
    return [None if value is None else float(next(told)) for value in values]


def _ranked(changes: Sequence[Change]) -> tuple[Change, ...]:
    return tuple(sorted(changes, key=lambda each: (-abs(each.difference or 0.0), each.name)))


def _indices(lines: Sequence[Line]) -> tuple[str, ...]:
    return tuple(sorted({line.index_version for line in lines if line.index_version}))


def _decided(lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if _success(line) is not None]


def _success(line: Line) -> bool | None:
    return {Outcome.SUCCEEDED: True, Outcome.FAILED: False}.get(line.outcome or Outcome.UNKNOWN)


def _succeeded(line: Line) -> bool:
    return line.outcome is Outcome.SUCCEEDED


def _cause(line: Line) -> str:
    return SUCCEEDED if _succeeded(line) else line.cause or UNNAMED


def _has(cause: str) -> Callable[[Line], bool]:
    return lambda line: _cause(line) == cause


def _in(phase: str) -> Callable[[Line], bool]:
    return lambda line: line.phase is not None and line.phase.value == phase and not _succeeded(line)
