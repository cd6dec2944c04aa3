"""Error rates set by set: our server under several settings, and faster-whisper, on the same clips.

    python -m bench.quality --weights FOLDER [--split report] [--per-set 8] [--peer] [--variant NAME='{"graft": false}']

Words for most languages, characters for Chinese and Japanese; Chinese is counted as it was written, and with every text
in simplified characters, too ("one script"). The language is not told unless asked for. Every speaker is in one split
only (see bench/sets.py): choose thresholds on `choose`, publish `report`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ctranslate2
import httpx
import numpy as np
from faster_whisper import WhisperModel
from opencc import OpenCC

from bench import sets
from bench.recognition import CLIENTS, wav
from bench.samples import read_audio
from bench.scoring import errors, normalize
from bench.server import serve

PEER = "faster-whisper"
SEED = 0  # of the texts that the peer draws
RESAMPLINGS = 10_000

Group = tuple[str, str, str]  # speaker's kind, language, condition


def group(clip: sets.Clip) -> Group:
    return "under 2 s" if clip.seconds < 2 else "2 s and more", clip.language, clip.condition


def chosen(split: str, per_set: int, languages: list[str], speakers: list[str]) -> list[sets.Clip]:
    """At most `per_set` clips of each group, spread over it."""
    groups: dict[Group, list[sets.Clip]] = defaultdict(list)
    for clip in sets.load(split):
        if (not languages or clip.language in languages) and (not speakers or clip.speaker in speakers):
            groups[group(clip)].append(clip)
    return [clip for clips in groups.values() for clip in clips[:: max(1, len(clips) // per_set)][:per_set]]


def ours(clips: list[sets.Clip], weights: Path, settings: dict[str, Any], *, told: bool) -> list[str]:
    """The server's transcripts of all clips."""
    with serve(weights, **settings) as server, httpx.Client() as client, ThreadPoolExecutor(CLIENTS) as pool:

        def transcribe(clip: sets.Clip) -> str:
            audio = wav(read_audio(Path(clip.file)))
            return server.transcribe(client, server.body(audio, language=clip.language if told else None))

        return list(pool.map(transcribe, clips))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--split", default="report")
    parser.add_argument("--speakers", nargs="*", default=[], help="only these; rows are then theirs")
    parser.add_argument("--per-set", type=int, default=8)
    parser.add_argument("--languages", nargs="*", default=[])
    parser.add_argument("--peer", action="store_true", help="also faster-whisper")
    parser.add_argument("--told", action="store_true", help="tell the language")
    parser.add_argument("--variant", action="append", default=[], help="NAME=JSON of engine settings")
    parser.add_argument("--show", action="store_true", help="print clips where the variants differ")
    options = parser.parse_args()
    clips = chosen(options.split, options.per_set, options.languages, options.speakers)
    texts: dict[str, list[str]] = {}
    for variant in options.variant or ["ours={}"]:
        name, _, values = variant.partition("=")
        begun = time.perf_counter()
        texts[name] = ours(clips, options.weights, json.loads(values), told=options.told)
        sys.stdout.write(f"{name}: {time.perf_counter() - begun:.1f} s\n")
    if options.peer:
        ctranslate2.set_random_seed(SEED)
        model = WhisperModel(str(options.weights), device="cpu", compute_type="int8")
        begun = time.perf_counter()
        texts[PEER] = []
        for clip in clips:
            segments = model.transcribe(
                read_audio(Path(clip.file)), beam_size=1, language=clip.language if options.told else None
            )[0]
            texts[PEER].append("".join(segment.text for segment in segments))
        sys.stdout.write(f"faster-whisper: {time.perf_counter() - begun:.1f} s\n")
    simplified = OpenCC("t2s")
    pairs: list[tuple[dict[str, int], int]] = []
    table: dict[Group, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for index, clip in enumerate(clips):
        answered = {name: answers[index] for name, answers in texts.items()}
        found = _errors(clip, clip.text, answered)
        rows = [(found, group(clip)), (found, ("all", "", ""))]
        if options.speakers:
            rows.append((found, ("all", clip.language, clip.speaker)))
        if clip.language == "zh":
            told = {name: simplified.convert(text) for name, text in answered.items()}
            found = _errors(clip, simplified.convert(clip.text), told)
            rows.append((found, (*group(clip)[:2], f"{clip.condition}, one script")))
            if options.speakers:
                rows.append((found, ("all", clip.language, f"{clip.speaker}, one script")))
        rows.append((found, ("all", "", "one script")))
        pairs.append((found, len(normalize(clip.text, clip.language))))
        for values, key in rows:
            table[key]["units"] += len(normalize(clip.text, clip.language))
            for name, wrong in values.items():
                table[key][name] += wrong
        if options.show and len(set(found.values())) > 1:
            sys.stdout.write(f"{clip.name} ({clip.text})\n")
            for name, answers in texts.items():
                sys.stdout.write(f"    {found[name]:3} {name}: {answers[index]}\n")
    sys.stdout.write(f"{'':36} units  " + "  ".join(f"{name:>14}" for name in texts) + "\n")
    for key, row in sorted(table.items()):
        rates = "  ".join(f"{row[name] / row['units']:8.4f} {row[name]:5}" for name in texts)
        sys.stdout.write(f"{' '.join(key):36} {row['units']:5}  {rates}\n")
    if options.peer:
        for name in list(texts)[:-1]:
            low, middle, high = _difference(pairs, name, PEER)
            sys.stdout.write(
                f"{name} - {PEER}: {middle:+.4f} (95 % of resamplings of the clips: {low:+.4f} to {high:+.4f})\n"
            )


def _difference(pairs: list[tuple[dict[str, int], int]], one: str, other: str) -> tuple[float, float, float]:
    """How much higher the error rate of `one` is, between the bounds that 95 % of bootstrap samples keep."""
    more = np.array([found[one] - found[other] for found, _ in pairs])
    units = np.array([count for _, count in pairs])
    drawn = np.random.default_rng(0).integers(0, len(pairs), (RESAMPLINGS, len(pairs)))
    low, high = np.percentile(more[drawn].sum(1) / units[drawn].sum(1), (2.5, 97.5))
    return float(low), float(more.sum() / units.sum()), float(high)


def _errors(clip: sets.Clip, wanted: str, answered: dict[str, str]) -> dict[str, int]:
    units = normalize(wanted, clip.language)
    return {name: errors(units, normalize(text, clip.language)) for name, text in answered.items()}


if __name__ == "__main__":
    main()
