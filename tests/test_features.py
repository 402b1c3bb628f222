from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.features import StepTable, step_features
from classifier.trace import Role, Step, ToolCall, Trace

TASK = "How many revisions did the page of Rivermoor Castle have before March 2011?"


def step(agent: str, content: str, role: Role = Role.ASSISTANT, kind: str | None = None, to: str | None = None) -> Step:
    return Step(index=0, agent=agent, role=role, content=content, kind=kind, to=to)


def describe(*steps: Step, task: str = TASK) -> StepTable:
    numbered = tuple(s.model_copy(update={"index": i}) for i, s in enumerate(steps))
    vectors = np.random.default_rng(0).normal(size=(len(steps), 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    trace = Trace(id="t", format="own", framework="invented", task=task, steps=numbered)
    return step_features(trace, vectors, vectors[0])


def column(table: StepTable, name: str) -> list[float]:
    values: list[float] = table.matrix[:, table.names.index(name)].tolist()
    return values


def terminal(content: str) -> Step:
    return step("terminal", content, Role.TOOL)


def test_tools_systems_and_the_first_request_are_never_at_fault_but_a_later_user_turn_may_be() -> None:
    table = describe(
        step("policy", "Be kind.", Role.SYSTEM),
        step("user", "Cancel it.", Role.USER),
        step("clerk", "Which one?"),
        step("user", "The blue one, no, the red one.", Role.USER),
        terminal("done"),
        step("clerk", "Time is up.", kind="termination"),
    )
    assert table.candidates.tolist() == [False, False, True, True, False, False]


def test_a_run_without_any_agent_leaves_every_step_open() -> None:
    assert describe(terminal("a"), terminal("b")).candidates.all()


def test_what_came_of_code_is_read_off_the_tool_turn_after_it() -> None:
    table = describe(
        step("coder", "```python\nprint(open('rooms.csv').read())\n```"),
        terminal("exitcode: 1 (execution failed)\nCode output: FileNotFoundError: rooms.csv"),
        step("coder", "```python\nprint([])\n```"),
        terminal("exitcode: 0 (execution succeeded)\nCode output: []"),
        step("coder", "```python\nprint(7)\n```"),
        terminal("exitcode: 0 (execution succeeded)\nCode output: 7"),
    )
    assert column(table, "got_failed") == [1, 0, 0, 0, 0, 0]
    assert column(table, "got_empty") == [0, 0, 1, 0, 0, 0]
    assert column(table, "got_ok") == [0, 0, 0, 0, 1, 0]
    assert column(table, "code_bad_first") == [1, 0, 0, 0, 0, 0]
    assert column(table, "code_bad_last") == [0, 0, 1, 0, 0, 0]
    assert column(table, "repaired_next") == [0, 0, 1, 0, 0, 0]


def test_a_run_set_off_on_another_task_is_derailed_at_its_first_step() -> None:
    astray = describe(step("manager", "Find out why the JSON parser exits with code 1."), step("coder", "On it."))
    on_task = describe(step("manager", f"Solve this. {TASK}"), step("coder", "On it."))
    assert column(astray, "derailed") == [1, 0]
    assert column(on_task, "derailed") == [0, 0]


def test_names_that_no_tool_has_shown_count_as_unshown_once() -> None:
    table = describe(
        step("historian", "we recall Ashgrove, Bellweather and Cindermill."),
        terminal("editors: Dunmarrow"),
        step("historian", "they were Dunmarrow, Ashgrove and Eastfold."),
    )
    assert column(table, "unshown") == pytest.approx([np.log1p(3), 0, np.log1p(1)])
    assert column(table, "shown")[2] == pytest.approx(np.log1p(1))
    assert column(table, "restated")[2] == pytest.approx(np.log1p(1))


def test_the_final_answer_is_traced_to_the_first_agent_that_gave_it() -> None:
    table = describe(
        step("planner", "We look it up."),
        step("surfer", "The history lists 4711 edits."),
        step("planner", "It is 4711, as found."),
        step("planner", "FINAL ANSWER: 4711"),
    )
    assert column(table, "answer_first") == [0, 1, 0, 0]
    assert column(table, "answer_before") == [0, 0, 1, 1]


def test_a_ledger_that_sees_a_loop_marks_the_steps_just_before_it() -> None:
    ledger = '{"is_in_loop": {"reason": "x", "answer": true}, "is_progress_being_made": {"answer": false}}'
    table = describe(
        step("surfer", "I clicked 'Next'."),
        step("Orchestrator", f"Updated Ledger: {ledger}", kind="thought"),
        step("surfer", "I clicked 'Next'."),
    )
    assert column(table, "ledger_loop") == [0, 1, 0]
    assert column(table, "ledger_loop_next") == [1, 0, 0]
    assert column(table, "trouble_first") == [0, 1, 0]
    assert column(table, "act_again") == [0, 0, 1]


def test_the_same_call_again_is_a_repeat_whatever_the_order_of_its_arguments() -> None:
    first = step("agent", "").model_copy(update={"tool_calls": (ToolCall(name="find", arguments='{"a": 1, "b": 2}'),)})
    again = step("agent", "").model_copy(update={"tool_calls": (ToolCall(name="find", arguments='{"b": 2, "a": 1}'),)})
    assert column(describe(first, terminal("x"), again), "act_again") == [0, 0, 1]


def test_places_count_candidates_only() -> None:
    table = describe(terminal("hello"), step("a", "one"), terminal("x"), step("b", "two"))
    assert column(table, "place_0")[1] == 1
    assert column(table, "place_1")[3] == 1
    assert column(table, "place_end_0")[3] == 1


def test_a_table_keeps_the_indices_and_agents_of_the_source() -> None:
    steps = (
        Step(index=3, agent="a", role=Role.ASSISTANT, content="x"),
        Step(index=9, agent="b", role=Role.ASSISTANT, content="y"),
    )
    trace = Trace(id="t", format="own", framework="invented", task=TASK, steps=steps)
    table = step_features(trace, np.eye(2, dtype=np.float32), np.array([1, 0], dtype=np.float32))
    assert (table.indices, table.agents, len(table)) == ((3, 9), ("a", "b"), 2)


def test_a_step_without_a_vector_is_refused() -> None:
    trace = Trace(id="t", format="own", framework="invented", task=TASK, steps=(step("a", "x"),))
    with pytest.raises(ValueError, match="as many vectors"):
        step_features(trace, np.zeros((2, 4), dtype=np.float32), np.zeros(4, dtype=np.float32))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(Role), st.text(max_size=80), st.sampled_from(["", "plan", "thought", "termination"])),
        min_size=1,
        max_size=8,
    )
)
def test_any_text_gives_the_same_finite_numbers_twice(said: list[tuple[Role, str, str]]) -> None:
    steps = [step(f"agent {role}", text, role, kind or None) for role, text, kind in said]
    one, two = describe(*steps), describe(*steps)
    assert np.isfinite(one.matrix).all()
    assert np.array_equal(one.matrix, two.matrix)
    assert one.candidates.any()
    assert one.names == describe(step("a", "x")).names


def test_time_grows_linearly_with_the_run() -> None:
    def seconds(count: int) -> float:
        steps = [
            step(f"agent{i % 3}", f"I clicked '{i}'. Found Rivermoor {i} and Castle {i * 7}.") for i in range(count)
        ]
        best = float("inf")
        for _ in range(2):
            start = time.process_time()
            describe(*steps)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(4000) < 12 * seconds(500)  # 8 times the steps; a quadratic part would take 64 times as long
