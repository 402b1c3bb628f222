"""The service under load: a real `coroner serve` on loopback, asked by a bounded number of clients."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.bench.measure import quantile, seconds
from tests.bench.traces import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HOST = "127.0.0.1"
STARTS_WITHIN = 60  # seconds
FIRST_SEED = 50_000


class Served(NamedTuple):
    """A service that runs: its port and the id of its process."""

    port: int
    pid: int


@contextmanager
def served(environment: Mapping[str, str]) -> Iterator[Served]:
    """Start the service, yield where it is once it answers, and stop it."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(Path(sys.executable).with_name("coroner")), "serve", "--port", str(port)]
    folder = tempfile.mkdtemp()
    child = subprocess.Popen(  # noqa: S603 - ours
        command,
        env=os.environ | environment | {"CORONER_FOLDER": folder},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(STARTS_WITHIN * 10):
            if child.poll() is not None:
                raise RuntimeError("coroner serve ended at once")
            with socket.socket() as probe:
                if probe.connect_ex((HOST, port)) == 0:
                    break
            time.sleep(0.1)
        yield Served(port, child.pid)
    finally:
        child.terminate()
        child.wait()
        shutil.rmtree(folder)


def post(port: int, body: bytes) -> None:
    """Send one log and read the diagnosis. Raises RuntimeError for any answer but 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=120)
    connection.request("POST", "/classify", body, {"content-type": "application/json"})
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    if answer.status != http.client.OK:
        raise RuntimeError(f"POST /classify answered {answer.status}: {said[:500]!r}")


def under(clients: int, requests: int, port: int, seeds: Iterator[int]) -> tuple[float, float, float]:
    """Let `clients` send `requests` unseen runs of 20 steps between them; return p50, p99 in s and requests per s."""
    bodies = [run(next(seeds), 20).model_dump_json().encode() for _ in range(requests)]
    with ThreadPoolExecutor(clients) as pool:
        start = time.perf_counter()
        times = list(pool.map(lambda body: seconds(lambda: post(port, body)), bodies))
        rate = requests / (time.perf_counter() - start)
    return quantile(times, 0.5), quantile(times, 0.99), rate


def rows(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """Measure 1, 4 and 16 clients."""
    made, seeds = [], count(FIRST_SEED)
    with served(environment) as (port, _):
        under(1, 2, port, seeds)  # the first request opens the model
        for clients, requests in ((1, 20), (4, 40), (16, 80)):
            middle, high, rate = under(clients, requests, port, seeds)
            figures = f"p50 {middle * 1000:,.0f} ms, p99 {high * 1000:,.0f} ms, {rate:.1f} per second"
            made.append((f"`POST /classify`, {clients} client{'s'[: clients > 1]}, {requests} requests", figures))
    return made
