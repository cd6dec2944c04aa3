"""OpenTelemetry traces, where a setting wants them; nothing at all elsewhere.

`serve` starts the span of a request, continuing the client's `traceparent`; `stage` starts one below it. Attributes are
names, sizes and counts: never keys, URLs, texts or audio.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from auricle.config import Settings, SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

Value = str | int | float | bool


class Span:
    """What is going on. This one is told to nobody."""

    def set(self, **attributes: Value) -> None:
        """Note `auricle.*` attributes."""

    def fail(self, error: str) -> None:
        """Note that it failed, by the error's class."""


NO_SPAN = Span()


class _Recorded(Span):
    def __init__(self, span: Any) -> None:
        self._span = span

    def set(self, **attributes: Value) -> None:
        for name, value in attributes.items():
            self._span.set_attribute(f"auricle.{name}", value)

    def fail(self, error: str) -> None:
        from opentelemetry.trace import Status, StatusCode

        self._span.set_status(Status(StatusCode.ERROR, error))


class Tracing:
    """Starts spans, below the current one of the task."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("auricle") if provider else None

    @contextmanager
    def serve(self, name: str, headers: Mapping[str, str]) -> Iterator[Span]:
        """The span of one HTTP request, current for whatever the task starts."""
        if self._tracer is None:
            yield NO_SPAN
            return
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        context = TraceContextTextMapPropagator().extract(headers)
        with self._tracer.start_as_current_span(
            name, context, SpanKind.SERVER, record_exception=False, set_status_on_exception=False
        ) as span:
            yield _Recorded(span)

    @contextmanager
    def stage(self, name: str, **attributes: Value) -> Iterator[Span]:
        """The span of one stage. It does not become current: a generator may be left in another context."""
        if self._tracer is None:
            yield NO_SPAN
            return
        span = _Recorded(raw := self._tracer.start_span(name, record_exception=False, set_status_on_exception=False))
        span.set(**attributes)
        try:
            yield span
        except BaseException as error:
            span.fail(type(error).__name__)  # its text may name an URL
            raise
        finally:
            raw.end()

    def close(self) -> None:
        """Send what is still to be sent. Blocks for some seconds at most."""
        if self._provider is not None:
            self._provider.shutdown()


def build_tracing(settings: Settings) -> Tracing:
    """Traces to `trace_url`. Raises SettingsError if the extra `otel` is not installed."""
    if settings.trace_url is None:
        return Tracing()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise SettingsError('trace_url: traces need OpenTelemetry: pip install "auricle[otel]"') from None
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "auricle"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(settings.trace_url)))
    return Tracing(provider)
