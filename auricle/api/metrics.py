"""What Prometheus is told of every request's outcome."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from auricle.pipeline import Outcome

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class Metrics:
    """Counters and histograms by model; a registry of their own, so that several apps can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "auricle_requests", "Requests by outcome", ["model", "engine", "status"], registry=self.registry
        )
        self._tokens = Counter("auricle_tokens", "Tokens", ["model", "kind"], registry=self.registry)
        self._audio = Counter("auricle_audio_seconds", "Seconds of audio", ["model"], registry=self.registry)
        self._duration = Histogram(
            "auricle_request_seconds", "Time of a request", ["model"], buckets=SECONDS, registry=self.registry
        )
        self._first_token = Histogram(
            "auricle_first_token_seconds", "Time to first token", ["model"], buckets=SECONDS, registry=self.registry
        )

    def record(self, outcome: Outcome) -> None:
        model = outcome.request.model
        usage = outcome.usage
        self._requests.labels(model, outcome.engine, str(outcome.status)).inc()
        self._tokens.labels(model, "prompt").inc(usage.prompt_tokens)
        self._tokens.labels(model, "cached").inc(usage.cached_tokens)
        self._tokens.labels(model, "completion").inc(usage.completion_tokens)
        self._audio.labels(model).inc(float(usage.audio_seconds))
        self._duration.labels(model).observe(outcome.seconds)
        if outcome.seconds_to_first_token is not None:
            self._first_token.labels(model).observe(outcome.seconds_to_first_token)
