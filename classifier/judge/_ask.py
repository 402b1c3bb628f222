"""Ask, read, tell once what is wrong, count the votes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.diagnosis import Opinion
from classifier.judge._answer import Checked, Unusable, check, parse, schema
from classifier.judge._case import Case, OpinionRejected, Options
from classifier.judge._clean import one_line
from classifier.judge._prompt import again, compose
from classifier.judge._secrets import Secret, Veil
from classifier.llm.request import Message, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.judge._fit import Shown
    from classifier.llm.request import Complete, Reply

_ECHO = 4_000  # characters of its own answer that the model gets back


@dataclass(frozen=True)
class Prompt:
    """A question ready to be sent, and what is needed to read the answer: `secrets` and `shown` stay here."""

    case: Case
    options: Options
    request: Request
    shown: tuple[Shown, ...]
    veil: Veil

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What is hidden in the request, by its placeholder."""
        return self.veil.secrets

    def read(self, reply: Reply) -> Opinion:
        """Return the opinion in a reply. Raises OpinionRejected with all that is wrong with it."""
        spent = {"calls": 1, "tokens": reply.prompt_tokens + reply.completion_tokens}
        try:
            checked = check(parse(reply.text, refusal=reply.refusal), self.case.taxonomy, self.shown)
        except Unusable as error:
            raise OpinionRejected(error.problems, **spent, cost=reply.cost) from error
        checked = checked.model_copy(update={"reason": self.veil.restore(checked.reason)})
        return _opinion(checked, self.request.model, reply, spent)

    def again(self, reply: Reply, problems: Sequence[str]) -> Request:
        """Return the request that tells the model once what was wrong."""
        echo = "\n".join(one_line(line, _ECHO) for line in (reply.text or reply.refusal or "")[:_ECHO].split("\n"))
        turns = (Message(role="assistant", content=echo or "(nothing)"), Message(role="user", content=again(problems)))
        return self.request.model_copy(update={"messages": (*self.request.messages, *turns)})


def prepare(case: Case, options: Options, vote: int = 0) -> Prompt:
    """Return the question: the same bytes for the same case, options and vote, in every process."""
    veil = Veil()
    system, user, shown = compose(case, options, vote, veil)
    request = Request(
        model=options.model,
        messages=(Message(role="system", content=system), Message(role="user", content=user)),
        response_schema=schema(case.taxonomy),
        max_tokens=options.max_tokens,
        temperature=options.temperature,
        seed=int.from_bytes(case.digest[:4], "big") % 2**31 + vote,
        vote=vote,
    )
    return Prompt(case, options, request, shown, veil)


def ask(case: Case, complete: Complete, options: Options) -> Opinion:
    """Return the judge's opinion of a run, or the one most votes agree on.

    Raises OpinionRejected where no answer was usable, and whatever `complete` raises.
    """
    opinions: list[Opinion] = []
    rejected: list[OpinionRejected] = []
    for vote in range(options.votes):
        try:
            opinions.append(_one(prepare(case, options, vote), complete))
        except OpinionRejected as error:
            rejected.append(error)
    if not opinions:
        reasons = tuple(dict.fromkeys(reason for error in rejected for reason in error.reasons))
        raise OpinionRejected(reasons, **_spent(rejected), cost=_cost(rejected)) from rejected[-1]
    return tally(opinions, rejected)


def tally(opinions: Sequence[Opinion], rejected: Sequence[OpinionRejected] = ()) -> Opinion:
    """Return the opinion of most votes; a rejected vote agrees with none. Between equals the surer cause wins."""
    votes = len(opinions) + len(rejected)
    counted = Counter(opinion.cause for opinion in opinions)
    sure = {cause: sum(each.probability for each in opinions if each.cause == cause) for cause in counted}
    cause = max(counted, key=lambda name: (counted[name], sure[name], name or ""))
    agreeing = [opinion for opinion in opinions if opinion.cause == cause]
    steps = Counter(opinion.step for opinion in agreeing)
    speaker = max(agreeing, key=lambda each: (steps[each.step], each.probability, -each.step))
    everyone: list[Opinion | OpinionRejected] = [*opinions, *rejected]
    return speaker.model_copy(
        update={
            "probability": sure[cause] / len(agreeing),
            "votes": votes,
            "stability": len(agreeing) / votes,
            "repaired": any(opinion.repaired for opinion in agreeing),
            **_spent(everyone),
            "cost": _cost(everyone),
        }
    )


def _one(prompt: Prompt, complete: Complete) -> Opinion:
    reply = complete(prompt.request)
    try:
        return prompt.read(reply)
    except OpinionRejected as first:
        second = complete(prompt.again(reply, first.reasons))
        try:
            opinion = prompt.read(second)
        except OpinionRejected as error:
            both = (first, error)
            raise OpinionRejected(error.reasons, **_spent(both), cost=_cost(both)) from error
        both_ = (first, opinion)
        return opinion.model_copy(update={"repaired": True, **_spent(both_), "cost": _cost(both_)})


def _opinion(checked: Checked, model: str, reply: Reply, spent: dict[str, int]) -> Opinion:
    return Opinion(
        cause=checked.cause,
        second_cause=checked.second_cause,
        step=checked.step,
        agent=checked.agent,
        quotes=checked.evidence,
        probability=checked.probability,
        reason=checked.reason,
        model=model,
        cost=reply.cost,
        **spent,
    )


def _spent(parts: Sequence[Opinion | OpinionRejected]) -> dict[str, int]:
    return {"calls": sum(part.calls for part in parts), "tokens": sum(part.tokens for part in parts)}


def _cost(parts: Sequence[Opinion | OpinionRejected]) -> float | None:
    costs = [part.cost for part in parts]
    return None if None in costs else sum(cost for cost in costs if cost is not None)
