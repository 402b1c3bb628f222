"""A real classifier of our own that trains in a moment, logs for it, and the answers of an honest judge."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier import taxonomy, training
from classifier.annotation import Annotation
from classifier.corpus import Example
from classifier.diagnosis import Provenance
from classifier.pipeline import Classifier
from classifier.trace import Role, Step, Trace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

TAXONOMY = taxonomy.load()
SLIPS = {
    "E2.2": "The month and the day are swapped in the parsing code, so the sums are of other days.",
    "P1": "The plan skips the second half of the question and goes straight to the answer.",
    "E1.1": "Without a search of the web the price is taken from memory, which is years old.",
}
WORDS = re.compile(r"\w+")


class Hashed:
    """Embeds a text as the words that occur in it, each hashed to one of 64 places."""

    name = "hashed"
    dim = 64

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in WORDS.findall(text.lower()):
                out[row, int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16) % self.dim] += 1
        return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)


def trace(number: int, cause: str, system: str = "alpha") -> Trace:
    """Return a failed run of four steps whose third shows the slip."""
    task = f"Task {number}: report item {number * 37 % 1009} of ledger {number * 91 % 997} as one number."
    said = (("user", task), ("planner", f"Open ledger {number} first."), ("coder", SLIPS[cause]), ("coder", "Done: 7."))
    return Trace(
        id=f"{system}-{number}",
        format="coroner",
        framework=system,
        task=task,
        steps=tuple(
            Step(index=i, agent=agent, role=Role.USER if agent == "user" else Role.ASSISTANT, content=content)
            for i, (agent, content) in enumerate(said)
        ),
        succeeded=False,
    )


@cache
def classifier(runs: int = 60, wrong: int = 3) -> Classifier:
    """Train on runs of `alpha`; every `wrong`-th label is another cause's, so that nobody can be sure. 0: none is."""
    causes = list(SLIPS)
    examples = []
    for number in range(runs):
        shown = causes[number % 3]
        said = causes[(number + 1) % 3] if wrong and number // 3 % wrong == 0 else shown
        run = trace(number, shown)
        note = Annotation(trace=run.id, annotator="ann", provenance=Provenance.HUMAN, cause=said, step=2, agent="coder")
        examples.append(Example(trace=run, annotations=(note,), group=f"t{number}", system="alpha", source="ann"))
    return Classifier(Hashed(), training.train(examples, Hashed(), TAXONOMY), TAXONOMY)


def write(folder: Path, traces: Sequence[Trace]) -> Path:
    """Write runs as logs, one to a file."""
    folder.mkdir(parents=True, exist_ok=True)
    for run in traces:
        (folder / f"{run.id}.json").write_text(run.model_dump_json(), encoding="utf-8")
    return folder


def answer(body: dict[str, Any]) -> str:
    """Answer as an honest judge who reads the log: the slip it shows, with the words that show it."""
    log = body["messages"][1]["content"].split("<<<BEGIN UNTRUSTED LOG ")[1]
    cause = next(cause for cause, slip in SLIPS.items() if slip in log)
    return opinion(cause)


def opinion(cause: str, **other: Any) -> str:
    said = {"quotes": [SLIPS[cause]], "reason": "That is what went wrong.", "step": 2, "agent": "coder", "cause": cause}
    return json.dumps({**said, "second_cause": None, "probability": 0.8, **other})
