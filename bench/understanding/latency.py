"""How much sooner a second question about the same audio is answered: `python -m bench.understanding.latency`.

Asks a server about a minute of speech, over HTTP and streamed: a first question, a second about the same audio, and the
second once more. Prints seconds to the first word of the answer and the share of the prompt that was reused. Needs the
clips of `python -m bench.sets`.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import sys
import time
from typing import Any

import httpx

from auricle.waveform import SAMPLE_RATE
from bench.server import running
from bench.sets import load
from bench.understanding.evaluate import wait_warm
from bench.understanding.scenes import Scene, say, scene

SECONDS = 60
QUESTIONS = (
    "Where is the bakery?",
    "Which instrument is she learning to play?",
    "Which instrument is she learning to play?",
)


def minute(start: int) -> Scene:
    """A minute of sentences; another one for each `start`."""
    names = [clip.name for clip in load("report", speaker="joe", condition="clean")]
    rotated = names[start:] + names[:start]
    whole = scene("minute", *say("seen", *rotated))
    return Scene("minute", whole.samples[: SECONDS * SAMPLE_RATE], whole.segments, whole.events)


def ask(client: httpx.Client, url: str, audio: str, question: str) -> tuple[float, str, dict[str, Any]]:
    """Seconds to the first word of the answer, the answer, and its usage."""
    parts = [{"type": "input_audio", "input_audio": {"data": audio}}, {"type": "text", "text": question}]
    body = {"model": "mimo-v2.5", "messages": [{"role": "user", "content": parts}], "stream": True}
    begun, first, words = time.perf_counter(), 0.0, ""
    usage: dict[str, Any] = {}
    with client.stream("POST", f"{url}/v1/chat/completions", json=body, timeout=600) as answer:
        for line in answer.iter_lines():
            if not line.startswith("data: {"):
                continue
            chunk = json.loads(line[6:])
            usage = chunk.get("usage") or usage
            for choice in chunk["choices"]:
                if text := choice["delta"].get("content"):
                    first = first or time.perf_counter() - begun
                    words += text
    return first, words, usage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a server that runs, in place of one that is started")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with contextlib.ExitStack() as stack, httpx.Client() as client:
        url = options.url
        if url is None:
            url = stack.enter_context(running()).url
            wait_warm(url)
        ask(client, url, base64.b64encode(minute(20).wav).decode(), QUESTIONS[0])  # whatever is loaded only once
        for number in range(options.rounds):
            audio = base64.b64encode(minute(number * 3).wav).decode()
            seconds = []
            for name, question in zip(("first question", "second question", "the same again"), QUESTIONS, strict=True):
                first, words, usage = ask(client, url, audio, question)
                seconds.append(first)
                share = usage["prompt_tokens_details"]["cached_tokens"] / usage["prompt_tokens"]
                sooner = f"x{seconds[0] / first:5.1f}"
                sys.stdout.write(
                    f"{name:16} {first:6.2f} s to the first word {sooner}; cached {100 * share:3.0f} % of "
                    f"{usage['prompt_tokens']} tokens; {words}\n"
                )
                sys.stdout.flush()


if __name__ == "__main__":
    main()
