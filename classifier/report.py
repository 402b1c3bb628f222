"""A Diagnosis as a page for people: plain text that rich lays out, at 80 columns, with or without colour.

Quotes, names and file names come from hostile traces. They are cleaned of terminal controls and are only ever handed
to rich as `Text`, never as markup.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from classifier.diagnosis import Diagnosis, Familiarity, Opinions, Outcome, Provenance, Segment
from classifier.plain import clean, line
from classifier.trace import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from classifier.taxonomy import Cause, Taxonomy

_SURE = (  # from this calibrated probability on, in words
    (0.75, "likely right"),
    (0.5, "more likely right than wrong"),
    (0.25, "one guess among several"),
    (0.0, "little more than a guess"),
)
FAMILIAR = {
    Familiarity.KNOWN: "",
    Familiarity.SIMILAR: "The index holds runs that resemble this system, but none of it: trust the verdict less.",
    Familiarity.NEW: "The index holds no run like this one: take the verdict as a hint, not as a finding.",
}
KINDS = {
    "learning_from_feedback": "learn from feedback",
    "early_stop": "stop early",
    "navigation_replanning": "go back to planning",
    "navigation_tool": "go to a tool",
}
PROVENANCE = {
    Provenance.HUMAN: "labelled by people",
    Provenance.INJECTED: "fault injected",
    Provenance.MODEL: "coded by a model",
}
_QUOTE_LINES, _QUOTE_WIDTH = 6, 400
_SHOWN_NEIGHBOURS = 3
_STEP_WIDTH = 4  # columns for a step of a short run


def in_words(confidence: float) -> str:
    """Return what a calibrated probability (0 to 1) means to a reader."""
    return next(words for floor, words in _SURE if confidence >= floor)


def name_of(cause: str, taxonomy: Taxonomy) -> str:
    """Return id and name of a cause; the id alone where the taxonomy does not hold it."""
    return f"{cause} {taxonomy.cause(cause).name}" if cause in taxonomy else line(cause)


class Lane:
    """The run as one row per phase over its steps, the decisive step marked. Long runs share columns."""

    def __init__(self, segments: Sequence[Segment], step: int | None) -> None:
        self.segments, self.step = segments, step

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw at the width there is, in ASCII where the terminal has no more."""
        block, mark = ("#", "X") if options.ascii_only else ("█", "◆")
        first, last = self.segments[0].start, max(segment.end for segment in self.segments)
        steps, label = last - first + 1, max(len(phase) for phase in Phase) + 2
        room = max(1, options.max_width - label)
        columns = min(room, steps * max(1, min(_STEP_WIDTH, room // steps)))

        def column(step: int) -> int:
            return (step - first) * columns // steps

        for phase in Phase:
            cells = [" "] * columns
            for segment in self.segments:
                if segment.phase is phase:
                    start, end = column(segment.start), max(column(segment.start) + 1, column(segment.end + 1))
                    cells[start:end] = block * (end - start)
            row = Text(f"{phase:<{label}}{''.join(cells).rstrip()}", no_wrap=True, overflow="crop")
            row.stylize("bold", 0, label)
            row.stylize("cyan", label)
            if self.step is not None and self._phase_of(self.step) is phase:
                at = label + column(self.step)
                row.plain = f"{row.plain[:at]}{mark}{row.plain[at + 1 :]}"
                row.stylize("bold red", at, at + 1)
            yield row
        scale = f"{first}"
        for step in (self.step, last):
            if step is not None and step > first and column(step) > len(scale):
                scale += f"{step:>{column(step) - len(scale) + len(str(step))}}"
        yield Text(f"{'step':<{label}}{scale}", style="dim", no_wrap=True, overflow="crop")

    def _phase_of(self, step: int) -> Phase | None:
        return next((s.phase for s in self.segments if s.start <= step <= s.end), None)


def page(diagnosis: Diagnosis, taxonomy: Taxonomy) -> Group:
    """Return the report of one run."""
    parts: list[RenderableType] = [Rule(Text(line(diagnosis.file or diagnosis.trace_id), style="bold"))]
    parts.append(_verdict(diagnosis, taxonomy))
    if diagnosis.segments:
        parts += [_heading("The run"), Padding(Lane(diagnosis.segments, diagnosis.step), (0, 0, 0, 2), expand=False)]
    if diagnosis.evidence:
        parts.append(_heading("What the log says"))
        parts += [_quote(e.step, e.quote, e.signal) for e in diagnosis.evidence]
    if len(diagnosis.candidates) > 1 or (diagnosis.candidates and diagnosis.cause is None):
        parts.append(_heading("What it could be"))
        parts += [_item(f"{c.probability:.0%}", name_of(c.cause, taxonomy)) for c in diagnosis.candidates]
    if diagnosis.opinions:
        parts += [_heading("Who says what"), *_opinions(diagnosis, diagnosis.opinions, taxonomy)]
    if diagnosis.secondary:
        parts.append(_heading("Also seen"))
        parts += [_item("-", name_of(cause, taxonomy)) for cause in diagnosis.secondary]
    if diagnosis.neighbours:
        parts.append(_heading("Labelled runs that it resembles"))
        for run in diagnosis.neighbours[:_SHOWN_NEIGHBOURS]:
            where = "" if run.step is None else f", step {run.step}"
            what = f"{line(run.trace_id)} ({line(run.system)}{where}): {name_of(run.cause, taxonomy)}"
            parts.append(_item(f"{run.similarity:.2f}", f"{what}, {PROVENANCE[run.provenance]}"))
    if diagnosis.mitigation:
        kind = KINDS.get(diagnosis.mitigation.kind, line(diagnosis.mitigation.kind))
        parts += [_heading("What to do"), _indented(f"{line(diagnosis.mitigation.advice)} ({kind})")]
    if diagnosis.notes:
        parts += [_heading("Mind"), *(_item("-", line(note)) for note in diagnosis.notes)]
    v = diagnosis.versions
    made_by = f"coroner {v.coroner}, index {v.index}, taxonomy {v.taxonomy}, embedder {v.embedder}"
    made_by += f", judge {v.judge}" if v.judge else ""
    return Group(*parts, Text(""), Text(line(made_by), style="dim"))


def row(diagnosis: Diagnosis, taxonomy: Taxonomy, width: int | None = None) -> Text:
    """Return one run on one line: cause, confidence, step, agent, file. For many runs.

    At a `width` in columns the file loses its beginning rather than the line its end.
    """
    sure = "" if diagnosis.outcome is Outcome.SUCCEEDED else f"{diagnosis.confidence:.0%}"
    step = "" if diagnosis.step is None else f"step {diagnosis.step}"
    text = Text(f"{_in_short(diagnosis, taxonomy)[:33]:<33} ", style="bold" if diagnosis.cause else "")
    text.append(f"{sure:>4} {step:<9}{line(diagnosis.agent or '')[:14]:<15}", style="not bold")
    label, room = line(_label(diagnosis)), max(8, (width or 0) - text.cell_len)
    return text.append(f"…{label[1 - room :]}" if width and len(label) > room else label, style="not bold dim")


def summary(diagnoses: Iterable[Diagnosis], taxonomy: Taxonomy) -> Group:
    """Return how often each verdict was given, most frequent first."""
    counts = Counter(_in_short(diagnosis, taxonomy) for diagnosis in diagnoses)
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    for verdict, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        table.add_row(Text(str(count)), Text(verdict))
    return Group(Text(""), table)


def cause_page(cause: Cause, taxonomy: Taxonomy) -> Group:
    """Return what is known of one cause."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column()
    above = [name_of(parent.id, taxonomy) for parent in taxonomy.ancestors(cause.id)]
    advice = cause.mitigation.advice if cause.mitigation else ""
    stands_for = f"{', '.join(cause.crosswalk)} of {taxonomy.crosswalk_to}" if cause.crosswalk else ""
    for label, words in (
        ("Phase", cause.phase or ""),
        ("Part of", ", ".join(above)),
        ("What it is", cause.definition),
        ("When", cause.decide_for),
        ("Not when", cause.not_when),
        ("Example", cause.example),
        ("What to do", advice),
        ("Crosswalk", stands_for),
    ):
        if words:
            grid.add_row(label, Text(line(words)))
    return Group(Text(name_of(cause.id, taxonomy), style="bold"), grid)


def taxonomy_page(taxonomy: Taxonomy) -> Group:
    """Return all causes, finer ones indented, and where they come from."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column()
    for cause in taxonomy.causes:
        depth = len(taxonomy.ancestors(cause.id))
        grid.add_row(Text("  " * depth + cause.id, style="bold"), Text(f"{line(cause.name)}: {line(cause.definition)}"))
    title = Text(f"{line(taxonomy.title)} ({taxonomy.name}, version {taxonomy.version})", style="bold")
    notes = [Text(f"\n{words}", style="dim") for words in (line(taxonomy.note), line(taxonomy.source)) if words]
    return Group(title, grid, *notes)


def _verdict(diagnosis: Diagnosis, taxonomy: Taxonomy) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column()
    if diagnosis.outcome is Outcome.SUCCEEDED:
        grid.add_row("Verdict", Text("The run succeeded: there is no failure to explain.", style="bold green"))
        return grid
    if diagnosis.cause is None:
        grid.add_row("Verdict", Text("None: coroner abstains rather than guess.", style="bold yellow"))
        if diagnosis.phase is not None:
            grid.add_row("Phase", Text(f"{diagnosis.phase}: the fault most likely lies there"))
        if diagnosis.candidates:
            first = name_of(diagnosis.candidates[0].cause, taxonomy)
            grid.add_row("Best guess", Text(f"{first}, {_sure(diagnosis.confidence)}"))
    else:
        grid.add_row("Verdict", Text(name_of(diagnosis.cause, taxonomy), style="bold red"))
        if diagnosis.cause in taxonomy:
            grid.add_row("", Text(taxonomy.cause(diagnosis.cause).definition))
        if diagnosis.phase is not None:
            grid.add_row("Phase", Text(diagnosis.phase))
        grid.add_row("Confidence", Text(_sure(diagnosis.confidence)))
    if diagnosis.outcome is Outcome.UNKNOWN:
        grid.add_row("Outcome", Text("not stated by the source"))
    if diagnosis.step is not None:
        who = f", {line(diagnosis.agent)}" if diagnosis.agent else ""
        grid.add_row("Where", Text(f"step {diagnosis.step}{who}{_other_steps(diagnosis)}"))
    if warning := FAMILIAR[diagnosis.familiarity]:
        grid.add_row("Warning", Text(warning, style="yellow"))
    return grid


def _opinions(diagnosis: Diagnosis, opinions: Opinions, taxonomy: Taxonomy) -> Iterator[RenderableType]:
    alone, judge, cost = opinions.neighbours, opinions.judge, diagnosis.cost
    yield _item("-", f"labelled runs: {name_of(alone.cause, taxonomy)} ({alone.probability:.0%}), step {alone.step}")
    if judge:
        cause = name_of(judge.cause, taxonomy) if judge.cause else "no evidence of any cause"
        second = f", else {name_of(judge.second_cause, taxonomy)}" if judge.second_cause else ""
        votes = f", {judge.stability:.0%} of {judge.votes} votes" if judge.votes > 1 else ""
        own = f"{judge.probability:.0%} by its own account{votes}"
        yield _item("-", f"{line(judge.model)}: {cause} ({own}), step {judge.step}{second}. {line(judge.reason)}")
    if cost.calls:
        usd = "of unknown price" if cost.usd is None else f"for {cost.usd:.4f} USD"
        recorded = f", {cost.recorded} on record" if cost.recorded else ""
        calls = "one call" if cost.calls == 1 else f"{cost.calls} calls"
        yield _item("-", f"asked in {calls}{recorded}, {cost.tokens} tokens, {usd}")


def _sure(confidence: float) -> str:
    return f"{in_words(confidence)} ({confidence:.0%})"


def _other_steps(diagnosis: Diagnosis) -> str:
    if not diagnosis.steps:
        return ""
    others = ", ".join(f"{s.step} ({s.probability:.0%})" for s in diagnosis.steps[1:])
    return f" ({diagnosis.steps[0].probability:.0%})" + (f"; else step {others}" if others else "")


def _in_short(diagnosis: Diagnosis, taxonomy: Taxonomy) -> str:
    if diagnosis.outcome is Outcome.SUCCEEDED:
        return "succeeded"
    if diagnosis.cause:
        return name_of(diagnosis.cause, taxonomy)
    return f"unknown ({diagnosis.phase})" if diagnosis.phase else "unknown"


def _label(diagnosis: Diagnosis) -> str:
    """Name the file, and the run where the file's name does not tell it."""
    if diagnosis.file is None:
        return diagnosis.trace_id
    return diagnosis.file if diagnosis.trace_id in diagnosis.file else f"{diagnosis.file} [{diagnosis.trace_id}]"


def _heading(words: str) -> Text:
    return Text(f"\n{words}", style="bold")


def _indented(words: str) -> Padding:
    return Padding(Text(words), (0, 0, 0, 2), expand=False)


def _item(lead: str, words: str) -> Padding:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, justify="right", min_width=4)
    grid.add_column()
    grid.add_row(Text(lead), Text(words))
    return Padding(grid, (0, 0, 0, 1), expand=False)


def _quote(step: int, quote: str, signal: str | None) -> Group:
    lines = [part.rstrip() for part in clean(quote)[:_QUOTE_WIDTH].split("\n") if part.strip()]
    cut = len(lines) > _QUOTE_LINES or len(clean(quote)) > _QUOTE_WIDTH
    shown = "\n".join(lines[:_QUOTE_LINES]) + (" […]" if cut else "")
    what = f"step {step}" + (f", {line(signal).replace('_', ' ')}" if signal else "")
    return Group(_indented(what), Padding(Text(shown, style="italic"), (0, 0, 0, 4), expand=False))
