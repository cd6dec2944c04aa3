"""LiteLLM's provider for MiMo, pointed here by `api_base`: whole, streamed with usage, and recognition.

Arguments: a clip (MP3), the URL of a clip. Prints one JSON object, a key for each call.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

import litellm

clip, url = sys.argv[1:]
data_url = "data:audio/mpeg;base64," + base64.b64encode(Path(clip).read_bytes()).decode()
common: dict[str, Any] = {
    "api_base": os.environ["MIMO_API_BASE"],
    "api_key": os.environ["MIMO_API_KEY"],
    "num_retries": 0,
}


def messages(data: str, *texts: str) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{"type": "input_audio", "input_audio": {"data": data}}]
    return [{"role": "user", "content": [*parts, *({"type": "text", "text": text} for text in texts)]}]


async def streamed() -> dict[str, Any]:
    stream: Any = await litellm.acompletion(
        model="xiaomi_mimo/mimo-v2.5",
        messages=messages(data_url, "please describe the content of the audio"),
        max_completion_tokens=1024,
        stream=True,
        stream_options={"include_usage": True},
        **common,
    )
    chunks = [chunk async for chunk in stream]
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    rebuilt: Any = litellm.stream_chunk_builder(chunks)
    return {
        "content": "".join(delta.content or "" for delta in deltas),
        "reasoning": "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas),
        "usage": rebuilt.usage.model_dump(),
    }


def failure(model: str, **changed: Any) -> str:
    try:
        litellm.completion(**{"model": model, "messages": messages(data_url, "what is said?"), **common, **changed})
    except Exception as error:
        return type(error).__name__
    return "none"


answer: Any = litellm.completion(
    model="xiaomi_mimo/mimo-v2.5",
    messages=messages(url, "please describe the content of the audio"),
    max_completion_tokens=1024,
    **common,
)
short: Any = litellm.completion(
    model="xiaomi_mimo/mimo-v2.5", messages=messages(data_url, "please describe"), max_completion_tokens=3, **common
)
transcript: Any = litellm.completion(
    model="xiaomi_mimo/mimo-v2.5-asr",
    messages=messages(data_url),
    extra_body={"asr_options": {"language": "en"}},
    **common,
)
print(
    json.dumps(
        {
            "answer": answer.model_dump(),
            "short": short.choices[0].finish_reason,
            "transcript": transcript.model_dump(),
            "stream": asyncio.run(streamed()),
            "failures": {
                "wrong key": failure("xiaomi_mimo/mimo-v2.5", api_key="sk-wrong"),
                "unknown model": failure("xiaomi_mimo/mimo-v9"),
            },
        }
    )
)
