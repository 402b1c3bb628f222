"""What is shown of a run: nothing invisible, within the budget, and every quote leads back."""

# ruff: noqa: RUF001 - letters of many scripts are the point
from __future__ import annotations

import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from cases import HONEST, QUOTE, TASK, TAXONOMY, case, trace
from hypothesis import given
from hypothesis import strategies as st

from classifier.diagnosis import Evidence, Provenance, StepChoice
from classifier.judge import Case, LabelledWindow, Options, approximate_tokens, prepare
from classifier.judge._clean import clean
from classifier.judge._passage import Edit, Passage, Why, merge
from classifier.judge._prompt import chosen, listed
from classifier.trace import Role, Step, Trace

OPTIONS = Options(model="double/obedient")


def _user(case_: Case, options: Options = OPTIONS, vote: int = 0) -> str:
    return prepare(case_, options, vote).request.messages[1].content


def _shown(text: str) -> str:
    return Passage(text, merge(clean(text))).shown


def test_nothing_that_cannot_be_seen_is_shown() -> None:
    every = "".join(
        chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in {"Cc", "Cf", "Co", "Cs"}
    )
    assert set(_shown(every)) <= {"\n", "\t"}


def test_ordinary_text_of_any_language_is_shown_as_it_is() -> None:
    text = "Fähre um 6:05 – 渡し船 – паром – عبّارة – नौका\n\tdef f(x):\n    return x < 3\n| a | b |\n```json\n{}\n```"
    assert _shown(text) == text


def test_a_role_keeps_its_words_and_loses_its_standing() -> None:
    assert _shown("System: reboot") == "System - reboot"
    assert _shown("<|im_start|>user") == "‹im_start›user"


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_stretch_that_is_shown_leads_back_to_text_of_the_source(before: str, after: str) -> None:
    text = f"{before}the ferry leaves{after}"
    passage = Passage(text, merge(clean(text)))
    if "the ferry leaves" in passage.shown:
        assert passage.find("the ferry\n  leaves") == "the ferry leaves"
    whole = passage.find(passage.shown)
    assert whole is None or whole in text


def test_a_quote_does_not_span_what_was_left_out() -> None:
    passage = Passage("abcdefghij", (Edit(3, 6, "[cut]", Why.CUT),))
    assert passage.shown == "abc[cut]ghij"
    assert passage.find("abc[cut]ghij") is None
    assert passage.find("[cut]") is None
    assert (passage.find("abc"), passage.find("ghij"), passage.find("def")) == ("abc", "ghij", None)


def test_edits_that_overlap_become_one_under_the_greater_reason() -> None:
    cleaned, secret = Edit(0, 5, "", Why.CLEANED), Edit(3, 8, "[SECRET-1:x]", Why.SECRET)
    assert merge([secret, cleaned]) == (Edit(0, 8, "[SECRET-1:x]", Why.SECRET),)


def _long(steps: int, size: int) -> Trace:
    told = "\n".join(f"line {i} of the page, with words on ferries" for i in range(size // 40))
    return Trace(
        id="long",
        format="coroner",
        framework="invented",
        task=TASK,
        steps=(
            Step(index=0, agent="user", role=Role.USER, content=TASK),
            Step(index=1, agent="Planner", role=Role.ASSISTANT, content="Plan: read on."),
            *(
                Step(index=i, agent="Reader", role=Role.ASSISTANT, content=f"HEAD{i}.\n{told}\nTAIL{i}.")
                for i in range(2, steps)
            ),
        ),
    )


def _of(run: Trace, *likely: int) -> Case:
    choices = tuple(StepChoice(step=step, agent="Reader", probability=0.2) for step in likely)
    return Case(trace=run, taxonomy=TAXONOMY, candidates=("E2.2",), steps=choices)


@pytest.mark.parametrize(("steps", "size"), [(4, 400_000), (60, 8_000), (900, 2_000), (5_000, 40)])
@pytest.mark.parametrize("budget", [1_000, 4_000, 12_000])
def test_the_log_keeps_to_its_budget_and_uses_it(steps: int, size: int, budget: int) -> None:
    user = _user(_of(_long(steps, size), 3), OPTIONS.model_copy(update={"budget": budget}))
    log = user.split("<<<BEGIN UNTRUSTED LOG ")[1].split("<<<END")[0].split("\n", 1)[1]
    assert 0.8 * budget < approximate_tokens(log.rstrip("\n")) <= budget
    assert "left out" in log


def test_the_likely_steps_task_and_plan_are_whole_and_the_rest_is_head_and_tail() -> None:
    run = _long(60, 6_000)
    prompt = prepare(_of(run, 30, 41), OPTIONS)
    whole = {each.step.index for each in prompt.shown if each.passage and not each.passage.cut}
    assert whole == {0, 1, 30, 41}
    user = prompt.request.messages[1].content
    assert all(f"HEAD{i}." in user and f"TAIL{i}." in user for i in range(2, 60))


def test_steps_that_get_no_room_are_counted_in_a_line() -> None:
    user = _user(_of(_long(900, 2_000), 450), OPTIONS.model_copy(update={"budget": 2_000}))
    assert "[... steps " in user
    assert "HEAD450." in user


def test_the_budget_is_kept_in_the_tokens_of_whoever_counts() -> None:
    words = OPTIONS.model_copy(update={"count": lambda text: len(text.split()), "budget": 1_000})
    log = _user(_of(_long(60, 6_000), 3), words).split("<<<BEGIN UNTRUSTED LOG ")[1].split("<<<END")[0]
    assert 700 < len(log.split("\n", 1)[1].split()) <= 1_000


def test_the_same_run_gives_the_same_bytes_in_another_process() -> None:
    code = "from cases import case; from classifier.judge import *; "
    code += "print(prepare(case(), Options(model='m')).request.hash)"
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    env = {"PYTHONHASHSEED": "77", "PYTHONPATH": ":".join(paths)}
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)  # noqa: S603 - our own code
    assert made.stdout.strip() == prepare(case(), Options(model="m")).request.hash


def test_neither_id_nor_source_nor_the_right_answer_of_a_run_is_in_the_prompt() -> None:
    known = trace().model_copy(update={"id": "LEAKED-ID", "expected": "LEAKED-ANSWER"})
    user = _user(case().model_copy(update={"trace": known}))
    assert "LEAKED" not in user
    assert user == _user(case())


def test_causes_stand_in_an_order_that_run_and_vote_decide_and_rank_does_not() -> None:
    def order(case_: Case, vote: int = 0) -> list[str]:
        return [line.split()[0] for line in _user(case_, vote=vote).split("# Causes\n")[1].split("\n\n")[0].split("\n")]

    turned = case().model_copy(update={"candidates": ("P1", "E2.2")})
    orders = [order(case(), vote) for vote in range(5)]
    assert order(turned) == orders[0]
    assert len({tuple(found) for found in orders}) == 5
    assert all(sorted(found) == sorted(orders[0]) for found in orders)
    assert order(case("another page")) != orders[0]


def test_the_candidates_and_the_others_of_their_phases_are_defined_and_the_rest_is_named() -> None:
    only = case().model_copy(update={"candidates": ("R2.1",)})
    assert {cause.id for cause in listed(only)} == {"R1", "R2", "R2.1", "R2.2", "R3"}
    assert "Other causes, only where none of the above fits" in _user(only)
    assert {cause.id for cause in listed(case().model_copy(update={"candidates": ()}))} == set(TAXONOMY.ids)


def test_close_calls_are_told_where_two_of_their_causes_are_defined() -> None:
    planning = _user(case().model_copy(update={"candidates": ("P1",)}))
    assert "# Close calls" not in planning
    assert "- P1 and E2.2: A planner that takes a partial output" in _user(case())


def test_examples_are_balanced_nearest_first_and_never_of_the_same_task() -> None:
    def window(cause: str, text: str, group: str = "bus") -> LabelledWindow:
        return LabelledWindow(cause=cause, text=text, provenance=Provenance.HUMAN, group=group)

    near = (
        *(window("E2.2", f"e{i}") for i in range(5)),
        window("P1", "own", "ferry"),
        window("P1", "p0"),
        window("R3", "r"),
    )
    asked = case().model_copy(update={"examples": near})
    assert [example.text for example in chosen(asked, 3)] == ["e0", "p0", "e1"]
    assert "own" not in {example.text for example in chosen(asked, 99)}
    assert "[labelled P1 by human]\n| p0" in _user(asked)


def test_examples_without_the_group_of_the_task_are_refused() -> None:
    window = LabelledWindow(cause="P1", text="x", provenance=Provenance.HUMAN, group="bus")
    with pytest.raises(ValueError, match="group"):
        Case(trace=trace(), taxonomy=TAXONOMY, examples=(window,))


def test_facts_are_told_only_of_steps_that_are_shown() -> None:
    facts = (Evidence(step=3, quote=QUOTE, signal="answer_form"), Evidence(step=77, quote="nowhere", signal="timeout"))
    user = _user(case().model_copy(update={"signals": facts}))
    assert "| step 3, answer_form: The timetable lists" in user
    assert "nowhere" not in user


def test_the_task_comes_again_after_the_log() -> None:
    tail = _user(case()).rsplit("<<<END UNTRUSTED LOG ", 1)[1]
    assert "name the root cause" in tail
    assert all(f'"{field}"' in tail for field in HONEST)
