"""The process that holds the recogniser's model: `python -m auricle.engines.embedded.recognizer_worker OPTIONS`.

OPTIONS is a JSON object, see `WorkerOptions`. In: `open` (an audio, with options), `cancel`. Out: `ready` or `failed`
once, then `segment`s of each audio in order, and its `end` or `error`.
"""

from __future__ import annotations

import collections
import dataclasses
import os
import sys
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from auricle.engines.embedded.voice import VoiceActivity, VoiceModel
from auricle.engines.embedded.whisper import Whisper
from auricle.engines.embedded.windows import VoiceOptions, Window, Windower
from auricle.types import Segment
from auricle.waveform import SAMPLE_RATE, Samples, Waveform
from auricle.workers import Channel, Frame, connect

STRETCH = 30 * SAMPLE_RATE  # samples that are read and searched for speech at a time
MAX_WINDOW_SECONDS = 28.0


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What the parent tells the worker on its command line."""

    folder: str
    compute_type: str
    threads: int
    beam_size: int


@dataclass(slots=True)
class Job:
    """One audio that is being recognised."""

    id: int
    waveform: Waveform
    options: dict[str, Any]
    windows: Iterator[Window]
    language: str | None
    cancelled: bool = False


class RecognizerWorker:
    """Takes windows from all open audios in turn."""

    def __init__(self, channel: Channel, whisper: Whisper, options: WorkerOptions) -> None:
        self._channel = channel
        self._whisper = whisper
        self._options = options
        self._voice = VoiceModel()
        self._jobs: collections.deque[Job] = collections.deque()
        self._open: dict[int, Job] = {}
        self._changed = threading.Condition()

    def open(self, frame: Frame) -> None:
        header = frame.header
        waveform = Waveform(
            pcm=Path(header["path"]) if header["path"] else frame.payload,
            sample_count=header["samples"],
            duration=Fraction(header["samples"], SAMPLE_RATE),
            tokens=0,
            digest="",
        )
        language = header["options"]["language"]
        code = self._whisper.languages[language] if language else None
        job = Job(header["id"], waveform, header["options"], self._windows(waveform), code)
        with self._changed:
            self._open[job.id] = job
            self._jobs.append(job)
            self._changed.notify()

    def cancel(self, id: int) -> None:
        with self._changed:
            if job := self._open.pop(id, None):
                job.cancelled = True
                if job in self._jobs:
                    self._jobs.remove(job)

    def run(self) -> None:
        """Recognise window after window, for ever."""
        while True:
            with self._changed:
                while not self._jobs:
                    self._changed.wait()
                job = self._jobs.popleft()
            try:
                unfinished = self._step(job)
            except Exception as error:  # whatever one audio does, the others go on
                self._end(job, {"event": "error", "id": job.id, "detail": f"{type(error).__name__}: {error}"})
                continue
            if not unfinished:
                self._end(job, {"event": "end", "id": job.id})
            elif not job.cancelled:
                with self._changed:
                    self._jobs.append(job)

    def _end(self, job: Job, header: dict[str, Any]) -> None:
        with self._changed:
            self._open.pop(job.id, None)
        if not job.cancelled:
            self._channel.send(header)

    def _step(self, job: Job) -> bool:
        """Recognise the next window; False when there is none."""
        window = next(job.windows, None)
        if window is None:
            return False
        segment = self._recognize(job, window)
        if segment is not None and not job.cancelled:
            self._channel.send({"event": "segment", "id": job.id, "segment": dataclasses.asdict(segment)})
        return True

    def _windows(self, waveform: Waveform) -> Iterator[Window]:
        activity = VoiceActivity(self._voice)
        windower = Windower(VoiceOptions(max_window=MAX_WINDOW_SECONDS))
        for start in range(0, waveform.sample_count, STRETCH):
            stop = min(start + STRETCH, waveform.sample_count)
            yield from windower.feed(activity.feed(waveform.read(start, stop), last=stop == waveform.sample_count))
        yield from windower.finish(waveform.sample_count)

    def _recognize(self, job: Job, window: Window) -> Segment | None:
        whisper = self._whisper
        samples: Samples = np.concatenate([job.waveform.read(piece.start, piece.stop) for piece in window.pieces])
        states = whisper.encode(whisper.mel(samples))
        if job.language is None:
            job.language, _ = whisper.detect_language(states)
        prompt = whisper.prompt(job.language, translate=job.options["translate"], prefix=job.options["prompt"])
        decoded = whisper.decode(states, [prompt], [job.language], beam_size=self._options.beam_size)[0]
        text = whisper.text(decoded.tokens)
        if not text.strip():
            return None
        encoded = text.encode()
        return Segment(
            text=text,
            start=window.start_seconds,
            end=window.stop_seconds,
            language=whisper.iso(decoded.language),
            avg_logprob=decoded.avg_logprob,
            no_speech_prob=decoded.no_speech_prob,
            compression_ratio=len(encoded) / len(zlib.compress(encoded)),
            temperature=decoded.temperature,
            tokens=decoded.tokens,
        )


def main() -> None:
    channel = connect()
    options = WorkerOptions(**orjson.loads(sys.argv[1]))
    threads = options.threads or os.cpu_count() or 1
    try:
        whisper = Whisper(Path(options.folder), compute_type=options.compute_type, workers=1, threads=threads)
        worker = RecognizerWorker(channel, whisper, options)
    except Exception as error:  # the parent says it in its own words
        channel.send({"event": "failed", "detail": f"{type(error).__name__}: {error}"})
        return
    channel.send({"event": "ready", "languages": sorted(whisper.languages)})
    threading.Thread(target=worker.run, daemon=True, name="recognizer").start()
    while (frame := channel.receive()) is not None:
        match frame.header["do"]:
            case "open":
                worker.open(frame)
            case "cancel":
                worker.cancel(frame.header["id"])
    os._exit(0)  # the parent is gone: running inference must not hold this process


if __name__ == "__main__":
    main()
