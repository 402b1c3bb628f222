"""Consult: put a run to the judge, and bring back its opinion, what it cost, or why there is none. Never raises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from classifier import corpus, llm
from classifier.annotation import UNKNOWN
from classifier.diagnosis import Cost, Evidence, Provenance
from classifier.encoding import said
from classifier.index import unit
from classifier.judge import Case, LabelledWindow, OpinionRejected, Options, ask, prepare
from classifier.risk import RISK, When

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifier.diagnosis import Opinion, StepChoice
    from classifier.embedders import Embedder
    from classifier.llm import Complete, Heard, Reply, Request, Store
    from classifier.signals import Signal
    from classifier.taxonomy import Taxonomy
    from classifier.trace import Trace

Line: TypeAlias = Callable[[str, "Heard"], "Complete"]  # to ask about the trace of a tag: `llm.Caller.on`

NEAREST = 60  # labelled windows of which the prompt's examples are chosen
_AFTER = 250  # characters of the step after the decisive one


class Hearing(NamedTuple):
    """What came of asking. `notes` tell a reader why there is no opinion, where there is none."""

    opinion: Opinion | None
    cost: Cost
    notes: tuple[str, ...] = ()


class Question(NamedTuple):
    """A run and what the neighbours make of it. `at` (d,) is the vector of its likeliest decisive step."""

    trace: Trace
    taxonomy: Taxonomy
    candidates: tuple[str, ...]
    steps: tuple[StepChoice, ...]
    signals: tuple[Signal, ...]
    at: NDArray[np.float32]


@dataclass(frozen=True)
class Windows:
    """Labelled windows that the judge may be shown: `vectors` (n, d) of their decisive steps, `tasks` of their runs."""

    windows: tuple[LabelledWindow, ...]
    tasks: tuple[str, ...]
    vectors: NDArray[np.float32]

    @classmethod
    def of(cls, examples: Sequence[corpus.Example], embedder: Embedder, taxonomy: Taxonomy) -> Windows:
        """Cut the windows out of labelled runs; those without a step, or a cause of the taxonomy, have none."""
        windows, tasks, texts = list[LabelledWindow](), list[str](), list[str]()
        for example in examples:
            label, steps = example.label, example.trace.steps
            at = next((i for i, step in enumerate(steps) if step.index == label.step), None)
            if at is None or label.cause is None or label.cause == UNKNOWN or label.cause not in taxonomy:
                continue
            told = [f"{steps[at].agent}: {said(steps[at])}"]
            told += [f"{step.agent}: {step.content[:_AFTER]}" for step in steps[at + 1 : at + 2]]
            windows.append(
                LabelledWindow(
                    cause=label.cause,
                    text="\n".join(told),
                    provenance=label.cause_by or Provenance.MODEL,
                    group=example.group,
                )
            )
            tasks.append(example.trace.task)
            texts.append(said(steps[at]))
        vectors = unit(embedder.embed(texts)) if texts else np.zeros((0, 1), dtype=np.float32)
        return cls(tuple(windows), tuple(tasks), vectors)

    def near(self, task: str, at: NDArray[np.float32]) -> tuple[str, tuple[LabelledWindow, ...]]:
        """Return the group of a task, and the nearest windows with theirs, nearest first."""
        if not self.windows:
            return "", ()
        group, *groups = corpus.group_tasks([task, *self.tasks])
        order = np.argsort(-(self.vectors @ unit(at[None])[0]), kind="stable")[:NEAREST]
        return group, tuple(self.windows[i].model_copy(update={"group": groups[i]}) for i in order)


@dataclass(frozen=True)
class Judge:
    """A model to ask, how, and when."""

    options: Options
    line: Line
    when: When = When.AUTO
    risk: float = RISK
    windows: Windows | None = None

    def hear(self, question: Question) -> Hearing:
        """Ask. Whatever goes wrong is a note: the neighbours' verdict stands, and the batch goes on."""
        case = self._case(question)
        bill = Bill()
        try:
            opinion = ask(case, self.line(tag(question.trace, case), bill.add), self.options)
        except OpinionRejected as error:
            why = str(error)
            return Hearing(None, bill.cost, (f"{why[0].upper()}{why[1:]}. The neighbours' verdict stands.",))
        except llm.LlmError as error:
            return Hearing(None, bill.cost, (f"The judge was not heard, the neighbours' verdict stands: {error}",))
        return Hearing(opinion, bill.cost)

    def gaps(self, question: Question, store: Store) -> tuple[list[Request], str]:
        """Return the requests that have no recorded answer, and the trace's tag.

        Those that follow from an answer (it was cut off, or has to be corrected) show only once that is on record.
        """
        case, missing = self._case(question), list[llm.Request]()
        recorded = llm.replay(store, missing.append)
        for vote in range(self.options.votes):
            prompt = prepare(case, self.options, vote)
            try:
                reply = recorded(prompt.request)
                try:
                    prompt.read(reply)
                except OpinionRejected as error:
                    recorded(prompt.again(reply, error.reasons))
            except llm.LlmError:
                continue  # it is among the missing, or asking has come to its end
        return missing, tag(question.trace, case)

    def _case(self, question: Question) -> Case:
        group, examples = self.windows.near(question.trace.task, question.at) if self.windows else (None, ())
        return Case(
            trace=question.trace,
            taxonomy=question.taxonomy,
            candidates=question.candidates,
            steps=question.steps,
            signals=tuple(
                Evidence(step=fact.step, quote=fact.quote, signal=fact.kind.value) for fact in question.signals
            ),
            examples=examples,
            group=group,
        )


class Bill:
    """Adds up replies."""

    def __init__(self) -> None:
        self.cost = Cost()

    def add(self, reply: Reply) -> None:
        """Add one."""
        self.cost = total(
            self.cost,
            Cost(
                usd=reply.cost,
                calls=1,
                tokens=reply.prompt_tokens + reply.completion_tokens,
                recorded=int(reply.recorded),
            ),
        )


def total(*costs: Cost) -> Cost:
    """Add costs up; of an unknown price nothing is known."""
    usd = [cost.usd for cost in costs]
    return Cost(
        usd=None if None in usd else sum(one for one in usd if one is not None),
        calls=sum(cost.calls for cost in costs),
        tokens=sum(cost.tokens for cost in costs),
        recorded=sum(cost.recorded for cost in costs),
    )


def tag(trace: Trace, case: Case) -> str:
    """Name a run in the store and in budgets: two runs of one id are two."""
    return f"{trace.id} {case.digest.hex()[:12]}"


def options(model: str, *, votes: int = 1) -> Options:
    """Return how a model is asked: the log's tokens are counted as litellm counts them for it, offline."""
    return Options(model=model, votes=votes, count=partial(llm.count_tokens, model))
