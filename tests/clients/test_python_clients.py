"""Python programs made for MiMo's service, unmodified, each in an environment of its own (`make test-clients`)."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest

from tests.clients.running import HERE, KEY, Service, client_python, run, run_json
from tests.serving import EXAMPLES

pytestmark = pytest.mark.clients

CLIENTS = ".venv-clients"
LITELLM = ".venv-litellm"  # it pins an older OpenAI SDK than the other clients want
ANSWER = "You said: please describe the content of the audio audio 1: 4.7 seconds"
SHORT_ANSWER = "You said: please describe audio 1: 4.7 seconds"
THOUGHT = "I was given audio 1: 4.7 seconds."
TRANSCRIPT = "scripted speech from 0 to 4.7"
AUDIO_TOKENS = 30


@functools.cache
def printed_by(environment: str, program: str, suffix: str, service: Service) -> dict[str, Any]:
    """What the program prints, given a clip and the URL of one; it is run once."""
    clip = EXAMPLES / f"ask-not.{suffix}"
    quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}  # its price list, from the package and not from the network
    command: list[str | Path] = [client_python(environment), HERE / "programs" / program, clip]
    return run_json([*command, service.audio("ask-not.wav")], {**service.variables, **quiet})


@pytest.fixture(params=[CLIENTS, LITELLM], ids=["newest", "of LiteLLM"])
def openai_sdk(request: pytest.FixtureRequest, scripted: Service) -> dict[str, Any]:
    """OpenAI's SDK in the two versions that the clients come with."""
    return printed_by(request.param, "openai_sdk.py", "mp3", scripted)


def test_openai_reads_typed_answers(openai_sdk: dict[str, Any]) -> None:
    message = openai_sdk["answer"]["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == (ANSWER, THOUGHT)
    usage = openai_sdk["answer"]["usage"]
    assert usage["prompt_tokens_details"]["audio_tokens"] == AUDIO_TOKENS
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert openai_sdk["transcript"]["choices"][0]["message"]["content"] == TRANSCRIPT
    assert openai_sdk["transcript"]["usage"]["seconds"] == 5
    assert openai_sdk["without_thinking"]["choices"][0]["message"]["reasoning_content"] == ""


def test_openai_reads_tool_calls(openai_sdk: dict[str, Any]) -> None:
    choice = openai_sdk["tool_call"]["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "look", "arguments": '{"where": "up"}'}


def test_openai_reads_streams(openai_sdk: dict[str, Any]) -> None:
    stream = openai_sdk["stream"]
    assert (stream["content"], stream["reasoning"], stream["finish"]) == (SHORT_ANSWER, THOUGHT, ["stop"])
    assert [usage["prompt_tokens_details"]["audio_tokens"] for usage in stream["usage"]] == [AUDIO_TOKENS]
    recognition = openai_sdk["stream_of_recognition"]
    assert recognition["content"] == TRANSCRIPT
    assert [usage["seconds"] for usage in recognition["usage"]] == [5]  # without having asked for it
    assert openai_sdk["stream_helper"] == SHORT_ANSWER


def test_openai_asks_concurrently(openai_sdk: dict[str, Any]) -> None:
    assert openai_sdk["concurrent"] == [f"You said: {text} audio 1: 4.7 seconds" for text in ("streamed", "one", "two")]


def test_openai_lists_models(openai_sdk: dict[str, Any]) -> None:
    assert openai_sdk["models"] == ["mimo-v2.5", "mimo-v2-omni", "mimo-v2.5-asr"]
    assert openai_sdk["model"] == "mimo-v2.5"


def test_openai_raises_its_exceptions(openai_sdk: dict[str, Any]) -> None:
    failures = openai_sdk["failures"]
    raised = {name: (failure["type"], failure["status"], failure["code"]) for name, failure in failures.items()}
    assert raised == {
        "wrong key": ("AuthenticationError", 401, "401"),
        "unknown model": ("BadRequestError", 400, "400"),
        "no text": ("BadRequestError", 400, "400"),
        "not audio": ("BadRequestError", 400, "400"),
        "out of range": ("BadRequestError", 400, "400"),
        "engine down": ("InternalServerError", 503, "503"),
    }
    assert failures["unknown model"]["param"] == "Not supported model mimo-v9"
    assert failures["not audio"]["param"] == "invalid audio format, only mp3/flac/m4a/wav/ogg are supported"


def test_litellm(scripted: Service) -> None:
    printed = printed_by(LITELLM, "litellm_sdk.py", "mp3", scripted)
    message = printed["answer"]["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == (ANSWER, THOUGHT)
    assert printed["short"] == "length"  # it sends `max_tokens` for `max_completion_tokens`
    assert printed["transcript"]["choices"][0]["message"]["content"] == TRANSCRIPT
    stream = printed["stream"]
    assert (stream["content"], stream["reasoning"]) == (ANSWER, THOUGHT)
    assert stream["usage"]["prompt_tokens_details"]["audio_tokens"] == AUDIO_TOKENS
    assert stream["usage"]["total_tokens"] == printed["answer"]["usage"]["total_tokens"]
    assert printed["failures"] == {"wrong key": "AuthenticationError", "unknown model": "BadRequestError"}


def test_mimo_multimodal_mcp(scripted: Service) -> None:
    printed = printed_by(CLIENTS, "mimo_mcp.py", "mp3", scripted)
    assert "understand_audio" in printed["tools"]
    assert printed["file"] == "You said: transcribe this audio 1: 4.7 seconds"
    assert printed["url"] == printed["file"]
    assert printed["both"] == "You said: compare audio 1: 4.7 seconds audio 2: 4.7 seconds"
    assert "Reasoning preview:\nI was given audio" in printed["no answer left"]
    assert "400" in printed["not audio"]


@pytest.mark.weights
def test_mimo_multimodal_mcp_gets_real_answers(embedded: Service) -> None:
    printed = printed_by(CLIENTS, "mimo_mcp.py", "mp3", embedded)
    for answer in (printed["file"], printed["url"]):
        assert "what your country can do for you" in answer.lower()


def test_pydantic_ai(scripted: Service) -> None:
    printed = printed_by(CLIENTS, "pydantic_ai_agent.py", "wav", scripted)
    assert printed["bytes"] == ANSWER
    assert printed["thought"] == [THOUGHT]
    assert printed["url"] == SHORT_ANSWER
    assert "".join(printed["stream"]) == SHORT_ANSWER
    assert printed["usage"]["input"] > AUDIO_TOKENS
    assert printed["stream_usage"]["input"] > AUDIO_TOKENS
    assert printed["typed"] == "ask not"
    assert printed["transcript"] == TRANSCRIPT
    assert printed["second turn"] == "You said: and now? audio 1: 4.7 seconds"  # the audio is still in the conversation


def test_agno(scripted: Service) -> None:
    printed = printed_by(CLIENTS, "agno_agent.py", "wav", scripted)
    assert printed["file"] == {"content": ANSWER, "reasoning": THOUGHT, "status": "COMPLETED"}
    assert printed["url"] == {"content": SHORT_ANSWER, "reasoning": "", "status": "COMPLETED"}
    assert printed["stream"] == SHORT_ANSWER
    assert printed["tokens"]["input"] > AUDIO_TOKENS


def test_llm(scripted: Service, tmp_path: Path) -> None:
    """Simon Willison's command line tool, told of the models in its own file."""
    models = [
        {"model_id": name, "model_name": name, "api_base": scripted.base, "api_key_name": "mimo", "audio": True}
        for name in ("mimo-v2.5", "mimo-v2.5-asr")
    ]
    (tmp_path / "extra-openai-models.yaml").write_text(json.dumps(models))  # YAML holds JSON
    (tmp_path / "keys.json").write_text(json.dumps({"mimo": KEY}))
    llm = client_python(CLIENTS).parent / "llm"

    def said(*arguments: str | Path) -> str:
        return run([llm, *arguments], {"LLM_USER_PATH": str(tmp_path)}).strip()

    wav, url = EXAMPLES / "ask-not.wav", scripted.audio("ask-not.mp3")
    assert said("-m", "mimo-v2.5", "-a", wav, "please describe") == SHORT_ANSWER
    assert said("-m", "mimo-v2.5", "-a", url, "--no-stream", "please describe") == SHORT_ANSWER
    assert said("-m", "mimo-v2.5-asr", "-a", wav, "write it down") == TRANSCRIPT
