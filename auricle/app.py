"""`create_app(settings)`: the one place that builds and wires concrete objects."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from fastapi import FastAPI
from limits.errors import ConfigurationError
from starlette.middleware.cors import CORSMiddleware

from auricle import __version__
from auricle.accounts.keys import Keys
from auricle.accounts.limits import Limits, Quota
from auricle.accounts.office import Office
from auricle.admission import Admission, Memory
from auricle.api import admin, admin_bills, admin_weights, chat, docs, failures, health, models, usage
from auricle.api.metrics import Metrics
from auricle.api.request_log import RequestLog
from auricle.api.services import Services
from auricle.api.unread import Unread
from auricle.audio.decode import Decoder
from auricle.audio.fetch import Fetcher
from auricle.audio.source import Sources
from auricle.config import Settings, SettingsError
from auricle.console import pages
from auricle.engines.base import Batching, Engine, Pulling
from auricle.engines.registry import build_engine
from auricle.pipeline import Pipeline, ServedModel
from auricle.tracing import build_tracing
from auricle.weights.progress import Step
from auricle.weights.pulls import Pulls

PREFLIGHT_SECONDS = 24 * 3600
RATE_HEADERS = [f"x-ratelimit-{what}-{of}" for of in ("requests", "tokens") for what in ("limit", "remaining", "reset")]
POLL_SECONDS = 0.1  # of readiness, while a model loads
TELL_SECONDS = 10.0
log = structlog.get_logger("auricle")


def create_app(settings: Settings) -> FastAPI:
    """A server for `settings`; its engines start and stop with its lifespan."""
    engines = build_engines(settings)
    admission = build_admission(settings)
    tracing = build_tracing(settings)
    fetcher = Fetcher(settings, admission.memory)
    decoder = Decoder(settings)
    served = serve_models(settings, engines)
    metrics = Metrics(
        admission,
        lambda: {name: engine.batches for name, engine in engines.items() if isinstance(engine, Batching)},
        lambda: {name: model.readiness().ready for name, model in served.items()},
    )
    office = Office(settings) if settings.keeps_accounts else None
    books = office.books if office else None
    pulls = build_pulls(settings, engines)
    pipeline = Pipeline(
        served,
        Sources(settings, fetcher),
        decoder,
        build_limits(settings),
        (metrics,),
        books,
        admission,
        tracing,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None, None]:
        async with AsyncExitStack() as running:
            running.push_async_callback(asyncio.to_thread, tracing.close)
            if office:
                running.push_async_callback(office.close)
                await office.start()
            running.push_async_callback(fetcher.close)
            running.push_async_callback(decoder.close)
            await decoder.start()
            for engine in engines.values():
                running.push_async_callback(engine.close)
                await engine.start()
            running.push_async_callback(pulls.close)
            announcing = asyncio.create_task(announce(served))
            running.push_async_callback(stopped, announcing)
            yield

    app = FastAPI(
        title="Auricle",
        version=__version__,
        summary="Xiaomi MiMo's audio API on your own hardware.",
        lifespan=lifespan,
        openapi_url=docs.OPENAPI_PATH,
        docs_url=None,
        redoc_url=None,
    )
    keys = books or Keys(key.get_secret_value() for key in settings.api_keys)
    app.state.services = Services(settings, keys, pipeline, metrics, tracing, pulls, office)
    for room in (chat, models, health, docs, *((usage, admin, admin_bills) if office else ())):
        app.include_router(room.router)
    app.include_router(admin_weights.router, include_in_schema=office is not None)  # the console's, else
    failures.install(app)
    docs.install(app)
    pages.install(app, settings)
    app.add_middleware(failures.Boundary)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=["x-request-id", "x-auricle-engine", "x-auricle-weights", "retry-after", *RATE_HEADERS],
        max_age=PREFLIGHT_SECONDS,
    )
    app.add_middleware(Unread)
    app.add_middleware(RequestLog, metrics, tracing)
    return app


async def announce(models: dict[str, ServedModel]) -> None:
    """Log when each model becomes ready, and now and then what the others wait for."""
    started = last_told = time.monotonic()
    waiting = dict(models)
    while waiting:
        for name, model in list(waiting.items()):
            if model.readiness().ready:
                del waiting[name]
                log.info("model ready", model=name, seconds=round(time.monotonic() - started, 1))
        if waiting and time.monotonic() - last_told >= TELL_SECONDS:
            last_told = time.monotonic()
            for name, model in waiting.items():
                log.info("model not ready yet", model=name, detail=model.readiness().detail)
        await asyncio.sleep(POLL_SECONDS)


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


def build_limits(settings: Settings) -> Limits:
    quotas = {name: Quota.of(model) for name, model in settings.models.items() if model.enabled}
    url = settings.limits_url.get_secret_value() if settings.limits_url else None
    on = settings.effective_rate_limits == "mimo"
    try:
        return Limits(quotas if on else None, url, settings.max_concurrent_requests)
    except ConfigurationError as error:
        raise SettingsError(f"limits_url: {error}") from None


def build_admission(settings: Settings) -> Admission:
    return Admission(
        Memory(settings.memory_bytes),
        max_requests=settings.max_requests,
        max_queued=settings.max_queued_requests,
        queue_seconds=settings.queue_seconds,
        request_seconds=settings.request_timeout_seconds,
    )


def build_engines(settings: Settings) -> dict[str, Engine]:
    """The engines that some enabled model needs, by name, not yet started."""
    needed = {model.engine for model in settings.models.values() if model.enabled}
    return {name: build_engine(name, settings) for name in sorted(needed)}


def build_pulls(settings: Settings, engines: dict[str, Engine]) -> Pulls:
    """Pulls for the console; engines that gave up for want of weights load them when they have come."""

    async def try_again() -> None:
        for engine in engines.values():
            await engine.start()

    def begun() -> dict[str, Step]:
        return {name: step for it in engines.values() if isinstance(it, Pulling) for name, step in it.pulls.items()}

    return Pulls(settings, try_again, begun)


def serve_models(settings: Settings, engines: dict[str, Engine]) -> dict[str, ServedModel]:
    return {
        name: ServedModel(name, model.task, engines[model.engine], model.context_length)
        for name, model in settings.models.items()
        if model.enabled
    }
