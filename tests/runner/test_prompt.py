from __future__ import annotations

from runner.prompt import prompt
from runner.scoring import extract
from runner.task import Answer, Category, Kind, Stage, Task

TASK = Task(
    id="t",
    category=Category.WEB,
    description="A shop sells lamps.",
    instruction="Find the dearest at {site}/shop.",
    constraints=("Look at every page.", "Ignore lamps that are sold out."),
    environment="The shop is at {site}.",
    answers=(
        Answer(name="price", value="12.50", kind=Kind.NUMBER, decimals=2, what="its price in euros"),
        Answer(name="name", value="Nordic Lamp", what="its name"),
        Answer(name="ids", value="3,1", kind=Kind.LIST, decimals=0),
    ),
)


def test_a_prompt_has_the_parts_of_the_study_in_their_order() -> None:
    text = prompt(TASK.at("http://127.0.0.1:8000"))
    headings = [line for line in text.splitlines() if line.startswith("# ")]
    assert headings == ["# Task description", "# Instruction", "# Constraints", "# Environment", "# Answer form"]
    assert "- Look at every page.\n- Ignore lamps that are sold out." in text
    assert "Find the dearest at http://127.0.0.1:8000/shop." in text
    assert "{site}" not in text


def test_a_prompt_leaves_out_what_a_task_has_not() -> None:
    text = prompt(TASK.model_copy(update={"constraints": (), "environment": ""}))
    assert "# Constraints" not in text
    assert "# Environment" not in text


def test_a_prompt_asks_for_each_value_in_its_form_and_gives_none_away() -> None:
    text = prompt(TASK)
    assert extract(text) == {"price": "price", "name": "name", "ids": "ids"}
    assert '"price" is its price in euros; a number rounded to 2 decimal places' in text
    assert '"ids" is a list separated by commas, in the order asked for, each of them a whole number' in text
    assert "12.50" not in text
    assert "Nordic Lamp" not in text


def test_the_address_is_put_into_the_code_too() -> None:
    staged = TASK.model_copy(update={"stages": (Stage(aim="Get {site}", code='page = get("{site}/shop")'),)})
    assert staged.at("http://h:1").stages == (Stage(aim="Get http://h:1", code='page = get("http://h:1/shop")'),)
