"""Signals: a fact that a step proves is read with its exact quote; what is merely mentioned is not.

All texts are invented. How often each kind is right on real runs is in docs/signals.md.
"""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.signals import Signal, SignalKind, by_step, read
from classifier.trace import Role, Step, ToolCall, Trace

K = SignalKind


def step(index: int, role: Role, content: str, agent: str = "", **more: object) -> Step:
    return Step.model_validate({"index": index, "agent": agent or role.value, "role": role, "content": content, **more})


def run(*steps: Step, task: str = "Count the herons.") -> Trace:
    return Trace(id="t", format="x", framework="x", task=task, steps=steps)


def during(*middle: tuple[Role, str], task: str = "Count the herons.", answer: str = "Twelve.") -> Trace:
    """Return a run of a task, these messages and an answer."""
    messages = [(Role.USER, task), *middle, (Role.ASSISTANT, answer)]
    return run(*(step(i, role, content) for i, (role, content) in enumerate(messages)), task=task)


def seen(trace: Trace) -> set[tuple[SignalKind, str | None]]:
    return {(signal.kind, signal.detail) for signal in read(trace)}


def kinds(trace: Trace) -> set[SignalKind]:
    return {signal.kind for signal in read(trace)}


TRACEBACK = """exitcode: 1 (execution failed)
Code output: Traceback (most recent call last):
  File "/tmp/herons.py", line 3, in <module>
    count(rows)
KeyError: 'heron'
"""
CHAIN = """Traceback (most recent call last):
  File "a.py", line 1, in load
    open(path)
OSError: unreadable
over two lines

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "a.py", line 9, in <module>
    raise birds.LoadError("no herons")
birds.io.LoadError: no herons
done
"""
NOTEBOOK = """FAILURE
Traceback (most recent call last):

  Cell In[1], line 2
    herons = rows['x']

  File /opt/frames.py:88 in __getitem__
    raise KeyError(key)

KeyError: 'x'

"""
BROWSED = """I clicked 'Herons'.

Here is a screenshot of [{title}](https://birds.example/). The viewport shows 30% of the webpage, and is positioned at
the top of the page.
Automatic OCR of the page screenshot has detected the following text:

{text}"""


@pytest.mark.parametrize(
    ("output", "kind", "detail"),
    [
        (TRACEBACK, K.TRACEBACK, "KeyError"),
        (CHAIN, K.TRACEBACK, "LoadError"),
        (NOTEBOOK, K.TRACEBACK, "KeyError"),
        (
            '{"error": "Traceback (most recent call last):\\n  File\\nValueError: no herons\\n"}',
            K.TRACEBACK,
            "ValueError",
        ),
        ("Traceback (most recent call last):\n  File", K.TRACEBACK, None),
        ('  File "a.py", line 1\n    x = (\nSyntaxError: unexpected EOF', K.SYNTAX_ERROR, "SyntaxError"),
        ("sh: 1: syntax error near unexpected token `('", K.SYNTAX_ERROR, "shell"),
        ('ERROR: syntax error at or near "FORM"', K.SYNTAX_ERROR, "sql"),
        ("Failed to parse tool call: expected ','", K.SYNTAX_ERROR, "call"),
        ("ModuleNotFoundError: No module named 'herons.maps'", K.MISSING_MODULE, "herons.maps"),
        ("bash: line 1: heronctl: command not found", K.MISSING_MODULE, "heronctl"),
        ("a.sh: 5: heronctl: not found", K.MISSING_MODULE, "heronctl"),
        ("ImportError: Missing optional dependency 'openpyxl'.", K.MISSING_MODULE, "openpyxl"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'birds.csv'", K.MISSING_FILE, "birds.csv"),
        ("File not found: /data/birds.csv", K.MISSING_FILE, "/data/birds.csv"),
        ("The specified file does not exist", K.MISSING_FILE, None),
        ("requests.HTTPError: 404 Client Error: Not Found for url: https://x.example", K.HTTP_ERROR, "404"),
        ("Request failed with status code 503", K.HTTP_ERROR, "503"),
        ("Error code: 429 - slow down", K.HTTP_ERROR, "429"),
        ('{"extracted_text": "Error fetching URL: 403 Client Error: Forbidden"}', K.HTTP_ERROR, "403"),
        ("HTTP 401: invalid API key", K.BLOCKED, "credentials"),
        ("403 Forbidden", K.BLOCKED, "forbidden"),
        ("{'code': 'content_filter', 'message': 'filtered'}", K.BLOCKED, "content filter"),
        ("TimeoutError: [Errno 110] Connection timed out", K.TIMEOUT, None),
        ("exitcode: 124 (execution failed)\nCode output: \nTimeout", K.TIMEOUT, None),
        ("This model's maximum context length is 8192 tokens", K.CONTEXT_OVERFLOW, "overflow"),
        ("heron heron [output truncated: 9000 lines]", K.CONTEXT_OVERFLOW, "truncated"),
        ("Maximum number of steps reached.", K.LIMIT_REACHED, None),
        ("exitcode: 2 (execution failed)\nCode output: no herons", K.TOOL_ERROR, None),
        ("Error: pond not found", K.TOOL_ERROR, None),
    ],
)
def test_a_tool_s_report_is_read(output: str, kind: SignalKind, detail: str | None) -> None:
    assert (kind, detail) in seen(during((Role.ASSISTANT, "Counting now."), (Role.TOOL, output)))


def test_a_chain_of_exceptions_is_one_signal_the_last_and_quotes_its_line() -> None:
    found = [s for s in read(during((Role.TOOL, CHAIN))) if s.kind is K.TRACEBACK]
    assert [s.quote for s in found] == ["birds.io.LoadError: no herons"]


def test_two_tracebacks_of_one_step_are_two_signals() -> None:
    found = [s.detail for s in read(during((Role.TOOL, TRACEBACK + CHAIN))) if s.kind is K.TRACEBACK]
    assert found == ["KeyError", "LoadError"]


def test_a_program_that_could_not_be_started_is_no_missing_file() -> None:
    started = 'Traceback (most recent call last):\n  File "subprocess.py", line 9, in _execute_child\n    raise child\n'
    found = seen(during((Role.TOOL, started + "FileNotFoundError: [Errno 2] No such file or directory: 'heronctl'")))
    assert (K.MISSING_MODULE, "heronctl") in found
    assert K.MISSING_FILE not in {kind for kind, _ in found}


def test_a_plain_failure_is_told_only_where_nothing_says_more() -> None:
    assert K.TOOL_ERROR not in kinds(during((Role.TOOL, TRACEBACK)))


@pytest.mark.parametrize(
    ("title", "kind", "detail"),
    [
        ("Just a moment...", K.BLOCKED, "captcha"),
        ("Access to this page has been denied", K.BLOCKED, "forbidden"),
        ("Log in | Heron Net", K.BLOCKED, "login"),
        ("404 Not Found", K.HTTP_ERROR, "404"),
        ("Error 503", K.HTTP_ERROR, "503"),
    ],
)
def test_a_page_that_is_an_error_says_so_in_its_title(title: str, kind: SignalKind, detail: str) -> None:
    page = BROWSED.format(title=title, text="Herons")
    assert (kind, detail) in seen(during((Role.ASSISTANT, page)))


def test_a_challenge_is_read_off_a_page() -> None:
    page = BROWSED.format(title="birds.example", text="Verify you are human by completing the action below.")
    assert (K.BLOCKED, "captcha") in seen(during((Role.ASSISTANT, page)))


ARTICLE = """Status code 404 means that a page is missing; 403 Forbidden that it is closed.
HTTP 500: a server failed.
A request that took too long ends in a connection timed out. TimeoutError: so Python calls it.
ModuleNotFoundError: No module named 'herons' is a common error, as is: File not found.
No such file or directory: 'birds.csv'. The maximum context length of a model, the captcha, the login.
SyntaxError: invalid syntax. Error: pond not found. (truncated) Please confirm if we may proceed.
YOUR_API_KEY, mock data.
Maximum number of steps reached."""


@pytest.mark.parametrize(
    ("role", "content"),
    [
        (Role.ASSISTANT, BROWSED.format(title="All about errors", text=ARTICLE)),
        (Role.ASSISTANT, f"Address: https://birds.example/\nTitle: HTTP 404, a history\nViewport: page 1\n{ARTICLE}"),
        (Role.TOOL, f"exitcode: 0 (execution succeeded)\nCode output: Search Result 1:\n{ARTICLE}"),
        (Role.TOOL, '{"url": "https://x.example", "extracted_text": "' + ARTICLE.replace("\n", "\\n") + '"}'),
        (Role.USER, ARTICLE),
        (Role.SYSTEM, ARTICLE),
    ],
)
def test_what_a_page_a_human_or_a_rule_mentions_is_no_signal(role: Role, content: str) -> None:
    assert not read(during((role, content), (Role.ASSISTANT, "So much for errors.")))


@pytest.mark.parametrize(
    "said",
    [
        "The server gave a 404 error, and the one before a 403 Forbidden; both requests timed out after a minute.",
        "We got a ModuleNotFoundError, and a FileNotFoundError: 'birds.csv' was not found. Let us look elsewhere.",
        "If the maximum number of steps is reached, we stop. Mind the captcha and the maximum context length.",
        "Let's simulate game nights: the sample size is twelve, and the herons are no placeholder.",
    ],
)
def test_what_an_agent_talks_about_is_no_signal(said: str) -> None:
    assert not read(during((Role.ASSISTANT, said), (Role.TOOL, "ok")))


def test_the_message_that_opens_a_run_quotes_machines_as_part_of_its_task() -> None:
    task = step(0, Role.ASSISTANT, f"Explain this:\n{TRACEBACK}", "Manager")
    assert not read(run(task, step(1, Role.ASSISTANT, "A key is missing.", "Helper")))


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        ("```python\nclient = Maps(key='YOUR_API_KEY')\n```", "key"),
        ("```python\nimage = open('path/to/heron.png')\n```", "path"),
        ("```python\n# Mock data for the herons\nrows = [1, 2]\n```", "data"),
        ("We have no table, so I will simulate the counts of the last ten years.", "data"),
        ("Here is the count, based on observation. I compiled it with hypothetical values for the ponds.", "data"),
    ],
)
def test_placeholders_and_made_up_data_are_read_off_code_and_prose(content: str, detail: str) -> None:
    assert (K.PLACEHOLDER, detail) in seen(during((Role.ASSISTANT, content)))


ASKED = "Twelve herons.\n\nShall we proceed with this result?"


def test_asking_a_team_that_no_human_hears_is_needless() -> None:
    assert K.ASKED_CONFIRMATION in kinds(during((Role.ASSISTANT, ASKED)))


def test_asking_a_human_who_answers_is_not() -> None:
    assert K.ASKED_CONFIRMATION not in kinds(during((Role.ASSISTANT, ASKED), (Role.USER, "Yes, go on.")))


def test_asking_beside_an_act_does_not_stop_the_work() -> None:
    assert K.ASKED_CONFIRMATION not in kinds(during((Role.ASSISTANT, f"```python\ncount()\n```\n{ASKED}")))


def test_asking_somebody_to_work_is_no_request_for_confirmation() -> None:
    order = "Please confirm the number of ponds on the map, and find their depth."
    assert K.ASKED_CONFIRMATION not in kinds(during((Role.ASSISTANT, order)))


def called(index: int, arguments: str, content: str = "", name: str = "count") -> Step:
    return step(index, Role.ASSISTANT, content, tool_calls=(ToolCall(name=name, arguments=arguments),))


def repeats(trace: Trace) -> list[tuple[int, str | None]]:
    return [(signal.step, signal.detail) for signal in read(trace) if signal.kind is K.REPEATED_STEP]


def test_the_same_call_with_the_same_result_is_a_repeat_of_the_latest_one() -> None:
    calls = [
        one for i in (1, 3, 5) for one in (called(i, '{"pond": 1}', '{"pond": 1}'), step(i + 1, Role.TOOL, "busy"))
    ]
    assert repeats(run(step(0, Role.USER, "Count"), *calls)) == [(3, "1"), (5, "3")]


def test_a_call_without_words_is_shown_by_its_result() -> None:
    calls = [one for i in (1, 3) for one in (called(i, '{"pond": 1}'), step(i + 1, Role.TOOL, "busy"))]
    assert repeats(run(step(0, Role.USER, "Count"), *calls)) == [(4, "1")]


@pytest.mark.parametrize(
    ("arguments", "result"), [('{"pond": 2}', "busy"), ('{"pond": 1}', "three herons and a kingfisher, by the willow")]
)
def test_another_call_or_another_result_is_progress(arguments: str, result: str) -> None:
    first, second = called(1, '{"pond": 1}', "First."), called(3, arguments, "Then.")
    assert not repeats(
        run(step(0, Role.USER, "Count"), first, step(2, Role.TOOL, "busy"), second, step(4, Role.TOOL, result))
    )


def test_nearly_the_same_code_with_the_same_error_is_a_repeat() -> None:
    code = "```python\n" + "\n".join(f"pond_{i} = count('herons', place={i})" for i in range(30)) + "\n{}\n```"
    steps = [step(0, Role.USER, "Count")]
    for i, end in ((1, "print(pond_1)"), (3, "print(pond_2)")):
        steps += [step(i, Role.ASSISTANT, code.format(end)), step(i + 1, Role.TOOL, TRACEBACK)]
    assert repeats(run(*steps)) == [(3, "1")]


def test_scrolling_a_page_on_is_no_repeat_and_staying_is() -> None:
    page = (
        "I scrolled down one page in the browser.\n\nHere is a screenshot of [Herons](https://x.example). The viewport "
    )
    page += "shows 10% of the webpage, and is positioned {}% down from the top of the page.\nHerons, herons, herons."
    places = (20, 30, 30)
    steps = [step(i, Role.ASSISTANT, page.format(place), "Surfer") for i, place in enumerate(places, 1)]
    assert repeats(run(step(0, Role.USER, "Count"), *steps)) == [(3, "2")]


def test_agreeing_or_telling_the_plan_again_is_no_repeat() -> None:
    plan = "The plan is to look at the first pond, then at the second pond, then at the third one, and to add them up."
    steps = [step(i, Role.ASSISTANT, "I agree.") for i in (1, 2)]
    steps += [step(i, Role.ASSISTANT, plan, "Planner", kind="plan") for i in (3, 4)]
    assert not repeats(run(step(0, Role.USER, "Count"), *steps))


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        ("FINAL ANSWER: Unable to determine", "declined"),
        ("<answer>I am unable to find the count.</answer>", "declined"),
        ("<answer></answer>", "empty"),
        ("```python\ncount()\n```\nLet us run this.", "unfinished"),
    ],
)
def test_a_run_without_an_answer(answer: str, detail: str) -> None:
    assert (K.NO_ANSWER, detail) in seen(during(answer=answer))


@pytest.mark.parametrize("answer", ["FINAL ANSWER: 12", "<answer>None of the herons</answer>", "There are twelve."])
def test_a_run_with_an_answer(answer: str) -> None:
    assert K.NO_ANSWER not in kinds(during(answer=answer))


def test_a_run_closed_before_its_terminal_spoke_last_is_finished() -> None:
    steps = (step(1, Role.ASSISTANT, "Twelve.\nTERMINATE"), step(2, Role.TOOL, "no code to execute"))
    assert not read(run(step(0, Role.USER, "Count"), *steps))


@pytest.mark.parametrize(
    ("task", "wrong", "right"),
    [
        ("How many? Your answer should be an integer.", "There are 12 herons", "12"),
        ("How many? Just give the number.", "about 12 or so", "12.5"),
        ("Which? Answer with a comma-separated list.", "heron\ngull", "heron, gull"),
        ("Which? Give a list of jsons with the key name.", "heron", '[{"name": "heron"}]'),
        ("Is it a heron? Answer yes or no.", "It is a heron", "Yes."),
        ("Which day? Answer using the format DD/MM/YYYY.", "May 3rd, 2021", "03/05/2021"),
        ("Which bird? Answer without articles.", "the heron", "heron"),
        ("How tall? Round to two decimal places.", "1.234", "1.23"),
        ("Which fish? Do not use the prefix herring in your answer.", "herring-like fish", "sprat"),
    ],
)
def test_an_answer_is_held_to_the_form_that_the_task_asks_for(task: str, wrong: str, right: str) -> None:
    assert K.ANSWER_FORM in kinds(during(task=task, answer=f"<answer>{wrong}</answer>"))
    assert K.ANSWER_FORM not in kinds(during(task=task, answer=f"FINAL ANSWER: {right}"))


def test_a_limit_that_the_framework_lets_its_agent_say_is_read() -> None:
    assert (K.LIMIT_REACHED, "30") in seen(during(answer="Max rounds (30) reached.\nFINAL ANSWER: 12"))


def test_signals_come_in_the_order_of_the_steps_and_are_grouped_by_it() -> None:
    found = read(during((Role.TOOL, TRACEBACK), (Role.ASSISTANT, "Again."), (Role.TOOL, "Error: 404 Client Error")))
    assert [signal.step for signal in found] == sorted(signal.step for signal in found)
    assert by_step(found) == {1: (found[0],), 3: (found[1],)}


def test_a_signal_names_the_cause_that_it_alone_speaks_for() -> None:
    key = Signal(kind=K.PLACEHOLDER, step=0, quote="YOUR_KEY", detail="key")
    assert (key.cause, K.PLACEHOLDER.cause, K.TRACEBACK.cause) == ("E2.3", "E2.4", None)


LINES = f"{TRACEBACK}\n{CHAIN}\n{ARTICLE}\n{BROWSED}\n```python\n```\n#\n \n<action>\n</action>".splitlines()
MARKS = [
    " " * 400,
    "\n\nMaximum number of steps reached.",
    "<answer>",
    "</answer>",
    "FINAL ANSWER:",
    "Traceback (most recent call last):",
    "\\n",
]
FRAGMENTS = st.sampled_from([*LINES, *MARKS])
TEXTS = st.lists(st.one_of(FRAGMENTS, st.text(max_size=20)), max_size=12).map("\n".join)
STEPS = st.lists(st.tuples(st.sampled_from(Role), TEXTS), min_size=1, max_size=8)


@given(STEPS, TEXTS)
def test_whatever_the_run_every_quote_is_verbatim(messages: list[tuple[Role, str]], task: str) -> None:
    trace = run(*(step(i, role, content) for i, (role, content) in enumerate(messages)), task=task)
    contents = {one.index: one.content for one in trace.steps}
    assert all(signal.quote in contents[signal.step] for signal in read(trace))


HOSTILE = (
    *(
        "#",
        "(",
        "[",
        " ",
        "\n",
        "`",
        "```",
        "<answer>",
        "Traceback (most recent call last):\n",
        "max ",
        "path/to/",
        "YOUR_",
    ),
    *(
        "404 Client Error ",
        "status code 404 ",
        "a.",
        "x: ",
        "sh: ",
        "please confirm ",
        "File ",
        "file not found ",
        '"snippet": "',
    ),
)


@pytest.mark.parametrize("piece", HOSTILE)
def test_no_text_costs_more_than_its_length(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    trace = run(step(0, Role.USER, text), step(1, Role.TOOL, text), step(2, Role.ASSISTANT, text), task=text)
    start = time.process_time()
    read(trace)
    assert time.process_time() - start < 3  # linear: a tenth of that; squared: minutes


def test_ten_thousand_steps_take_seconds() -> None:
    words = [f"heron{i % 977} pond{i % 31}" for i in range(120)]
    steps = [step(0, Role.USER, "Count")]
    for i in range(1, 10_000):
        text = " ".join(words[(i * 7) % 60 :]) + f" {i}"
        steps.append(step(i, Role.TOOL if i % 2 else Role.ASSISTANT, f"```python\n{text}\n```" if i % 2 == 0 else text))
    trace = run(*steps)
    start = time.process_time()
    read(trace)
    assert time.process_time() - start < 8  # about two on an idle machine
