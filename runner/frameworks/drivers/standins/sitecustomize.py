"""Empty stand-ins for the vendors' SDKs that MetaGPT imports and a run never uses: 300 MB less to install.

Python runs this at its start, in the kernel of the agent's code too, where MetaGPT's helpers are imported. Only what
MetaGPT itself imports is stood in for: the agent's own `import anthropic` fails as it should.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import types
from typing import Any

SDKS = {"anthropic", "dashscope", "google", "qianfan", "semantic_kernel", "websocket", "zhipuai"}


class _Hollow(type):
    """A class that has every attribute, each as hollow."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Hollow(name, (), {})

    def __call__(cls, *_: Any, **__: Any) -> Any:
        return cls  # some are decorators, with or without arguments


class _Module(types.ModuleType):
    __path__: list[str] = []  # noqa: RUF012 - as of every package: none of its modules lies anywhere

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Hollow(name, (Exception,), {})  # an exception, since some are caught; classes derive from it as well


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Asked last, after the real packages."""

    def find_spec(self, name: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] in SDKS and _for_metagpt():
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing is in it."""


def _for_metagpt() -> bool:
    frame = sys._getframe(1)  # noqa: SLF001 - CPython's own way to see who imports
    while frame.f_back is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] == "metagpt":
            return True
        frame = frame.f_back
    return False


sys.meta_path.append(_Finder())
