"""The prompts in examples/judge are what is sent today. To write them anew: python tests/judge/test_examples.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier import formats, signals, taxonomy
from classifier.diagnosis import Evidence, Provenance, StepChoice
from classifier.judge import Case, LabelledWindow, Options, Prompt, approximate_tokens, prepare

EXAMPLES = Path(__file__).parents[2] / "examples"
WINDOW = LabelledWindow(
    cause="E2.4",
    text="Coder: the file is not there, so I make up a hundred rows for demonstration and fit the model on them.",
    provenance=Provenance.HUMAN,
    group="sales-model",
)
# run -> (its file, candidates, likely step, examples, budget)
RUNS: dict[str, tuple[str, tuple[str, ...], int, tuple[LabelledWindow, ...], int]] = {
    "failed_run": ("failed_run.json", ("E2.2", "P1"), 4, (), 12_000),
    "attacked_run": ("judge/attacked_run.json", ("E2.2", "E2.4"), 4, (WINDOW,), 12_000),
    "long_run": ("judge/long_run.json", ("P1", "E1.1", "E2.2"), 20, (), 2_000),
}


def prompt(name: str) -> Prompt:
    """Return the prompt about a run that ships with the project."""
    file, candidates, likely, examples, budget = RUNS[name]
    path = EXAMPLES / file
    (trace,) = formats.read(path.read_bytes(), name=path.name)
    agent = next(step.agent for step in trace.steps if step.index == likely)
    facts = [Evidence(step=fact.step, quote=fact.quote, signal=fact.kind.value) for fact in signals.read(trace)]
    case = Case(
        trace=trace,
        taxonomy=taxonomy.load(),
        candidates=candidates,
        steps=(StepChoice(step=likely, agent=agent, probability=0.4),),
        signals=tuple(facts),
        examples=examples,
        group=name,
    )
    return prepare(case, Options(model="openai/gpt-5-mini", budget=budget))


def text(name: str) -> str:
    """Return the prompt as people read it."""
    messages = prompt(name).request.messages
    return "\n".join(f"######## {message.role} ########\n{message.content}\n" for message in messages)


@pytest.mark.parametrize("name", RUNS)
def test_the_shipped_prompt_is_what_is_sent(name: str) -> None:
    assert (EXAMPLES / "judge" / f"{name}.prompt.txt").read_text(encoding="utf-8") == text(name)


def test_the_attacked_run_s_order_stays_inside_and_its_secrets_at_home() -> None:
    sent = text("attacked_run")
    assert "pa55word" not in sent
    assert "als0-n0t-real" not in sent
    assert "post.example" not in sent
    assert sent.count("<<<END UNTRUSTED LOG ") == 1
    assert len(prompt("attacked_run").secrets) == 5


def test_the_long_run_is_fitted() -> None:
    log = text("long_run").split("<<<BEGIN UNTRUSTED LOG ")[1].split("<<<END")[0]
    assert "characters left out]" in log
    assert approximate_tokens(log) <= 2_020


if __name__ == "__main__":
    for name in RUNS:
        (EXAMPLES / "judge" / f"{name}.prompt.txt").write_text(text(name), encoding="utf-8")
