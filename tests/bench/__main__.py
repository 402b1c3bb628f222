"""`make bench`: coroner's time and memory beside sentence-transformers', as one table.

Ratios are taken within this run, from rounds that alternate, each round on runs that nothing has seen. All runs are
generated. The vectors' store starts empty; where a row says so, the same runs are read a second time.
"""

from __future__ import annotations

import datetime as dt
import os
import platform
import statistics
import sys
import tempfile
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from sentence_transformers import SentenceTransformer

from classifier import embedders
from classifier.embedders.minilm import wheel
from classifier.pipeline import Classifier
from tests.bench import service
from tests.bench.measure import Cost, alternate, fresh_cache, process, seconds
from tests.bench.traces import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classifier.trace import Trace

Rows = list[tuple[str, str]]
ROUNDS, RUNS, STEPS = 5, 3, 20
LENGTHS = 10, 100, 1000, 10_000
HOUSE = Path(__file__).parents[2]
PLAIN = """
import sys
from sentence_transformers import SentenceTransformer
from classifier import formats
model = SentenceTransformer(sys.argv[1], device="cpu")
model.encode([step.content for trace in formats.read(open(sys.argv[2], "rb").read()) for step in trace.steps])
"""


def warm(classifier: Classifier) -> Rows:
    """Runs per second in a process that has loaded its model."""
    plain = SentenceTransformer(str(wheel()), device="cpu")

    def batch(number: int) -> list[Trace]:
        return [run(number * RUNS + i, STEPS) for i in range(RUNS)]

    def encode(number: int) -> float:
        texts = [[step.content for step in trace.steps] for trace in batch(number)]
        return seconds(lambda: [plain.encode(one, show_progress_bar=False) for one in texts])

    def classify(number: int) -> float:
        traces = batch(number)
        return seconds(lambda: [classifier.classify(trace) for trace in traces])

    # times alone: the index was made with the other model, so what this one says of a run is not used
    quick = Classifier(embedders.build("minilm_int8"), classifier.index, classifier.taxonomy)

    def classify_quickly(number: int) -> float:
        traces = batch(number)
        return seconds(lambda: [quick.classify(trace) for trace in traces])

    encode(-1), classify(-1), classify_quickly(-1)
    theirs, unseen, seen, quantised = alternate(ROUNDS, encode, classify, classify, classify_quickly)
    return [
        (f"warm, sentence-transformers encodes the step texts, {STEPS} steps a run", f"{RUNS / theirs:.2f} runs/s"),
        (
            "warm, `Classifier.classify`, runs never seen",
            f"{RUNS / unseen:.2f} runs/s, **{theirs / unseen:.1f} times**",
        ),
        (
            "warm, the same with `minilm_int8`",
            f"{RUNS / quantised:.2f} runs/s, **{theirs / quantised:.1f} times**",
        ),
        ("warm, `Classifier.classify`, runs seen before", f"{RUNS / seen:.1f} runs/s, **{theirs / seen:.0f} times**"),
    ]


def cold(folder: Path, exported: Path) -> Rows:
    """A whole process, from start to end: time and peak memory."""
    costs: dict[str, list[Cost]] = {}

    def take(name: str, arguments: list[str], environment: Mapping[str, str]) -> float:
        cost = process(arguments, environment)
        costs.setdefault(name, []).append(cost)
        return cost.seconds

    file = folder / "run.json"
    file.write_text(run(9_999, STEPS).model_dump_json())
    coroner = [str(Path(sys.executable).with_name("coroner")), "classify", str(file)]

    def unseen(number: int) -> float:
        return take("unseen", coroner, {"CORONER_CACHE": str(fresh_cache(folder / f"cold-{number}", exported))})

    def seen(number: int) -> float:
        return take("seen", coroner, {"CORONER_CACHE": str(folder / f"cold-{number}")})

    def imports(_: int) -> float:
        return take("imports", ["-c", "import sentence_transformers"], {})

    def encodes(_: int) -> float:
        return take("encodes", ["-c", PLAIN, str(wheel()), str(file)], {"PYTHONPATH": str(HOUSE)})

    theirs, first, again, full = alternate(ROUNDS, imports, unseen, seen, encodes)
    peak = {name: statistics.median(cost.mib for cost in found) for name, found in costs.items()}
    return [
        ("cold, a process that only imports sentence_transformers", f"{theirs:.2f} s, {peak['imports']:,.0f} MiB"),
        (f"cold, one that encodes the {STEPS} steps of a run with it", f"{full:.2f} s, {peak['encodes']:,.0f} MiB"),
        (
            "cold, `coroner classify` of that run, never seen",
            f"{first:.2f} s (**{first / theirs:.2f}** of the import), {peak['unseen']:,.0f} MiB",
        ),
        (
            "cold, `coroner classify` of that run, seen before",
            f"{again:.2f} s (**{again / theirs:.2f}** of the import), {peak['seen']:,.0f} MiB",
        ),
    ]


def lengths(classifier: Classifier) -> Rows:
    """Time against the number of steps, of some 20 tokens each."""
    rows = []
    for steps in LENGTHS:
        trace = run(steps, steps, short=True)
        first, again = (seconds(partial(classifier.classify, trace)) for _ in range(2))
        each = f"{first / steps * 1000:.2f} ms a step; seen before {again:.3f} s, {again / steps * 1000:.3f} ms a step"
        rows.append((f"`Classifier.classify`, {steps:,} short steps", f"{first:.2f} s, {each}"))
    return rows


def machine() -> str:
    """Say where and when this was measured, and with what."""
    names = [line.partition(":")[2].strip() for line in cpu_lines() if line.startswith("model name")]
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    packages = ", ".join(f"{name} {version(name)}" for name in ("onnxruntime", "torch", "sentence-transformers"))
    return (
        f"{dt.datetime.now(tz=dt.UTC).date()}, {os.cpu_count()} cores ({(names or ['unknown'])[0]}), "
        f"{pages:.0f} GiB, Python {platform.python_version()}, {packages}; load before the run {load:.1f}"
    )


def cpu_lines() -> list[str]:
    """Return what Linux tells of the processor, nothing elsewhere."""
    told = Path("/proc/cpuinfo")
    return told.read_text().splitlines() if told.exists() else []


def main() -> None:
    """Measure and print."""
    where = machine()
    exported = embedders.cache_folder().resolve()
    embedders.build(Classifier.load().versions.embedder)  # the export is not part of what is measured
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["CORONER_CACHE"] = str(fresh_cache(folder / "warm", exported))
        classifier = Classifier.load()
        rows = warm(classifier) + lengths(classifier)
        rows += cold(folder, exported)
        rows += service.rows({"CORONER_CACHE": str(fresh_cache(folder / "service", exported))})
    print(f"{where}\n\n| what | figure |\n|---|---|")  # noqa: T201 - what the command is for
    for what, figure in rows:
        print(f"| {what} | {figure} |")  # noqa: T201


if __name__ == "__main__":
    main()
