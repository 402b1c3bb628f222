"""Metrics for Prometheus: requests by route, and at each scrape what the database and the queue hold."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from service.logs import route_of
from service.storage import diagnoses, items

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from service.hub import Hub

BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0)  # seconds


class Metrics:
    """The metrics of one app, in a registry of its own."""

    def __init__(self, hub: Hub) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("coroner_requests", "Requests.", ("method", "route", "status"), registry=self.registry)
        self.seconds = Histogram(
            "coroner_request_seconds", "How long they took.", ("method", "route"), buckets=BUCKETS,
            registry=self.registry,
        )  # fmt: skip
        self.registry.register(_Held(hub))


class Measure:
    """Counts requests and how long they take, by the pattern of their path."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; count it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, began = 500, time.perf_counter()

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, seen)
        finally:
            known = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
            method = scope["method"] if scope["method"] in known else "other"
            route = route_of(scope)
            self.metrics.requests.labels(method, route, str(status)).inc()
            self.metrics.seconds.labels(method, route).observe(time.perf_counter() - began)


class _Held(Collector):
    """What the database and the queue hold at the moment of a scrape, all projects together."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def describe(self) -> list[GaugeMetricFamily]:
        """Return nothing: to register it asks no database."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Ask."""
        with self._hub.database.begin(write=False) as session:
            tally = diagnoses.tally(session)
            states = items.states(session)
        runs = GaugeMetricFamily("coroner_runs", "Runs by their present verdict.", labels=("cause", "decided_by"))
        counted: dict[tuple[str, str], int] = {}
        for each in tally:
            name = (each.cause or "none", each.decided_by)
            counted[name] = counted.get(name, 0) + each.runs
        for name, number in counted.items():
            runs.add_metric(name, number)
        yield runs
        inputs = GaugeMetricFamily("coroner_batch_inputs", "Inputs of items by state.", labels=("state",))
        for state, number in states.items():
            inputs.add_metric((state.value,), number)
        yield inputs
        with contextlib.suppress(Exception):  # a queue that is away has no length; /readyz tells of it
            length = self._hub.queue.length
            yield GaugeMetricFamily("coroner_queue_length", "Calls that wait in the queue.", value=length)
