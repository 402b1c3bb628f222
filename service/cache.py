"""Cache: figures that are worked out once for each state of what they rest on."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

_Result = TypeVar("_Result")
MOST = 64


class Cache:
    """The last `most` results, each with the stamp of its content. Safe to use from many threads.

    Who asks for what another thread is working out waits for it.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most, self._lock = most, threading.Lock()
        self._held: OrderedDict[Hashable, tuple[str, Any]] = OrderedDict()
        self._working: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, stamp: str, work: Callable[[], _Result]) -> _Result:
        """Return the result for a key at this stamp; `work` is called where it is not held. Raises what it raises."""
        with self._lock:
            working = self._working.setdefault(key, threading.Lock())
        with working:
            with self._lock:
                held = self._held.get(key)
                if held is not None and held[0] == stamp:
                    self._held.move_to_end(key)
                    result: _Result = held[1]
                    return result
            result = work()
            with self._lock:
                self._held[key] = (stamp, result)
                self._held.move_to_end(key)
                while len(self._held) > self._most:
                    old, _ = self._held.popitem(last=False)
                    self._working.pop(old, None)
            return result
