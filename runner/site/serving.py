"""Serving: the site on a unix socket, for sandboxes, or on a port of the loopback, for people and plain processes."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from uvicorn import Server

_PATH_MAX = 107  # bytes that the kernel takes as the name of a unix socket


@contextmanager
def on_socket(path: Path) -> Iterator[Path]:
    """Serve on a new unix socket while the context lasts. Raises ValueError where its path is too long."""
    if len(str(path).encode()) > _PATH_MAX:
        raise ValueError(f"{path}: longer than the {_PATH_MAX} bytes that a unix socket's path may have")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        try:
            with _serving(listener):
                yield path
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def on_port(port: int = 0) -> Iterator[str]:
    """Serve on a port of the loopback (0: a free one) while the context lasts; yields the address, http://..."""
    with socket.socket(socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        with _serving(listener):
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def _serving(listener: socket.socket) -> Iterator[None]:
    server = _server()
    thread = threading.Thread(target=server.run, args=([listener],), name="task site", daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the task site did not start; its log is on standard error")
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def _server() -> Server:
    import uvicorn  # noqa: PLC0415 - heavy

    from runner.site.app import app  # noqa: PLC0415 - heavy

    # What would differ from day to day or with the server's version is left out of the headers.
    config = uvicorn.Config(
        app(), log_level="warning", ws="none", lifespan="off", date_header=False, server_header=False, access_log=False
    )
    return uvicorn.Server(config)
