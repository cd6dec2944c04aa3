"""The samples of both official pages, pasted in, with the host, the key and the audio filled in as a reader would."""

from __future__ import annotations

import base64
import json
import sys
from typing import Any

import pytest

from tests.api.test_render import RECOGNIZED, UNDERSTOOD, shape
from tests.clients.running import HERE, Service, need_tool, run
from tests.serving import EXAMPLES

SAMPLES = HERE / "samples"
HOST = "https://api.xiaomimimo.com"
AUDIO_URL = "https://example-files.cnbj1.mi-fds.com/example-files/audio/audio_example.wav"
CURL_SAMPLES = sorted(SAMPLES.glob("*.sh"))
PYTHON_SAMPLES = sorted(SAMPLES.glob("*.py.txt"))
MIME_TYPES = {"mp3": "audio/mpeg", "ogg": "audio/ogg", "m4a": "audio/mp4"}  # short enough for a command line


def filled(name: str, service: Service, suffix: str = "mp3", model: str = "mimo-v2.5") -> str:
    """The sample with our host, and our clip as a URL or in base64."""
    encoded = base64.b64encode((EXAMPLES / f"ask-not.{suffix}").read_bytes()).decode()
    changes = {
        HOST: service.server.url,
        AUDIO_URL: service.audio(f"ask-not.{suffix}"),
        "{MIME_TYPE}": MIME_TYPES[suffix],
        "$BASE64_AUDIO": encoded,
        '"mimo-v2.5"': f'"{model}"',
    }
    text = (SAMPLES / name).read_text()
    assert HOST in text
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


def answer_to(name: str, service: Service, **changed: str) -> dict[str, Any]:
    """What the sample prints: the body of the answer."""
    if name.endswith(".sh"):
        need_tool("curl", "curl")
        printed = run(["sh", "-c", filled(name, service, **changed)], service.variables)
    else:
        printed = run([sys.executable, "-c", filled(name, service, **changed)], service.variables)
    body: dict[str, Any] = json.loads(printed)
    return body


NAMES = [path.name for path in (*CURL_SAMPLES, *PYTHON_SAMPLES)]


def test_every_sample_is_there() -> None:
    assert sorted(NAMES) == [
        "recognition.sh",
        "understanding-base64.py.txt",
        "understanding-base64.sh",
        "understanding-url.py.txt",
        "understanding-url.sh",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_samples_over_the_protocol(name: str, scripted: Service) -> None:
    body = answer_to(name, scripted)
    message = body["choices"][0]["message"]
    if name.endswith(".sh"):
        assert shape(body) == shape(RECOGNIZED if name == "recognition.sh" else UNDERSTOOD)
    if name == "recognition.sh":
        assert message["content"] == "scripted speech from 0 to 4.7"
        assert body["usage"]["seconds"] == 5
    else:
        assert message["content"] == "You said: please describe the content of the audio audio 1: 4.7 seconds"
        assert message["reasoning_content"] == "I was given audio 1: 4.7 seconds."


@pytest.mark.parametrize("model", ["mimo-v2.5", "mimo-v2-omni"])
@pytest.mark.parametrize("suffix", MIME_TYPES)
def test_the_other_model_and_other_formats(suffix: str, model: str, scripted: Service) -> None:
    body = answer_to("understanding-base64.sh", scripted, suffix=suffix, model=model)
    assert body["model"] == model
    assert body["usage"]["prompt_tokens_details"]["audio_tokens"] == 30


def test_without_the_key_there_is_no_answer(scripted: Service) -> None:
    need_tool("curl", "curl")
    printed = run(["sh", "-c", filled("recognition.sh", scripted)], {"MIMO_API_KEY": "sk-wrong"})
    assert json.loads(printed)["error"]["code"] == "401"


@pytest.mark.weights
@pytest.mark.parametrize("name", NAMES)
def test_samples_get_real_answers(name: str, embedded: Service) -> None:
    """The clip says: Ask not what your country can do for you."""
    body = answer_to(name, embedded)
    message = body["choices"][0]["message"]
    if name.endswith(".sh"):
        assert shape(body) == shape(RECOGNIZED if name == "recognition.sh" else UNDERSTOOD)
    heard = message["content"] if name == "recognition.sh" else message["reasoning_content"]
    assert "ask not what your country can do for you" in heard.lower()
    assert "country" in message["content"].lower()
    assert body["choices"][0]["finish_reason"] == "stop"
    assert body["usage"]["prompt_tokens_details"]["audio_tokens"] == 30
