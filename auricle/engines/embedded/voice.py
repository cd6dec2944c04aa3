"""Where somebody speaks: Silero voice activity over a stream of samples, in constant memory.

The network (Silero VAD v6, MIT licence, https://github.com/snakers4/silero-vad) comes with faster-whisper. It is fed
in stretches of any length; its state is carried on, so the answer does not depend on how the audio was cut.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from faster_whisper.utils import get_assets_path

from auricle.waveform import SAMPLE_RATE, Samples

CHUNK = 512  # samples that one probability is about, 32 ms
CHUNK_SECONDS = CHUNK / SAMPLE_RATE
_CONTEXT = 64  # samples of the chunk before that the network also sees
_STATE = (1, 1, 128)  # shape of the two recurrent states
_WEIGHTS = "silero_vad_v6.onnx"

Probabilities = npt.NDArray[np.float32]


class VoiceModel:
    """The network, loaded once; safe to use from several threads."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = 1
        options.intra_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        path = Path(get_assets_path()) / _WEIGHTS
        self._session = onnxruntime.InferenceSession(
            str(path), sess_options=options, providers=["CPUExecutionProvider"]
        )

    def run(
        self, chunks: Samples, h: Probabilities, c: Probabilities
    ) -> tuple[Probabilities, Probabilities, Probabilities]:
        """Probabilities [n] of speech for `chunks` [n, 64 + 512], and both states after them."""
        output, h, c = (np.asarray(out) for out in self._session.run(None, {"input": chunks, "h": h, "c": c}))
        return output.reshape(-1), h, c


class VoiceActivity:
    """The probability of speech for every 32 ms of one audio."""

    def __init__(self, model: VoiceModel) -> None:
        self._model = model
        self._h = np.zeros(_STATE, dtype=np.float32)
        self._c = np.zeros(_STATE, dtype=np.float32)
        self._context = np.zeros(_CONTEXT, dtype=np.float32)
        self._rest = np.zeros(0, dtype=np.float32)

    def feed(self, samples: Samples, *, last: bool = False) -> Probabilities:
        """Probabilities of the chunks that `samples` (float32 [n]) complete; with `last`, of the padded rest too."""
        samples = np.concatenate([self._rest, samples])
        if last and samples.size % CHUNK:
            samples = np.pad(samples, (0, CHUNK - samples.size % CHUNK))
        whole = samples.size // CHUNK * CHUNK
        self._rest = samples[whole:]
        if not whole:
            return np.zeros(0, dtype=np.float32)
        seen = np.concatenate([self._context, samples[:whole]])
        chunks = np.lib.stride_tricks.sliding_window_view(seen, _CONTEXT + CHUNK)[::CHUNK]
        self._context = seen[-_CONTEXT:]
        probabilities, self._h, self._c = self._model.run(np.ascontiguousarray(chunks), self._h, self._c)
        return probabilities
