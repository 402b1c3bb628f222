"""Labelling: what a person says of a run, taken back, or left to others; and the verdict shown before its time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from classifier.annotation import UNKNOWN
from service.access import hub_of
from service.blindness import seen, show
from service.learning import statements as said_of
from service.learning.statements import Said, StatementError
from service.pages import Annotator  # noqa: TC001 - FastAPI reads it
from service.pages.queue import next_run
from service.pages.sight import look
from service.pages.trace import Uid, whole
from service.storage import annotations as statements
from service.storage import assignments, projects

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classifier.annotation import Annotation
    from classifier.taxonomy import Taxonomy
    from service.hub import Hub
    from service.pages.reading import Reading
    from service.storage.projects import Access

LONGEST_NOTE = 4000  # characters
DIGITS = 9  # of a step's number

router = APIRouter(include_in_schema=False)
Field = Annotated[str, Form(max_length=LONGEST_NOTE * 2)]


@router.post("/runs/{uid}/label")
def label(
    request: Request,
    access: Annotator,
    uid: Uid,
    *,
    cause: Field = "",
    typed: Field = "",
    phase: Field = "",
    secondary: Annotated[list[str] | None, Form(max_length=100)] = None,
    step: Field = "",
    agent: Field = "",
    note: Field = "",
    unsure: Field = "",
    then: Field = "stay",
) -> Response:
    """Take a label; the page comes back with what is wrong where it cannot be one."""
    hub = hub_of(request)
    form = {
        "cause": cause, "typed": typed, "phase": phase, "secondary": tuple(secondary or ()), "step": step.strip(),
        "agent": agent, "note": note, "unsure": bool(unsure),
    }  # fmt: skip
    sight = look(request, access, uid)
    try:
        said = checked(form, access, sight.reading, hub.classifiers.shipped.taxonomy)
        _store(hub, access, uid, said, unsure=bool(unsure), first=sight.mine is None)
    except StatementError as error:
        return whole(request, access, sight, form=form, problem=told(error))
    if then == "next":
        return RedirectResponse(_onward(request, access, uid), 303)
    return RedirectResponse(f"/runs/{uid}?saved={uid}", 303)


def _store(hub: Hub, access: Access, uid: str, said: Annotation, *, unsure: bool, first: bool) -> None:
    """Store a label, unless it would be one more than the run needs. Raises StatementError."""
    overlap = hub.settings.overlap
    with hub.database.begin() as session:
        if first and not assignments.has_room(session, access.project, uid, access.person, overlap=overlap):
            raise StatementError(
                f"This run has the {overlap} annotators that it needs, so your label was not taken. "
                "Take the next run from the queue."
            )
        blind = hub.settings.blind and not seen(session, access, uid)
        statements.add(session, access.project, uid, said, unsure=unsure, blind=blind)
        projects.note(session, access, "label", uid, cause=said.cause, step=said.step, blind=blind)


@router.post("/runs/{uid}/undo")
def undo(request: Request, access: Annotator, uid: Uid) -> Response:
    """Take back the last thing that this person said of a run. Raises NotFoundError where they said nothing."""
    with hub_of(request).database.begin() as session:
        statements.undo(session, access.project, uid, access.person)
        projects.note(session, access, "label.undo", uid)
    return RedirectResponse(f"/runs/{uid}?undone=1", 303)


@router.post("/runs/{uid}/skip")
def skip(request: Request, access: Annotator, uid: Uid) -> Response:
    """Leave a run to others and go on to the next."""
    with hub_of(request).database.begin() as session:
        assignments.skip(session, access.project, uid, access.person)
    return RedirectResponse(_onward(request, access, None), 303)


@router.post("/runs/{uid}/reveal")
def reveal(request: Request, access: Annotator, uid: Uid) -> Response:
    """Show the verdict before this person has labelled the run, and remember that they have seen it."""
    with hub_of(request).database.begin() as session:
        statements.of(session, access.project, uid)  # the run is there
        show(session, access, uid, before_label=True)
    return RedirectResponse(f"/runs/{uid}#verdict", 303)


def checked(form: Mapping[str, Any], access: Access, reading: Reading, taxonomy: Taxonomy) -> Annotation:
    """Return the annotation that a form makes. Raises StatementError."""
    if len(form["note"]) > LONGEST_NOTE:
        raise StatementError(f"A note may have {LONGEST_NOTE} characters.")
    cause = _cause(form, taxonomy)
    try:
        said = Said(
            cause=cause,
            secondary=form["secondary"],
            step=_step(form["step"]),
            agent=form["agent"] or None,
            note=form["note"].strip() or None,
            unsure=form["unsure"],
        )
    except ValidationError as error:
        raise StatementError(f"{error.errors()[0]['loc'][0]}: {error.errors()[0]['msg']}") from error
    return said_of.checked(said, reading.trace, taxonomy, access.person)


def told(error: StatementError) -> str:
    """Return what is wrong as a sentence."""
    text = str(error)
    return f"{text[0].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _cause(form: Mapping[str, Any], taxonomy: Taxonomy) -> str:
    cause, typed = form["cause"], form["typed"].strip()
    if not cause and typed:
        found = taxonomy.resolve(typed)
        if found is None and typed.casefold() != UNKNOWN:
            raise StatementError(f"No one cause is called {typed!r}: type an id such as {taxonomy.ids[0]}, or a name.")
        return found.id if found else UNKNOWN
    if not cause:
        raise StatementError(f"Pick a cause, or {UNKNOWN} where the log does not show it.")
    phase = taxonomy.phase_of(cause) if cause in taxonomy else None
    if phase is not None and form["phase"] and form["phase"] != phase.value:
        raise StatementError(f"{cause} is a cause in {phase.value}, and the phase that is picked is {form['phase']}.")
    return str(cause)


def _step(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > DIGITS:
        raise StatementError(f"A step goes by its number; {text[:20]!r} is none.")
    return int(text)


def _onward(request: Request, access: Access, saved: str | None) -> str:
    """Return where to go next: the next run of the queue, or the queue where none is left."""
    run = next_run(hub_of(request), access)
    mark = f"?saved={saved}" if saved else ""
    return f"/runs/{run}{mark}" if run else f"/queue{mark}"
