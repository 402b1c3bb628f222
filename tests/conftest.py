"""What holds for the whole session of tests."""

from __future__ import annotations

import inspect
import sys


def pytest_sessionfinish() -> None:
    """Close the connections that litellm keeps for later: at exit each would be told as a leak."""
    litellm = sys.modules.get("litellm")
    if litellm is None:
        return
    for client in (*litellm.in_memory_llm_clients_cache.cache_dict.values(), litellm.module_level_client):
        close = getattr(client, "close", None)
        if close is not None and not inspect.iscoroutinefunction(close):
            close()
