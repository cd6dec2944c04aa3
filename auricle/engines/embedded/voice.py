"""Where somebody speaks: Silero voice activity over a stream of samples, in constant memory.

The network (Silero VAD v6, MIT licence, https://github.com/snakers4/silero-vad) comes with faster-whisper. It is fed
in stretches of any length; its state is carried on, so the answer does not depend on how the audio was cut.

It is half deaf to a telephone's band, 300 to 3,400 Hz: of 62 s of a person's lists of words it heard 20. A voice's
pitch is below that band, but its overtones still beat at the pitch, so that rectified sound has it, and has overtones
above the band, too. With those put back, of 289 s of five voices it heard 286 (before: 228 to 238), with and without
the noise of mu-law; the pitch alone was enough with that noise only (284; without: 229). Of 47 signals without a voice,
cut to that band, it took 5 to 7 for speech (before: 3 to 5).
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

_BAND = (300.0, 3400.0)  # Hz, a telephone's
_LOWS = (40.0, 250.0)  # Hz, what it lacks
_HIGHS = 3800.0  # Hz, and what it lacks above
_LEAST_LOWS = 0.01  # of the band's energy; speech in its full band had 0.07 or more, on telephones under 0.00001
_LEAST_HIGHS = 0.003  # 8 bits of mu-law leave 0.0001
_FRAME = 1024  # samples of one spectrum
_FRAMES = 256  # of them are looked at, or up to twice as many
_PITCH = (60.0, 320.0)  # Hz, what is put back
_PITCH_LEVEL = 0.6  # of the rectified sound
_OVERTONES = (3400.0, 7900.0)  # Hz, and what else
_OVERTONE_LEVEL = 0.18

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


def audible(samples: Samples) -> Samples:
    """`samples` (float32 [n]) as the detector should hear them: a telephone's band gets its missing ends back."""
    if not _of_telephone(samples):
        return samples
    rectified = np.fft.rfft(np.abs(samples))
    hertz = np.fft.rfftfreq(samples.size, 1 / SAMPLE_RATE)
    level = np.zeros(hertz.size, dtype=np.float32)
    for (low, high), share in ((_PITCH, _PITCH_LEVEL), (_OVERTONES, _OVERTONE_LEVEL)):
        level[(hertz >= low) & (hertz <= high)] = share
    heard: Samples = (samples + np.fft.irfft(rectified * level, samples.size)).astype(np.float32)
    return heard


def _of_telephone(samples: Samples) -> bool:
    """Whether nearly all energy is in a telephone's band, by a few hundred short spectra."""
    count = samples.size // _FRAME
    if not count:
        return False
    frames = samples[: count * _FRAME].reshape(count, _FRAME)[:: max(1, count // _FRAMES)]
    spectra = np.fft.rfft(frames * np.hanning(_FRAME).astype(np.float32))
    energy = np.sum(spectra.real**2 + spectra.imag**2, axis=0, dtype=np.float64)
    hertz = np.fft.rfftfreq(_FRAME, 1 / SAMPLE_RATE)

    def between(low: float, high: float) -> float:
        return float(np.sum(energy, where=(hertz >= low) & (hertz <= high)))

    band = between(*_BAND)
    return between(*_LOWS) < _LEAST_LOWS * band and between(_HIGHS, SAMPLE_RATE) < _LEAST_HIGHS * band
