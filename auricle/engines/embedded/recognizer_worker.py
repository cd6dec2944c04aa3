"""The process that holds the recogniser's model: `python -m auricle.engines.embedded.recognizer_worker OPTIONS`.

OPTIONS is a JSON object, see `WorkerOptions`. In: `open` (an audio, with options), `cancel`. Out: `ready` or `failed`
once, then `segment`s of each audio in order, and its `end` or `error`; `batch` whenever windows are decoded together.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import threading
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import orjson

from auricle.engines.embedded.scheduler import Kind, Scheduler
from auricle.engines.embedded.transcription import Transcription, TranscriptionOptions
from auricle.engines.embedded.whisper import Whisper
from auricle.types import RecognitionOptions, Segment
from auricle.waveform import SAMPLE_RATE, Waveform
from auricle.workers import Channel, Frame, connect, step_back

AHEAD = 3  # batches of windows of one audio that are open at a time

NICENESS = 10  # the server, which keeps answering, comes first


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What the parent tells the worker on its command line."""

    folder: str
    compute_type: str
    threads: int  # 0: as many as there are cores
    threads_per_window: int
    decode_batch: int
    transcription: dict[str, Any] = field(default_factory=dict)  # `TranscriptionOptions`


class ChannelSink:
    """Sends results to the parent."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def segment(self, id: int, segment: Segment) -> None:
        self._channel.send({"event": "segment", "id": id, "segment": dataclasses.asdict(segment)})

    def end(self, id: int) -> None:
        self._channel.send({"event": "end", "id": id})

    def error(self, id: int, error: Exception) -> None:
        self._channel.send({"event": "error", "id": id, "detail": f"{type(error).__name__}: {error}"})


def _waveform(frame: Frame) -> Waveform:
    path, count = frame.header["path"], frame.header["samples"]
    pcm = Path(path) if path else frame.payload
    return Waveform(pcm=pcm, sample_count=count, duration=Fraction(count, SAMPLE_RATE), tokens=0, digest="")


def _work(scheduler: Scheduler, transcription: Transcription, channel: Channel) -> None:
    while (job := scheduler.next()) is not None:
        if job.kind is Kind.DECODE:
            channel.send({"event": "batch", "size": len(job.items)})
        transcription.run(job)


def main() -> None:
    channel = connect()
    step_back(NICENESS)
    options = WorkerOptions(**orjson.loads(sys.argv[1]))
    cores = options.threads or os.cpu_count() or 1
    threads = max(1, cores // options.threads_per_window)
    try:
        whisper = Whisper(
            Path(options.folder),
            compute_type=options.compute_type,
            workers=threads,
            threads=min(cores, options.threads_per_window),
        )
        scheduler = Scheduler(threads=threads, batch=options.decode_batch, ahead=AHEAD * options.decode_batch)
        transcription = Transcription(
            whisper, scheduler, TranscriptionOptions(**options.transcription), ChannelSink(channel)
        )
    except Exception as error:  # the parent says it in its own words
        channel.send({"event": "failed", "detail": f"{type(error).__name__}: {error}"})
        return
    channel.send({"event": "ready", "languages": sorted(whisper.languages)})
    for number in range(threads):
        threading.Thread(
            target=_work, args=(scheduler, transcription, channel), daemon=True, name=f"recognizer {number}"
        ).start()
    while (frame := channel.receive()) is not None:
        match frame.header["do"]:
            case "open":
                recognition = RecognitionOptions(**frame.header["options"])
                transcription.open(frame.header["id"], _waveform(frame), recognition)
            case "cancel":
                scheduler.cancel(frame.header["id"])
    os._exit(0)  # the parent is gone: inference that is running must not hold this process


if __name__ == "__main__":
    main()
