"""Probe: how far the words of a labelled corpus give its causes away, to a model that knows nothing else.

TF-IDF over words and pairs of words, logistic regression, and a split by task, so that no task is on both sides. It is
asked twice: of the whole text, and of the model's own words alone (prose, without code and without output). Kappa is
Cohen's, over all causes; for a cause alone it is that of one against the rest.

    python -m runner.probe labeled_logs/injected
"""

from __future__ import annotations

import re
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from classifier import corpus
from classifier.trace import Frozen, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.trace import Trace

FOLDS = 5
SUCCESS = "success"
_BLOCK = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_CODE_LINE = re.compile(
    r"^(?:\s*(?:import |from \w+ import|print\(|for |while |with |if |def |return |#)|.*[=(\[{]\s*$|\s{4,}).*$",
    re.MULTILINE,
)


class Result(Frozen):
    """What the probe makes of one view of the texts. `causes` is cause, runs, and kappa of one against the rest."""

    view: str
    runs: int
    accuracy: float
    chance: float  # the share of the most frequent cause
    kappa: float
    causes: tuple[tuple[str, int, float], ...]


def whole(trace: Trace) -> str:
    """Return all that was said and printed, but for the task."""
    return "\n".join(step.content for step in trace.steps if step.role is not Role.USER)


def own_words(trace: Trace) -> str:
    """Return the prose that the model wrote: no code, nothing that was printed."""
    said = (step.content for step in trace.steps if step.role is Role.ASSISTANT and step.kind != "task")
    return _CODE_LINE.sub("", _BLOCK.sub("", "\n".join(said)))


def code_too(trace: Trace) -> str:
    """Return all that the model wrote, code included."""
    return "\n".join(step.content for step in trace.steps if step.role is Role.ASSISTANT)


VIEWS = {"whole text": whole, "the model's words and code": code_too, "the model's words alone": own_words}


def probe(texts: Sequence[str], labels: Sequence[str], groups: Sequence[str], view: str) -> Result:
    """Train on some tasks, ask about the others, and compare with the labels."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - heavy
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - heavy
    from sklearn.metrics import accuracy_score, cohen_kappa_score  # noqa: PLC0415 - heavy
    from sklearn.model_selection import GroupKFold, cross_val_predict  # noqa: PLC0415 - heavy
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415 - heavy

    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, max_features=40_000),
        LogisticRegression(C=30.0, max_iter=400),
    )
    folds = GroupKFold(min(FOLDS, len(set(groups))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        said = cross_val_predict(model, list(texts), list(labels), groups=list(groups), cv=folds)
    kinds = sorted(set(labels))
    return Result(
        view=view,
        runs=len(labels),
        accuracy=float(accuracy_score(labels, said)),
        chance=max(labels.count(kind) for kind in kinds) / len(labels) if isinstance(labels, list) else 0.0,
        kappa=float(cohen_kappa_score(labels, said)),
        causes=tuple(
            (
                kind,
                sum(label == kind for label in labels),
                float(cohen_kappa_score([label == kind for label in labels], [one == kind for one in said])),
            )
            for kind in kinds
        ),
    )


def examine(folder: Path) -> tuple[Result, ...]:
    """Probe a labelled folder in every view. A run without a cause is one of success."""
    examples = corpus.read(folder, strict=True).examples
    labels = [example.label.cause or SUCCESS for example in examples]
    groups = [example.group for example in examples]
    return tuple(probe([view(one.trace) for one in examples], labels, groups, name) for name, view in VIEWS.items())


def table(results: Sequence[Result]) -> str:
    """Write the results as a table in Markdown."""
    head = "| | " + " | ".join(result.view for result in results) + " |"
    lines = [head, "|---" * (len(results) + 1) + "|"]
    lines.append("| accuracy | " + " | ".join(f"{result.accuracy:.2f}" for result in results) + " |")
    lines.append("| kappa | " + " | ".join(f"{result.kappa:.2f}" for result in results) + " |")
    for row in zip(*(result.causes for result in results), strict=True):
        name, count, _ = row[0]
        lines.append(f"| {name} ({count}) | " + " | ".join(f"{kappa:.2f}" for _, _, kappa in row) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table(examine(Path(sys.argv[1]))) + "\n")
