"""What the formats make of what is particular to their source."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from classifier import formats
from classifier.formats.magentic_one import speaker
from classifier.trace import Phase, Role, Trace

FIXTURES = Path(__file__).parent / "fixtures"


def runs(name: str) -> list[Trace]:
    path = FIXTURES / name
    return formats.read(path.read_bytes(), name=path.name)


def run(name: str) -> Trace:
    (trace,) = runs(name)
    return trace


def agents(trace: Trace) -> list[str]:
    return [step.agent for step in trace.steps]


@pytest.mark.parametrize(
    ("role", "parts"),
    [
        ("Orchestrator (thought)", ("Orchestrator", None, "thought")),
        ("Orchestrator (-> WebSurfer)", ("Orchestrator", "WebSurfer", "instruction")),
        ("Orchestrator (termination condition)", ("Orchestrator", None, "termination")),
        ("Orchestrator (new note)", ("Orchestrator", None, "new note")),
        ("WebSurfer", ("WebSurfer", None, None)),
        ("(odd)", ("(odd)", None, None)),
    ],
)
def test_a_magentic_one_role_says_agent_addressee_and_kind(
    role: str, parts: tuple[str, str | None, str | None]
) -> None:
    assert speaker(role) == parts


def test_in_a_group_chat_the_name_says_who_speaks_and_the_terminal_is_a_tool() -> None:
    trace = run("who_and_when/team.json")
    assert trace.framework == "autogen"
    assert [step.role for step in trace.steps] == [Role.ASSISTANT, Role.ASSISTANT, Role.TOOL, Role.ASSISTANT]
    assert (trace.expected, trace.succeeded) == ("5", False)


def test_a_hand_crafted_run_is_magentic_ones() -> None:
    trace = run("who_and_when/hand_crafted.json")
    assert (trace.framework, trace.succeeded, trace.steps[0].role) == ("magentic-one", True, Role.USER)
    assert set(agents(trace)) == {"human", "Orchestrator", "WebSurfer"}


def test_tau_bench_keeps_calls_as_written_and_names_results_after_their_tool() -> None:
    trace = run("tau_bench/cottage.json")
    assert trace.steps[2].tool_calls[0].arguments == '{"booking_id": "B8"}'
    assert (trace.steps[3].role, trace.steps[3].agent) == (Role.TOOL, "cancel_booking")
    assert trace.task == "You are Mia Berg. Cancel booking B7, nothing else."
    assert trace.expected == 'cancel_booking {"booking_id": "B7"}\noutput: 42'


def test_tau_bench_succeeds_by_its_reward_alone() -> None:
    assert [trace.succeeded for trace in runs("tau_bench/results.json")] == [True, False]


def test_of_a_repeated_prompt_only_the_newest_observation_is_kept_and_that_in_full() -> None:
    trace = run("agent_error_bench/novels.json")
    assert [step.content.count("Ines Wolf") for step in trace.steps if step.role is Role.TOOL] == [0, 0]
    assert trace.steps[2].content.endswith("\n\nAvailable Tools:\nnone of these are tools, the page says so")
    assert trace.steps[4].content.endswith("You must provide your final answer within <answer> </answer> tags.")


def test_only_a_stated_last_step_is_a_limit_of_rounds() -> None:
    assert run("agent_error_bench/novels.json").limits.max_rounds == 3
    assert run("agent_error_bench/mug.json").limits.max_rounds is None


def test_an_agents_tags_stay_in_its_content_and_its_action_is_a_call() -> None:
    step = run("agent_error_bench/novels.json").steps[3]
    assert all(tag in step.content for tag in ("<memory>", "<reflection>", "<plan>", "<action>"))
    assert [(call.name, call.arguments) for call in step.tool_calls] == [
        ("catalogue_search", '{"query": "Ines Wolf novels"}')
    ]


def test_a_chats_tool_result_is_named_after_the_call_it_answers_and_pictures_become_a_word() -> None:
    trace = run("openai_chat/picture.json")
    assert agents(trace) == ["system", "user", "assistant", "describe", "assistant", "guess", "assistant"]
    assert trace.steps[1].content == "What is on this picture?\n[image: https://example.org/cat.png]\n[image]"


def test_lines_of_messages_are_one_run_and_lines_of_chats_a_run_each() -> None:
    assert len(runs("openai_chat/messages.jsonl")) == 1
    assert [trace.task for trace in runs("openai_chat/runs.jsonl")] == ["Task 0", "Task 1", "Task 2"]


def test_chats_are_only_the_last_resort() -> None:
    named = json.dumps(
        [{"role": "user", "name": "Admin", "content": "a"}, {"role": "user", "name": "Cook", "content": "b"}]
    )
    assert formats.read(named.encode())[0].format == "autogen_history"
    unnamed = json.dumps([{"role": "user", "name": "Admin", "content": "a"}, {"role": "assistant", "content": "b"}])
    assert formats.read(unnamed.encode())[0].format == "openai_chat"


def test_a_message_that_prints_a_dashed_line_is_put_together_again() -> None:
    trace = run("autogen_console/two_agents.txt")
    assert agents(trace) == ["user_proxy", "assistant", "user_proxy", "assistant", "autogen"]
    assert trace.steps[2].content.count("-" * 80) == 2
    assert "moon: full" in trace.steps[2].content


def test_the_traceback_that_ends_a_console_is_a_step() -> None:
    last = run("autogen_console/two_agents.txt").steps[-1]
    assert (last.role, last.kind) == (Role.TOOL, "crash")
    assert last.content.endswith("openai.RateLimitError: Error code: 429")


def test_what_a_user_says_besides_a_tools_response_is_the_users() -> None:
    steps = run("autogen_console/group_tools.txt").steps
    assert [(step.agent, step.role) for step in steps[2:4]] == [("Admin", Role.TOOL), ("Admin", Role.USER)]
    assert steps[3].content == "Wait, it is log.txt, not logs.txt."


def test_a_message_without_its_dashed_line_is_kept() -> None:
    assert run("autogen_console/group_tools.txt").steps[-1].content == "I rename it to log.txt"


def test_a_managers_relays_and_autogens_own_talk_make_no_steps() -> None:
    trace = run("autogen_sqlite/group.db")
    assert agents(trace) == ["user_proxy", "assistant", "user_proxy", "assistant", "assistant"]
    assert [step.to for step in trace.steps[:4]] == ["chat_manager"] * 4
    assert trace.limits.max_rounds == 3


def test_a_database_older_than_events_is_read_from_its_completions() -> None:
    assert [step.content for step in run("autogen_sqlite/completions_only.db").steps] == [
        "Be brief.",
        "Name a river.",
        "Rhine",
        "Another one.",
        "Elbe",
    ]


def test_a_metagpt_log_of_a_day_is_split_where_a_user_states_a_requirement() -> None:
    stopwatch, heat = runs("metagpt_log/day.txt")
    assert (stopwatch.task, heat.task) == ("Write a stopwatch for the terminal", "Average the column t of heat.csv")
    assert agents(stopwatch) == ["Human", "Product Manager", "Engineer", "Engineer", "metagpt"]
    assert stopwatch.limits.max_rounds == 3
    assert stopwatch.steps[-1].error == "ValueError: empty file"


def test_work_that_only_later_prompts_show_stands_where_it_was_done() -> None:
    _, heat = runs("metagpt_log/day.txt")
    assert [step.kind for step in heat.steps] == [
        *("task", "code", "result"),
        *("task", "code", "result", "code", "result"),
        "task",
    ]
    assert heat.steps[5].error == "KeyError: 'T'"


def test_a_console_is_split_into_replies_and_what_code_printed() -> None:
    steps = run("metagpt_log/console.txt").steps
    assert [(step.role, step.content.split("\n")[0]) for step in steps] == [
        (Role.ASSISTANT, "Load the file."),
        (Role.TOOL, "12"),
        (Role.ASSISTANT, "Now the average."),
        (Role.TOOL, "Traceback (most recent call last)"),
        (Role.ASSISTANT, "Fix the name."),
        (Role.TOOL, "17.5"),
    ]


def test_a_notebooks_errors_are_stated_and_its_colours_gone() -> None:
    steps = run("metagpt_di/result.json").steps
    assert [step.error for step in steps if step.error] == ["KeyError: 'T'"]
    assert steps[4].content == "working\nKeyError: 'T'"


def test_attachments_tell_the_phase() -> None:
    phases = [step.phase for step in run("taskweaver/round.json").steps]
    plan, work, answer = Phase.PLANNING, Phase.EXECUTION, Phase.RESPONSE
    assert phases == [None, plan, plan, work, work, work, work, plan, answer]


def test_without_kind_and_phase_nothing_tells_an_attachments_type() -> None:
    types = (
        "init_plan",
        "current_plan_step",
        "plan_reasoning",
        "reply_content",
        "execution_status",
        "execution_result",
    )
    for step in run("taskweaver/round.json").steps:
        assert not [type_ for type_ in types if type_ in step.content]


def test_a_round_has_the_same_steps_and_indices_as_json_yaml_and_events() -> None:
    whole = run("taskweaver/round.json").steps
    assert run("taskweaver_events/round.jsonl").steps == whole[1:]
    assert run("taskweaver/raw_exp.yaml").steps[: len(whole)] == whole


def test_a_failed_round_failed_and_a_finished_one_says_nothing_of_success() -> None:
    assert run("taskweaver/raw_exp.yaml").succeeded is False
    assert run("taskweaver/round.json").succeeded is None


def test_the_exception_that_ends_a_failed_result_is_the_steps_error() -> None:
    for name in ("taskweaver/round.json", "taskweaver_events/round.jsonl", "taskweaver_log/session.log"):
        trace = runs(name)[0]
        assert [step.error for step in trace.steps if step.error] == [
            "FileNotFoundError: [Errno 2] No such file or directory: './tides.csv'"
        ]


def test_a_log_with_broken_model_output_still_gives_its_parts() -> None:
    first, second = runs("taskweaver_log/session.log")
    assert first.steps[2].content.startswith('Load with "pandas"\nimport pandas')
    assert (first.id, second.id) == ("20260304-080000-aa", "20260304-090000-bb")


def test_each_session_in_a_document_is_a_run_and_status_lines_leave_little_behind() -> None:
    first, second = runs("taskweaver_console/session.md")
    assert (first.task, second.task) == ("count the rows of tides.csv", "hello")
    assert first.steps[4].content.startswith("FAILURE\n")
    assert "<=" not in first.model_dump_json()
