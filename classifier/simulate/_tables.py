"""What the simulations print: tables in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classifier.combine import MEASURED
from classifier.simulate._combine import RISKS, SHARES, kappa, over_the_better, together
from classifier.simulate._judge import SimulatedJudge, frequencies
from classifier.simulate._teach import EVERY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from classifier.simulate._combine import Asked, Together
    from classifier.simulate._teach import Course

ACCURACIES = (0.2, 0.3, 0.4, 0.54, 0.7, 0.8)
LIKENESS = ((0.0, "nothing to do with the neighbours'"), (0.5, "half the neighbours'"), (1.0, "the neighbours'"))
LABELLED = (0, 10, 20, 40, 80, None)


def combine(splits: Sequence[Asked], labels: tuple[str, ...], draws: int, cost: float) -> Iterator[str]:
    """Print whether the combination is ever worse than the better of the two, and where asking pays."""
    usual = frequencies([run for asked in splits for run in asked.runs])

    def measure(accuracy: float, likeness: float = 0.0, labelled: int | None = None) -> list[Together]:
        judge = SimulatedJudge(labels, accuracy, favourites=usual, likeness=likeness)
        return [
            together(asked, judge, [split, draw, round(100 * accuracy)], labelled=labelled)
            for split, asked in enumerate(splits)
            for draw in range(draws)
        ]

    yield f"{len(splits[0].runs)} runs, {len(splits)} splits by task, {draws} draws of opinions each. Kappa."
    kept: dict[float, list[Together]] = {}
    for likeness, word in LIKENESS:
        yield f"\nThe judge's mistakes are {word}:\n"
        yield (
            "| judge right | neighbours | judge | both, stated | and agreement | both, fitted | fitted - better (95 %) "
            "| sd of the draws | too sure by |"
        )
        yield "|---|---|---|---|---|---|---|---|---|"
        for accuracy in ACCURACIES:
            found = measure(accuracy, likeness)
            kept.setdefault(accuracy, found)
            gain = over_the_better([asked for asked in splits for _ in range(draws)], found)
            spread = np.std([each.fitted - max(each.neighbours, each.judge) for each in found])
            means = [
                np.mean([getattr(each, name) for each in found])
                for name in ("neighbours", "judge", "stated", "agreed", "fitted")
            ]
            numbers = " | ".join(f"{mean:.3f}" for mean in means)
            error = np.mean([each.error for each in found])
            over = f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
            yield f"| {accuracy:.2f} | {numbers} | {over} | {spread:.3f} | {error:+.3f} |"
    yield "\nBoth, by how many labelled opinions the combination was fitted on (0: stated worth and agreement):\n"
    yield "| judge right | " + " | ".join("all" if count is None else str(count) for count in LABELLED) + " |"
    yield "|---" * (len(LABELLED) + 1) + "|"
    for accuracy in ACCURACIES:
        row = [
            np.mean([each.fitted for each in (kept[accuracy] if count is None else measure(accuracy, labelled=count))])
            for count in LABELLED
        ]
        yield f"| {accuracy:.2f} | " + " | ".join(f"{value:.3f}" for value in row) + " |"
    yield "\nThe decisive step (found):\n"
    yield "| neighbours | judge | both |\n|---|---|---|"
    steps = np.mean([each.steps for each in kept[MEASURED.accuracy]], axis=0)
    yield "| " + " | ".join(f"{value:.3f}" for value in steps) + " |"
    yield "\nAsked about the runs that the neighbours are least sure of:\n"
    yield "| share asked | USD per 1000 runs | " + " | ".join(f"kappa, judge {a:.2f}" for a in ACCURACIES) + " |"
    yield "|---" * (len(ACCURACIES) + 2) + "|"
    curves = {accuracy: np.mean([each.frontier for each in kept[accuracy]], axis=0) for accuracy in ACCURACIES}
    for i, share in enumerate(SHARES):
        values = " | ".join(f"{curves[accuracy][i]:.3f}" for accuracy in ACCURACIES)
        yield f"| {share:.0%} | {1000 * share * cost:.2f} | {values} |"
    yield f"\n`auto` with a judge that is right in {MEASURED.accuracy:.2f} of the cases:\n"
    yield "| at most wrong unasked | asked | USD per 1000 runs | kappa | wrong among the unasked |"
    yield "|---|---|---|---|---|"
    for r, risk in enumerate(RISKS):
        asked, both = (np.mean([each.auto[r][k] for each in kept[MEASURED.accuracy]]) for k in (0, 1))
        missed = [each.auto[r].wrong for each in kept[MEASURED.accuracy] if np.isfinite(each.auto[r].wrong)]
        wrong = f"{np.mean(missed):.0%}" if missed else "none unasked"
        yield f"| {risk:.0%} | {asked:.0%} | {1000 * asked * cost:.2f} | {both:.3f} | {wrong} |"


def teach(courses: Sequence[Course], cost: float) -> Iterator[str]:
    """Print how neighbours, verdicts and calls change as runs of a new system are seen."""
    systems = sorted({course.system for course in courses})
    for name, chosen in (
        *((system, [c for c in courses if c.system == system]) for system in systems),
        ("all", courses),
    ):
        yield f"\n{name}: {sum(len(course.verdicts) for course in chosen)} runs in {len(chosen)} orders\n"
        yield "| runs seen | neighbours, kappa | labels taught | right | weight | verdicts, kappa | asked | USD a run |"
        yield "|---|---|---|---|---|---|---|---|"
        last = max(held.seen for course in chosen for held in course.held)
        for seen in range(0, last + 1, EVERY):
            at = [next(h for h in reversed(course.held) if h.seen <= seen) for course in chosen]
            alone = kappa([true for h in at for true, _ in h.pairs], [said for h in at for _, said in h.pairs])
            taught = [each for h in at for each in h.taught]
            told = [v for course in chosen for v in course.verdicts if seen <= v.seen < seen + EVERY]
            both = kappa([v.truth for v in told], [v.cause for v in told])
            share = np.mean([v.asked for v in told])
            right = f"{np.mean([true == label for true, label, _ in taught]):.0%}" if taught else ""
            weight = f"{np.mean([w for *_, w in taught]):.2f}" if taught else ""
            yield (
                f"| {seen} | {alone:.3f} | {len(taught) / len(chosen):.0f} | {right} | {weight} | {both:.3f} "
                f"| {share:.0%} | {share * cost:.4f} |"
            )
        every = [v for course in chosen for v in course.verdicts]
        gap = np.mean([v.confidence for v in every]) - np.mean([v.cause == v.truth for v in every])
        yield (
            f"\nOver all: kappa {kappa([v.truth for v in every], [v.cause for v in every]):.3f}, "
            f"asked {np.mean([v.asked for v in every]):.0%}, too sure by {gap:+.3f}."
        )
