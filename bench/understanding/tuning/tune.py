"""Fits the adapter of auricle/engines/embedded/adapters.py: `python -m bench.understanding.tuning.tune [--minutes 45]`.

Tells the language model what is heard and asked in every lesson (lessons.py), lays out the prompts as the server does,
and fits the adapter on the answers (fit.py, in an environment of its own beside the clips of `bench.sets`). It takes
about 8 GB of memory, and an hour on two cores with instructions for bfloat16 matrices (AMX), many hours without. The
result is judged on readings.toml, which it is not fitted on; afterwards `python -m bench.understanding.wording` asks
the server's own way.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import subprocess
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

from auricle.audio.tokens import audio_tokens
from auricle.config import load_settings
from auricle.engines.embedded.adapters import adapter_file
from auricle.engines.embedded.constraints import Tools
from auricle.engines.embedded.conversation import Conversation, opening
from auricle.engines.embedded.heard import Heard
from auricle.engines.embedded.language_model import LanguageModel
from auricle.engines.embedded.listener import Listener
from auricle.engines.embedded.prompt import compose
from auricle.engines.embedded.responder import Responder
from auricle.engines.embedded.vocabularies import ADMISSIONS
from auricle.types import Audio, AudioClip, Message, Options, Request, Task, Text
from auricle.waveform import SAMPLE_RATE, Waveform
from auricle.weights.pull import resolve
from bench.sets import Builder, cache_dir
from bench.understanding.evaluate import Deaf
from bench.understanding.tuning.lessons import Lesson, checks, lessons

FIT = Path(__file__).with_name("fit.py")
END = "<|im_end|>"
ENVIRONMENT = ("torch==2.13.0", "gguf", "numpy")


def request_of(lesson: Lesson) -> Request:
    """For the language model alone: the audios are empty, and their digests those of what was heard in them."""
    first, *others = lesson.talk
    messages = [Message("user", (*map(_audio, lesson.heard), Text(first)))]
    for number, text in enumerate(others):
        messages.append(Message("user" if number % 2 else "assistant", (Text(text),)))
    return Request("0" * 32, "m", Task.UNDERSTAND, tuple(messages), Options(thinking=False))


def _audio(heard: Heard) -> Audio:
    digest = hashlib.sha256(repr(heard).encode()).hexdigest()
    count = round(heard.seconds * SAMPLE_RATE)
    duration = Fraction(count, SAMPLE_RATE)
    return Audio(AudioClip(b"", "wav"), Waveform(b"", count, duration, audio_tokens(duration), digest))


async def laid_out(model: LanguageModel, found: Iterable[tuple[Lesson, bool]]) -> dict[str, Any]:
    """Lessons, and whether they are only to check with, as tokens."""
    responder = Responder(model, Listener(Deaf()))
    end = list(await model.tokenize(END, special=True))
    rows = []
    for lesson, check in found:
        request = request_of(lesson)
        conversation = Conversation(request, Tools())
        prompt = await responder.prompt(request, list(lesson.heard))
        admission = ADMISSIONS.get(conversation.question.language, ADMISSIONS["en"])
        rows.append(
            {
                "group": lesson.group,
                "language": "zh" if conversation.chinese else "en",
                "prompt": list(prompt.tokens),
                "answer": [*await model.tokenize(lesson.answer), *end],
                "admission": (await model.tokenize(admission))[0],
                "told": lesson.told,
                "reason": conversation.reasoned,
                "check": check,
            }
        )
    instructions = {
        language: list((await compose(model, opening(0, chinese=language == "zh"))).tokens) for language in ("en", "zh")
    }
    return {"instructions": instructions, "lessons": rows}


async def gathered(name: str) -> dict[str, Any]:
    """All lessons as the language model `name` sees them."""
    settings = load_settings()
    model = LanguageModel(resolve(name, settings), settings.engine("embedded"))
    await model.start()
    try:
        await model.wait_ready()
        found = [*((lesson, False) for lesson in lessons()), *((lesson, True) for lesson in checks())]
        return await laid_out(model, found)
    finally:
        await model.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=45.0, help="that fitting takes")
    parser.add_argument("--model", default=load_settings().engine("embedded").language_model, help="of the catalogue")
    parser.add_argument("--resume", type=Path, help="an adapter to go on from, such as one in the cache")
    parser.add_argument("--out", type=Path, help="in place of where the engine looks for it")
    options = parser.parse_args()
    file = cache_dir() / "lessons.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asyncio.run(gathered(options.model))), "utf-8")
    python = Builder(cache_dir()).environment("tuning", ENVIRONMENT)
    weights = resolve(options.model, load_settings())
    out = options.out or adapter_file(options.model, load_settings().cache_dir)
    out.parent.mkdir(parents=True, exist_ok=True)
    command = [str(python), str(FIT), str(file), str(weights), str(out), str(options.minutes)]
    command += [str(options.resume)] if options.resume else []
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
