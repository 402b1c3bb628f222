from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from runner import tasks, tasksets
from runner.prompt import prompt
from runner.scoring import score, state
from runner.task import Answer, Category, Kind, Task
from runner.tasksets import TaskSetError
from runner.tasksets.dabench import answer

QUESTIONS = (
    {
        "id": 3,
        "question": "What is the mean weight, and which bird is the heaviest?",
        "concepts": ["Summary Statistics"],
        "constraints": "Leave out birds without a weight.\nRound the mean to one decimal place.",
        "format": '@mean[weight] @heaviest[bird]\nwhere "weight" is a number. "bird" is a string.',
        "file_name": "birds of a pond.csv",
        "level": "easy",
    },
    {
        "id": 8,
        "question": "Which rings occur more than once?",
        "constraints": "",
        "format": '@rings[ring1,ring2,...] where "ring1,ring2,...": a list of rings.',
        "file_name": "rings.csv",
    },
)
LABELS = (
    {"id": 8, "common_answers": [["rings", ""]]},
    {"id": 3, "common_answers": [["heaviest", "swan"], ["mean", "812.5"]]},
    {"id": 9, "common_answers": [["other", "of a question that is not here"]]},
)
OWN = Task(
    id="mine-1",
    category=Category.FILES,
    description="A folder.",
    instruction="Count its files.",
    answers=(Answer(name="files", value="2", kind=Kind.NUMBER, decimals=0),),
)


def jsonl(path: Path, *values: Any) -> None:
    path.write_text("".join(f"{value if isinstance(value, str) else json.dumps(value)}\n" for value in values))


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    """An invented task set in DABench's layout."""
    folder = tmp_path / "bench"
    (folder / "da-dev-tables").mkdir(parents=True)
    jsonl(folder / "da-dev-questions.jsonl", *QUESTIONS)
    jsonl(folder / "da-dev-labels.jsonl", *LABELS)
    (folder / "da-dev-tables" / "birds of a pond.csv").write_bytes(b"bird,weight\r\nswan,9\xe9\r\n")
    (folder / "da-dev-tables" / "rings.csv").write_text("ring\n")
    return folder


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder of one's own tasks."""
    folder = tmp_path / "mine"
    (folder / "files" / "mine-1" / "deep").mkdir(parents=True)
    (folder / "files" / "mine-1" / "a.txt").write_text("a")
    (folder / "files" / "mine-1" / "deep" / "b.txt").write_text("b")
    jsonl(folder / "tasks.jsonl", OWN.model_dump_json(), "", OWN.model_copy(update={"id": "bare"}).model_dump_json())
    return folder


def question(**changes: Any) -> dict[str, Any]:
    return {**QUESTIONS[0], **changes}


def test_own_names_the_project_s_own_tasks(tmp_path: Path) -> None:
    own = tasksets.load("own")
    assert own.tasks() == tasks.tasks()
    assert len(own.tasks()) == 34
    own.build(tasks.load("data_order_summary"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["orders.csv"]


def test_dabench_s_questions_become_tasks(bench: Path) -> None:
    first, second = tasksets.load(bench).tasks()
    assert (first.id, first.category, first.level) == ("dabench-3", Category.DATA, "easy")
    assert first.instruction == QUESTIONS[0]["question"]
    assert first.constraints == (
        "Leave out birds without a weight.",
        "Round the mean to one decimal place.",
        'The format of the answer: @mean[weight] @heaviest[bird] where "weight" is a number. "bird" is a string.',
    )
    assert first.answers == (
        Answer(name="mean", value="812.5", kind=Kind.NUMBER, decimals=1),
        Answer(name="heaviest", value="swan", kind=Kind.TEXT),
    )
    assert second.answers == (Answer(name="rings", value="", kind=Kind.LIST),)
    assert second.level is None


def test_the_prompt_of_a_question_shows_its_format_and_its_table(bench: Path) -> None:
    text = prompt(tasksets.load(bench).tasks()[0])
    assert '"bird" is a string.' in text
    assert "birds of a pond.csv is in the working directory" in text
    assert "@mean[mean]\n@heaviest[heaviest]" in text


def test_an_empty_list_is_right_where_nothing_is_expected_and_silence_is_not(bench: Path) -> None:
    task = tasksets.load(bench).tasks()[1]
    assert score(task, "@rings[]").success
    assert not score(task, "").success
    assert not score(task, "There are none.").success
    assert not score(task, "@rings[A1]").success


def test_a_question_s_table_is_copied_byte_for_byte(bench: Path, tmp_path: Path) -> None:
    loaded = tasksets.load(str(bench))
    (tmp_path / "workspace").mkdir()
    loaded.build(loaded.tasks()[0], tmp_path / "workspace")
    (copied,) = (tmp_path / "workspace").iterdir()
    assert copied.name == "birds of a pond.csv"
    assert copied.read_bytes() == (bench / "da-dev-tables" / copied.name).read_bytes()


@pytest.mark.parametrize(
    ("value", "form", "constraints", "kind", "decimals"),
    [
        ("3.10", '@x[v] where "v" is a number rounded to two decimal places.', "", Kind.NUMBER, 2),
        ("3.1", '@x[v] where "v" is a number, rounded to 3 decimal places.', "", Kind.NUMBER, 3),
        ("4", '@x[v] @y[w] where "v" is an integer and "w" is a number with two decimals.', "", Kind.NUMBER, 0),
        ("4", '@y[w] @x[v] where "w" is a float with four decimals. "v" is a whole number.', "", Kind.NUMBER, 0),
        ("4.0", '@x[v] @y[w] where "v" and "w" are numbers with up to two decimal places.', "", Kind.NUMBER, 2),
        ("4.0", "@x[v] where each answer is a number to four decimal places.", "", Kind.NUMBER, 4),
        ("4.0", '@x[v] where "v" is a number.', "Round to two decimal places.", Kind.NUMBER, 2),
        ("4", '@x[v] where "v" is an integer.', "Round the mean to two decimal places.", Kind.NUMBER, 0),
        ("4.25", "@x[v]", "", Kind.NUMBER, 2),
        ("4.125", '@x[v] where "v" is rounded to two decimal places.', "", Kind.NUMBER, 3),
        ("57", "@x[v] where \"v\" is a string from the 'site' column.", "", Kind.TEXT, None),
        ("57", "@x[v] where 'v' is the number of a string quartet.", "", Kind.NUMBER, 0),
        ("True", '@x[v] where "v" is a boolean.', "", Kind.TEXT, None),
        ("B, A", "@x[list_of_names] where each is a name.", "", Kind.LIST, None),
        ("A", '@x[a,b,...] where "a,b,..." are names.', "", Kind.LIST, None),
        ("1,200", '@x[v] where "v" is a number.', "", Kind.TEXT, None),
        ("7", '@y[w] where "w" is a string.', "", Kind.NUMBER, 0),
    ],
)
def test_kind_and_decimals_are_read_from_what_the_format_says_of_the_value(
    value: str, form: str, constraints: str, kind: Kind, decimals: int | None
) -> None:
    assert answer("x", value, form, constraints) == Answer(name="x", value=value, kind=kind, decimals=decimals)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([QUESTIONS[0], "{broken"], "da-dev-questions.jsonl, line 2: Invalid JSON"),
        (["", question(question=7)], "da-dev-questions.jsonl, line 2: question: Input should be a valid string"),
        ([{"id": 3}], "da-dev-questions.jsonl, line 1: question: Field required"),
        ([QUESTIONS[0], QUESTIONS[0]], "da-dev-questions.jsonl, line 2: a second question with the id 3"),
        ([question(id=4)], "da-dev-questions.jsonl, line 1: question 4 has no label"),
        ([question(file_name="birds.csv")], "line 1: .*birds.csv: no such table"),
        ([question(file_name="../da-dev-labels.jsonl")], "line 1: file_name .* is no plain name"),
        ([question(file_name="..")], "line 1: .*: no such table"),
        ([""], "da-dev-questions.jsonl: holds no line"),
    ],
)
def test_a_broken_question_is_named_by_file_and_line(bench: Path, lines: list[Any], said: str) -> None:
    jsonl(bench / "da-dev-questions.jsonl", *lines)
    with pytest.raises(TaskSetError, match=said):
        tasksets.load(bench)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([{"id": 3, "common_answers": [["mean"]]}], "line 1: common_answers.0"),
        ([{"id": 3, "common_answers": []}], "line 1: common_answers: "),
        ([LABELS[1], LABELS[1]], "line 2: a second label with the id 3"),
        ([{"id": 3, "common_answers": [["a mean", "1"]]}], "line 1: 'a mean' cannot be the name of an answer"),
        ([{"id": 3, "common_answers": [["a", "1"], ["a", "2"]]}], "line 1: two answers are called 'a'"),
    ],
)
def test_a_broken_label_is_named_by_file_and_line(bench: Path, lines: list[Any], said: str) -> None:
    jsonl(bench / "da-dev-labels.jsonl", *lines)
    with pytest.raises(TaskSetError, match=f"da-dev-labels.jsonl, {said}"):
        tasksets.load(bench)


def test_missing_labels_and_tables_are_named(bench: Path) -> None:
    (bench / "da-dev-labels.jsonl").rename(bench / "elsewhere")
    with pytest.raises(TaskSetError, match=r"da-dev-labels\.jsonl: no such file"):
        tasksets.load(bench)
    (bench / "elsewhere").rename(bench / "da-dev-labels.jsonl")
    (bench / "da-dev-tables").rename(bench / "tables")
    with pytest.raises(TaskSetError, match="da-dev-tables: no such folder"):
        tasksets.load(bench)


def test_a_file_that_is_not_utf_8_is_named(bench: Path) -> None:
    (bench / "da-dev-questions.jsonl").write_bytes(b'{"id": "\xff"}\n')
    with pytest.raises(TaskSetError, match=r"da-dev-questions\.jsonl: cannot be read as UTF-8"):
        tasksets.load(bench)


def test_a_folder_of_one_s_own_tasks_is_loaded_with_its_files(mine: Path, tmp_path: Path) -> None:
    loaded = tasksets.load(mine)
    first, bare = loaded.tasks()
    assert first == OWN
    for name, task in (("one", first), ("two", bare)):
        (tmp_path / name).mkdir()
        loaded.build(task, tmp_path / name)
    copied = sorted(path.relative_to(tmp_path / "one").as_posix() for path in (tmp_path / "one").rglob("*.txt"))
    assert copied == ["a.txt", "deep/b.txt"]
    assert not list((tmp_path / "two").iterdir())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": "mine-1"}, "line 2: a second task with the id 'mine-1'"),
        ({"id": "a/b"}, "line 2: id: "),
        ({"category": "cooking"}, "line 2: category: "),
        ({"answers": []}, "line 2: answers: "),
        ({"more": 1}, "line 2: more: Extra inputs"),
        ({"answers": [{"name": "n", "value": "1,200", "kind": "number"}]}, "line 2: answers: '1,200' is no plain"),
        ({"answers": [{"name": "n", "value": "1"}] * 2}, "line 2: two answers are called 'n'"),
    ],
)
def test_a_broken_task_is_named_by_file_and_line(mine: Path, changes: dict[str, Any], said: str) -> None:
    jsonl(mine / "tasks.jsonl", OWN.model_dump_json(), OWN.model_dump(mode="json") | {"id": "other"} | changes)
    with pytest.raises(TaskSetError, match=said):
        tasksets.load(mine)


def test_files_that_belong_to_no_task_are_named(mine: Path) -> None:
    (mine / "files" / "mine-2").mkdir()
    with pytest.raises(TaskSetError, match=r"mine-2: no task in tasks\.jsonl has this id"):
        tasksets.load(mine)
    (mine / "files" / "mine-2").rmdir()
    (mine / "files" / "a.txt").write_text("")
    with pytest.raises(TaskSetError, match=r"a\.txt: files of a task lie in a folder"):
        tasksets.load(mine)


def test_a_task_of_another_set_is_not_built(mine: Path, tmp_path: Path) -> None:
    with pytest.raises(TaskSetError, match="data_order_summary"):
        tasksets.load(mine).build(tasks.load("data_order_summary"), tmp_path)


def test_what_is_no_task_set_is_refused_with_what_would_be_one(mine: Path, bench: Path, tmp_path: Path) -> None:
    with pytest.raises(TaskSetError, match="nowhere: no such folder"):
        tasksets.load(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TaskSetError, match=r"da-dev-questions\.jsonl, tasks\.jsonl"):
        tasksets.load(tmp_path / "empty")
    (mine / "tasks.jsonl").rename(bench / "tasks.jsonl")
    with pytest.raises(TaskSetError, match=r"holds da-dev-questions\.jsonl, tasks\.jsonl, each of another kind"):
        tasksets.load(bench)


def test_every_real_question_of_dabench_loads_and_its_label_scores(tmp_path: Path) -> None:
    folder = Path(os.environ.get("CORONER_SHARED", Path(__file__).parents[2] / "../shared")) / "dabench"
    if not folder.is_dir():
        pytest.skip("DABench is not here (set CORONER_SHARED to the folder that holds dabench/)")
    loaded = tasksets.load(folder)
    assert len(loaded.tasks()) == 60
    forms = {task.id: task.answers for task in loaded.tasks()}
    for task in loaded.tasks():
        assert score(task, state({answer.name: answer.value for answer in task.answers})).success, task.id
        assert not score(task, "").success, task.id
        (tmp_path / task.id).mkdir()
        loaded.build(task, tmp_path / task.id)
        (table,) = (tmp_path / task.id).iterdir()
        assert table.name in task.environment
        assert table.stat().st_size
        for one in task.answers:
            numeric = one.value.lstrip("-").replace(".", "", 1).isdigit()
            assert (one.kind is Kind.NUMBER) == (numeric and one.name != "site_identifier"), (task.id, one)
    assert [one.decimals for one in forms["dabench-419"]] == [2, 2, 4, None]
    assert [one.decimals for one in forms["dabench-375"]] == [4, 4, 4, 4]
    assert [one.kind for one in (*forms["dabench-116"], *forms["dabench-254"])] == [Kind.LIST, Kind.LIST]
