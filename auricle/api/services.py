"""What the endpoints need, as `create_app` built it."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from auricle.accounts.keys import KeyRing
from auricle.accounts.office import Office
from auricle.api.metrics import Metrics
from auricle.config import Settings
from auricle.pipeline import Pipeline
from auricle.tracing import Tracing
from auricle.weights.pulls import Pulls


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    keys: KeyRing
    pipeline: Pipeline
    metrics: Metrics
    tracing: Tracing
    pulls: Pulls
    office: Office | None = None  # of a server with accounts


def services_of(connection: HTTPConnection) -> Services:
    services: Services = connection.app.state.services
    return services
