"""Models, health, keys, CORS, the documentation page: everything around the chat endpoint."""

from __future__ import annotations

import re

import jsonschema
import openai
import pytest

from tests.serving import Server, dictation, question, scripted_settings, serving

TEXT = {"model": "mimo-v2.5", "messages": [{"role": "user", "content": "x"}]}


@pytest.mark.parametrize(
    "headers",
    [
        {"api-key": "sk-one"},
        {"authorization": "Bearer sk-two"},
        {"authorization": "bearer  sk-one"},
        {"api-key": "sk-one", "authorization": "Bearer sk-one"},
        {"api-key": "dummy", "authorization": "Bearer sk-one"},
    ],
)
def test_both_ways_to_send_a_key(keyed_server: Server, headers: dict[str, str]) -> None:
    assert keyed_server.chat(TEXT, headers=headers).status_code == 200
    with keyed_server.client(headers=headers) as client:
        assert client.get("/v1/models").status_code == 200


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/mimo-v2.5"])
def test_the_models_need_a_key(keyed_server: Server, path: str) -> None:
    with keyed_server.client() as client:
        assert client.get(path).status_code == 401


@pytest.mark.parametrize("headers", [{}, {"api-key": "anything"}, {"authorization": "Bearer EMPTY"}])
def test_any_key_will_do_in_the_local_mode(server: Server, headers: dict[str, str]) -> None:
    assert server.chat(TEXT, headers=headers).status_code == 200


def test_models_as_openais_sdk_reads_them(server: Server) -> None:
    with openai.OpenAI(api_key="x", base_url=f"{server.url}/v1") as client:
        names = [model.id for model in client.models.list()]
        assert names == ["mimo-v2.5", "mimo-v2-omni", "mimo-v2.5-asr"]
        model = client.models.retrieve("mimo-v2.5")
        assert model.id == "mimo-v2.5"
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve("gpt-5")


def test_models_say_what_stands_behind_them(server: Server) -> None:
    with server.client() as client:
        model = client.get("/v1/models/mimo-v2.5").json()
    assert model["engine"] == "scripted"
    assert model["weights"] == "none (scripted)"
    assert model["context_length"] == 32_768  # the engine's, lower than the official number


def test_health(server: Server) -> None:
    with server.client() as client:
        assert client.get("/health").json() == {"status": "ok"}
        ready = client.get("/health/ready")
        assert ready.status_code == 200
        assert ready.json()["models"]["mimo-v2.5-asr"] == {"ready": True, "detail": ""}
        assert list(client.get("/health/ready?model=mimo-v2.5").json()["models"]) == ["mimo-v2.5"]
        assert client.get("/health/ready?model=gpt-5").status_code == 404


def test_metrics_count_tokens_and_audio() -> None:
    with serving(scripted_settings()) as server:
        usage = server.chat(dictation()).json()["usage"]
        with server.client() as client:
            metrics = client.get("/metrics").text
        assert f'auricle_tokens_total{{kind="prompt",model="mimo-v2.5-asr"}} {usage["prompt_tokens"]}.0' in metrics
        assert re.search(r'auricle_audio_seconds_total\{model="mimo-v2.5-asr"\} 4\.7', metrics)


def test_browsers_may_call_with_the_api_key_header(server: Server) -> None:
    with server.client() as client:
        preflight = client.options(
            "/v1/chat/completions",
            headers={
                "origin": "https://example.com",
                "access-control-request-method": "POST",
                "access-control-request-headers": "api-key,content-type",
            },
        )
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == "*"
        assert "api-key" in preflight.headers["access-control-allow-headers"]
        reply = client.post("/v1/chat/completions", json=TEXT, headers={"origin": "https://example.com"})
        assert reply.headers["access-control-allow-origin"] == "*"
        failed = client.post("/v1/chat/completions", json={}, headers={"origin": "https://example.com"})
        assert failed.headers["access-control-allow-origin"] == "*"


def test_the_documentation_needs_no_other_host(server: Server) -> None:
    with server.client() as client:
        page = client.get("/docs").text
        assets = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert len(assets) >= 3
        for asset in assets:
            assert asset.startswith("/docs/assets/")
            assert client.get(asset).status_code == 200


def test_the_answers_are_as_documented(server: Server) -> None:
    with server.client() as client:
        document = client.get("/openapi.json").json()
    for name, body in (
        ("Completion", server.chat(question()).json()),
        ("Completion", server.chat(dictation()).json()),
        ("ErrorBody", server.chat({}).json()),
    ):
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema.validate(body, schema)  # type: ignore[no-untyped-call]


def test_keys_are_not_kept_or_logged(capfd: pytest.CaptureFixture[str]) -> None:
    key = "sk-very-secret-0123456789"
    with serving(scripted_settings(api_keys=key, log_level="debug")) as server:
        assert server.chat(TEXT, headers={"api-key": key}).status_code == 200
        assert server.chat(TEXT, headers={"api-key": key + "x"}).status_code == 401
        assert key not in repr(vars(server.app.state.services.keys))
        assert key not in repr(server.app.state.services.settings)
    assert key not in "".join(capfd.readouterr())
