"""OpenAI's SDK: both official pages and what its users do besides, sync and async, streamed and not.

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

import openai
from openai import AsyncOpenAI, OpenAI

BASE, KEY = os.environ["MIMO_API_BASE"], os.environ["MIMO_API_KEY"]
client = OpenAI(api_key=KEY, base_url=BASE, max_retries=0)
clip, url = sys.argv[1:]
data_url = "data:audio/mpeg;base64," + base64.b64encode(Path(clip).read_bytes()).decode()


def messages(data: str, *texts: str) -> Any:
    parts: list[Any] = [{"type": "input_audio", "input_audio": {"data": data}}]
    return [{"role": "user", "content": [*parts, *({"type": "text", "text": text} for text in texts)]}]


def joined(chunks: list[Any], field: str) -> str:
    return "".join(getattr(choice.delta, field, None) or "" for chunk in chunks for choice in chunk.choices)


def summary(chunks: list[Any]) -> dict[str, Any]:
    return {
        "content": joined(chunks, "content"),
        "reasoning": joined(chunks, "reasoning_content"),
        "finish": [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason],
        "usage": [chunk.usage.model_dump() for chunk in chunks if chunk.usage],
    }


def failure(**changed: Any) -> dict[str, Any]:
    """What the SDK raises for a request that is wrong in one way."""
    asked = {"model": "mimo-v2.5", "messages": messages(data_url, "what is said?"), **changed}
    try:
        asked.pop("client", client).chat.completions.create(**asked)
    except openai.APIStatusError as error:
        return {"type": type(error).__name__, "status": error.status_code, "code": error.code, "param": error.param}
    return {"type": "none"}


async def concurrently() -> list[str]:
    """Three questions at once, one of them streamed."""
    async with AsyncOpenAI(api_key=KEY, base_url=BASE, max_retries=0) as at_once:

        async def streamed() -> str:
            stream = await at_once.chat.completions.create(
                model="mimo-v2.5", messages=messages(data_url, "streamed"), stream=True
            )
            return joined([chunk async for chunk in stream], "content")

        async def whole(text: str) -> str:
            answer = await at_once.chat.completions.create(model="mimo-v2-omni", messages=messages(url, text))
            return answer.choices[0].message.content or ""

        return list(await asyncio.gather(streamed(), whole("one"), whole("two")))


answer = client.chat.completions.create(
    model="mimo-v2.5", messages=messages(url, "please describe the content of the audio"), max_completion_tokens=1024
)
transcript = client.chat.completions.create(
    model="mimo-v2.5-asr", messages=messages(data_url), extra_body={"asr_options": {"language": "auto"}}
)
quick = client.chat.completions.create(
    model="mimo-v2.5",
    messages=messages(data_url, "please describe the content of the audio"),
    extra_body={"thinking": {"type": "disabled"}},
)
tool: Any = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
called = client.chat.completions.create(
    model="mimo-v2.5", messages=messages(data_url, '[[call look {"where": "up"}]]'), tools=[tool]
)
with client.chat.completions.stream(
    model="mimo-v2.5", messages=messages(data_url, "please describe"), stream_options={"include_usage": True}
) as events:
    helper = events.get_final_completion()
told: Any = client.chat.completions.create(
    model="mimo-v2.5",
    messages=messages(data_url, "please describe"),
    stream=True,
    stream_options={"include_usage": True},
)
untold: Any = client.chat.completions.create(model="mimo-v2.5-asr", messages=messages(url), stream=True)

print(
    json.dumps(
        {
            "answer": answer.model_dump(),
            "transcript": transcript.model_dump(),
            "without_thinking": quick.model_dump(),
            "tool_call": called.model_dump(),
            "stream": summary(list(told)),
            "stream_of_recognition": summary(list(untold)),
            "stream_helper": helper.choices[0].message.content,
            "concurrent": asyncio.run(concurrently()),
            "models": [model.id for model in client.models.list()],
            "model": client.models.retrieve("mimo-v2.5").id,
            "failures": {
                "wrong key": failure(client=client.with_options(api_key="sk-wrong")),
                "unknown model": failure(model="mimo-v9"),
                "no text": failure(messages=messages(data_url)),
                "not audio": failure(messages=messages("data:audio/wav;base64,bm90IGF1ZGlv", "what?")),
                "out of range": failure(temperature=3),
                "engine down": failure(messages=messages(data_url, "[[fail]]")),
            },
        }
    )
)
