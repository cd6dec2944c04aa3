"""Listening for sounds, seen from the server; YAMNet is in the process of `sounds_worker.py`, beside the recogniser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from auricle.engines.embedded.events import SoundEvent
from auricle.engines.embedded.model_process import ModelProcess, audio_request
from auricle.waveform import Waveform

WORKER_MODULE = "auricle.engines.embedded.sounds_worker"
WORKER_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}  # its threads spin while they have nothing to do


class Sounds(ModelProcess[SoundEvent]):
    """Hears sounds."""

    def __init__(self, bundle: Callable[[], Path] | Path, cache_folder: Path) -> None:
        """`bundle` holds YAMNet's TensorFlow variables. The converted model is kept in `cache_folder`."""
        super().__init__("the model for sounds", WORKER_MODULE, bundle, environment=WORKER_ENVIRONMENT)
        self._cache_folder = cache_folder

    async def listen(self, waveform: Waveform) -> tuple[SoundEvent, ...]:
        """What a person would say was heard in `waveform`, in order of time.

        Cancelling the call ends the process's work for it within about 0.2 s. Raises Unavailable while the model loads,
        EngineFailed when the process dies under the audio.
        """
        return tuple([event async for event in self._ask(*audio_request(waveform))])

    def _config(self, weights: Path) -> dict[str, Any]:
        return {"bundle": str(weights), "cache_folder": str(self._cache_folder)}

    def _item(self, value: dict[str, Any]) -> SoundEvent:
        return SoundEvent(**{**value, "details": tuple(value["details"])})
