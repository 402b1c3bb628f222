"""Proxy: the endpoint of one run, listening while its `with` block lasts."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Self

from runner.proxy.caps import Caps
from runner.proxy.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from runner.model import Model
    from runner.proxy.caps import Totals
    from runner.proxy.record import Run
    from runner.proxy.window import Window

_LONGEST_PATH = 100  # bytes of a unix socket's path; the kernel takes 107


class ProxyError(OSError):
    """The proxy cannot listen. Says where and why."""


class Proxy:
    """Listens on a unix socket (`unix`), on a TCP port of loopback (`port`, 0: a free one), or on both.

    The socket's file can be connected to by every user who can reach it, as a sandbox's user may be another: keep it
    in a folder of your own. `token` is what a client must give as its key, None for any. The record, which must not
    be there yet, is closed with the block.
    """

    def __init__(
        self,
        model: Model,
        record: Path,
        run: Run,
        *,
        caps: Caps | None = None,
        window: Window | None = None,
        unix: Path | None = None,
        port: int | None = None,
        token: str | None = None,
        secrets: Iterable[str] = (),
    ) -> None:
        if unix is None and port is None:
            raise ValueError("a proxy listens on a unix socket, on a port, or on both: give one")
        self.unix, self._port, self._token = unix, port, token
        self._session: Callable[[], Session] = lambda: Session(
            model, record, run, caps=caps or Caps(), window=window, known=[*secrets, *([token] if token else [])]
        )
        self._end: tuple[str | None, str] = (None, "")

    def __enter__(self) -> Self:
        import uvicorn  # noqa: PLC0415 - only where one listens

        from runner.proxy.app import Door, create  # noqa: PLC0415 - as above

        with contextlib.ExitStack() as stack:
            self._sockets = [stack.enter_context(each) for each in self._listen()]
            self.session = self._session()
            config = uvicorn.Config(
                create(self.session, Door(token=self._token)),
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="off",
                ws="none",
                http="h11",
                timeout_graceful_shutdown=1,  # seconds: whoever is still answered then has outlived the run
            )
            config.load()  # here, so that whatever is wrong with it is raised
            self._server = uvicorn.Server(config)
            self._thread = threading.Thread(
                target=self._server.run, args=(self._sockets,), name="coroner proxy", daemon=True
            )
            self._thread.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._stack.close()
        if self.unix is not None:
            self.unix.unlink(missing_ok=True)
        reason, detail = self._end
        self.session.close(reason or ("broken off" if kind else None), detail)

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(next(s for s in self._sockets if s.family == socket.AF_INET).getsockname()[1])

    @property
    def base_url(self) -> str:
        """What a client on this machine takes as its base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def totals(self) -> Totals:
        """What the run has used so far."""
        return self.session.totals

    @property
    def at_limit(self) -> threading.Event:
        """Set once a call was turned away at a cap: whoever runs the agent may stop it then."""
        return self.session.meter.reached

    def ended(self, reason: str, detail: str = "") -> None:
        """Say why the run ended, for the record's closing line, where the runner knows better (`time`, `memory`)."""
        self._end = (reason, detail)

    def _listen(self) -> list[socket.socket]:
        """Bind and listen at once: whoever connects from here on is served as soon as the server runs."""
        if self.unix is not None and len(str(self.unix).encode()) > _LONGEST_PATH:
            raise ProxyError(f"{self.unix}: too long a path for a unix socket; put it somewhere shorter")
        sockets = []
        try:
            if self.unix is not None:
                sockets.append(socket.socket(socket.AF_UNIX))
                sockets[-1].bind(str(self.unix))
                self.unix.chmod(0o666)
            if self._port is not None:
                sockets.append(socket.socket(socket.AF_INET))
                sockets[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sockets[-1].bind(("127.0.0.1", self._port))
            for each in sockets:
                each.listen(128)
        except OSError as error:
            for each in sockets:
                each.close()
            raise ProxyError(f"cannot listen on {self.unix or ''} {self._port or ''}: {error.strerror}") from None
        return sockets
