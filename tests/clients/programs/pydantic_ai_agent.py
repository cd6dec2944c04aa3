"""pydantic-ai with its OpenAI provider: audio as bytes and by URL, streamed, and a typed answer by tool call.

Arguments: a clip (WAV), the URL of a clip. Prints one JSON object, a key for each run.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_ai import Agent, AudioUrl, BinaryContent
from pydantic_ai.messages import ThinkingPart
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

clip, url = sys.argv[1:]
provider = OpenAIProvider(base_url=os.environ["MIMO_API_BASE"], api_key=os.environ["MIMO_API_KEY"])
model = OpenAIChatModel("mimo-v2.5", provider=provider)
recording = BinaryContent(Path(clip).read_bytes(), media_type="audio/wav")


class Heard(BaseModel):
    words: str


async def main() -> dict[str, Any]:
    agent = Agent(model, instructions="You listen carefully.")
    by_bytes = await agent.run(["please describe the content of the audio", recording])
    # pydantic-ai itself downloads the file, and needs to be told that this address is meant.
    by_url = await agent.run(["please describe", AudioUrl(url, force_download="allow-local")])
    async with agent.run_stream(["please describe", recording]) as stream:
        pieces = [piece async for piece in stream.stream_text(delta=True)]
        streamed_usage = stream.usage
    typed: Any = Agent(model, output_type=Heard)
    heard = await typed.run([recording, '[[call final_result {"words": "ask not"}]]'])
    recognizer = Agent(OpenAIChatModel("mimo-v2.5-asr", provider=provider))
    transcript = await recognizer.run([recording])
    again = await agent.run("and now?", message_history=by_bytes.all_messages())
    return {
        "bytes": by_bytes.output,
        "thought": [
            part.content for m in by_bytes.all_messages() for part in m.parts if isinstance(part, ThinkingPart)
        ],
        "usage": {"input": by_bytes.usage.input_tokens, "output": by_bytes.usage.output_tokens},
        "url": by_url.output,
        "stream": pieces,
        "stream_usage": {"input": streamed_usage.input_tokens, "output": streamed_usage.output_tokens},
        "typed": heard.output.words,
        "transcript": transcript.output,
        "second turn": again.output,
    }


print(json.dumps(asyncio.run(main())))
