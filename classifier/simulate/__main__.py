"""`python -m classifier.simulate`: print what simulated opinions are worth on a labelled folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pydantic import TypeAdapter

from classifier import corpus, embedders, taxonomy
from classifier.annotation import AnnotationError
from classifier.crossval import CrossValidation
from classifier.prediction import Prediction
from classifier.simulate import _tables
from classifier.simulate._combine import Asked
from classifier.simulate._teach import Policy, Review, School

COST = 0.005  # USD a call: 12,000 tokens in, 1,000 out, at 0.25 and 2.00 USD a million
_Cache = TypeAdapter(dict[int, tuple[Prediction, ...]])


def main(arguments: list[str] | None = None) -> int:
    """Run the simulation that the arguments name, print its tables, return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m classifier.simulate", description=__doc__)
    parser.add_argument("--cost", type=float, default=COST, help="USD a call (default %(default)s)")
    parser.add_argument("--embedder", default="minilm")
    kinds = parser.add_subparsers(dest="kind", required=True)
    combine = kinds.add_parser("combine", help="neighbours and opinions together, cross-validated (79 s a seed)")
    combine.add_argument("folder", type=Path)
    combine.add_argument("--seeds", type=int, default=3)
    combine.add_argument("--draws", type=int, default=10, help="draws of opinions a seed (default %(default)s)")
    combine.add_argument("--predictions", type=Path, help="file that keeps the neighbours' predictions between runs")
    school = kinds.add_parser("teach", help="what opinions teach an index of a new system (3 minutes a seed)")
    school.add_argument("folder", type=Path)
    school.add_argument("--seeds", type=int, default=3)
    school.add_argument("--system", action="append", help="held-out system (default: each)")
    school.add_argument("--wrong", type=float, default=0.1, help="share that may be wrong unasked (default 0.1)")
    school.add_argument("--people", type=float, default=0.0, help="share of the runs that a person labels (default 0)")
    school.add_argument("--habit", action="append", default=[], metavar="A=B", help="a judge that always takes A for B")
    school.add_argument(
        "--review", type=Review, choices=[*Review], default=Review.VOUCHED, help="who weighs lessons anew"
    )
    chosen = parser.parse_args(arguments)
    try:
        examples = corpus.read(chosen.folder).examples
    except AnnotationError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 2
    scheme = taxonomy.load()
    tested = CrossValidation(examples, embedders.build(chosen.embedder), scheme)
    if chosen.kind == "combine":
        predictions = _predictions(tested, chosen.seeds, chosen.predictions)
        asked = [Asked.of(examples, predictions[seed]) for seed in range(chosen.seeds)]
        lines = _tables.combine(asked, scheme.ids, chosen.draws, chosen.cost)
    else:
        habit = dict(pair.split("=", 1) for pair in chosen.habit)
        policy = Policy(wrong=chosen.wrong, people=chosen.people, review=chosen.review)
        pupils = School(tested.runs, tested.tables, embedders.build(chosen.embedder), scheme)
        judge = pupils.judge(habit)
        systems = chosen.system or sorted({run.system for run in tested.runs})
        courses = [
            pupils.attend(base, system, judge, policy, seed)
            for system, base in ((system, pupils.base(system)) for system in systems)
            for seed in range(chosen.seeds)
        ]
        lines = _tables.teach(courses, chosen.cost)
    for line in lines:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    return 0


def _predictions(tested: CrossValidation, seeds: int, file: Path | None) -> dict[int, tuple[Prediction, ...]]:
    held = _Cache.validate_json(file.read_bytes()) if file and file.exists() else {}
    for seed in range(seeds):
        if seed not in held:
            held[seed] = tuple(tested.folds(seed))
    if file:
        file.write_bytes(_Cache.dump_json(held))
    return held


if __name__ == "__main__":
    sys.exit(main())
