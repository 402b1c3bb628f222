"""A labelled folder is read whole: runs with their annotations, grouped by task, and what is missing on record."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.agreement import agree
from classifier.annotation import AnnotationError
from classifier.corpus import align, group_tasks, groups_of, read, run_key, task_words
from classifier.diagnosis import Provenance
from classifier.trace import Role, Step, Trace, TraceError

if TYPE_CHECKING:
    from random import Random

HUMAN, MODEL = Provenance.HUMAN, Provenance.MODEL
SHARED = Path(os.environ.get("CORONER_SHARED", Path(__file__).parents[1] / "../shared"))
REAL = SHARED / "real_traces"
real = pytest.mark.skipif(not REAL.is_dir(), reason="the real traces are not on this machine")

BREAD = "How many loaves of rye bread did the bakery in Almond Street sell in the first week of May?"
SHIP = "Name the harbour where the ferry to the northern islands was repainted after the storm of 1987."


def write_run(folder: Path, name: str, task: str = BREAD, *, words: str = "I will look it up.") -> None:
    """Write a run as a chat of a team, in the form of Who&When; the content is ours."""
    history = [
        {"name": "Cook", "role": "user", "content": f"Task: {task}"},
        {"name": "Clerk", "role": "assistant", "content": words},
    ]
    record = {"question": task, "question_ID": "q", "is_correct": False, "history": history}
    path = folder / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record), encoding="utf-8")


def write_annotations(folder: Path, *records: dict[str, object]) -> Path:
    path = folder / "annotations.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def note(trace: str, annotator: str = "ann", provenance: str = "human", **fields: object) -> dict[str, object]:
    return {"trace": trace, "annotator": annotator, "provenance": provenance, **fields}


def test_a_run_is_read_with_all_its_annotations(tmp_path: Path) -> None:
    write_run(tmp_path, "runs/a")
    write_annotations(
        tmp_path,
        note("a", file="runs/a.json", step=1, agent="Clerk"),
        note("a", "coder", "model", file="runs/a.json", cause="E1.1"),
    )
    corpus = read(tmp_path)
    (example,) = corpus.examples
    assert corpus.problems == ()
    assert (example.trace.id, example.trace.task, len(example.trace.steps)) == ("a", BREAD, 2)
    assert (example.system, example.source) == ("autogen", "ann")
    assert (example.label.cause, example.label.cause_by, example.label.step_by) == ("E1.1", MODEL, HUMAN)


def test_the_annotations_file_itself_can_be_named(tmp_path: Path) -> None:
    write_run(tmp_path, "a")
    assert read(write_annotations(tmp_path, note("a", file="a.json"))) == read(tmp_path)


def test_a_run_is_called_as_its_annotations_call_it(tmp_path: Path) -> None:
    write_run(tmp_path, "some-file")
    write_annotations(tmp_path, note("run 7", file="some-file.json"))
    assert read(tmp_path).examples[0].trace.id == "run 7"


def test_a_file_that_no_annotation_names_is_found_by_the_runs_name(tmp_path: Path) -> None:
    write_run(tmp_path, "deep/down/a")
    write_annotations(tmp_path, note("a"))
    assert [example.trace.id for example in read(tmp_path).examples] == ["a"]


def test_what_cannot_be_read_is_on_record_and_the_rest_is_read(tmp_path: Path) -> None:
    write_run(tmp_path, "a")
    write_run(tmp_path, "one/b")
    write_run(tmp_path, "two/b")
    (tmp_path / "broken.json").write_text('{"question": "q", "history": [', encoding="utf-8")
    path = write_annotations(
        tmp_path,
        note("a", file="a.json"),
        note("gone", file="gone.json"),
        note("broken", file="broken.json"),
        note("lost"),
        note("b"),
    )
    with path.open("a", encoding="utf-8") as file:
        file.write('{"trace": "a"\n')
    corpus = read(tmp_path)
    assert [example.trace.id for example in corpus.examples] == ["a"]
    told = [str(problem).replace(str(tmp_path), "") for problem in corpus.problems]
    assert told[0].startswith("/annotations.jsonl:6: Invalid JSON")
    assert told[1] == "/gone.json: No such file or directory"
    assert told[2].startswith("/broken.json")
    assert told[3:] == [
        ": the annotations of 'lost' name no file, and no file is called like it",
        ": the annotations of 'b' name no file, and 2 files are called like it",
    ]


def test_a_strict_reader_stops_at_the_first_problem(tmp_path: Path) -> None:
    path = write_annotations(tmp_path, note("gone", file="gone.json"))
    with pytest.raises(TraceError, match=r"gone\.json: No such file"):
        read(tmp_path, strict=True)
    path.write_text("{}\n", encoding="utf-8")
    with pytest.raises(AnnotationError, match=r"annotations\.jsonl:1: trace: Field required"):
        read(tmp_path, strict=True)


def test_a_folder_without_annotations_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=r"annotations\.jsonl: No such file"):
        read(tmp_path)


def test_runs_of_one_file_are_told_apart_by_their_id(tmp_path: Path) -> None:
    steps = [{"index": 0, "agent": "Cook", "role": "assistant", "content": "Done."}]
    runs = [{"id": name, "format": "x", "framework": "own", "task": BREAD, "steps": steps} for name in ("a", "b")]
    (tmp_path / "runs.jsonl").write_text("".join(json.dumps(run) + "\n" for run in runs), encoding="utf-8")
    write_annotations(tmp_path, note("b", file="runs.jsonl"), note("c", file="runs.jsonl"))
    corpus = read(tmp_path)
    assert [example.trace.id for example in corpus.examples] == ["b"]
    assert str(corpus.problems[0]).endswith("runs.jsonl: holds 2 runs, but none called 'c'")


def test_a_run_that_only_a_model_labelled_has_its_folder_for_source(tmp_path: Path) -> None:
    write_run(tmp_path, "bakery/a")
    write_annotations(tmp_path, note("a", "coder", "model", file="bakery/a.json"))
    assert read(tmp_path).examples[0].source == "bakery"


@pytest.mark.parametrize(
    "same",
    [
        BREAD.upper(),
        f"  {BREAD.replace(' ', chr(10))}\n",
        BREAD.replace("?", " ...").replace("bread", "bread,"),
        f"Solve the following task carefully. Task: {BREAD} Answer with one number only, without unit.",
        f"{BREAD}\n\nHere are the file's contents:\n\nday, rye, wheat\n1, 20, 14\n2, 19, 17\n3, 22, 11",
        BREAD.replace("first week of May", "second week of June"),
    ],
)
def test_the_same_task_in_other_dress_is_one_group(same: str) -> None:
    one, other, ship = group_tasks([BREAD, same, SHIP])
    assert one == other != ship


def test_tasks_that_share_a_phrase_stay_apart() -> None:
    other = "How many loaves of rye bread does a family of four eat in a year, if each of them eats two slices a day?"
    assert len(set(group_tasks([BREAD, other, SHIP]))) == 3


def test_short_tasks_are_one_only_if_equal() -> None:
    go, again, longer = group_tasks(["Go on.", "go on", "Then go on with the list of bakeries in Almond Street."])
    assert go == again != longer
    assert len(set(group_tasks(["", "?", "Bake."]))) == 2


def test_instructions_to_every_run_do_not_make_their_tasks_one() -> None:
    wrap = (
        "You are a careful assistant with a browser and a shell. Think step by step, use one tool at a time, and give "
        "the final answer between tags, without a unit and without any other words around it. Task: {}"
    )
    goods = [*"abcdefghijklmno"]
    tasks = [wrap.format(f"What did a sack of {good} cost at the {good} market of Almond Street?") for good in goods]
    assert len(set(group_tasks(tasks))) == len(goods)
    bare = "What did a sack of a cost at the a market of Almond Street?"
    assert group_tasks([*tasks, bare])[-1] == group_tasks([*tasks, bare])[0]


def test_groups_are_closed_under_resemblance() -> None:
    middle = f"{BREAD} {SHIP}"
    assert len(set(group_tasks([BREAD, SHIP]))) == 2
    assert len(set(group_tasks([BREAD, SHIP, middle]))) == 1


words = st.lists(st.sampled_from(["red", "blue", "ship", "loaf", "count", "the", "of"]), max_size=9).map(" ".join)


@given(st.lists(words, max_size=8), st.randoms())
def test_groups_do_not_depend_on_the_order_of_the_tasks(tasks: list[str], random: Random) -> None:
    order = list(range(len(tasks)))
    random.shuffle(order)
    shuffled = group_tasks([tasks[i] for i in order])
    straight = group_tasks(tasks)
    assert [straight[i] for i in order] == list(shuffled)


def test_words_do_not_depend_on_the_form_of_letters() -> None:
    assert task_words("\uff28\uff4f\uff57\uff0dmany  CAF\u00c9S?") == task_words("how many cafe\u0301s")


def test_copies_of_a_run_are_aligned_and_their_annotators_compared(tmp_path: Path) -> None:
    write_run(tmp_path, "x/a", words="I guess it was forty.")
    write_run(tmp_path, "y/b", words="I  guess it was\nforty.")
    write_run(tmp_path, "x/c", SHIP)
    write_annotations(
        tmp_path,
        note("a", "team x", file="x/a.json", step=1),
        note("b", "team y", file="y/b.json", step=0),
        note("c", "team x", file="x/c.json", step=1),
        *(note(run, "coder", "model", cause=cause) for run, cause in (("a", "E1.1"), ("b", "P1"), ("c", "P1"))),
    )
    examples = read(tmp_path).examples
    assert run_key(examples[0].trace) == run_key(examples[1].trace) != run_key(examples[2].trace)
    aligned = align(examples)
    assert [(record.trace, record.annotator) for record in aligned] == [
        ("a", "team x"),
        ("a", "coder on team x"),
        ("a", "team y"),
        ("a", "coder on team y"),
        ("c", "team x"),
        ("c", "coder on team x"),
    ]
    assert agree(aligned, field="step", groups=groups_of(examples)).pairs[0].units == 1


@real
def test_all_real_traces_are_read_with_their_annotations() -> None:
    corpus = read(REAL)
    assert corpus.problems == ()
    assert Counter(example.system for example in corpus.examples) == {
        "autogen": 76,
        "magentic-one": 62,
        "agent-error-bench": 30,
        "tau-bench": 17,
    }
    assert len({example.source for example in corpus.examples}) == 5
    assert len({example.group for example in corpus.examples}) == 100
    assert all(example.label.step_by is HUMAN and example.label.cause_by is MODEL for example in corpus.examples)


@real
def test_two_teams_labels_of_the_same_real_runs_give_the_published_agreement() -> None:
    examples = read(REAL).examples
    groups = groups_of(examples)
    twins = {example.trace.id: run_key(example.trace) for example in examples if example.system == "magentic-one"}
    copied = [run for run, often in Counter(twins.values()).items() if often == 2]
    assert len(copied) == 27
    for run in copied:
        assert len({groups[name] for name, key in twins.items() if key == run}) == 1
    aligned = align(examples)
    step, agent, cause = (agree(aligned, field=field, groups=groups) for field in ("step", "agent", "cause"))
    # SOURCE.md of the real traces: on the 27 runs, steps agree at 41 %, agents at 63 %, coded causes at kappa .27
    assert step.pairs[0].observed.value == pytest.approx(0.41, abs=0.005)
    assert agent.pairs[0].observed.value == pytest.approx(0.63, abs=0.005)
    assert cause.pairs[0].kappa.value == pytest.approx(0.27, abs=0.005)


def test_the_key_of_a_run_is_of_what_happened_not_of_who_told_it() -> None:
    step = Step(index=0, agent="Cook", role=Role.ASSISTANT, content="Done.")
    run = Trace(id="a", format="f", framework="g", task="t", steps=(step,))
    other = run.model_copy(update={"steps": (step.model_copy(update={"content": "Done!"}),)})
    assert run_key(run) == run_key(run.model_copy(update={"id": "b", "format": "h"})) != run_key(other)
