"""What operators see of a request: a trace through every stage, log lines with its id, metrics; never its content."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from docs.generate import GENERATED
from tests.cli.test_serve import served
from tests.serving import CLIP, dictation, question, scripted_settings, serving

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
SECRET = "the-secret-word"
DASHBOARD = Path(__file__).parent.parent / "deploy" / "grafana-dashboard.json"


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """An OTLP receiver on loopback: its URL, and the bodies that came."""
    bodies: list[bytes] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", bodies
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def spans_in(bodies: list[bytes]) -> list[Any]:
    return [
        span
        for body in bodies
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_a_trace_goes_through_every_stage(stream: bool) -> None:
    with collector() as (url, bodies):
        with serving(scripted_settings(trace_url=url, api_keys=(SECRET,))) as server:
            headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "api-key": SECRET}
            reply = server.chat(question(SECRET, stream=stream), headers=headers)
            assert reply.status_code == 200
            request_id = reply.headers["x-request-id"]
        spans = {span.name: span for span in spans_in(bodies)}  # sent when the server stops, at the latest
        assert set(spans) == {"POST", "body", "fetch", "decode", "admit", "answer"}
        root = spans.pop("POST")
        assert root.parent_span_id.hex() == PARENT
        assert all(span.trace_id.hex() == TRACE for span in [root, *spans.values()])
        assert all(span.parent_span_id == root.span_id for span in spans.values())
        assert all(span.end_time_unix_nano >= span.start_time_unix_nano > 0 for span in spans.values())
        noted = {item.key: item.value for item in root.attributes}
        assert noted["auricle.request_id"].string_value == request_id
        answered = {item.key: item.value for item in spans["answer"].attributes}
        assert answered["auricle.completion_tokens"].int_value > 0
        assert answered["auricle.audio_seconds"].double_value == pytest.approx(4.7, abs=0.1)
        assert not any(SECRET.encode() in body for body in bodies)


def test_a_failed_stage_is_marked_by_its_class_only() -> None:
    with collector() as (url, bodies):
        with serving(scripted_settings(trace_url=url)) as server:
            data = base64.b64encode(CLIP.read_bytes()[:20] + SECRET.encode()).decode()
            part = {"type": "input_audio", "input_audio": {"data": data}}
            assert server.chat(dictation(part)).status_code == 400
        spans = {span.name: span for span in spans_in(bodies)}
        assert spans["decode"].status.message == "InvalidAudio"
        assert not any(SECRET.encode() in body for body in bodies)


def test_without_the_setting_nothing_of_opentelemetry_is_loaded() -> None:
    code = (
        "import sys; from auricle.app import create_app; from auricle.config import load_settings; "
        "create_app(load_settings()); print([m for m in sys.modules if m.startswith('opentelemetry.sdk')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


def test_every_log_line_of_a_request_carries_its_id(tmp_path: Path) -> None:
    with served(tmp_path, AURICLE_LOG_FORMAT="json", AURICLE_API_KEYS=SECRET) as (process, url):
        headers = {"api-key": SECRET}
        reply = httpx.post(f"{url}/v1/chat/completions", json=question(SECRET), headers=headers, timeout=60)
        failed = httpx.get(f"{url}/{SECRET}?key={SECRET}")
        process.terminate()
        _, said = process.communicate(timeout=20)
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    by_id = {line["request_id"]: line for line in lines if line["event"] == "request"}
    assert by_id[reply.headers["x-request-id"]]["status"] == 200
    assert by_id[failed.headers["x-request-id"]]["status"] == 404
    assert SECRET not in said.replace(f'"path": "/{SECRET}"', "")
    assert base64.b64encode(CLIP.read_bytes())[1000:1060].decode() not in said


def test_metrics_tell_what_became_of_requests() -> None:
    with serving(scripted_settings()) as server:
        server.chat(dictation())
        server.chat(dictation({"type": "input_audio", "input_audio": {"data": "UklGRgAAAABXQVZF"}}))
        with server.client() as client:
            client.get("/nowhere")
            metrics = client.get("/metrics").text
    for line in (
        'auricle_requests_total{engine="scripted",model="mimo-v2.5-asr",status="200"} 1.0',
        'auricle_requests_total{engine="scripted",model="mimo-v2.5-asr",status="400"} 1.0',
        'auricle_failures_total{failure="InvalidAudio",model="mimo-v2.5-asr"} 1.0',
        'auricle_cache_hits_total{hit="no",model="mimo-v2.5-asr"} 1.0',
        'auricle_http_responses_total{method="GET",route="other",status="404"} 1.0',
        'auricle_http_responses_total{method="POST",route="/v1/chat/completions",status="400"} 1.0',
        "auricle_in_progress 0.0",
        'auricle_model_ready{model="mimo-v2.5-asr"} 1.0',
        "auricle_audio_memory_bytes 0.0",
        'auricle_lane_requests{lane="scripted/recognize"} 0.0',
    ):
        assert line in metrics, line


def test_the_dashboard_shows_metrics_that_exist() -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    asked = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ()))
    names = {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"auricle_\w+", asked)}
    known = set(re.findall(r"`(auricle_\w+)`", GENERATED["docs/reference/http.md"]()))
    assert names <= known
    assert len(names) >= 12
