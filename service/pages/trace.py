"""The page of a run: its steps in lanes of phases, and beside them the verdict and the label."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from fastapi import APIRouter, Path, Query, Request, Response

from classifier.report import FAMILIAR, KINDS, PROVENANCE
from service.access import hub_of
from service.pages import Reader, mentioned, render
from service.pages.lanes import lanes
from service.pages.markup import Marked, find_all, stylesheet
from service.pages.queue import renew
from service.pages.reading import CHUNK, called, found_in, show
from service.pages.sight import Sight, look
from service.storage import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.pages.reading import Emphasis, Reading
    from service.storage.projects import Access

PART = 50_000  # characters of a step on its own page, and of each of its calls
CALLS = 500  # that are shown there
QUERY = 200  # characters that are searched for
KEYS = (
    ("j k", "next, previous step"),
    ("d", "the decisive step"),
    ("e", "the next evidence, or signal where there is none to see"),
    ("o", "unfold the step"),
    ("/", "search"),
    ("g", "go to a step"),
    ("?", "these keys"),
)
LABEL_KEYS = (
    ("1 2 3", "pick in the tier that is open: phase, cause, finer cause"),
    ("Backspace", "back to the tier above"),
    ("c", "find a cause by typing"),
    ("s", "the present step is the decisive one"),
    ("u", "unknown: the log does not show it"),
    ("n", "not sure"),
    ("a", "secondary causes"),
    ("m", "note"),
    ("Ctrl+Enter", "save and next"),
    ("z", "undo"),
)

router = APIRouter(include_in_schema=False)
Uid = Annotated[str, Path(pattern="^[0-9a-f]{24}$")]
Words = Annotated[str, Query(max_length=QUERY)]


class Chunk(NamedTuple):
    """Steps that are loaded together, by their positions; `first` and `last` are their indices."""

    start: int
    end: int
    first: int
    last: int
    loaded: bool


@router.get("/runs/{uid}")
def page(request: Request, access: Reader, uid: Uid, at: int | None = None, q: Words = "") -> Response:
    """Show a run, from the step that matters or the one asked for."""
    renew(hub_of(request), access, uid)
    return whole(request, access, look(request, access, uid), at=at, query=q.strip())


def whole(
    request: Request,
    access: Access,
    sight: Sight,
    *,
    at: int | None = None,
    query: str = "",
    form: Mapping[str, Any] | None = None,
    problem: str | None = None,
) -> Response:
    """Render the page; with a `problem` of the `form` that came with it, if it was not taken."""
    reading, emphasis = sight.reading, sight.emphasis(query)
    hits = found_in(reading, query) if query else ()
    wanted = (
        at if at is not None else next(iter(hits), emphasis.decisive if emphasis.chosen is None else emphasis.chosen)
    )
    chunks = _chunks(reading, wanted)
    shown = {chunk.start: show(reading, range(chunk.start, chunk.end), emphasis) for chunk in chunks if chunk.loaded}
    return render(
        request,
        "trace.html",
        access,
        422 if problem else 200,
        sight=sight,
        run=sight.trace,
        trace=reading.trace,
        chunks=chunks,
        shown=shown,
        lanes=lanes(reading, emphasis),
        emphasis=emphasis,
        signal_steps=tuple(reading.signals)[:500],
        hits=hits,
        query=query,
        at=at,
        form=form if form is not None else filled(sight),
        problem=problem,
        keys=KEYS + (LABEL_KEYS if sight.may_label else ()),
        saved=mentioned(request, "saved"),
        undone="undone" in request.query_params,
        familiar=FAMILIAR,
        kinds=KINDS,
        provenance=PROVENANCE,
    )


def filled(sight: Sight) -> dict[str, Any]:
    """Return what the label's form shows at first: what this person said of the run before."""
    said = sight.mine.annotation if sight.mine else None
    return {
        "cause": (said.cause if said else None) or "",
        "typed": "",
        "secondary": said.secondary if said else (),
        "step": said.step if said and said.step is not None else "",
        "agent": (said.agent if said else None) or "",
        "note": (said.note if said else None) or "",
        "unsure": bool(sight.mine and sight.mine.unsure),
    }


@router.get("/runs/{uid}/steps")
def chunk(
    request: Request, access: Reader, uid: Uid, start: Annotated[int, Query(ge=0)] = 0, q: Words = ""
) -> Response:
    """Return some steps of a run as they stand on its page, to be put into it."""
    sight = look(request, access, uid, chunk=True)
    end = min(start + CHUNK, len(sight.reading.trace.steps))
    if start >= end:
        raise NotFoundError(f"the run has {end} steps")
    steps = show(sight.reading, range(start, end), sight.emphasis(q.strip()))
    return render(request, "_steps.html", access, run=sight.trace, steps=steps, may_label=sight.may_label)


@router.get("/runs/{uid}/steps/{index}")
def step(
    request: Request, access: Reader, uid: Uid, index: int, *, part: Annotated[int, Query(ge=0)] = 0, q: Words = ""
) -> Response:
    """Show the whole of one step, in parts where it is very long."""
    sight = look(request, access, uid, chunk=True)
    position = sight.reading.positions.get(index)
    if position is None:
        raise NotFoundError(f"the run has no step {index}")
    found = sight.reading.trace.steps[position]
    emphasis: Emphasis = sight.emphasis(q.strip())
    begin = part * PART
    if begin and begin >= len(found.content):
        raise NotFoundError(f"step {index} has no part {part}")
    text = found.content[begin : begin + PART]
    marks = [
        mark._replace(start=max(mark.start - begin, 0), end=mark.end - begin)
        for mark in emphasis.marks(found) or find_all(found.content, emphasis.query, "hit")
        if mark.end > begin
    ]
    return render(
        request,
        "step.html",
        access,
        run=sight.trace,
        step=found,
        phase=sight.reading.phases[position],
        signals=sight.reading.signals.get(index, ()),
        content=Marked(text, marks).html(),
        calls=[called(call, emphasis.query, PART) for call in found.tool_calls[:CALLS]],
        more_calls=max(0, len(found.tool_calls) - CALLS),
        error=Marked(found.error[:PART]).html() if found.error else None,
        part=part,
        parts=max(1, -(-len(found.content) // PART)),
        before=sight.reading.trace.steps[position - 1].index if position else None,
        after=(
            sight.reading.trace.steps[position + 1].index if position + 1 < len(sight.reading.trace.steps) else None
        ),
    )


@router.get("/styles/code.css")
def code_colours() -> Response:
    """Return the colours of code: Pygments', made once."""
    return Response(_colours(), media_type="text/css", headers={"Cache-Control": "max-age=3600"})


@cache
def _colours() -> str:
    return stylesheet()


def _chunks(reading: Reading, wanted: int | None) -> tuple[Chunk, ...]:
    """Cut the run into chunks; the first is loaded, and the one around the step that is wanted with its neighbour."""
    steps = reading.trace.steps
    position = reading.positions.get(wanted, 0) if wanted is not None else 0
    loaded = {0, position // CHUNK, (position + CHUNK // 4) // CHUNK, max(0, position - CHUNK // 4) // CHUNK}
    return tuple(
        Chunk(
            start,
            min(start + CHUNK, len(steps)),
            steps[start].index,
            steps[min(start + CHUNK, len(steps)) - 1].index,
            start // CHUNK in loaded,
        )
        for start in range(0, len(steps), CHUNK)
    )
