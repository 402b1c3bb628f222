"""The judge's options: shared by the commands that may ask one, and turned into a judge here."""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from classifier.risk import RISK, When
from classifier.terminal import fail, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from classifier.consult import Judge
    from classifier.intake import Classifies
    from classifier.llm import Budget, Caller, Store
    from classifier.pipeline import Classifier

SCOPES = ("trace", "run", "day")


@dataclass(frozen=True)
class Chosen:
    """The options that say which judge is asked, when, and what it may cost. Without a model there is no judge."""

    judge: Annotated[
        str | None,
        typer.Option(
            "--judge", help="Model to ask, as litellm names it: openai/gpt-5-mini, ollama/llama3.1. None unless named."
        ),
    ] = None
    ask: Annotated[
        When, typer.Option("--ask", help="auto: where the labelled runs are not sure enough, see --risk.")
    ] = When.AUTO
    risk: Annotated[
        float,
        typer.Option("--risk", min=0.001, max=0.9, help="Largest share of wrong verdicts among those not asked about."),
    ] = RISK
    votes: Annotated[int, typer.Option("--votes", min=1, max=25, help="How often each run is asked about.")] = 1
    base: Annotated[str | None, typer.Option("--judge-base", help="Address of the model's API, where not usual.")] = (
        None
    )
    budget: Annotated[
        list[str] | None,
        typer.Option("--budget", help="Most USD to spend, per run of this command or day=5, trace=0.1; many allowed."),
    ] = None
    calls: Annotated[
        list[str] | None, typer.Option("--calls", help="Most calls to make, likewise: 200, day=1000, trace=6.")
    ] = None
    asked_at_once: Annotated[int, typer.Option("--asked-at-once", min=1, max=64, help="Most calls at a time.")] = 4
    timeout: Annotated[float, typer.Option("--judge-timeout", min=0.1, help="Seconds for one whole answer.")] = 120.0
    recorded: Annotated[bool, typer.Option("--recorded", help="Send nothing: only answers on record count.")] = False
    store: Annotated[
        Path | None, typer.Option("--judge-store", help="File of all calls, instead of the user's own.")
    ] = None
    examples: Annotated[
        list[Path] | None,
        typer.Option("--judge-examples", help="Labelled folder to show examples from; they are sent, redacted."),
    ] = None

    def arguments(self) -> list[str]:
        """Return the options that choose the same, for a command that is started by another."""
        kinds = get_type_hints(Chosen, include_extras=True)
        given: list[str] = []
        for field in fields(self):
            value, name = getattr(self, field.name), kinds[field.name].__metadata__[0].default  # typer's word for it
            if isinstance(value, bool):
                given += [name] if value else []
            elif value is not None:
                given += [
                    part for each in (value if isinstance(value, list) else [value]) for part in (name, str(each))
                ]
        return given


def takes_judge(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command, which takes a `chosen`, the options of `Chosen` in its place."""
    hints = get_type_hints(command, include_extras=True)
    own = [each for name, each in inspect.signature(command).parameters.items() if name != "chosen"]
    kinds = get_type_hints(Chosen, include_extras=True)
    options = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=kinds[field.name]
        )
        for field in fields(Chosen)
    ]

    @wraps(command)
    def run(**given: Any) -> None:
        command(chosen=Chosen(**{name: given.pop(name) for name in kinds}), **given)

    told = [each.replace(annotation=hints[each.name]) for each in own]
    run.__signature__ = inspect.Signature([*told, *options])  # type: ignore[attr-defined] # what typer reads
    run.__annotations__ = {name: hint for name, hint in hints.items() if name != "chosen"} | kinds
    return run


@contextmanager
def judged(classifier: Classifies, chosen: Chosen) -> Iterator[Classifies]:
    """Give the classifier the judge that was chosen, if one was; say in the end what it has cost."""
    if chosen.judge is None:
        if chosen != Chosen():
            raise typer.BadParameter("the judge's options need a model: --judge MODEL", param_hint="--judge")
        yield classifier
        return
    with opened(classifier, chosen) as (asking, _, caller):
        if asking.judge and asking.judge.when is When.AUTO:
            say(str(asking.promise))
            for system, promise in asking.taught.items():
                say(f"{system}, taught by a judge: {promise}")
        try:
            yield asking
        finally:
            if caller:
                spent = caller.meter.spent
                say(f"asked {chosen.judge} {spent.calls} times for {spent.usd:.4f} USD")
                for note in caller.meter.notes:
                    say(note)


@contextmanager
def opened(classifier: Classifies, chosen: Chosen) -> Iterator[tuple[Classifier, Store, Caller | None]]:
    """Open the store, and give the classifier the judge; no caller where nothing may be sent."""
    from classifier import llm  # noqa: PLC0415 - a language model's weight is lifted where one is named
    from classifier.pipeline import Classifier  # noqa: PLC0415 - as above

    if not isinstance(classifier, Classifier):
        fail("this classifier takes no judge")
    if not chosen.recorded and not llm.knows(chosen.judge or ""):
        fail(f"litellm knows no provider of {chosen.judge!r}; name it too, like openai/gpt-5-mini or ollama/llama3.1")
    limits = bounds(chosen)
    try:
        with llm.Store(chosen.store or llm.default_path()) as store:
            caller = None
            if not chosen.recorded:
                caller = llm.litellm_caller(
                    store,
                    budget=limits,
                    api_base=chosen.base,
                    timeout=chosen.timeout,
                    concurrency=chosen.asked_at_once,
                )
            yield classifier.with_judge(build(classifier, chosen, store, caller)), store, caller
    except llm.StoreError as error:
        fail(str(error))


def build(classifier: Classifier, chosen: Chosen, store: Store, caller: Caller | None) -> Judge:
    """Return the judge that was chosen."""
    from classifier import cli_labels, consult, llm  # noqa: PLC0415 - as above

    windows = None
    if chosen.examples:
        windows = consult.Windows.of(
            cli_labels.read_examples(chosen.examples), classifier.embedder, classifier.taxonomy
        )
    return consult.Judge(
        options=consult.options(chosen.judge or "", votes=chosen.votes),
        line=caller.on if caller else lambda _, heard: llm.replay(store, heard=heard),
        when=chosen.ask,
        risk=chosen.risk,
        windows=windows,
    )


def bounds(chosen: Chosen) -> Budget:
    """Return the budget: the defaults of `llm.Budget`, but for what is chosen."""
    from classifier.llm import Budget  # noqa: PLC0415 - as above

    budget = Budget()
    for option, field, kind in (("--budget", "usd", float), ("--calls", "calls", int)):
        for text in getattr(chosen, "budget" if field == "usd" else "calls") or ():
            scope, _, amount = text.rpartition("=")
            scope = scope or "run"
            try:
                most = kind(amount)
                if scope not in SCOPES or not 0 <= most < float("inf"):
                    raise ValueError  # noqa: TRY301 - all that can be wrong ends alike
            except ValueError:
                raise typer.BadParameter(
                    f"{text!r} is no amount, nor one of {', '.join(SCOPES)} with =AMOUNT", param_hint=option
                ) from None
            cap = getattr(budget, scope).model_copy(update={field: most})
            budget = budget.model_copy(update={scope: cap})
    return budget


def parallel(chosen: Chosen) -> int:
    """Return how many runs are worked on at a time: asking is waiting, all else is the processor's work."""
    return chosen.asked_at_once if chosen.judge and not chosen.recorded else 1
