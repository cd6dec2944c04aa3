"""The process that holds the recogniser's model, see `model_process.py`.

A request is an audio with options; its items are its segments, in order. Whenever windows are decoded together, their
number is noted.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auricle.engines.embedded.model_process import Answers, requested_audio, serve
from auricle.engines.embedded.scheduler import Kind, Scheduler
from auricle.engines.embedded.transcription import Transcription, TranscriptionOptions
from auricle.engines.embedded.whisper import Whisper
from auricle.types import RecognitionOptions, Segment
from auricle.workers import Frame

AHEAD = 3  # batches of windows of one audio that are open at a time

NICENESS = 10  # the server, which keeps answering, comes first


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What the server configures."""

    folder: str
    compute_type: str
    threads: int  # that take turns
    threads_per_window: int  # that share a window
    decode_batch: int
    transcription: dict[str, Any] = field(default_factory=dict)  # `TranscriptionOptions`


class Segments:
    """Where the transcription puts its results."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.end = answers.end
        self.error = answers.error

    def segment(self, id: int, segment: Segment) -> None:
        self._answers.item(id, dataclasses.asdict(segment))


class Recognition:
    """Whisper, and threads that take turns at its windows."""

    def __init__(self, config: dict[str, Any], answers: Answers) -> None:
        options = WorkerOptions(**config)
        self._answers = answers
        self._whisper = Whisper(
            Path(options.folder),
            compute_type=options.compute_type,
            workers=options.threads,
            threads=options.threads_per_window,
        )
        self._scheduler = Scheduler(
            threads=options.threads, batch=options.decode_batch, ahead=AHEAD * options.decode_batch
        )
        self._transcription = Transcription(
            self._whisper, self._scheduler, TranscriptionOptions(**options.transcription), Segments(answers)
        )
        for number in range(options.threads):
            threading.Thread(target=self._work, daemon=True, name=f"recognizer {number}").start()

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"languages": sorted(self._whisper.languages)}

    def open(self, id: int, frame: Frame) -> None:
        options = RecognitionOptions(**frame.header["request"]["options"])
        self._transcription.open(id, requested_audio(frame), options)

    def cancel(self, id: int) -> None:
        self._scheduler.cancel(id)

    def _work(self) -> None:
        while (job := self._scheduler.next()) is not None:
            if job.kind is Kind.DECODE:
                self._answers.note(batch=len(job.items))
            self._transcription.run(job)


if __name__ == "__main__":
    serve(Recognition, NICENESS)
