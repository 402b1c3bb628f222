"""What `service.simulate` prints: tables in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier.bootstrap import draws, mean
from classifier.coefficients import kappa_over, tables_over
from classifier.reliability import calibration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from classifier.risk import Promise
    from service.learning.comparison import Guess

    Floats = NDArray[np.float64]

ALL = "all systems"
QUEUE = "queue"


class Trial(NamedTuple):
    """An index after so many labels of a system, in an order; `causes` differ among them.

    `runs` are those that it was asked about, with their tasks, causes (`gold`), and what the index said before and
    after. `better` and `promises` are what the page says, where it was `compared`.
    """

    system: str
    order: str
    labels: int
    causes: int
    runs: tuple[str, ...]
    groups: tuple[str, ...]
    gold: tuple[str, ...]
    before: tuple[Guess, ...]
    guesses: tuple[Guess, ...]
    better: bool | None
    promises: tuple[Promise, ...]
    compared: bool

    @property
    def gain(self) -> float:
        """By how much more of the runs the index is right than before."""
        return float(np.mean([g.best == c for g, c in zip(self.guesses, self.gold, strict=True)])) - float(
            np.mean([g.best == c for g, c in zip(self.before, self.gold, strict=True)])
        )


class _Pooled:
    """All answers of one order, over folds and systems; orders of one place come in the same sequence."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self.groups = [group for trial in trials for group in trial.groups]
        self.gold = [cause for trial in trials for cause in trial.gold]
        self.guesses = [guess for trial in trials for guess in trial.guesses]
        self.causes = float(np.mean([trial.causes for trial in trials]))

    def kappas(self, weights: Floats) -> Floats:
        names = sorted({*self.gold, *(guess.best for guess in self.guesses)})
        gold, told = (np.array([names.index(c) for c in each]) for each in (self.gold, [g.best for g in self.guesses]))
        return kappa_over(tables_over(gold, told, len(names), weights))

    def accuracies(self, weights: Floats) -> Floats:
        hits = [guess.best == cause for guess, cause in zip(self.guesses, self.gold, strict=True)]
        return mean(weights, np.array(hits, dtype=np.float64))

    def ece(self, weights: Floats) -> float:
        sure, right = (np.array([getattr(g, name) for g in self.guesses], float) for name in ("confidence", "right"))
        value = calibration(sure, right, weights[:1], tasks=1).ece.value
        return float("nan") if value is None else value


def queue_table(trials: Sequence[Trial]) -> Iterator[str]:
    """Print what the queue's order brings beside chance; the interval is over tasks, paired."""
    yield "| system | labels | order | asked | cause: kappa | less chance's | accuracy | less chance's | ECE | causes |"
    yield "|---" * 10 + "|"
    systems = sorted({trial.system for trial in trials})
    for system in (*systems, *([ALL] if len(systems) > 1 else [])):
        for labels in sorted({trial.labels for trial in trials}):
            chosen = [t for t in trials if t.labels == labels and system in {t.system, ALL}]
            by_order = {name: [t for t in chosen if t.order == name] for name in sorted({t.order for t in chosen})}
            if QUEUE not in by_order:
                continue
            queue, chance = _Pooled(by_order.pop(QUEUE)), [_Pooled(each) for each in by_order.values()]
            weights = draws(queue.groups)
            usual = [np.mean([getattr(c, name)(weights) for c in chance], axis=0) for name in ("kappas", "accuracies")]
            ours = [queue.kappas(weights), queue.accuracies(weights)]
            ece, causes = (np.mean([c.ece(weights) for c in chance]), np.mean([c.causes for c in chance]))
            yield (
                f"| {system} | {labels} | queue | {len(queue.gold)} | {ours[0][0]:.2f} | {_gain(ours[0] - usual[0])} | "
                f"{ours[1][0]:.0%} | {_gain(ours[1] - usual[1])} | {queue.ece(weights):.2f} | {queue.causes:.1f} |"
            )
            yield (
                f"| | | chance, {len(chance)} draws | | {usual[0][0]:.2f} | | {usual[1][0]:.0%} | | {ece:.2f} | "
                f"{causes:.1f} |"
            )


def page_table(trials: Sequence[Trial]) -> Iterator[str]:
    """Print what the page says of a new index, and what came true on the runs that it was asked about."""
    words = {True: "better", None: "cannot be told apart", False: "worse"}
    compared = [trial for trial in trials if trial.compared]
    yield "\n| labels | the page says | times | it was better | as good | worse | more of the runs right |"
    yield "|---" * 7 + "|"
    for labels in sorted({trial.labels for trial in compared}):
        for better, word in words.items():
            gains = [t.gain for t in compared if t.labels == labels and t.better is better]
            if gains:
                ups, downs = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
                yield (
                    f"| {labels} | {word} | {len(gains)} | {ups} | {len(gains) - ups - downs} | {downs} | "
                    f"{np.mean(gains):+.0%} |"
                )
    yield "\n| labels | wrong at most | promised | verdicts above the threshold | wrong of these |"
    yield "|---" * 5 + "|"
    for labels in sorted({trial.labels for trial in compared}):
        of_it = [trial for trial in compared if trial.labels == labels]
        for place, risk in enumerate(promise.risk for promise in of_it[0].promises):
            kept = [(t.promises[place].threshold, t) for t in of_it if t.promises[place].threshold is not None]
            above = [g for level, t in kept for g in t.guesses if level is not None and g.confidence >= level]
            wrong = f"{np.mean([not g.right for g in above]):.0%}" if above else "none"
            yield f"| {labels} | {risk:.0%} | {len(kept)} of {len(of_it)} | {len(above)} | {wrong} |"


def _gain(values: Floats) -> str:
    low, high = np.nanquantile(values[1:], [0.025, 0.975])
    return f"{values[0]:+.2f} ({low:+.2f} to {high:+.2f})"
