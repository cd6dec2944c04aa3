"""`/health` (alive), `/health/ready` (each model) and `/metrics`. No key: they tell nothing of anybody's requests."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from auricle.api.services import services_of
from auricle.errors import NotFound

router = APIRouter()


@router.get("/health")
async def health() -> dict[str, str]:
    """Whether the server lives. Answers at once, whatever else is going on."""
    return {"status": "ok"}


@router.get("/health/ready")
async def ready(
    http: Request,
    model: Annotated[str | None, Query(description="Ask about one model only.")] = None,
) -> Response:
    """200 when every model (or the one asked about) can answer, else 503; says which is not ready and why."""
    models = services_of(http).pipeline.models
    if model is not None and model not in models:
        raise NotFound(f"there is no model {model}")
    asked = models.values() if model is None else (models[model],)
    states: dict[str, dict[str, Any]] = {}
    for served in asked:
        readiness = served.readiness()
        states[served.name] = {"ready": readiness.ready, "detail": readiness.detail}
    all_ready = all(state["ready"] for state in states.values())
    body = {"status": "ready" if all_ready else "not ready", "models": states}
    return JSONResponse(body, 200 if all_ready else 503, None if all_ready else {"retry-after": "5"})


@router.get("/metrics")
async def metrics(http: Request) -> Response:
    """Prometheus metrics."""
    return Response(generate_latest(services_of(http).metrics.registry), media_type=CONTENT_TYPE_LATEST)
