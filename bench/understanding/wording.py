"""How well the language model answers what readings.toml asks, given notes that are right: `python -m
bench.understanding.wording [choose|check]`; with `--heard`, given what is heard when voices say it.

For choosing how prompts are worded: an answer takes a second or two.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import re
import sys
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from auricle.audio.tokens import audio_tokens
from auricle.config import load_settings
from auricle.engines.embedded.adapters import adapter_of
from auricle.engines.embedded.doubt import doubt_of
from auricle.engines.embedded.events import SoundEvent
from auricle.engines.embedded.heard import Heard, Loudness
from auricle.engines.embedded.language_model import PROMPTS, LanguageModel
from auricle.engines.embedded.listener import Listener
from auricle.engines.embedded.responder import Responder
from auricle.pipeline import collect
from auricle.types import Audio, AudioClip, Message, Options, RecognitionOptions, Request, Segment, Task, Text
from auricle.waveform import SAMPLE_RATE, Waveform
from auricle.weights.pull import resolve
from bench.understanding.answers import CANNOT
from bench.understanding.evaluate import ANSWER_TOKENS, Deaf
from bench.understanding.spoken import listened

READINGS = Path(__file__).with_name("readings.toml")
PAUSE_SECONDS = 0.5
SECONDS_A_CHARACTER = {"zh": 0.22}  # others: 0.065
LOUDNESS = Loudness(rms_dbfs=-22.0, peak_dbfs=-3.0, clipped=0.0)


@dataclass(frozen=True, slots=True)
class Read:
    """A question about a reading; `right` is None where nobody says it."""

    said: tuple[str, ...]
    heard: Heard
    text: str
    right: str | None
    answer: str = ""
    """As it should be, where that was written down."""

    @property
    def request(self) -> Request:
        """For the language model alone: the audio is empty, and its digest that of what was heard in it."""
        digest = hashlib.sha256(repr(self.heard).encode()).hexdigest()
        count = round(self.heard.seconds * SAMPLE_RATE)
        duration = Fraction(count, SAMPLE_RATE)
        audio = Audio(AudioClip(b"", "wav"), Waveform(b"", count, duration, audio_tokens(duration), digest))
        options = Options(max_tokens=ANSWER_TOKENS, thinking=False)
        return Request("0" * 32, "m", Task.UNDERSTAND, (Message("user", (audio, Text(self.text))),), options)

    def judge(self, answer: str) -> bool:
        return bool(re.search(self.right or CANNOT, answer, re.IGNORECASE | re.DOTALL))


def readings(
    part: str, file: Path = READINGS, heard_of: Mapping[tuple[str, ...], Heard] | None = None
) -> Iterator[Read]:
    """All questions of a part: `choose` or `check`, or, in answerable/*.toml, `fit`.

    With `heard_of` (`spoken.listened`) as those readings are heard that are spoken, else as they are.
    """
    for reading in tomllib.loads(file.read_text("utf-8"))["reading"]:
        if reading["part"] != part:
            continue
        said = tuple(reading["said"])
        heard = _perfect(reading) if heard_of is None else heard_of.get(said)
        if heard is None or not heard.segments:
            continue
        for text, right, *answer in reading["answered"]:
            yield Read(said, heard, text, right, "".join(answer))
        for text in reading["unanswerable"]:
            yield Read(said, heard, text, None)


def _perfect(reading: Mapping[str, Any]) -> Heard:
    """What perfect ears would hear."""
    at, segments = 0.3, []
    for text in reading["said"]:
        end = at + 0.6 + len(text) * SECONDS_A_CHARACTER.get(reading["language"], 0.065)
        segments.append(Segment(text, round(at, 2), round(end, 2), reading["language"]))
        at = end + PAUSE_SECONDS
    speech = SoundEvent("Speech", "speech", 0.2, round(at, 2), 0.97)
    return Heard(round(at, 1), tuple(segments), LOUDNESS, (speech,))


async def ask(reads: Iterable[Read], name: str | None) -> None:
    settings = load_settings()
    engine = settings.engine("embedded")
    name = name or engine.language_model
    adapter = adapter_of(name, settings.cache_dir)
    model = LanguageModel(resolve(name, settings), engine, settings.cache_dir / PROMPTS, adapter)
    await model.start()
    await model.wait_ready()
    listener = Listener(Deaf())
    responder = Responder(model, listener, doubt_of(name))
    await responder.warm_up()
    rights: dict[str, list[bool]] = {"answered": [], "unanswerable": []}
    begun = time.monotonic()
    try:
        for read in reads:
            request = read.request
            (audio,) = request.audios()
            listener.memory.put((audio.waveform.digest, RecognitionOptions()), read.heard)
            answer = await collect(responder.answer(request))
            right = read.judge(answer.content)
            rights["answered" if read.right else "unanswerable"].append(right)
            if not right:
                kind = "wrong" if read.right else "made up"
                sys.stdout.write(f"{kind}: {read.text} -> {answer.content}\n")
                sys.stdout.flush()
    finally:
        await model.close()
    for kind, judged in rights.items():
        sys.stdout.write(f"{kind}: {sum(judged)}/{len(judged)} = {100 * sum(judged) / len(judged):.0f} %\n")
    sys.stdout.write(f"{time.monotonic() - begun:.0f} s\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", default="check", choices=("choose", "check"))
    parser.add_argument("--model", help="another language model")
    parser.add_argument(
        "--heard", action="store_true", help="what is heard when voices say it, in place of what they say"
    )
    options = parser.parse_args()
    heard_of = listened([READINGS]) if options.heard else None
    asyncio.run(ask(list(readings(options.part, heard_of=heard_of)), options.model))


if __name__ == "__main__":
    main()
