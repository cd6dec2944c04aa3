"""Speech recognition, seen from the server; the model is in the process of `recognizer_worker.py`."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from auricle.config import EngineSettings
from auricle.engines.embedded.model_process import ModelProcess, audio_request
from auricle.types import Alternative, Reading, RecognitionOptions, Segment, Word
from auricle.waveform import Waveform

WORKER_MODULE = "auricle.engines.embedded.recognizer_worker"
# numpy's OpenBLAS spreads the small product in each spectrogram over all cores, and its thread then spins for what may
# come next: on two cores a long file took 1.4 times as long.
WORKER_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}
TRANSCRIPTION_SETTINGS = {
    *("beam_size", "window_seconds", "graft", "graft_seconds", "recheck", "recheck_logprob", "temperature_fallback"),
    *("recheck_beam_size", "speech_threshold", "telephone_speech", "chinese_script", "graft_beam_size"),
}


class Recognizer(ModelProcess[Segment]):
    """Writes down speech."""

    def __init__(self, folder: Callable[[], Path] | Path, settings: EngineSettings) -> None:
        """`folder` holds a CTranslate2 Whisper."""
        super().__init__("the recogniser", WORKER_MODULE, folder, environment=WORKER_ENVIRONMENT)
        self._settings = settings
        self.batches: Counter[int] = Counter()
        self.languages: frozenset[str] = frozenset()
        """ISO 639-1 codes that the model knows; empty until it is ready."""

    async def recognize(self, waveform: Waveform, options: RecognitionOptions) -> AsyncGenerator[Segment, None]:
        """The segments of `waveform` in order, as soon as each is known; none for silence and noise.

        Closing the generator takes the request's queued windows out of the process's queues and drops what is running.
        Raises Unavailable while the model loads, EngineFailed when the process dies under the request.
        """
        request, pcm = audio_request(waveform)
        async with aclosing(self._ask({**request, "options": dataclasses.asdict(options)}, pcm)) as segments:
            async for segment in segments:
                yield segment

    def _config(self, weights: Path) -> dict[str, Any]:
        settings = self._settings
        return {
            "folder": str(weights),
            "compute_type": settings.compute_type,
            "threads": recognizer_threads(settings),
            "threads_per_window": min(settings.threads_per_window, _cores(settings)),
            "decode_batch": settings.decode_batch,
            "transcription": settings.model_dump(include=TRANSCRIPTION_SETTINGS),
        }

    @asynccontextmanager
    async def _connected(self, facts: Mapping[str, Any]) -> AsyncGenerator[None]:
        self.languages = frozenset(facts["languages"])
        yield

    def _noted(self, values: Mapping[str, Any]) -> None:
        self.batches[int(values["batch"])] += 1

    def _item(self, value: dict[str, Any]) -> Segment:
        words = tuple(Word(**word) for word in value.pop("words"))
        tokens = tuple(value.pop("tokens"))
        readings = tuple(Reading(**reading) for reading in value.pop("readings"))
        alternatives = tuple(Alternative(**alternative) for alternative in value.pop("alternatives"))
        return Segment(**value, words=words, tokens=tokens, readings=readings, alternatives=alternatives)


def recognizer_threads(settings: EngineSettings) -> int:
    """How many windows the recogniser works on at the same time."""
    return max(1, _cores(settings) // settings.threads_per_window)


def _cores(settings: EngineSettings) -> int:
    return settings.threads or os.cpu_count() or 1
