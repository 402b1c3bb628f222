from __future__ import annotations

import invented_traces as invented
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from classifier import signals
from classifier.decide import MAX_EVIDENCE
from classifier.evidence import LONGEST, PASSAGES, SHORTEST, passages, quote
from classifier.trace import Role, Step, Trace

PIECES = st.sampled_from(
    (
        "The harbour sold nine tons of copper today.", "Traceback (most recent call last):", "SyntaxError: bad input",
        "No module named 'barley'", "Error 404: not found", "solve the captcha", "timed out", "FINAL ANSWER: 7",
        "\r\n", "\n", " ", "\u2028", "\u00a0", "\t", "Über die Brücke gehen sieben Ziegen. ", "港口今天卖出了九吨铜。 ",
        "e\u0301\U0001f9d1\u200d\U0001f680 ",
        "TERMINATE", "your_api_key", "word " * 90, "x" * 700, "max_turns reached", "Should I go on? ",
    )
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=400), st.lists(PIECES, max_size=12).map("".join))
MANY = "\n".join(f"Lot {number} of the barley is sold." for number in range(2 * PASSAGES))
HARD = "One two three four five six.\r\nSeven eight nine ten eleven twelve!\r\n" + "long line without any end " * 40


def at(seed: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    vector = np.random.default_rng(seed).normal(size=invented.embedder().dim)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@given(TEXTS)
@example(HARD)
@example(MANY)
def test_a_passage_stands_in_the_text_as_it_is_and_can_be_quoted(content: str) -> None:
    found = passages(content)
    assert all(part in content and SHORTEST <= len(part) <= LONGEST for part in found)
    assert len(set(found)) == len(found) <= PASSAGES


@settings(deadline=None)
@given(TEXTS)
@example(HARD)
def test_a_quote_is_verbatim_and_missing_only_where_nothing_can_be_quoted(content: str) -> None:
    found = quote(content, at(0), at(1).astype(np.float64), invented.embedder())
    assert (found is None) == (not passages(content))
    assert found is None or found in content


def test_a_text_is_cut_into_sentences_and_lines_whatever_ends_its_lines() -> None:
    first, second, *rest = passages(HARD)
    assert (first, second) == ("One two three four five six.", "Seven eight nine ten eleven twelve!")
    assert [len(part) for part in rest] == [LONGEST]


@pytest.mark.parametrize("content", ["", "ok", "1234 5678 9012 3456 7890 1234", "-" * 500, "one two three"])
def test_a_text_that_says_too_little_is_not_quoted(content: str) -> None:
    assert quote(content, at(0), at(1).astype(np.float64), invented.embedder()) is None


@pytest.mark.parametrize("wanted", range(3))
def test_the_passage_is_quoted_that_says_what_the_step_says_and_speaks_for_the_cause(wanted: int) -> None:
    lines = ["The barley lies in the harbour.", "A saddle of walnut costs more.", "Seven lanterns light the quarry."]
    toward, nowhere = invented.embedder().embed(lines)[wanted], np.zeros(invented.embedder().dim, np.float32)
    content = "\n".join(lines)
    assert quote(content, nowhere, toward.astype(np.float64), invented.embedder()) == lines[wanted]
    assert quote(content, toward, nowhere.astype(np.float64), invented.embedder()) == lines[wanted]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(Role), TEXTS), min_size=1, max_size=8), st.sampled_from(("autogen", "new")))
def test_whatever_a_run_says_its_quotes_stand_in_the_steps_they_name(said: list[tuple[Role, str]], system: str) -> None:
    steps = tuple(
        Step(index=3 * i, agent=f"a{i % 2}", role=role, content=content) for i, (role, content) in enumerate(said)
    )
    run = Trace(id="t", format="coroner", framework=system, task="Count.", steps=steps, succeeded=False)
    contents = {step.index: step.content for step in steps}
    assert all(signal.quote in contents[signal.step] for signal in signals.read(run))
    diagnosis = invented.classifier().classify(run)
    assert len(diagnosis.evidence) <= MAX_EVIDENCE
    assert all(proof.quote and proof.quote in contents[proof.step] for proof in diagnosis.evidence)
