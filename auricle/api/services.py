"""What the endpoints need, as `create_app` built it."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from auricle.accounts.keys import Keys
from auricle.api.metrics import Metrics
from auricle.config import Settings
from auricle.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    keys: Keys
    pipeline: Pipeline
    metrics: Metrics


def services_of(connection: HTTPConnection) -> Services:
    services: Services = connection.app.state.services
    return services
