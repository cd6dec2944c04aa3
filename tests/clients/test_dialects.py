"""The requests of programs that have no package to install, as their published sources and the wire show them.

What each program then reads in the answer is asserted as it reads it. Every dialect is spoken to the scripted engine
and, with the weights there, to the real models.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.clients.running import KEY, Service
from tests.serving import EXAMPLES, audio_part, data_url, text_part

CLIP = EXAMPLES / "ask-not.wav"
MP3 = EXAMPLES / "ask-not.mp3"
BARE = base64.b64encode(CLIP.read_bytes()).decode()
BEARER = {"authorization": f"Bearer {KEY}"}
API_KEY = {"api-key": KEY}

Reading = Callable[[httpx.Response], str]


@dataclass(frozen=True)
class Dialect:
    """What one program sends, and how it finds its answer."""

    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=lambda: dict(BEARER))
    understands: bool = False
    json_answer: bool = False


def recognition(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "mimo-v2.5-asr", "messages": [{"role": "user", "content": list(parts)}], **more}


def understanding(*parts: dict[str, Any], system: str | None = None, **more: Any) -> dict[str, Any]:
    first = [{"role": "system", "content": system}] if system else []
    return {"model": "mimo-v2.5", "messages": [*first, {"role": "user", "content": list(parts)}], **more}


ASR_WITH_TEXT = recognition(text_part("Transcribe the audio."), audio_part())
ASR_WITH_TEXT["messages"].insert(0, {"role": "system", "content": "You are a transcription engine."})
VOICE_CONTROL = 'Say in JSON what was said: {"command": "..."}'

DIALECTS = {
    # XiaomiMiMo/MiMo-Code: its header names the surface; dictation, then voice control in JSON
    "MiMo-Code dictation": Dialect(
        recognition(audio_part(), asr_options={"language": "auto"}), {**BEARER, "X-Mimo-Source": "mimocode-cli"}
    ),
    "MiMo-Code voice control": Dialect(
        understanding(
            audio_part(),
            text_part("What is the command?"),
            system=VOICE_CONTROL,
            response_format={"type": "json_object"},
            thinking={"type": "disabled"},
            max_completion_tokens=200,
            temperature=0,
        ),
        {**BEARER, "X-Mimo-Source": "mimocode-cli"},
        understands=True,
        json_answer=True,
    ),
    # nanobot, openless: the official header; AstrBot, openclaw, rikkahub: Bearer
    "api-key": Dialect(recognition(audio_part()), API_KEY),
    "Bearer, lower case": Dialect(recognition(audio_part()), {"authorization": f"bearer {KEY}"}),
    "both headers": Dialect(recognition(audio_part()), {**API_KEY, **BEARER}),
    "both headers, one a dummy": Dialect(recognition(audio_part()), {**API_KEY, "authorization": "Bearer not-needed"}),
    "system and text to the ASR model": Dialect(ASR_WITH_TEXT),
    "ASR with max_tokens": Dialect(recognition(audio_part(), asr_options={"language": "en"}, max_tokens=3000)),
    "ASR with OpenAI's defaults": Dialect(
        recognition(audio_part(), temperature=0, top_p=1, n=1, stream=False, stop=None, frequency_penalty=0, user="me")
    ),
    "ASR with nulls": Dialect(recognition(audio_part(), asr_options=None, max_tokens=None, temperature=None)),
    # GoModel, Home Assistant's speech to text, koe: a data URL and a format
    "data URL and format": Dialect(recognition(audio_part(format="wav"))),
    "audio/x-wav": Dialect(recognition(audio_part(data_url(CLIP, "audio/x-wav")))),
    "audio/wave": Dialect(recognition(audio_part(data_url(CLIP, "audio/wave")))),
    "audio/mp3": Dialect(recognition(audio_part(data_url(MP3, "audio/mp3")))),
    "audio/x-mpeg": Dialect(recognition(audio_part(data_url(MP3, "audio/x-mpeg")))),
    "audio/mp4": Dialect(recognition(audio_part(data_url(EXAMPLES / "ask-not.m4a", "audio/mp4")))),
    "audio/octet-stream": Dialect(recognition(audio_part(data_url(CLIP, "audio/octet-stream")))),
    "codecs in the MIME type": Dialect(
        recognition(audio_part(data_url(EXAMPLES / "ask-not.ogg", "audio/ogg;codecs=opus")))
    ),
    # agno, pydantic-ai, llm, Vercel's AI SDK: text first, bare base64 with a format
    "text first, bare base64": Dialect(
        understanding(text_part("What does the speaker say?"), audio_part(BARE, format="wav"), max_tokens=200),
        understands=True,
    ),
    "thinking disabled": Dialect(
        understanding(
            text_part("What does the speaker say?"),
            audio_part(BARE),
            thinking={"type": "disabled"},
            max_completion_tokens=200,
        ),
        understands=True,
    ),
    # vLLM's and SGLang's clients
    "audio_url": Dialect(
        understanding(
            {"type": "audio_url", "audio_url": {"url": data_url(CLIP, "audio/wav")}},
            text_part("What does the speaker say?"),
            chat_template_kwargs={"enable_thinking": False},
            max_tokens=200,
        ),
        understands=True,
    ),
    # mimo-multimodal-mcp
    "a system string and 8192 tokens": Dialect(
        understanding(
            audio_part(data_url(CLIP, "audio/x-wav")),
            text_part("transcribe this"),
            system="You are MiMo, an AI assistant developed by Xiaomi. You are skilled at transcribing audio content.",
            max_completion_tokens=8192,
        ),
        understands=True,
    ),
}


@pytest.fixture(params=["scripted", pytest.param("embedded", marks=pytest.mark.weights)])
def service(request: pytest.FixtureRequest) -> Service:
    running: Service = request.getfixturevalue(request.param)
    return running


def is_real(service: Service) -> bool:
    return "scripted" not in service.server.pipeline.models["mimo-v2.5"].engine.name


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_dialects(service: Service, dialect: Dialect) -> None:
    reply = service.chat(dialect.body, headers=dialect.headers)
    assert reply.status_code == 200, reply.text
    message = reply.json()["choices"][0]["message"]
    read = message["content"] or message.get("reasoning_content")
    if dialect.json_answer:
        assert isinstance(json.loads(read), dict)
    elif is_real(service):
        assert "country" in read.lower()
    else:
        assert read.startswith("You said" if dialect.understands else "scripted speech")
    assert reply.json()["usage"]["prompt_tokens_details"]["audio_tokens"] == pytest.approx(30, abs=1)


def test_a_client_that_probes_its_key_first(service: Service) -> None:
    """mimo-audio-skill and others ask for the models before anything else."""
    with service.server.client() as client:
        for headers in (API_KEY, BEARER):
            models = client.get("/v1/models", headers=headers).json()
            assert "mimo-v2.5-asr" in {model["id"] for model in models["data"]}
        assert client.get("/v1/models", headers={"api-key": "sk-wrong"}).status_code == 401
        assert client.get("/v1/models").status_code == 401


def test_a_client_that_parses_every_event_strictly(service: Service) -> None:
    """mimo-audio-skill with `--stream`: each event one line of strict JSON; usage, unasked, on the finish chunk."""

    def no_constants(name: str) -> None:
        raise ValueError(name)

    reply = service.chat(recognition(audio_part(), stream=True), headers=BEARER)
    frames = reply.text.removesuffix("\n\n").split("\n\n")
    assert frames.pop() == "data: [DONE]"
    chunks = []
    for frame in frames:
        assert frame.startswith("data: {")
        assert "\n" not in frame
        chunks.append(json.loads(frame[6:], parse_constant=no_constants))
    text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert text
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["seconds"] == 5


def test_a_client_that_sends_a_recording_in_parts(service: Service) -> None:
    """LimeW07/mimo-asr cuts what is large and adds up the usage; the last part may be silence, and is then empty."""
    silence = b"RIFF\x24\x7d\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00" + (16_000).to_bytes(4, "little")
    silence += (32_000).to_bytes(4, "little") + b"\x02\x00\x10\x00data\x00\x7d\x00\x00" + bytes(32_000)
    quiet = f"data:audio/wav;base64,{base64.b64encode(silence).decode()}"
    texts, seconds = [], 0
    for data in (data_url(), data_url(), quiet):
        body = service.chat(recognition(audio_part(data)), headers={**API_KEY, **BEARER}).json()
        texts.append(body["choices"][0]["message"]["content"])
        seconds += body["usage"]["seconds"]
    assert texts[0] == texts[1] != ""
    assert texts[2] == ""
    assert seconds == 5 + 5 + 1


def test_a_client_that_sends_all_parts_at_once(service: Service) -> None:
    body = service.chat(recognition(audio_part(), audio_part(data_url(MP3, "audio/mpeg"))), headers=BEARER)
    assert body.json()["usage"]["seconds"] == 10
    assert body.json()["choices"][0]["message"]["content"].count("\n") == 1


def test_a_page_of_another_origin(service: Service) -> None:
    """The Video-to-SRT pages and rikkahub's web client call from a browser."""
    origin = {"origin": "https://page.example"}
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "api-key,content-type"}
    with service.server.client() as client:
        preflight = client.options("/v1/chat/completions", headers={**origin, **asked})
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert {"api-key", "content-type"} <= set(preflight.headers["access-control-allow-headers"].split(","))
    for headers, status in ((API_KEY, 200), ({"api-key": "sk-wrong"}, 401)):
        reply = service.chat(recognition(audio_part()), headers={**origin, **headers})
        assert reply.status_code == status
        assert reply.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (recognition(audio_part("data:audio/wav;base64,bm90IGF1ZGlv")), 400),
        (recognition(text_part("no audio")), 400),
        (understanding(audio_part()), 400),
        (understanding({"type": "image_url", "image_url": {"url": "https://x.example/y.png"}}, text_part("?")), 400),
        ({**recognition(audio_part()), "model": "mimo-v9"}, 400),
    ],
    ids=["not audio", "no audio", "no text", "an image", "unknown model"],
)
def test_what_cannot_work_is_never_retried(service: Service, body: dict[str, Any], status: int) -> None:
    """Clients retry 408, 409, 429 and 5xx: what is wrong for good must be none of these, and MiMo's error body."""
    reply = service.chat(body, headers=BEARER)
    assert reply.status_code == status
    error = reply.json()["error"]
    assert (error["code"], error["message"], error["type"]) == (str(status), "Param Incorrect", "")
    assert error["param"]
