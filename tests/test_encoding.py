from __future__ import annotations

import invented_traces as invented
import numpy as np
import pytest

from classifier.encoding import EMPTY, READ, encode, said
from classifier.trace import Role, Step, ToolCall, Trace


def step(content: str, *calls: ToolCall, index: int = 0) -> Step:
    return Step(index=index, agent="a", role=Role.ASSISTANT, content=content, tool_calls=calls)


def trace(*steps: Step, task: str = "Count the barley.") -> Trace:
    return Trace(id="t", format="coroner", framework="autogen", task=task, steps=steps)


def test_every_step_has_its_row_its_vector_and_its_own_index() -> None:
    table = encode(trace(step("one", index=4), step("two", index=9)), invented.embedder())
    assert (table.indices, table.agents) == ((4, 9), ("a", "a"))
    assert table.matrix.shape == (2, len(table.names))
    assert np.array_equal(table.vectors, invented.embedder().embed(["one", "two"]))


def test_what_a_step_calls_is_read_as_what_it_says() -> None:
    call = ToolCall(name="search", arguments='{"q": "rye"}')
    assert said(step("", call)) == '[call search {"q": "rye"}]'
    assert said(step("I look.", call)).startswith("I look.\n[call search")


@pytest.mark.parametrize("content", ["", " \n\t", "\u2028", " " * (READ + 50)])
def test_a_step_that_says_nothing_is_read_as_empty(content: str) -> None:
    assert said(step(content)) == EMPTY


def test_only_the_beginning_of_a_long_step_is_embedded() -> None:
    begins = "copper " * 400
    one, other = (encode(trace(step(begins + end)), invented.embedder()) for end in ("velvet", "quarry"))
    assert len(said(step(begins))) <= READ
    assert np.array_equal(one.vectors, other.vectors)


def test_a_step_s_vector_does_not_depend_on_the_other_steps() -> None:
    run = invented.trace(1)
    whole = encode(run, invented.embedder())
    alone = encode(run.model_copy(update={"steps": run.steps[3:4]}), invented.embedder())
    assert np.array_equal(whole.vectors[3:4], alone.vectors)


def test_the_task_shows_in_the_features_but_in_no_vector() -> None:
    steps = step("The barley is counted."), step("Now the copper.", index=1)
    one = encode(trace(*steps), invented.embedder())
    other = encode(trace(*steps, task="Weigh all the copper in the harbour."), invented.embedder())
    assert np.array_equal(one.vectors, other.vectors)
    assert not np.array_equal(one.matrix, other.matrix)
