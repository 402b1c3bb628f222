"""What of a request is new: chats, group chats, parallel agents, prompts that are written anew each time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from proxied import SYSTEM, assistant, user

from runner.proxy.history import LONGEST, History, said
from runner.proxy.rerendered import new_pieces

if TYPE_CHECKING:
    from collections.abc import Sequence

Body = dict[str, Any]


class Chat:
    """Sends requests to a History, as the proxy does; `told` are the steps so far: agent, role, content."""

    def __init__(self) -> None:
        self.history = History()
        self.told: list[tuple[str, str, str]] = []
        self.names: dict[int, str] = {}

    def ask(self, messages: Sequence[Body], answer: Body | str, label: str | None = None) -> list[str]:
        """Send a request and its answer; return the contents that were new in the request."""
        names: dict[str, str] = {}
        heard = self.history.read([said(m, "m", names) for m in messages], label)
        self.names |= dict(heard.named)
        step = self.history.answer(heard.conversation, assistant(answer) if isinstance(answer, str) else answer)
        self.told += [(s.agent, s.role.value, s.content) for s in (*heard.steps, step)]
        return [s.content for s in heard.steps]


def test_of_a_chat_that_grows_each_message_is_told_once() -> None:
    chat, messages = Chat(), [SYSTEM, user("task")]
    for n in range(4):
        new = chat.ask(messages, f"answer {n}")
        assert new == ([SYSTEM["content"], "task"] if n == 0 else [f"result {n - 1}"])
        messages += [assistant(f"answer {n}"), user(f"result {n}")]


def test_the_same_words_said_again_are_news() -> None:
    chat, messages = Chat(), [SYSTEM, user("task")]
    for n in range(3):
        new = chat.ask(messages, "the same answer")
        assert new == ([SYSTEM["content"], "task"] if n == 0 else ["the same error"])
        messages += [assistant("the same answer"), user("the same error")]


def test_a_request_that_is_sent_again_tells_nothing_but_its_new_answer() -> None:
    chat = Chat()
    chat.ask([SYSTEM, user("task")], "one")
    assert chat.ask([SYSTEM, user("task")], "two") == []
    assert [content for _, _, content in chat.told] == [SYSTEM["content"], "task", "one", "two"]


def test_the_code_that_an_agent_took_out_of_an_answer_is_known() -> None:
    chat = Chat()
    chat.ask([SYSTEM, user("task")], "I sum it.\n```python\ntotal = df['x'].sum()\nprint(total)\n```")
    code = assistant("total = df['x'].sum()\nprint(total)\n")
    assert chat.ask([SYSTEM, user("task"), code, user("60")], "done") == ["60"]


def test_a_chat_whose_beginning_was_dropped_is_still_known() -> None:
    chat = Chat()
    messages = [SYSTEM, *[user(f"question {n}") for n in range(5)]]
    chat.ask(messages, "an answer")
    assert chat.ask([SYSTEM, *messages[4:], assistant("an answer"), user("next")], "more") == ["next"]


def test_agents_of_a_group_chat_hear_each_other_and_are_told_once_under_their_names() -> None:
    chat = Chat()
    coder, critic = ({"role": "system", "content": f"You are a {who}."} for who in ("coder", "critic"))
    task = user("task", name="boss")
    assert chat.ask([coder, task], "code 1") == ["You are a coder.", "task"]
    assert chat.ask([critic, task, user("code 1", name="Ada")], "review 1") == ["You are a critic."]
    again = [coder, task, assistant("code 1"), user("review 1", name="Bob")]
    assert chat.ask(again, "code 1") == []
    both = [critic, task, user("code 1", name="Ada"), assistant("review 1"), user("code 1", name="Ada")]
    assert chat.ask(both, "review 2") == []
    assert [agent for agent, role, _ in chat.told if role == "assistant"] == ["coder", "critic", "Ada", "Bob"]
    assert chat.names == {0: "Ada", 1: "Bob"}  # so the record renames the first two


def test_parallel_agents_with_one_system_prompt_have_histories_of_their_own() -> None:
    chat = Chat()
    one, two = [SYSTEM, user("task one")], [SYSTEM, user("task two")]
    for n in range(3):
        for mine in (one, two):
            new = chat.ask(mine, f"{mine[1]['content']}: {n}")
            assert new[-1:] == ([f"result {n - 1} of {mine[1]['content']}"] if n else [mine[1]["content"]])
            assert len(new) == (1 if n or mine is two else 2)
            mine += [assistant(f"{mine[1]['content']}: {n}"), user(f"result {n} of {mine[1]['content']}")]


def test_a_label_keeps_agents_apart_whose_words_are_the_same() -> None:
    chat = Chat()
    assert chat.ask([SYSTEM, user("a")], "1", "Ada")
    chat.ask([SYSTEM, user("a")], "2", "Bob")
    assert [agent for agent, role, _ in chat.told if role == "assistant"] == ["Ada", "Bob"]


def test_tool_calls_and_their_answers_carry_the_tools_name() -> None:
    chat = Chat()
    call = {"id": "c1", "type": "function", "function": {"name": "search", "arguments": "{}"}}
    chat.ask([SYSTEM, user("task")], assistant(None, tool_calls=[call]))
    result = {"role": "tool", "tool_call_id": "c1", "content": "nothing found"}
    chat.ask([SYSTEM, user("task"), assistant(None, tool_calls=[call]), result], "sorry")
    assert chat.told[2:] == [("assistant", "assistant", ""), ("search", "tool", "nothing found"),
                             ("assistant", "assistant", "sorry")]  # fmt: skip


@pytest.mark.parametrize(
    ("result", "role"),
    [
        ("exitcode: 1 (execution failed)\nCode output: boom", "tool"),
        ("Traceback (most recent call last):\n  x\nValueError: y", "tool"),
        ("---------------------------------------------\nKeyError     Traceback (most recent call last)", "tool"),
        ("Please try another way.", "user"),
    ],
)
def test_what_code_printed_is_a_tools_word_whatever_role_a_framework_gives_it(result: str, role: str) -> None:
    chat = Chat()
    chat.ask([SYSTEM, user("task")], "code")
    chat.ask([SYSTEM, user("task"), assistant("code"), user(result)], "done")
    assert chat.told[-2] == ("user", role, result)


@pytest.mark.parametrize(
    ("system", "agent"),
    [
        ("You are the Planner who can coordinate others.", "Planner"),
        ("As a data scientist, you need to help the user.", "data scientist"),
        ("You are a Product Manager, named Alice.", "Product Manager"),
        ("You are a helpful AI assistant.\nSolve tasks.", "assistant"),
        ("You are in a role play game. The following roles are available:", "assistant"),
        ("Answer briefly.", "assistant"),
    ],
)
def test_an_agent_is_named_by_the_role_that_its_system_prompt_gives(system: str, agent: str) -> None:
    chat = Chat()
    chat.ask([{"role": "system", "content": system}, user("task")], "done")
    assert chat.told[-1][0] == agent


PROMPT = """# Requirement
Sum column x.

# Plan Status
## Finished Tasks
### code
```python
{code}
```

### execution result
{result}

## Current Task
{task}

# Constraints
- Write code for the current task alone.
- Do not repeat finished code.
- Use the tools at hand.
- Give one block of code.
"""


def prompt(code: str, result: str, task: str) -> list[Body]:
    return [SYSTEM, user(PROMPT.format(code=code, result=result, task=task))]


CODE = "import pandas as pd\ndf = pd.read_csv('data.csv')\nprint(df.shape)"


def test_of_a_prompt_that_is_written_anew_the_result_and_the_next_task_are_told() -> None:
    chat = Chat()
    assert len(chat.ask(prompt("", "", "Load data.csv"), f"```python\n{CODE}\n```")) == 2
    assert chat.ask(prompt(CODE, "(3, 1)", "Sum column x"), "ok") == [
        "### execution result\n(3, 1)",
        "[as before, but for]\n## Current Task\nSum column x",
    ]
    assert [role for _, role, _ in chat.told] == ["system", "user", "assistant", "tool", "user", "assistant"]


def test_the_same_result_of_another_task_is_told_again() -> None:
    chat = Chat()
    chat.ask(prompt("", "", "Load data.csv"), f"```python\n{CODE}\n```")
    chat.ask(prompt(CODE, "(3, 1)", "Look again"), "```python\nprint(df.shape)\n```")
    new = chat.ask(prompt(f"{CODE}\nprint(df.shape)", "(3, 1)\n(3, 1)", "Go on"), "ok")
    assert new == ["### execution result\n(3, 1)", "[as before, but for]\n## Current Task\nGo on"]


def test_old_code_and_old_output_in_another_prompt_are_marked_not_repeated() -> None:
    chat = Chat()
    error = "Traceback (most recent call last):\n  File a, line 1, in main\n  File b, line 2, in there\nKeyError: 'y'"
    base = "# Task types\n- eda: look at data\n- other: all the rest\n# Task\nWrite a plan as a list.\nGive it whole."
    chat.ask([SYSTEM, user(f"# Plan\n[]\n{base}")], "plan: sum column y, whatever comes")
    chat.ask([{"role": "system", "content": "You are a coder."}, user("sum it")], f"```python\n{CODE}\n```")
    coded = [{"role": "system", "content": "You are a coder."}, user("sum it"), assistant(CODE), user(error)]
    chat.ask(coded, "print(df['y'].sum())")
    log = f"assistant: {CODE}\nuser: {error}\nassistant: print(df['y'].sum())\nuser: KeyError: 'z'"
    (new,) = chat.ask([SYSTEM, user(f"# Plan\n[]\n{log}\n{base}")], "plan: sum column x")
    assert "KeyError: 'z'" in new
    assert "read_csv" not in new
    assert "line 2, in there" not in new


def test_lines_that_stand_more_often_than_before_are_new() -> None:
    base = "# Log\nstart\nerror: no such file\nstop\n# Rules\nbe brief"
    text = "# Log\nstart\nerror: no such file\nstop\nerror: no such file\n# Rules\nbe brief"
    assert [piece.body for piece in new_pieces(text, base)] == ["error: no such file"]


def test_comments_in_code_are_no_headings() -> None:
    base = "# Code\n```python\nx = 1\n```\n# End\n" + "\n".join(f"rule {n}" for n in range(9))
    text = base.replace("x = 1", "# print the result\nx = 1\nprint(x + 100)")
    assert not any(piece.result for piece in new_pieces(text, base))


def test_a_step_has_a_bounded_length_and_says_what_is_left_out() -> None:
    chat = Chat()
    chat.ask([SYSTEM, user("x" * (LONGEST + 77))], "ok")
    assert chat.told[1][2].endswith("[… 77 characters left out of the record]")


@pytest.mark.parametrize("line", ["value {n} of a long table", "the same line", "# heading {n}", '"key_{n}": "value"'])
def test_long_prompts_take_time_in_proportion_to_their_length(line: str) -> None:
    """Ten times the lines may take thirty times as long (timers are rough); what is quadratic takes a hundred."""

    def seconds(count: int) -> float:
        base = "\n".join(line.format(n=n) for n in range(count))
        text = "\n".join(line.format(n=n + count // 2) for n in range(count))
        start = time.perf_counter()
        new_pieces(text, base, "told before " * 100)
        return time.perf_counter() - start

    seconds(100)
    few, many = (min(seconds(count) for _ in range(3)) for count in (2_000, 20_000))
    assert many < 30 * max(few, 0.02)
