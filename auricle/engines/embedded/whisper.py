"""A Whisper model in CTranslate2's form: its folder, its tokens, its features, and what it can be asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import numpy.typing as npt
import tokenizers
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import _LANGUAGE_CODES, Tokenizer

from auricle.waveform import SAMPLE_RATE, Samples

FRAME_SECONDS = 0.01  # of the mel spectrogram
WINDOW_FRAMES = 3000  # frames of the 30 s that Whisper was trained on
MAX_TOKENS = 224  # of one window, as in openai/whisper: half of the text context
BEST_OF = 3  # texts that are drawn at a temperature; openai/whisper draws 5
SCORED_TOGETHER = 8  # texts of one window: each takes its states once more in memory
LEAST_PROBABILITY = 1e-9  # of a token that is told apart from none
_SEED = 0  # of drawn texts: windows that come in the same order get the same ones in every process
_CODES = {"jw": "jv"}  # Whisper's own spelling of Javanese -> ISO 639-1

Mel = npt.NDArray[np.float32]
"""Log-mel spectrogram, shape [mels, frames]."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What the decoder wrote for one window."""

    tokens: tuple[int, ...]
    avg_logprob: float  # mean natural-log probability of a token, the end token counted
    no_speech_prob: float
    language: str  # Whisper's code
    temperature: float = 0.0
    others: tuple[Decoded, ...] = ()  # that were nearly as likely, likeliest first

    @property
    def logprob(self) -> float:
        """Of the whole text."""
        return self.avg_logprob * (len(self.tokens) + 1)


class Whisper:
    """The loaded model. Safe to use from as many threads as it was loaded for."""

    def __init__(self, folder: Path, *, compute_type: str, workers: int, threads: int) -> None:
        """Load `folder` for `workers` calls at a time of `threads` threads each.

        Raises OSError, ValueError or RuntimeError for a folder that is not such a model.
        """
        ctranslate2.set_random_seed(_SEED)
        self.model = ctranslate2.models.Whisper(
            str(folder), device="cpu", compute_type=compute_type, inter_threads=workers, intra_threads=threads
        )
        file = folder / "tokenizer.json"
        if not file.is_file():
            raise FileNotFoundError(f"{folder} has no tokenizer.json")
        self.vocabulary = tokenizers.Tokenizer.from_file(str(file))
        self.multilingual = bool(self.model.is_multilingual)
        self.features = FeatureExtractor(**_feature_options(folder, self.model.n_mels))
        self.tokenizer = Tokenizer(self.vocabulary, self.multilingual, task="transcribe", language="en")
        self.languages: dict[str, str] = {"en": "en"}  # ISO 639-1 -> Whisper's code
        if self.multilingual:
            known = [code for code in _LANGUAGE_CODES if self.vocabulary.token_to_id(f"<|{code}|>") is not None]
            self.languages = {_CODES.get(code, code): code for code in known}

    @staticmethod
    def iso(code: str) -> str:
        """The ISO 639-1 code of Whisper's `code`."""
        return _CODES.get(code, code)

    def mel(self, samples: Samples) -> Mel:
        """The spectrogram of `samples` (float32 [n] at 16 kHz), one frame for every 10 ms."""
        return np.asarray(self.features(samples), dtype=np.float32)[:, : -(-samples.size // 160)]

    def encode(self, mel: Mel, frames: int = WINDOW_FRAMES) -> Any:
        """Encoder states [1, frames / 2, width] of `mel`, padded with zeros to `frames`."""
        padded = np.zeros((1, mel.shape[0], frames), dtype=np.float32)
        padded[0, :, : min(frames, mel.shape[1])] = mel[:, :frames]
        return self.model.encode(ctranslate2.StorageView.from_array(padded))

    def detect_languages(self, states: Any) -> list[list[tuple[str, float]]]:
        """Whisper's codes of all languages and their probabilities, likeliest first, for each row of `states`."""
        if not self.multilingual:
            return [[("en", 1.0)]] * int(states.shape[0])
        rows = self.model.detect_language(states)
        return [[(token[2:-2], float(probability)) for token, probability in row] for row in rows]

    def prompt(self, language: str, *, translate: bool, prefix: str | None) -> list[int]:
        """The tokens before the text: `prefix` as what was said before, language, task, no timestamps."""
        tokens: list[int] = []
        if prefix:
            tokens = [self.tokenizer.sot_prev, *self.tokenizer.encode(" " + prefix.strip())[-(MAX_TOKENS - 1) :]]
        tokens.append(self.tokenizer.sot)
        if self.multilingual:
            task = self.tokenizer.translate if translate else self.tokenizer.transcribe
            tokens += [self._token(f"<|{language}|>"), task]
        return [*tokens, self.tokenizer.no_timestamps]

    def _token(self, token: str) -> int:
        number = self.vocabulary.token_to_id(token)
        if number is None:
            raise ValueError(f"this model has no token {token}")
        return int(number)

    def decode(
        self,
        states: Any,
        prompts: list[list[int]],
        languages: list[str],
        *,
        beam_size: int,
        limit: int = MAX_TOKENS,
        texts: int = 1,
    ) -> list[Decoded]:
        """The text of each row of `states`, of `limit` tokens at most; prompts must be of one length.

        With `texts`, at most `beam_size`, also the next likeliest ones.
        """
        results = self.model.generate(
            states,
            prompts,
            beam_size=beam_size,
            num_hypotheses=texts,
            max_length=_max_length(prompts[0], limit),
            return_scores=True,
            return_no_speech_prob=True,
        )
        return [_decoded(result, language, 0.0) for result, language in zip(results, languages, strict=True)]

    def logprobs(self, states: Any, texts: Sequence[str], language: str) -> list[float]:
        """The natural-log probability of each of `texts`, its end not counted, as what was said in `states` [1, n,
        width]."""
        start = self.prompt(language, translate=False, prefix=None)[:-1]
        tokens = [self.tokenizer.encode(text) for text in texts]
        row = np.array(states)
        found: list[float] = []
        for first in range(0, len(tokens), SCORED_TOGETHER):
            batch = tokens[first : first + SCORED_TOGETHER]
            rows = np.repeat(row, len(batch), axis=0)
            results = self.model.align(ctranslate2.StorageView.from_array(rows), start, batch, 2 * rows.shape[1])
            found += [float(np.log(np.maximum(one.text_token_probs, LEAST_PROBABILITY)).sum()) for one in results]
        return found

    def sample(self, states: Any, prompt: list[int], language: str, temperature: float, limit: int) -> Decoded:
        """The best of a few texts of `limit` tokens at most, drawn at `temperature`."""
        result = self.model.generate(
            states,
            [prompt],
            beam_size=1,
            num_hypotheses=BEST_OF,
            sampling_topk=0,
            sampling_temperature=temperature,
            max_length=_max_length(prompt, limit),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        return _decoded(result, language, temperature)

    def split(self, tokens: list[int], language: str) -> tuple[list[str], list[list[int]]]:
        """The words that `tokens` make, and the tokens of each."""
        spaced = language not in {"zh", "ja", "th", "lo", "my", "yue"}
        split = self.tokenizer.split_tokens_on_spaces if spaced else self.tokenizer.split_tokens_on_unicode
        texts, groups = split(tokens)
        return texts, groups

    def text(self, tokens: tuple[int, ...]) -> str:
        return str(self.tokenizer.decode(list(tokens)))


def _max_length(prompt: list[int], limit: int) -> int:
    """CTranslate2 writes at most half of what it is given here, as openai/whisper does of its context."""
    return min(max(2 * limit, len(prompt) + limit), 2 * MAX_TOKENS)


def _decoded(result: Any, language: str, temperature: float) -> Decoded:
    found = [
        Decoded(tuple(tokens), _avg_logprob(tokens, score), float(result.no_speech_prob), language, temperature)
        for tokens, score in zip(result.sequences_ids, result.scores, strict=True)
    ]
    return replace(found[0], others=tuple(found[1:]))


def _avg_logprob(tokens: list[int], score: float) -> float:
    # the score is the mean over the tokens; the end token is in the sum but not in the count
    return float(score) * len(tokens) / (len(tokens) + 1) if tokens else float(score)


def _feature_options(folder: Path, mels: int) -> dict[str, Any]:
    """What the folder's preprocessor_config.json, if any, says of the features; the model itself knows its mels."""
    options: dict[str, Any] = {}
    file = folder / "preprocessor_config.json"
    if file.is_file():
        known = {"feature_size", "sampling_rate", "hop_length", "chunk_length", "n_fft"}
        options = {name: value for name, value in json.loads(file.read_text("utf-8")).items() if name in known}
        if options.get("sampling_rate", SAMPLE_RATE) != SAMPLE_RATE:
            raise ValueError(f"{file} asks for audio of {options['sampling_rate']} Hz, not {SAMPLE_RATE}")
    options["feature_size"] = mels
    return options
