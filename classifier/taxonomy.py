"""The causes a run can fail of, as data: read from a TOML file, shipped or the user's own.

The shipped files lie in `classifier/taxonomies`. A file of the same form replaces them throughout: the classifier is
trained in it, the diagnoses name its ids, the report prints its advice.
"""

from __future__ import annotations

import tomllib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from classifier.trace import Frozen, Phase

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent / "taxonomies"
DEFAULT = "lu2025"


class TaxonomyError(ValueError):
    """A taxonomy that cannot be used, or an id that it does not hold. Names the file and the place in it."""

    def __init__(self, problem: str, *, file: str, place: str | None = None) -> None:
        self.problem, self.file, self.place = problem, file, place
        super().__init__(f"{file}: {place}: {problem}" if place else f"{file}: {problem}")


class Mitigation(Frozen):
    """What to change so that it does not happen again.

    `kind` is the mechanism: in the shipped files one of section V of the paper (learning_from_feedback, early_stop,
    navigation_replanning, navigation_tool). `advice` is a sentence a developer can act on.
    """

    kind: str = Field(min_length=1)
    advice: str = Field(min_length=1)


class Cause(Frozen):
    """One cause. `id` is what labels and diagnoses hold.

    `crosswalk` names the causes of the taxonomy `Taxonomy.crosswalk_to` that this one can stand for. `aliases` are
    other spellings in annotations; one alias may belong to causes under different parents.
    """

    id: str = Field(min_length=1)
    slug: str = Field(min_length=1)
    name: str = Field(min_length=1)
    definition: str = Field(min_length=1)
    phase: Phase | None = None
    parent: str | None = None
    decide_for: str = ""
    not_when: str = ""
    example: str = ""
    mitigation: Mitigation | None = None
    aliases: tuple[str, ...] = ()
    crosswalk: tuple[str, ...] = ()


class CloseCall(Frozen):
    """A settled choice between causes that are easily confused, for annotators and judges."""

    between: tuple[str, ...] = Field(min_length=1)
    rule: str = Field(min_length=1)
    about: str = ""  # the situation it speaks of; empty: any


class Taxonomy(Frozen):
    """Causes in the order of their file, with look-ups. Checked when built; see `load`."""

    name: str = Field(min_length=1)
    title: str = ""
    version: str = "1"
    source: str = ""
    note: str = ""
    rules: tuple[str, ...] = ()  # for the annotator, in order
    crosswalk_to: str | None = None
    causes: tuple[Cause, ...] = Field(min_length=1)
    close_calls: tuple[CloseCall, ...] = ()

    @cached_property
    def _by_id(self) -> Mapping[str, Cause]:
        return {cause.id: cause for cause in self.causes}

    @property
    def ids(self) -> tuple[str, ...]:
        """All ids, in the order of the file."""
        return tuple(self._by_id)

    @property
    def leaves(self) -> tuple[str, ...]:
        """Ids of the causes that have no children."""
        parents = {cause.parent for cause in self.causes}
        return tuple(cause.id for cause in self.causes if cause.id not in parents)

    def __contains__(self, cause_id: object) -> bool:
        return cause_id in self._by_id

    def cause(self, cause_id: str) -> Cause:
        """Return the cause with this id; TaxonomyError if there is none."""
        try:
            return self._by_id[cause_id]
        except KeyError:
            raise TaxonomyError(f"no cause {cause_id!r}; it has {', '.join(self.ids)}", file=self.name) from None

    def children(self, cause_id: str) -> tuple[Cause, ...]:
        """Return the causes whose parent this is, in the order of the file; TaxonomyError for an unknown id."""
        parent = self.cause(cause_id)
        return tuple(cause for cause in self.causes if cause.parent == parent.id)

    def ancestors(self, cause_id: str) -> tuple[Cause, ...]:
        """Return parent, grandparent and so on, nearest first; empty for a root, TaxonomyError for an unknown id."""
        found: list[Cause] = []
        parent = self.cause(cause_id).parent
        while parent is not None:
            found.append(self.cause(parent))
            parent = found[-1].parent
        return tuple(found)

    def phase_of(self, cause_id: str) -> Phase | None:
        """Return the phase of a cause; None where the taxonomy has no phases, TaxonomyError for an unknown id."""
        return self.cause(cause_id).phase

    def tier(self, cause_id: str) -> int:
        """Return how fine a cause is: where there are phases, they are tier 1 and causes start at 2; else at 1."""
        return len(self.ancestors(cause_id)) + (1 if self.phase_of(cause_id) is None else 2)

    def resolve(self, text: str, within: str | None = None) -> Cause | None:
        """Find a cause by id, slug, name or alias, blind to case, spaces and punctuation.

        `within` keeps to the descendants of one cause. None if nothing or more than one cause fits.
        """
        if text in self._by_id and within is None:
            return self._by_id[text]
        wanted = _plain(text)
        found = [
            cause
            for cause in self.causes
            if wanted in {_plain(word) for word in (cause.id, cause.slug, cause.name, *cause.aliases)}
            and (within is None or within in {above.id for above in self.ancestors(cause.id)})
        ]
        return found[0] if len(found) == 1 else None

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of what an index depends on: name, version and every cause's id, parent and phase, sorted.

        Wording is left out on purpose: a better sentence of advice does not make an index stale. A file that changes
        what an id means changes its version.
        """
        import hashlib  # noqa: PLC0415  only an index asks for the digest
        import json  # noqa: PLC0415  as above

        rows = sorted((cause.id, cause.parent or "", cause.phase or "") for cause in self.causes)
        canonical = json.dumps([self.name, self.version, rows], ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def shipped() -> tuple[str, ...]:
    """Names of the taxonomies that come with coroner, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def load(name_or_path: str | Path = DEFAULT) -> Taxonomy:
    """Read a shipped taxonomy by its name, or a user's own by the path of its TOML file.

    Raises TaxonomyError, naming file and place: not found, not TOML, a field missing or unknown, a duplicate or
    reserved id, an unknown parent, a cycle of parents, a phase missing or unlike the parent's, a crosswalk or close
    call that names an unknown cause.
    """
    taxonomy, file = _read(name_or_path)
    _check(taxonomy, file)
    return taxonomy


def _read(name_or_path: str | Path) -> tuple[Taxonomy, str]:
    """Return the taxonomy with its fields checked one by one, and the file's name for errors."""
    path = FOLDER / f"{name_or_path}.toml" if str(name_or_path) in shipped() else Path(name_or_path)
    file = path.name if path.parent == FOLDER else str(path)
    try:
        data = tomllib.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        raise TaxonomyError(f"no such file, and not one of {', '.join(shipped())}", file=file) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TaxonomyError(f"not readable as TOML: {error}", file=file) from error
    for singular, plural in (("cause", "causes"), ("close_call", "close_calls")):
        if singular in data:
            data[plural] = data.pop(singular)
    try:
        taxonomy = Taxonomy.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise TaxonomyError(first["msg"], file=file, place=_place(first["loc"], data)) from error
    return taxonomy, file


def _check(taxonomy: Taxonomy, file: str) -> None:
    """Refuse what the types cannot: duplicates, dangling references, cycles, phases that do not fit."""
    by_id: dict[str, Cause] = {}
    for cause in taxonomy.causes:
        if cause.id in by_id:
            raise TaxonomyError("this id occurs twice", file=file, place=f"cause {cause.id!r}")
        if cause.id == "unknown":
            raise TaxonomyError("'unknown' is the word for abstaining; choose another id", file=file, place="cause")
        by_id[cause.id] = cause
    phased = any(cause.phase for cause in taxonomy.causes)
    for cause in taxonomy.causes:
        if phased and cause.phase is None:
            problem = "phase is missing, though other causes have one"
            raise TaxonomyError(problem, file=file, place=f"cause {cause.id!r}")
        _check_ancestry(cause, by_id, file)
    for number, call in enumerate(taxonomy.close_calls, 1):
        _known(call.between, by_id, "cause", file, f"close_call {number}")
    if taxonomy.crosswalk_to is not None:
        target = {cause.id: cause for cause in _read(taxonomy.crosswalk_to)[0].causes}
        for cause in taxonomy.causes:
            _known(cause.crosswalk, target, f"cause of {taxonomy.crosswalk_to}", file, f"cause {cause.id!r}")


def _check_ancestry(cause: Cause, by_id: Mapping[str, Cause], file: str) -> None:
    place, above, trail = f"cause {cause.id!r}", cause, {cause.id}
    while above.parent is not None:
        if above.parent not in by_id:
            raise TaxonomyError(f"unknown parent {above.parent!r}", file=file, place=f"cause {above.id!r}")
        above = by_id[above.parent]
        if above.id in trail:
            raise TaxonomyError("its parents form a cycle", file=file, place=place)
        if above.phase != cause.phase:
            problem = f"its phase is {cause.phase}, that of {above.id!r} above it is {above.phase}"
            raise TaxonomyError(problem, file=file, place=place)
        trail.add(above.id)


def _known(ids: tuple[str, ...], known: Mapping[str, Cause], what: str, file: str, place: str) -> None:
    for name in ids:
        if name not in known:
            raise TaxonomyError(f"{name!r} is no {what}", file=file, place=place)


def _plain(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _place(location: tuple[int | str, ...], data: Mapping[str, object]) -> str:
    """Say where in the file a field is: by the cause's id where it has one, else by its number from 1."""
    if len(location) > 1 and location[0] in {"causes", "close_calls"} and isinstance(location[1], int):
        rows = data.get(str(location[0]))
        row = rows[location[1]] if isinstance(rows, list) else None
        label = row.get("id") if isinstance(row, dict) else None
        kind = "cause" if location[0] == "causes" else "close_call"
        where = f"{kind} {label!r}" if isinstance(label, str) else f"{kind} number {location[1] + 1}"
        return " ".join([where, *(str(part) for part in location[2:])])
    return ".".join(str(part) for part in location)
