"""The straight path: a trace in, a diagnosis out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier import __version__, embedders, evidence, signals
from classifier import taxonomy as taxonomies
from classifier.calibration import Acquaintance, Calibration
from classifier.causes import CauseModel
from classifier.decide import Findings, decide
from classifier.diagnosis import NeighbourRun, StepChoice, Versions
from classifier.encoding import encode
from classifier.index import Index, unit
from classifier.localise import Localiser
from classifier.segments import segment

if TYPE_CHECKING:
    from classifier.diagnosis import Diagnosis, Familiarity
    from classifier.embedders import Embedder
    from classifier.features import StepTable
    from classifier.taxonomy import Taxonomy
    from classifier.trace import Trace

SHIPPED = Path(__file__).parent.parent / "labeled_logs" / "index.npz"
STEPS = 3  # likely decisive steps that a diagnosis names


class Weighed(NamedTuple):
    """What the labelled runs say of a run: likely steps, every cause's probability, the candidate set, who voted."""

    steps: tuple[StepChoice, ...]
    causes: dict[str, float]
    candidates: tuple[str, ...]
    neighbours: tuple[NeighbourRun, ...]
    familiarity: Familiarity


class Classifier:
    """Reads runs by an index. Holds no state but what it was made of: the same trace gives the same diagnosis."""

    def __init__(self, embedder: Embedder, index: Index, taxonomy: Taxonomy) -> None:
        self.taxonomy = taxonomy
        self.versions = Versions(
            coroner=__version__, index=index.version, taxonomy=taxonomy.digest[:12], embedder=embedder.name
        )
        self._embedder = embedder
        self._localiser = Localiser.from_arrays(index.group("localiser"))
        self._causes = CauseModel.from_arrays(index.group("causes"), index.runs)
        self._calibration = Calibration.from_arrays(index.group("calibration"))
        self._acquaintance = Acquaintance.of(index.runs, index.vectors, index.agents)

    @classmethod
    def load(cls, index: Path | None = None, *, embedder: str | None = None, taxonomy: str | None = None) -> Classifier:
        """Load an index (None: the shipped one) with its embedder, and the taxonomy of this name or file.

        Raises IndexRefusedError where the index was made with another embedder or taxonomy than those named.
        """
        scheme = taxonomies.load(taxonomy or taxonomies.DEFAULT)
        named = embedders.build(embedder) if embedder else None
        loaded = Index.load(index or SHIPPED, embedder=named.name if named else None, taxonomy=scheme.digest)
        return cls(named or embedders.build(loaded.embedder), loaded, scheme)

    def classify(self, trace: Trace, file: str | None = None) -> Diagnosis:
        """Say why a run failed: embed its steps, ask the labelled runs, add what the steps show, decide."""
        table = encode(trace, self._embedder)
        weighed = self.weigh(table, trace.framework)
        findings = Findings(
            steps=weighed.steps,
            causes=weighed.causes,
            candidates=weighed.candidates,
            neighbours=weighed.neighbours,
            signals=signals.read(trace),
            segments=segment(trace),
            familiarity=weighed.familiarity,
            quote=self._quote(trace, table, weighed),
            versions=self.versions,
        )
        return decide(trace, findings, self.taxonomy, file=file)

    def weigh(self, table: StepTable, system: str) -> Weighed:
        """Ask the labelled runs about a run of an agent system, given as its step table."""
        ranked = self._localiser.rank(table, system)
        vote = self._causes.predict(table, ranked, system)
        middle = unit(table.vectors.mean(axis=0)[None])[0]
        judged = self._calibration.judge(vote.probabilities, self._acquaintance.trust(system, middle))
        first = np.argsort(-ranked, kind="stable")[:STEPS]
        return Weighed(
            steps=tuple(
                StepChoice(step=table.indices[i], agent=table.agents[i], probability=round(float(ranked[i]), 4))
                for i in first
                if ranked[i] > 0
            ),
            causes=dict(zip(vote.labels, judged.probabilities.tolist(), strict=True)),
            candidates=tuple(vote.labels[i] for i in judged.candidates),
            neighbours=tuple(
                NeighbourRun(
                    trace_id=carrier.labelled.run,
                    step=carrier.labelled.step,
                    cause=carrier.labelled.cause or "",
                    similarity=round(carrier.similarity, 4),
                    provenance=carrier.labelled.provenance,
                    system=carrier.labelled.system,
                )
                for carrier in vote.carriers
            ),
            familiarity=self._acquaintance.familiarity(system, middle, set(table.agents)),
        )

    def _quote(self, trace: Trace, table: StepTable, weighed: Weighed) -> str | None:
        """Return the passage of the decisive step that speaks most for the likeliest cause."""
        at = table.indices.index(weighed.steps[0].step)
        speaks = self._causes.metric.direction(max(weighed.causes, key=weighed.causes.__getitem__))
        return evidence.quote(trace.steps[at].content, table.vectors[at], speaks, self._embedder)
