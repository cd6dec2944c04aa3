"""JavaScript programs made for MiMo's and OpenAI's services, unmodified (`make test-clients`)."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from tests.clients.running import NODE_FOLDER, Service, need_tool, run_json
from tests.serving import EXAMPLES

pytestmark = pytest.mark.clients

ANSWER = "You said: please describe the content of the audio audio 1: 4.7 seconds"
VERCEL_ANSWER = "You said: What does the speaker say? audio 1: 4.7 seconds"
THOUGHT = "I was given audio 1: 4.7 seconds."
TRANSCRIPT = "scripted speech from 0 to 4.7"
AUDIO_TOKENS = 30


@functools.cache
def printed_by(program: str, suffix: str, service: Service) -> dict[str, Any]:
    """What the program prints, given a clip and the URL of one; it is run once."""
    node = need_tool("node", "nodejs")
    if not (NODE_FOLDER / "node_modules").exists():
        pytest.fail("the JavaScript clients are not installed; run these tests with: make test-clients")
    clip = EXAMPLES / f"ask-not.{suffix}"
    return run_json([node, program, clip, service.audio("ask-not.wav")], service.variables, folder=NODE_FOLDER)


@pytest.fixture
def openai_sdk(scripted: Service) -> dict[str, Any]:
    return printed_by("openai.mjs", "mp3", scripted)


@pytest.fixture
def vercel(scripted: Service) -> dict[str, Any]:
    return printed_by("vercel.mjs", "wav", scripted)


@pytest.fixture
def browser(scripted: Service) -> dict[str, Any]:
    return printed_by("browser.mjs", "mp3", scripted)


def test_openai_reads_answers(openai_sdk: dict[str, Any]) -> None:
    message = openai_sdk["answer"]["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == (ANSWER, THOUGHT)
    assert openai_sdk["answer"]["usage"]["prompt_tokens_details"]["audio_tokens"] == AUDIO_TOKENS
    assert openai_sdk["transcript"]["choices"][0]["message"]["content"] == TRANSCRIPT
    assert openai_sdk["models"] == ["mimo-v2.5", "mimo-v2-omni", "mimo-v2.5-asr"]
    assert openai_sdk["model"] == "mimo-v2.5-asr"


def test_openai_reads_streams(openai_sdk: dict[str, Any]) -> None:
    stream = openai_sdk["stream"]
    assert (stream["content"], stream["reasoning"], stream["finish"]) == (ANSWER, THOUGHT, ["stop"])
    assert stream["usage"] == [openai_sdk["answer"]["usage"]]
    recognition = openai_sdk["stream_of_recognition"]
    assert recognition["content"] == TRANSCRIPT
    assert [usage["seconds"] for usage in recognition["usage"]] == [5]
    assert openai_sdk["abandoned_seconds"] < 5  # of an answer that takes minutes


def test_openai_raises_its_exceptions(openai_sdk: dict[str, Any]) -> None:
    failures = openai_sdk["failures"]
    assert {name: (failure["type"], failure["status"]) for name, failure in failures.items()} == {
        "wrong key": ("AuthenticationError", 401),
        "unknown model": ("BadRequestError", 400),
        "no text": ("BadRequestError", 400),
        "engine down": ("InternalServerError", 503),
    }
    assert failures["unknown model"]["param"] == "Not supported model mimo-v9"


def test_vercel_generates(vercel: dict[str, Any]) -> None:
    whole = vercel["whole"]
    assert (whole["text"], whole["reasoning"], whole["finish"]) == (VERCEL_ANSWER, THOUGHT, "stop")
    usage = whole["usage"]
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"]
    assert usage["outputTokenDetails"]["reasoningTokens"] == 7
    assert vercel["quick"] == {"text": VERCEL_ANSWER, "reasoning": ""}
    assert vercel["call"] == [{"toolName": "look", "input": {"where": "up"}}]
    assert vercel["transcript"] == TRANSCRIPT


def test_vercel_streams(vercel: dict[str, Any]) -> None:
    stream = vercel["stream"]
    assert (stream["text"], stream["reasoning"], stream["finish"]) == (VERCEL_ANSWER, THOUGHT, "stop")
    assert stream["usage"]["inputTokens"] > AUDIO_TOKENS
    assert stream["usage"]["outputTokens"] == vercel["whole"]["usage"]["outputTokens"]


def test_vercel_does_not_retry_what_is_wrong(vercel: dict[str, Any]) -> None:
    assert vercel["failure"]["name"] == "AI_APICallError"
    assert vercel["failure"]["status"] == 400
    assert vercel["failure"]["retryable"] is False


@pytest.mark.weights
def test_vercel_gets_real_answers(embedded: Service) -> None:
    printed = printed_by("vercel.mjs", "wav", embedded)
    for answer in (printed["whole"], printed["stream"]):
        assert "country" in answer["text"].lower()
        assert "ask not what your country can do for you" in answer["reasoning"].lower()
        assert answer["usage"]["inputTokens"] > AUDIO_TOKENS
    assert "what your country can do for you" in printed["transcript"].lower()


def test_a_page_in_a_browser(browser: dict[str, Any]) -> None:
    assert browser["answer"]["choices"][0]["message"]["content"] == TRANSCRIPT
    assert browser["request_id"] == browser["answer"]["id"]
    assert browser["bearer"] == 200
    assert browser["stream"] == {"text": TRANSCRIPT, "done": True, "rest": ""}
    assert browser["models"] == ["mimo-v2.5", "mimo-v2-omni", "mimo-v2.5-asr"]


def test_a_page_in_a_browser_can_read_errors(browser: dict[str, Any]) -> None:
    assert browser["refused"]["status"] == 401
    assert browser["refused"]["body"]["error"]["message"] == "Invalid API Key"
    assert browser["wrong"]["status"] == 400
    assert browser["wrong"]["body"]["error"]["param"] == "Not supported model mimo-v9"
    assert browser["nowhere"] == 404
