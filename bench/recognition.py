"""Speech recognition over HTTP against faster-whisper in process, on the same weights, alternately in one run.

    python -m bench.sets --least              # once: builds the clips
    python -m bench.recognition               # with Whisper base, downloaded if it has to be
    python -m bench.recognition --weights FOLDER        # FOLDER: Whisper in CTranslate2's form

`make bench` runs both, with one round and a shorter file.
The peer is faster-whisper with the same weights, int8, beam 1, language unset, its own default threads. Each comparison
runs both sides alternately, `--rounds` times, and reports medians and their ratio; WER is over all rounds' texts.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import statistics
import sys
import time
import wave
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ctranslate2
import httpx
import numpy as np
from faster_whisper import BatchedInferencePipeline, WhisperModel

from auricle.config import load_settings
from auricle.weights.pull import resolve
from bench import sets
from bench.samples import RATE, Audio, read_audio
from bench.scoring import errors, normalize
from bench.server import Server, serve

CLIENTS = 8
SEED = 0  # of the texts that the peer draws
FILE_SECONDS = 600.0
PAUSE_SECONDS = 0.6


@dataclass(slots=True)
class Side:
    """One side's results of one comparison."""

    seconds: list[float] = field(default_factory=list)
    errors: int = 0
    units: int = 0

    @property
    def wer(self) -> float:
        return self.errors / max(1, self.units)

    def score(self, text: str, wanted: str, language: str) -> None:
        units = normalize(wanted, language)
        self.errors += errors(units, normalize(text, language))
        self.units += len(units)


_fresh = itertools.count(1)


def fresh(samples: Audio) -> bytes:
    """A WAV that the server has not seen yet (it keeps what it has heard): a few zeros more than the last one."""
    return wav(np.concatenate([samples, np.zeros(next(_fresh), dtype=np.float32)]))


def wav(samples: Audio) -> bytes:
    """16-bit WAV."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue()


def long_file(clips: list[sets.Clip], seconds: float) -> tuple[Audio, str]:
    """Clips in a row with pauses, in any order, once more where they are not long enough, and their text."""
    rng = np.random.default_rng(7)
    pieces: list[Audio] = []
    texts: list[str] = []
    length = 0.0
    while length < seconds:
        for index in rng.permutation(len(clips)):
            clip = clips[index]
            pieces += [read_audio(Path(clip.file)), np.zeros(int(PAUSE_SECONDS * RATE), dtype=np.float32)]
            texts.append(clip.text)
            length += clip.seconds + PAUSE_SECONDS
            if length >= seconds:
                break
    return np.concatenate(pieces), " ".join(texts)


class Bench:
    """Holds both sides and prints what it finds."""

    def __init__(self, server: Server, weights: Path, rounds: int) -> None:
        self._server = server
        self._rounds = rounds
        ctranslate2.set_random_seed(SEED)
        self._model = WhisperModel(str(weights), device="cpu", compute_type="int8")
        self._batched = BatchedInferencePipeline(self._model)
        self._client = httpx.Client()
        self.report: dict[str, Any] = {}

    def peer(self, samples: Audio) -> str:
        return "".join(segment.text for segment in self._model.transcribe(samples, beam_size=1)[0])

    def peer_batched(self, samples: Audio) -> str:
        return "".join(segment.text for segment in self._batched.transcribe(samples, beam_size=1, batch_size=8)[0])

    def ours(self, samples: Audio) -> str:
        return self._server.transcribe(self._client, self._server.body(fresh(samples)))

    def throughput(self, name: str, clips: list[sets.Clip]) -> None:
        """All clips: 8 clients at once over HTTP, against one after the other in process."""
        audio = {clip.name: read_audio(Path(clip.file)) for clip in clips}
        mine, other = Side(), Side()
        with ThreadPoolExecutor(CLIENTS) as pool:
            for _ in range(self._rounds):
                bodies = [self._server.body(fresh(audio[clip.name])) for clip in clips]
                begun = time.perf_counter()
                texts = list(pool.map(lambda body: self._server.transcribe(self._client, body), bodies))
                mine.seconds.append(time.perf_counter() - begun)
                for clip, text in zip(clips, texts, strict=True):
                    mine.score(text, clip.text, clip.language)
                begun = time.perf_counter()
                texts = [self.peer(audio[clip.name]) for clip in clips]
                other.seconds.append(time.perf_counter() - begun)
                for clip, text in zip(clips, texts, strict=True):
                    other.score(text, clip.text, clip.language)
        self._print(name, sum(clip.seconds for clip in clips), mine, transcribe=other)

    def alone(self, name: str, clips: list[sets.Clip]) -> None:
        """One clip at a time on both sides."""
        mine, other = Side(), Side()
        for clip in clips:
            samples = read_audio(Path(clip.file))
            for side, work in ((mine, self.ours), (other, self.peer)):
                begun = time.perf_counter()
                text = work(samples)
                side.seconds.append(time.perf_counter() - begun)
                side.score(text, clip.text, clip.language)
        self._print(name, statistics.mean(clip.seconds for clip in clips), mine, transcribe=other)

    def file(self, name: str, samples: Audio, text: str, language: str) -> None:
        """One long file."""
        sides = {"ours": Side(), "transcribe": Side(), "batched": Side()}
        work: dict[str, Callable[[Audio], str]] = {
            "ours": self.ours,
            "transcribe": self.peer,
            "batched": self.peer_batched,
        }
        for _ in range(max(1, self._rounds // 2)):
            for side, run in work.items():
                begun = time.perf_counter()
                got = run(samples)
                sides[side].seconds.append(time.perf_counter() - begun)
                sides[side].score(got, text, language)
        mine = sides.pop("ours")
        self._print(name, samples.size / RATE, mine, **sides)
        first = self._server.first_text(self._client, self._server.body(fresh(samples)))
        self._say(f"  first text of the file after {first:.2f} s")
        self.report[name]["first_text_seconds"] = round(first, 3)

    def first(self, name: str, clips: list[sets.Clip]) -> None:
        """Seconds to the first text of one clip at a time: streamed over HTTP, against the first segment in process."""
        mine, other = Side(), Side()
        for clip in clips:
            samples = read_audio(Path(clip.file))
            mine.seconds.append(self._server.first_text(self._client, self._server.body(fresh(samples))))
            begun = time.perf_counter()
            next(iter(self._model.transcribe(samples, beam_size=1)[0]), None)
            other.seconds.append(time.perf_counter() - begun)
        ours, theirs = statistics.median(mine.seconds), statistics.median(other.seconds)
        self.report[name] = {
            "seconds": round(ours, 3),
            "transcribe": round(theirs, 3),
            "ratio": round(theirs / ours, 2),
        }
        self._say(f"{name}: {ours:.2f} s | transcribe {theirs:.2f} s: x{theirs / ours:.2f}")

    def overtaking(self, samples: Audio, clip: sets.Clip) -> None:
        """The 95th percentile of a clip's latency while a long file is recognised, against the clip alone."""
        short = read_audio(Path(clip.file))

        def latency() -> float:
            body = self._server.body(fresh(short))
            begun = time.perf_counter()
            self._server.transcribe(self._client, body)
            return time.perf_counter() - begun

        def p95(values: list[float]) -> float:
            return float(np.percentile(values, 95))

        alone = [latency() for _ in range(30)]
        beside: list[float] = []
        with ThreadPoolExecutor(1) as pool, httpx.Client() as client:
            for _ in range(self._rounds):
                running = pool.submit(self._server.transcribe, client, self._server.body(fresh(samples)))
                time.sleep(0.5)
                while not running.done():
                    beside.append(latency())
                    time.sleep(0.05)
                running.result()
        ratio, medians = p95(beside) / p95(alone), statistics.median(beside) / statistics.median(alone)
        self.report["overtaking"] = {
            "clip_seconds": clip.seconds,
            "clips": len(beside),
            "p95_alone": round(p95(alone), 3),
            "p95_beside": round(p95(beside), 3),
            "p95_ratio": round(ratio, 2),
            "median_ratio": round(medians, 2),
        }
        self._say(
            f"{clip.seconds:.1f} s clip during a {samples.size / RATE:.0f} s file ({len(beside)} times): p95 "
            f"{p95(beside):.2f} s, alone {p95(alone):.2f} s: x{ratio:.2f} (medians x{medians:.2f})"
        )

    def _print(self, name: str, audio_seconds: float, mine: Side, **others: Side) -> None:
        median = statistics.median(mine.seconds)
        entry: dict[str, Any] = {"seconds": round(median, 3), "wer": round(mine.wer, 4)}
        line = f"{name}: {median:.2f} s, {audio_seconds / median:.1f} audio-s/s, {_wer(mine)}"
        for other, side in others.items():
            theirs = statistics.median(side.seconds)
            entry[other] = {"seconds": round(theirs, 3), "wer": round(side.wer, 4), "ratio": round(theirs / median, 2)}
            line += f" | {other} {theirs:.2f} s, {audio_seconds / theirs:.1f} audio-s/s, {_wer(side)}"
            line += f": x{theirs / median:.2f}"
        self.report[name] = entry
        self._say(line)

    @staticmethod
    def _say(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _wer(side: Side) -> str:
    return f"WER {side.wer:.4f} ({side.errors}/{side.units})"


def spread(clips: list[sets.Clip], count: int) -> list[sets.Clip]:
    """At most `count` clips from the whole list."""
    return clips[:: max(1, -(-len(clips) // count))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="left out: Whisper base, downloaded if it has to be")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clips", type=int, default=120, help="of each length, at most")
    parser.add_argument("--split", default="report")
    parser.add_argument("--only", nargs="*", default=["clips", "alone", "first", "short", "file", "overtaking"])
    parser.add_argument("--settings", type=json.loads, default={}, help="JSON of engine settings")
    parser.add_argument("--file-seconds", type=float, default=FILE_SECONDS)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    weights = options.weights or resolve("whisper-base", load_settings())
    clips = sets.load(options.split, language="en", condition="clean")
    middle = spread([clip for clip in clips if 2 <= clip.seconds <= 8], options.clips)
    short = spread([clip for clip in clips if clip.seconds < 2], options.clips)
    with serve(weights, **options.settings) as server:
        bench = Bench(server, weights, options.rounds)
        for _ in range(2):  # warm both sides
            bench.ours(read_audio(Path(middle[0].file)))
            bench.peer(read_audio(Path(middle[0].file)))
        if "clips" in options.only:
            bench.throughput(f"{len(middle)} clips of 2-8 s, {CLIENTS} clients", middle)
        if "alone" in options.only:
            bench.alone("clips of 2-8 s alone", spread(middle, 16))
        if "first" in options.only:
            bench.first("first text of 2-8 s clips", spread(middle, 16))
        if "short" in options.only:
            bench.throughput(f"{len(short)} clips under 2 s, {CLIENTS} clients", short)
            bench.alone("clips under 2 s alone", spread(short, 16))
        samples, text = long_file([clip for clip in clips if 2 <= clip.seconds <= 8], options.file_seconds)
        if "file" in options.only:
            bench.file(f"file of {options.file_seconds:.0f} s", samples, text, "en")
        if "overtaking" in options.only:
            bench.overtaking(samples, min(middle, key=lambda clip: abs(clip.seconds - 3)))
    if options.json:
        options.json.write_text(json.dumps(bench.report, indent=1), "utf-8")


if __name__ == "__main__":
    main()
