"""coroner record -- COMMAND: anybody's agent, run behind the recording proxy, so that its run can be classified."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.terminal import fail, or_fail, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

    from runner.model import Model
    from runner.proxy import Caps, Totals, Window

_LOOPBACK = "127.0.0.1,localhost"
_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def record(
    command: Annotated[list[str], typer.Argument(help="The command that runs the agent, and its arguments.")],
    *,
    model: Annotated[
        str | None,
        typer.Option(help="Model to ask, by litellm's name; else the one that the agent asks for."),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(help="Address of the OpenAI-compatible endpoint to ask; else as the environment says."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File for the record; else a name with the time.")] = None,
    framework: Annotated[str, typer.Option(help="What the agent is built with, for the record.")] = "openai-chat",
    task: Annotated[str, typer.Option(help="The task, for the record; else the first message of a user.")] = "",
    max_calls: Annotated[int | None, typer.Option(min=1, help="Most calls to the model.")] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Most tokens, prompts and answers together.")] = None,
    max_usd: Annotated[float | None, typer.Option(min=0, help="Most money, in USD.")] = None,
    max_seconds: Annotated[float | None, typer.Option(min=0.1, help="Seconds after which no call is answered.")] = None,
    window: Annotated[int | None, typer.Option(min=64, help="Shrink the context window to so many tokens.")] = None,
    window_full: Annotated[
        str, typer.Option(help="What befalls a longer request: truncate (the oldest goes) or refuse.")
    ] = "truncate",
) -> None:
    """Run a command whose agent speaks to OpenAI's API, and record its run as a trace.

    The command finds the recording endpoint in OPENAI_BASE_URL, OPENAI_API_BASE and OPENAI_API_KEY; its input, output,
    signals and exit code are passed on.
    """
    from runner.proxy import Caps, Full, Window  # noqa: PLC0415 - only where something is recorded
    from runner.proxy.upstream import Litellm  # noqa: PLC0415 - as above

    if window_full not in list(Full):
        raise typer.BadParameter(f"{window_full!r} is none of {', '.join(Full)}", param_hint="--window-full")
    if shutil.which(command[0]) is None:
        fail(f"{command[0]}: no such command")
    if base is None and model is None:
        base = os.environ.get("OPENAI_BASE_URL") or os.environ.get("OPENAI_API_BASE")
    out = out or _free_name(Path())
    caps = Caps(calls=max_calls, tokens=max_tokens, usd=max_usd, seconds=max_seconds)
    shrunk = Window(tokens=window, full=Full(window_full)) if window else None
    code, totals = or_fail(
        lambda: run_recorded(
            command, Litellm(model, api_base=base), out, framework=framework, task=task, caps=caps, window=shrunk,
            model_name=model or "",
        )
    )  # fmt: skip
    _tell(out, totals)
    raise typer.Exit(code)


def run_recorded(
    command: Sequence[str],
    model: Model,
    out: Path,
    *,
    framework: str = "openai-chat",
    task: str = "",
    caps: Caps | None = None,
    window: Window | None = None,
    model_name: str = "",
    environment: Mapping[str, str] = os.environ,
) -> tuple[int, Totals]:
    """Run a command with the proxy in its environment; return its exit code (128 + n: killed by signal n) and totals.

    Raises OSError where it cannot be started, ProxyError and RecordError.
    """
    from runner.proxy import Proxy, Run  # noqa: PLC0415 - only where something is recorded

    token = f"coroner-{secrets.token_urlsafe(24)}"  # so that no other user of this machine asks at our expense
    run = Run(id=out.stem, framework=framework, task=task, model=model_name)
    with Proxy(model, out, run, caps=caps, window=window, port=0, token=token) as proxy:
        code = _run(command, {**environment, **_pointing_to(proxy.base_url, token, environment)})
        proxy.ended("limit" if proxy.at_limit.is_set() else "done", f"exit code {code}")
    return code, proxy.totals


def _pointing_to(base_url: str, token: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which clients find the endpoint, past any proxy for the web."""
    found = {"OPENAI_BASE_URL": base_url, "OPENAI_API_BASE": base_url, "OPENAI_API_KEY": token}
    for name in ("NO_PROXY", "no_proxy"):
        found[name] = ",".join(filter(None, [environment.get(name), _LOOPBACK]))
    return found


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command to its end, whatever signals come in between: they are its to heed."""
    process = subprocess.Popen(command, env=dict(environment))  # noqa: S603 - the user's own command
    with _forwarded_to(process):
        code = process.wait()
    return code if code >= 0 else 128 - code


@contextmanager
def _forwarded_to(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Pass signals on while the block lasts. A terminal's Ctrl-C reaches the command by itself."""

    def forward(number: int, _: FrameType | None) -> None:
        if number != signal.SIGINT or not _in_foreground():
            process.send_signal(number)

    if threading.current_thread() is not threading.main_thread():  # no signal comes here
        yield
        return
    before = {number: signal.signal(number, forward) for number in _FORWARDED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_foreground() -> bool:
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):  # no terminal, or no standard input
        return False


def _free_name(folder: Path) -> Path:
    """Return a name with the time that is not taken yet."""
    stem = time.strftime("run-%Y%m%d-%H%M%S")
    names = (folder / f"{stem}{f'-{n}' if n else ''}.jsonl" for n in range(1_000))
    return next(name for name in names if not name.exists())


def _tell(out: Path, totals: Totals) -> None:
    if totals.calls + totals.refused == 0:
        say(f"{out}: the command asked no model by OPENAI_BASE_URL, so there is nothing to classify")
        return
    money = f"{totals.usd:.4f} USD" + (f" and {totals.unpriced} calls without a known price" if totals.unpriced else "")
    say(f"recorded: {out}: {totals.calls} calls, {totals.tokens} tokens, {money}, {totals.seconds:.0f} s")
    if totals.limit:
        say(f"{totals.limit}; {totals.refused} calls were turned away")
    say(f"next: coroner classify {shlex.quote(str(out))}")
