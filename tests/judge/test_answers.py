"""What the judge answers: read, checked, told once, counted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cases import HONEST, QUOTE, TAXONOMY, case

from classifier.diagnosis import Evidence
from classifier.judge import OpinionRejected, Options, ask, prepare
from classifier.judge._answer import schema
from classifier.llm.request import Reply

if TYPE_CHECKING:
    from classifier.llm.request import Request

OPTIONS = Options(model="double/scripted")


class Scripted:
    """A model double that answers what it is given, in turn."""

    def __init__(self, *texts: str, cost: float | None = 0.01) -> None:
        self.texts, self.cost = list(texts), cost
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> Reply:
        self.requests.append(request)
        text = self.texts[min(len(self.requests), len(self.texts)) - 1]
        return Reply(text=text, finish_reason="stop", model="m", prompt_tokens=90, completion_tokens=10, cost=self.cost)


def _said(**other: object) -> str:
    return json.dumps({**HONEST, **other})


def test_a_good_answer_is_an_opinion() -> None:
    opinion = ask(case(), Scripted(_said()), OPTIONS)
    assert (opinion.cause, opinion.second_cause, opinion.step, opinion.agent) == ("E2.2", "P1", 3, "Reader")
    assert opinion.quotes == (Evidence(step=3, quote=QUOTE),)
    assert (opinion.calls, opinion.tokens, opinion.cost, opinion.repaired) == (1, 100, 0.01, False)


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{_said()}\n```",
        f"Here is my verdict.\n\n{_said()}\n\nI hope this helps.",
        f"<think>{{maybe P1?}}</think>{_said()}",
        _said().replace('"', "'"),
        _said()[:-1] + ",}",
        _said()[:-1],
        _said(probability="0.7", step="3", quotes=QUOTE, extra=[1]),
        _said(cause="E2.2 Functionality error", second_cause="none"),
        _said(cause="functionality_error", second_cause="Improper task decomposition"),
    ],
)
def test_answers_that_are_almost_right_are_read(text: str) -> None:
    opinion = ask(case(), Scripted(text), OPTIONS)
    assert (opinion.cause, opinion.step, opinion.probability, opinion.calls) == ("E2.2", 3, 0.7, 1)


FAULTY = {
    "unknown cause": (_said(cause="E9"), "cause is not an id"),
    "unknown second cause": (_said(second_cause="luck"), "second_cause is not an id"),
    "step that is not there": (_said(step=12), "step 12 is not in the log"),
    "step that is no number": (_said(step="third"), "step"),
    "invented quote": (_said(quotes=["The timetable lists 15 departures"]), "quote 1 does not occur"),
    "quote of the codebook": (_said(quotes=["It runs, but its result deviates"]), "quote 1 does not occur"),
    "quote of a head": (_said(quotes=["[step 3] Reader, assistant"]), "quote 1 does not occur"),
    "quote over two steps": (_said(quotes=["then count. Sunday: see"]), "quote 1 does not occur"),
    "quote with words left out": (_said(quotes=["The timetable ... is 14."]), "quote 1 does not occur"),
    "tiny quote": (_said(quotes=["14"]), "quote 1 is too short"),
    "no quote": (_said(quotes=[]), "there is no quote"),
    "percentage": (_said(probability=70), "probability is not between"),
    "negative": (_said(probability=-0.1), "probability is not between"),
    "not a number": (_said(probability=float("nan")), "probability is not between"),
    "field missing": (json.dumps({"cause": "E2.2"}), "quotes"),
    "refusal": ("I cannot help with that.", "the answer is not a JSON object"),
    "empty": ("", "the answer is not a JSON object"),
    "a list": ("[1, 2]", "the answer is not a JSON object"),
    "nested too deep": ('{"a":' * 3_000, "the answer is not a JSON object"),
}


@pytest.mark.parametrize(("text", "problem"), FAULTY.values(), ids=FAULTY.keys())
def test_a_faulty_answer_is_told_once_and_the_better_one_counts(text: str, problem: str) -> None:
    model = Scripted(text, _said())
    opinion = ask(case(), model, OPTIONS)
    first, second = model.requests
    assert (opinion.cause, opinion.repaired, opinion.calls, opinion.tokens, opinion.cost) == (
        "E2.2",
        True,
        2,
        200,
        0.02,
    )
    assert second.messages[:2] == first.messages
    assert [message.role for message in second.messages[2:]] == ["assistant", "user"]
    assert f"- {problem}" in second.messages[3].content


@pytest.mark.parametrize(("text", "problem"), FAULTY.values(), ids=FAULTY.keys())
def test_an_answer_faulty_twice_is_discarded_with_its_reasons_and_its_cost(text: str, problem: str) -> None:
    model = Scripted(text)
    with pytest.raises(OpinionRejected) as caught:
        ask(case(), model, OPTIONS)
    assert any(reason.startswith(problem) for reason in caught.value.reasons)
    assert (len(model.requests), caught.value.calls, caught.value.tokens, caught.value.cost) == (2, 2, 200, 0.02)


def test_a_quote_is_found_whatever_its_white_space_and_bars_and_in_the_step_it_is_from() -> None:
    quotes = ["Sunday: see table B.\n| Weekdays:   table A,", "Plan: open the\ntimetable"]
    opinion = ask(case(), Scripted(_said(quotes=quotes)), OPTIONS)
    assert opinion.quotes == (
        Evidence(step=2, quote="Sunday: see table B. Weekdays: table A,"),
        Evidence(step=1, quote="Plan: open the timetable"),
    )


def test_a_quote_with_a_placeholder_comes_back_with_what_it_hides() -> None:
    asked = case("mail to ada@example.org now")
    opinion = ask(asked, Scripted(_said(quotes=["mail to [SECRET-1:email-address] now"])), OPTIONS)
    assert opinion.quotes == (Evidence(step=2, quote="mail to ada@example.org now"),)


def test_a_call_and_an_error_can_be_quoted() -> None:
    asked = case("open_page failed at once", at=("arguments", "error"))
    assert ask(asked, Scripted(_said(quotes=["open_page failed"])), OPTIONS).quotes[0].step == 2


def test_unknown_is_an_opinion_without_a_cause_and_needs_no_quote() -> None:
    opinion = ask(case(), Scripted(_said(cause="unknown", second_cause=None, quotes=[])), OPTIONS)
    assert (opinion.cause, opinion.quotes) == (None, ())


def test_a_declined_answer_is_no_opinion() -> None:
    reply = Reply(text="", finish_reason="stop", model="m", refusal="I would rather not.")
    with pytest.raises(OpinionRejected, match="declined"):
        prepare(case(), OPTIONS).read(reply)


def test_the_reason_is_one_harmless_line() -> None:
    opinion = ask(case(), Scripted(_said(reason="It\x1b[31m went\nwrong\u202e. " + "x" * 5_000)), OPTIONS)
    assert opinion.reason.startswith("It went wrong. xxx")
    assert len(opinion.reason) == 600


def test_votes_are_asked_in_other_orders_and_the_majority_speaks() -> None:
    model = Scripted(_said(probability=0.6), _said(cause="P1", probability=0.9), _said(probability=0.8))
    opinion = ask(case(), model, OPTIONS.model_copy(update={"votes": 3}))
    assert (opinion.cause, opinion.votes, opinion.stability) == ("E2.2", 3, 2 / 3)
    assert opinion.probability == pytest.approx(0.7)
    assert (opinion.calls, opinion.cost) == (3, pytest.approx(0.03))
    assert (
        len({request.hash for request in model.requests}) == len({r.messages[1].content for r in model.requests}) == 3
    )


def test_a_discarded_vote_agrees_with_none_but_is_paid_for() -> None:
    model = Scripted("no", "no", _said(), _said())
    opinion = ask(case(), model, OPTIONS.model_copy(update={"votes": 3}))
    assert (opinion.stability, opinion.calls) == (2 / 3, 4)


def test_votes_that_tie_go_to_the_surer_cause() -> None:
    model = Scripted(_said(probability=0.5), _said(cause="P1", probability=0.8))
    assert ask(case(), model, OPTIONS.model_copy(update={"votes": 2})).cause == "P1"


def test_a_call_without_a_known_price_leaves_the_cost_unknown() -> None:
    assert ask(case(), Scripted(_said(), cost=None), OPTIONS).cost is None


def test_what_the_provider_raises_is_the_callers() -> None:
    def gone(request: Request) -> Reply:
        raise TimeoutError(request.model)

    with pytest.raises(TimeoutError):
        ask(case(), gone, OPTIONS)


def test_the_schema_is_strict_and_names_every_id() -> None:
    form = json.loads(schema(TAXONOMY))
    assert form["additionalProperties"] is False
    assert form["required"] == list(form["properties"]) == list({**dict.fromkeys(form["required"])})
    assert form["properties"]["cause"]["enum"] == [*TAXONOMY.ids, "unknown"]
    assert "$ref" not in schema(TAXONOMY)
