"""What Prometheus is told: of every request's outcome, and of what is in progress now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from auricle.admission import Admission
from auricle.pipeline import Outcome

Batches = Mapping[str, Mapping[int, int]]
Ready = Mapping[str, bool]
SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
AUDIO_SECONDS = (1, 5, 15, 60, 300, 1800, 3600, 4 * 3600, 12 * 3600)


class Metrics:
    """Counters and histograms by model; a registry of their own, so that several apps can live in one process."""

    def __init__(
        self, admission: Admission, batches: Callable[[], Batches] = dict, ready: Callable[[], Ready] = dict
    ) -> None:
        """`batches`: how many batches of each size each engine has run. `ready`: which model can answer."""
        self.registry = CollectorRegistry()
        self._responses = Counter(
            "auricle_http_responses", "Responses of every route", ["method", "route", "status"], registry=self.registry
        )
        self._requests = Counter(
            "auricle_requests",
            "Requests to a model by outcome; status 499: the client went away",
            ["model", "engine", "status"],
            registry=self.registry,
        )
        self._failures = Counter(
            "auricle_failures",
            "Failed requests by the class of the failure: InvalidAudio is one that could not be decoded",
            ["model", "failure"],
            registry=self.registry,
        )
        self._tokens = Counter("auricle_tokens", "Tokens", ["model", "kind"], registry=self.registry)
        self._cache_hits = Counter(
            "auricle_cache_hits", "Answered requests by whether some of it was cached", ["model", "hit"],
            registry=self.registry,
        )  # fmt: skip
        self._audio = Counter("auricle_audio_seconds", "Seconds of audio", ["model"], registry=self.registry)
        self._lengths = Histogram(
            "auricle_request_audio_seconds", "Seconds of audio of a request", ["model"],
            buckets=AUDIO_SECONDS, registry=self.registry,
        )  # fmt: skip
        self._duration = Histogram(
            "auricle_request_seconds", "Time of a request", ["model"], buckets=SECONDS, registry=self.registry
        )
        self._first_token = Histogram(
            "auricle_first_token_seconds", "Time to first token", ["model"], buckets=SECONDS, registry=self.registry
        )
        self.registry.register(InProgress(admission, batches, ready))

    def responded(self, method: str, route: str, status: int) -> None:
        """Note a response; `status` 0 where the client left before it began."""
        self._responses.labels(method if method in METHODS else "other", route, str(status)).inc()

    def record(self, outcome: Outcome) -> None:
        model = outcome.request.model
        usage = outcome.usage
        self._requests.labels(model, outcome.engine, str(outcome.status)).inc()
        if outcome.error:
            self._failures.labels(model, outcome.error).inc()
        self._tokens.labels(model, "prompt").inc(usage.prompt_tokens)
        self._tokens.labels(model, "cached").inc(usage.cached_tokens)
        self._tokens.labels(model, "completion").inc(usage.completion_tokens)
        self._tokens.labels(model, "reasoning").inc(usage.reasoning_tokens)
        self._audio.labels(model).inc(float(usage.audio_seconds))
        self._duration.labels(model).observe(outcome.seconds)
        if outcome.status == 200:
            self._cache_hits.labels(model, "yes" if usage.cached_tokens else "no").inc()
            self._lengths.labels(model).observe(float(usage.audio_seconds))
        if outcome.seconds_to_first_token is not None:
            self._first_token.labels(model).observe(outcome.seconds_to_first_token)


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class InProgress(Collector):
    """Reads what is in progress when it is asked for."""

    def __init__(self, admission: Admission, batches: Callable[[], Batches], ready: Callable[[], Ready]) -> None:
        self._admission = admission
        self._batches = batches
        self._ready = ready

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        admission = self._admission
        yield GaugeMetricFamily("auricle_in_progress", "Requests in progress", admission.in_progress)
        ready = GaugeMetricFamily("auricle_model_ready", "1 for a model that can answer", labels=["model"])
        for name, is_ready in self._ready().items():
            ready.add_metric([name], is_ready)
        yield ready
        running = GaugeMetricFamily("auricle_lane_requests", "Requests of an engine and task", labels=["lane"])
        waits = GaugeMetricFamily(
            "auricle_lane_wait_seconds", "Estimated wait of a typical request that came now", labels=["lane"]
        )
        costs = GaugeMetricFamily(
            "auricle_lane_waiting_cost_seconds", "Work that is not done yet, in seconds of one worker", labels=["lane"]
        )
        rates = GaugeMetricFamily("auricle_lane_rate", "Cost answered a second when full", labels=["lane"])
        refused = CounterMetricFamily(
            "auricle_refused", "Requests refused because of load, by what was short", labels=["short_of"]
        )
        for name, lane in list(admission.lanes.items()):
            running.add_metric([name], len(lane.tickets))
            waits.add_metric([name], lane.wait_seconds)
            costs.add_metric([name], sum(ticket.remaining for ticket in lane.tickets))
            rates.add_metric([name], lane.rate)
            refused.add_metric([name], lane.refused)
        refused.add_metric(["requests"], admission.refused)
        refused.add_metric(["memory"], admission.memory.refused)
        yield from (running, waits, costs, rates, refused)
        run = CounterMetricFamily("auricle_batches", "Batches that an engine ran, by size", labels=["engine", "size"])
        for engine, sizes in self._batches().items():
            for size, count in sorted(sizes.items()):
                run.add_metric([engine, str(size)], count)
        yield run
        yield GaugeMetricFamily(
            "auricle_audio_memory_bytes", "Encoded audio that requests hold", admission.memory.used_bytes
        )
        yield GaugeMetricFamily(
            "auricle_audio_memory_budget_bytes", "What they may hold", admission.memory.budget_bytes
        )
