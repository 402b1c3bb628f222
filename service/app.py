"""The web service: the endpoints and pages around a `Hub`, behind limits, access and headers."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from fastapi import FastAPI
from starlette.middleware.sessions import SessionMiddleware
from starlette.staticfiles import StaticFiles

from classifier import __version__
from service import examples, logs, problems, spans
from service.access import session_secret
from service.api import about, agreement, audit, batches, classify, index, traces
from service.api import annotations as annotations_api
from service.headers import Headers
from service.limits import LimitBody, LimitCrowd, LimitHosts
from service.metrics import Measure, Metrics
from service.pages import agreement as agreement_page
from service.pages import compare, disagreements, imports, label, queue, runs
from service.pages import learning as learning_page
from service.pages import session as session_page
from service.pages import trace as trace_page
from service.pages.reading import Readings
from service.rates import Rates
from service.settings import LOOPBACK

if TYPE_CHECKING:
    from service.hub import Hub

API = (
    classify.router,
    traces.router,
    batches.router,
    annotations_api.router,
    agreement.router,
    index.router,
    audit.router,
    about.router,
)
PAGES = (
    session_page.router,
    queue.router,
    label.router,
    runs.router,
    imports.router,
    disagreements.router,
    compare.router,
    agreement_page.router,
    learning_page.router,
)
LAST = (trace_page.router,)  # `/runs/{uid}` would take what other pages have below `/runs`
STATIC = Path(__file__).parent / "static"
SESSION_SECONDS = 14 * 24 * 3600
MOST_FORM = 2**20  # bytes of forms and JSON, which FastAPI reads before it asks who sends them


def create(hub: Hub) -> FastAPI:
    """Build the service. Its classifiers are used from several threads at once, never from the event loop."""
    settings = hub.settings
    app = FastAPI(
        title="coroner",
        version=__version__,
        summary="Tells why an LLM-agent run failed.",
        description=examples.description(hub.classifiers.shipped.versions.judge),
        license_info={"name": "MIT"},
        responses={"default": problems.DOCUMENTED},
        docs_url=None,  # these pages would load their scripts from a stranger's server
        redoc_url=None,
        redirect_slashes=False,  # it would send them where the Host header says
        # its own telemetry would send queries and the words of exceptions, also unasked (FASTAPI_OTEL_AUTO_CONFIGURE)
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.hub = hub
    app.state.rates = Rates(settings)
    app.state.metrics = Metrics(hub)
    app.state.readings = Readings()
    app.state.limiter = anyio.CapacityLimiter(settings.at_once)
    app.state.taking = anyio.CapacityLimiter(settings.at_once)  # what is read and kept, and no more
    problems.install(app)
    for router in (*API, *PAGES, *LAST):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(
        SessionMiddleware,
        secret_key=session_secret(settings),
        session_cookie="coroner",
        max_age=SESSION_SECONDS,
        same_site="lax",
        https_only=settings.secure_cookies,
    )
    larger = dict.fromkeys(("/batches", "/import"), settings.max_batch_bytes)
    larger |= dict.fromkeys(("/classify", "/traces", "/annotations/import"), settings.max_bytes)
    app.add_middleware(LimitBody, most=min(MOST_FORM, settings.max_bytes), larger=larger)
    app.add_middleware(LimitCrowd, in_flight=settings.in_flight)
    if not settings.needs_keys:  # a page of another site must not reach it under a name of its own
        app.add_middleware(LimitHosts, hosts=[*LOOPBACK, *settings.hosts])
    app.add_middleware(Headers)
    app.add_middleware(Measure, metrics=app.state.metrics)
    if hub.tracer is not None:
        app.add_middleware(spans.Requests, tracer=hub.tracer)
    app.add_middleware(logs.Requests)
    return app


def serve(hub: Hub) -> None:
    """Serve until told to end (SIGTERM, SIGINT): requests under way are answered first."""
    import uvicorn  # noqa: PLC0415 - whoever mounts the app elsewhere brings a server of their own

    logs.configure()
    # uvicorn raises the signal again when it has shut down: that must not end us before our workers are done
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    uvicorn.run(
        create(hub),
        host=hub.settings.host,
        port=hub.settings.port,
        server_header=False,
        ws="none",
        log_config=None,
        access_log=False,
    )
