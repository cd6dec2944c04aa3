"""What the language model makes of words that sound alike: `python -m bench.rescoring [--split report]`.

The clips of a split (see bench/sets.py; what rescoring.py weighs was chosen on `choose`) are recognised as for
understanding, by the recogniser alone and with the language model, however long that takes: errors by language, in
words, or in characters for Chinese and Japanese, and the ratio of the times. With the server's models and settings.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from auricle.config import load_settings
from auricle.engines.embedded.language_model import LanguageModel
from auricle.engines.embedded.recognizer import Recognizer
from auricle.engines.embedded.rescoring import Rescoring
from auricle.types import RecognitionOptions
from auricle.waveform import Waveform
from auricle.weights.pull import resolve
from bench import sets
from bench.samples import read_audio
from bench.scoring import errors, normalize
from bench.sounds.evaluate import waveform

PATIENCE_SECONDS = 120.0
ALONE = RecognitionOptions(word_timestamps=True)
WITH_READINGS = RecognitionOptions(word_timestamps=True, readings=True)


@dataclass(slots=True)
class Row:
    """Of one language."""

    units: int = 0
    alone: int = 0
    rescored: int = 0
    changed: int = 0
    seconds_alone: float = 0.0
    seconds_rescored: float = 0.0

    def add(self, other: Row) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


async def transcribe(
    recognizer: Recognizer | Rescoring, audio: Waveform, options: RecognitionOptions
) -> tuple[str, float]:
    """The text, and the seconds that it took."""
    begun = time.perf_counter()
    text = " ".join([segment.text async for segment in recognizer.recognize(audio, options)])
    return text, time.perf_counter() - begun


async def measure(clips: list[sets.Clip], *, verbose: bool) -> dict[str, Row]:
    settings = load_settings()
    engine = settings.engine("embedded")
    recognizer = Recognizer(lambda: resolve(engine.recognizer, settings), engine)
    model = LanguageModel(resolve(engine.language_model, settings), engine)
    rows: defaultdict[str, Row] = defaultdict(Row)
    await recognizer.start()
    await model.start()
    try:
        await recognizer.wait_ready()
        await model.wait_ready()
        both = Rescoring(recognizer, model, patience_seconds=PATIENCE_SECONDS)
        for clip in clips:
            audio = waveform(read_audio(Path(clip.file)))
            alone, before = await transcribe(recognizer, audio, ALONE)
            rescored, after = await transcribe(both, audio, WITH_READINGS)
            said = normalize(clip.text, clip.language)
            wrong, still = (errors(said, normalize(text, clip.language)) for text in (alone, rescored))
            rows[clip.language].add(Row(len(said), wrong, still, alone != rescored, before, after))
            if verbose and alone != rescored:
                sys.stdout.write(f"{wrong} -> {still}  {clip.text}\n    {alone}\n    {rescored}\n")
    finally:
        await model.close()
        await recognizer.close()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=("choose", "report"), default="report")
    parser.add_argument("--languages", default="", help="such as zh,ja; all of them if empty")
    parser.add_argument("--speakers", default="", help="names, with commas; all of them if empty")
    parser.add_argument("--every", type=int, default=1, help="only each so-manieth clip")
    parser.add_argument("--verbose", action="store_true", help="show what changed")
    options = parser.parse_args()
    languages, speakers = options.languages.split(","), options.speakers.split(",")
    clips = [
        clip
        for clip in sets.load(options.split)
        if (languages == [""] or clip.language in languages) and (speakers == [""] or clip.speaker in speakers)
    ]
    rows = asyncio.run(measure(clips[:: options.every], verbose=options.verbose))
    whole = Row()
    for row in rows.values():
        whole.add(row)
    sys.stdout.write("| language | units | errors alone | with the language model | clips changed | time |\n")
    sys.stdout.write("| --- | --- | --- | --- | --- | --- |\n")
    for name, row in [*sorted(rows.items()), ("all", whole)]:
        ratio = row.seconds_rescored / max(row.seconds_alone, 1e-9)
        sys.stdout.write(f"| {name} | {row.units} | {row.alone} | {row.rescored} | {row.changed} | x {ratio:.2f} |\n")


if __name__ == "__main__":
    main()
