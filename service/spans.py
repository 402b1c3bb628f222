"""Spans for OpenTelemetry, where the environment names a collector (`OTEL_EXPORTER_OTLP_ENDPOINT`).

They tell route, method, status and id of a request, and which input of a batch was worked on with which outcome:
nothing of a trace, a label, a key or a person. FastAPI's own, which hold addresses with their queries, are off.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from classifier import __version__
from service.addresses import hidden
from service.logs import ID, QUIET, id_of, route_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
TIMEOUTS = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")
SPOKEN = "http/protobuf"
PATIENCE = 3.0  # seconds for a collector to take spans: one that is away must not hold up our end


class SpansError(ValueError):
    """Spans cannot be sent as the environment says. Says why and what to do."""


def provider() -> TracerProvider | None:
    """Return what sends spans to the collector that the environment names; None where it names none.

    Whoever gets it shuts it down in the end. Raises SpansError.
    """
    name, endpoint = _first(ENDPOINTS)
    if not endpoint:
        return None
    if urlsplit(endpoint).scheme not in {"http", "https"}:
        raise SpansError(f"{name} is {hidden(endpoint)!r}; give it as http://HOST:4318 or https://...")
    said, protocol = _first(PROTOCOLS)
    if protocol not in {"", SPOKEN}:
        raise SpansError(f"{said} is {protocol!r}; coroner speaks {SPOKEN} alone, which collectors listen for on 4318")
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - as above
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above
    except ImportError as error:
        raise SpansError(f"{name} is set, but OpenTelemetry is missing: pip install 'coroner[otel]'") from error
    named = {"service.name": os.environ.get("OTEL_SERVICE_NAME", "coroner"), "service.version": __version__}
    made = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
    patience = None if _first(TIMEOUTS)[1] else PATIENCE
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=patience)))
    return made


class Requests:
    """Makes a span of each request, below the caller's where it sends a `traceparent`."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self.app, self.tracer = app, tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; tell how it ended."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        from opentelemetry import trace  # noqa: PLC0415 - the extra is here, or there were no tracer
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - as above
            TraceContextTextMapPropagator,
        )

        status = 500

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        carried = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        above = TraceContextTextMapPropagator().extract({"traceparent": carried.get("traceparent", "")})
        span = self.tracer.start_span("request", above, trace.SpanKind.SERVER)
        try:
            with trace.use_span(span, record_exception=False, set_status_on_exception=False):
                await self.app(scope, receive, seen)
        finally:
            route, method = route_of(scope), str(scope["method"])
            span.update_name(f"{method} {route}")
            span.set_attributes(
                {
                    "http.request.method": method,
                    "http.route": route,
                    "http.response.status_code": status,
                    f"http.response.header.{ID}": [id_of(scope)],
                }
            )
            if status >= 500:
                span.set_status(trace.StatusCode.ERROR)
            if route not in QUIET or status >= 500:
                span.end()  # one that does not end is not sent


@contextlib.contextmanager
def around(tracer: Tracer | None, name: str, **numbers: int) -> Iterator[Callable[[str], None]]:
    """Make a span of some work, told by numbers alone; give what notes its outcome. Without a tracer, do nothing."""
    if tracer is None:
        yield lambda _: None
        return
    told = {f"coroner.{key}": number for key, number in numbers.items()}
    with tracer.start_as_current_span(
        name, attributes=told, record_exception=False, set_status_on_exception=False
    ) as span:
        yield lambda outcome: span.set_attribute("coroner.outcome", outcome)


def _first(names: tuple[str, ...]) -> tuple[str, str]:
    """Return the first of these variables that is set, and its value; the last, and nothing, where none is."""
    return next(((name, value) for name in names if (value := os.environ.get(name))), (names[-1], ""))
