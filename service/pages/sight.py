"""What a person may see of a run: in blind mode no verdict, and nobody's opinion, until they have given their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from service.access import hub_of
from service.blindness import seen, show, works_blind
from service.pages.reading import Emphasis, Reading
from service.storage import annotations as statements
from service.storage import diagnoses, traces
from service.storage.projects import Role

if TYPE_CHECKING:
    from fastapi import Request
    from sqlalchemy.orm import Session

    from service.storage.annotations import Statement
    from service.storage.diagnoses import Made
    from service.storage.projects import Access
    from service.storage.traces import StoredTrace


class Sight(NamedTuple):
    """A run as one person may see it. `hidden`: verdicts and what others said are not in it."""

    trace: StoredTrace
    reading: Reading
    mine: Statement | None
    hidden: bool
    history: tuple[Made, ...] = ()
    others: tuple[Statement, ...] = ()
    neighbours: dict[str, str] = {}  # noqa: RUF012 - never changed; uids of those that are stored, by name
    may_label: bool = False

    def emphasis(self, query: str = "") -> Emphasis:
        """Return what is marked in its steps."""
        chosen = self.mine.annotation.step if self.mine else None
        return Emphasis(self.history[0].diagnosis if self.history else None, chosen, query)


def look(request: Request, access: Access, uid: str, *, chunk: bool = False) -> Sight:
    """Return what a person may see of a run; that they see its verdict is noted. Raises NotFoundError.

    `chunk`: only what its steps need.
    """
    hub = hub_of(request)
    with hub.database.begin(write=False) as session:
        sight = _look(request, session, access, uid)
        show_first = not sight.hidden and works_blind(hub.settings, access) and not seen(session, access, uid)
        if not sight.hidden and not chunk:
            names = [run.trace_id for each in sight.history[:1] for run in each.diagnosis.neighbours]
            others = tuple(each for each in statements.of(session, access.project, uid) if each != sight.mine)
            sight = sight._replace(others=others, neighbours=traces.named(session, access.project, names))
    if show_first and sight.history:
        with hub.database.begin() as session:
            show(session, access, uid)
    return sight


def _look(request: Request, session: Session, access: Access, uid: str) -> Sight:
    stored = traces.show(session, access.project, uid).trace
    reading = request.app.state.readings.get(uid, lambda: traces.get(session, access.project, uid))
    mine = own(session, access, uid)
    hidden = works_blind(hub_of(request).settings, access) and mine is None and not seen(session, access, uid)
    history = () if hidden else diagnoses.history(session, access.project, uid)
    return Sight(stored, reading, mine, hidden, history, may_label=access.role.allows(Role.ANNOTATOR))


def own(session: Session, access: Access, uid: str) -> Statement | None:
    """Return what this person said of a run, if anything."""
    said = statements.of(session, access.project, uid)
    return next((s for s in said if s.annotation.annotator == access.person and not s.adjudicated), None)
