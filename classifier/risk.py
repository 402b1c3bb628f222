"""Risk: from which confidence on a verdict is accepted without asking a judge, and what is promised of those verdicts.

The promise is "of the verdicts accepted without asking, at most `risk` are wrong", and it is kept with `sure` (0.95).
It is Learn then Test (Angelopoulos, Bates, Candès, Jordan and Lei 2021, "Learn then Test: Calibrating predictive
algorithms to achieve risk control") with an exact binomial test in a fixed sequence: the surest tenth of the labelled
runs is tested, then the surest two tenths and so on, until Clopper and Pearson's (1934) upper bound on the share of
wrong ones is over `risk`. A second sequence begins at the surest half, where there is more to count; each has half of
the 5 %. The promise is exact for runs that are drawn like the labelled ones, one independently of the other, where a
surer verdict is not more often wrong than a less sure one. MAPIE's controllers bound the same risk by Hoeffding and
Bentkus, which is wider on a few hundred runs.
"""

from __future__ import annotations

import hashlib
import math
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import Field

from classifier.trace import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RISK, SURE = 0.1, 0.95
HALF = 0.5
PARTS = 10  # of the labelled runs, tested one after the other
STARTS = (1, 5)  # the parts that a sequence begins with
AUDIT = 0.05  # share of the runs accepted on a taught system that the judge is asked about all the same


class When(StrEnum):
    """When a judge is asked: where the neighbours are unsure or do not know the system, in every case, in none."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Ask(StrEnum):
    """Why the judge is asked about a run of a taught system."""

    UNSURE = "unsure"
    AUDIT = "audit"


class Promise(Frozen):
    """What the labelled runs allow to be promised.

    A verdict is accepted without asking from `threshold` on; None: no promise, all is asked. `runs` are the labelled
    runs, of which `accepted` would be accepted and `wrong` of those are wrong; `bound` is the upper bound of their
    share, at the level of one sequence. Without a promise these tell of the first test, 0 where there was none.
    `opinions` of the runs have a judge's word for a label, which counts as wrong by its probability. `least` is the
    least risk, in whole percent, of which anything could be promised; None: there is none.
    """

    risk: float = Field(gt=0, lt=1)
    sure: float = Field(gt=0, lt=1)
    threshold: float | None
    runs: int
    accepted: int
    wrong: int
    bound: float
    opinions: int = 0
    least: float | None = None

    def __str__(self) -> str:
        """Return the promise, or why there is none, and what that means for whoever asks a judge."""
        return self.words if self.threshold is not None else f"{self._told} So every run is asked about.{self._other}"

    @property
    def words(self) -> str:
        """The promise, or why there is none, as a sentence or two."""
        return self._told + self._other

    @property
    def _other(self) -> str:
        few = self.least is None or self.least > HALF  # that more than half may be wrong is no promise
        return "" if few else f" A promise can be made from a risk of {self.least:.0%} on."

    @property
    def _told(self) -> str:
        them = f"{self.runs} labelled runs"
        if self.opinions:
            them = f"{self.runs} runs, {self.opinions} of them by a judge's word for what that is worth,"
        if self.threshold is not None:
            return (
                f"From a confidence of {self.threshold:.2f} on, at most {self.risk:.0%} of the verdicts are wrong, "
                f"{self.sure:.0%} sure: {self.wrong} of the {self.accepted} surest of {them} were."
            )
        enough = fewest(self.risk, _level(self.sure))
        why = (
            f"{self.wrong} of the {self.accepted} surest of {them} were wrong"
            if self.accepted
            else f"{them} are too few, {enough} without a mistake would do"
        )
        return (
            f"No confidence can be named from which at most {self.risk:.0%} of the verdicts are wrong, "
            f"{self.sure:.0%} sure: {why}."
        )


def promise(held_out: Floats, risk: float = RISK, sure: float = SURE) -> Promise:
    """Return the least threshold that keeps the promise, from (n, 2) confidences and whether they were right.

    The runs must be ones that the confidence was not learnt from. Where nothing can be promised, it is told at which
    risk something could: `Promise.least`.
    """
    found = _promise(held_out, risk, sure)
    if found.threshold is not None:
        return found
    beyond = (percent / 100 for percent in range(math.floor(100 * risk) + 1, 100))
    least = next((other for other in beyond if _promise(held_out, other, sure).threshold is not None), None)
    return found.model_copy(update={"least": least})


def expect(told: Floats, risk: float = RISK, sure: float = SURE) -> Promise:
    """Return the promise on a taught system, from (n, 2): confidences, and the probability that each was right.

    Whole mistakes are counted, never fewer above any confidence than are expected there. A probability of 0 or 1 is
    one that somebody vouches for.
    """
    import numpy as np  # noqa: PLC0415 - see `_promise`

    told = told[np.argsort(-told[:, 0], kind="stable")]
    expected = np.ceil(np.cumsum(1 - told[:, 1]) - 1e-9)
    found = promise(np.column_stack([told[:, 0], 1 - np.diff(expected, prepend=0.0)]), risk, sure)
    return found.model_copy(update={"opinions": int(((told[:, 1] > 0) & (told[:, 1] < 1)).sum())})


def ask(run: str, confidence: float, promised: Promise, audit: float = AUDIT) -> Ask | None:
    """Say whether to ask the judge about a run of a taught system, and why; a run is always answered the same.

    `audit` is the share of confident runs that are asked about too: without them a mistake that neighbours have once
    learnt would never be heard of again.
    """
    if promised.threshold is None or confidence < promised.threshold:
        return Ask.UNSURE
    drawn = int.from_bytes(hashlib.sha256(f"audit {run}".encode()).digest()[:8], "big") / 2**64
    return Ask.AUDIT if drawn < audit else None


def _promise(held_out: Floats, risk: float, sure: float) -> Promise:
    import numpy as np  # noqa: PLC0415 - the command line's options come from here, and it has to feel instant

    order = np.argsort(-held_out[:, 0], kind="stable")
    confidence, wrong = held_out[order, 0], np.cumsum(1 - held_out[order, 1])
    nothing = Promise(risk=risk, sure=sure, threshold=None, runs=len(order), accepted=0, wrong=0, bound=0.0)
    level = _level(sure)
    kept = failed = nothing
    for start in STARTS:
        for count in _counts(len(order), start, fewest(risk, level)):
            # the first run that is not accepted only marks the place: given its confidence, those above are drawn alike
            upto = int((confidence > confidence[count]).sum()) if count < len(order) else count
            if upto == 0:
                continue
            missed = int(wrong[upto - 1])
            bound = upper(missed, upto, level)
            told = {"accepted": upto, "wrong": missed, "bound": bound}
            if bound > risk:
                failed = failed if failed.accepted else nothing.model_copy(update=told)
                break
            if upto > kept.accepted:
                threshold = float(np.nextafter(confidence[count], 2)) if count < len(order) else 0.0
                kept = nothing.model_copy(update={"threshold": threshold, **told})
    return kept if kept.threshold is not None else failed


def kept(grounds: Mapping[str, Floats]) -> dict[str, NDArray[np.generic]]:
    """Return what promises on taught systems rest on (see `expect`) as named arrays, to be stored in an index."""
    import numpy as np  # noqa: PLC0415 - see `_promise`

    systems = [system for system, told in grounds.items() for _ in told]
    return {
        "systems": np.array(systems, dtype=np.str_),
        "told": np.vstack([np.zeros((0, 2)), *grounds.values()]),
    }


def grounds(arrays: Mapping[str, NDArray[np.generic]]) -> dict[str, Floats]:
    """Return what `kept` gave, by system; nothing where the index was not taught."""
    import numpy as np  # noqa: PLC0415 - see `_promise`

    if not arrays:
        return {}
    systems, told = arrays["systems"], np.asarray(arrays["told"], dtype=np.float64)
    return {str(system): told[systems == system] for system in np.unique(systems)}


def upper(wrong: int, runs: int, sure: float = SURE) -> float:
    """Return Clopper and Pearson's upper bound on a share of which `wrong` of `runs` were seen."""
    from scipy.special import betaincinv  # noqa: PLC0415 - only where a judge is asked, or for figures

    return 1.0 if wrong >= runs else float(betaincinv(wrong + 1, runs - wrong, sure))


def fewest(risk: float = RISK, sure: float = SURE) -> int:
    """Return how many labelled runs the promise takes where none of them is wrong: (1 - risk) ** n <= 1 - sure."""
    return math.ceil(math.log(1 - sure) / math.log(1 - risk))


def _level(sure: float) -> float:
    """Return how sure each sequence has to be, so that all together are as sure as promised."""
    return 1 - (1 - sure) / len(STARTS)


def _counts(runs: int, start: int, least: int) -> Iterator[int]:
    """Give the tenths of the runs, less those that no promise can rest on: both are known before any label is."""
    for part in range(start, PARTS + 1):
        count = -(-runs * part // PARTS)
        if count >= least:
            yield count
