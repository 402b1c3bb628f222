r"""Bytes -> Trace. One file per format; this folder is the registry.

A format of your own is one new file here, `classifier/formats/mine.py`, with two functions:

    def sniff(source: Source) -> bool:
        "Whether this input is mine: by content, never by name; cheap; never raises."

    def parse(source: Source) -> list[Trace]:
        "One Trace per run. Raises TraceError(problem, place='steps[3].role'); read() adds file and format."

and a folder `tests/formats/fixtures/mine/` with an input and, beside it, `<input>.expected.json`: the list of
`trace.model_dump(mode="json", exclude_defaults=True)`, checked by eye. There is no list to add it to: the file's name
is the format's name, and files that begin with "_" are helpers. `Source` (see `_source`) holds the input decoded and
parsed once; `_fields` reads foreign JSON. Rules that the contract tests hold:

- `Step.index` is the position of the message in the source's own list, from 0.
- Annotations of the source (whose mistake, where, why) are dropped, whatever they are called.
- `Trace.id` is the source's own id of the run; "" where it has none, and `read` then takes it from the file's name.
- No other format's fixture is claimed. A format so general that it would claim others' (chat messages) sets
  `LAST_RESORT = True` and is asked only if nobody else claims the input.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections import Counter
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol, cast

from classifier.formats._source import MAX_BYTES, Source
from classifier.trace import TraceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.trace import Trace

__all__ = ["MAX_BYTES", "Format", "Source", "claims", "names", "read"]


class Format(Protocol):
    """What a file in this folder offers."""

    def sniff(self, source: Source) -> bool:
        """Whether the input is of this format."""
        ...

    def parse(self, source: Source) -> list[Trace]:
        """Return the runs in it."""
        ...


@cache
def names() -> tuple[str, ...]:
    """Return the formats there are: the files of this folder, sorted."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")))


def claims(source: Source) -> tuple[str, ...]:
    """Return the formats that claim the input. More than one is a defect of theirs."""
    formats = [(name, _load(name)) for name in names()]
    claimed = [name for name, format_ in formats if not _is_last_resort(format_) and format_.sniff(source)]
    return tuple(claimed or [name for name, format_ in formats if _is_last_resort(format_) and format_.sniff(source)])


def read(data: bytes, kind: str | None = None, *, name: str = "<bytes>", limit: int = MAX_BYTES) -> list[Trace]:
    """Read the runs in an input, found by content unless `kind` names the format.

    `name` is the file's name: for messages, and for the id of a run that has none of its own. `limit` is in bytes,
    after unpacking (.gz is unpacked). Raises TraceError, and nothing else, for whatever cannot be read.
    """
    tried = kind
    try:
        source = Source(data, name=name, limit=limit)
        tried = kind = _known(kind) if kind else _find(source)
        return _identified(_load(kind).parse(source), source)
    except TraceError as error:
        raise TraceError(error.problem, file=name, format=tried, place=error.place) from error
    except RecursionError:
        raise TraceError("nested too deep", file=name, format=tried) from None
    except MemoryError:
        raise TraceError("too large for the memory at hand", file=name, format=tried) from None


def _find(source: Source) -> str:
    claimed = claims(source)
    if len(claimed) == 1:
        return claimed[0]
    if claimed:
        raise TraceError(f"it could be {' or '.join(claimed)}: name the format")
    if not source.is_sqlite and source.text.lstrip()[:1] in {"{", "["} and source.head is None:
        _ = source.json  # raises with the place where it breaks
    if isinstance(source.head, dict) and {"annotator", "provenance"} <= source.head.keys():
        raise TraceError("these are labels of runs, and no log: import them as annotations, after their runs")
    raise TraceError(f"no known format (known: {', '.join(names())})")


def _known(kind: str) -> str:
    if kind not in names():
        raise TraceError(f"no format named {kind!r} (known: {', '.join(names())})")
    return kind


def _load(name: str) -> Format:
    return cast("Format", importlib.import_module(f"{__name__}.{name}"))


def _is_last_resort(format_: Format) -> bool:
    return bool(getattr(format_, "LAST_RESORT", False))


def _identified(traces: Sequence[Trace], source: Source) -> list[Trace]:
    """Give every run an id, different from the others of this read."""
    if not traces:
        raise TraceError("no run in it")
    stem = _stem(source)
    several = len(traces) > 1
    ids = [trace.id or (f"{stem}#{i}" if several else stem) for i, trace in enumerate(traces)]
    often = Counter(ids)
    ids = [f"{id_}#{i}" if often[id_] > 1 else id_ for i, id_ in enumerate(ids)]
    return [t if t.id == id_ else t.model_copy(update={"id": id_}) for t, id_ in zip(traces, ids, strict=True)]


def _stem(source: Source) -> str:
    file = source.name.replace("\\", "/").removesuffix(".gz")
    stem = PurePosixPath(file).stem
    if not stem or stem == "-" or stem.startswith("<"):
        return hashlib.sha256(source.data).hexdigest()[:12]
    return stem
