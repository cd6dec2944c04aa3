"""How many tokens an audio is worth, from the published MiMo audio tokenizer."""

from __future__ import annotations

TOKENIZER_RATE = 24_000  # Hz
HOP_SAMPLES = 240  # samples at 24 kHz a mel frame
GROUP = 4  # codec frames a token


def audio_tokens(samples_at_24k: int) -> int:
    """Tokens of an audio of `samples_at_24k` samples at 24 kHz.

    Mel frames (hop 240), two halvings by strided convolution, groups of four: about 6.25 tokens a second.
    Source: the audio tokenizer published with XiaomiMiMo/MiMo-Audio-Tokenizer.
    Raises ValueError for a negative count.
    """
    if samples_at_24k < 0:
        raise ValueError("samples_at_24k must not be negative")
    frames = samples_at_24k // HOP_SAMPLES + 1
    encoded = (frames - 1) // 2 + 1
    halved = -(-encoded // 2)
    return -(-halved // GROUP)


def samples_at_24k(samples: int, rate: int) -> int:
    """The number of samples that `samples` at `rate` Hz become when resampled to 24 kHz (rounded up)."""
    return -(-samples * TOKENIZER_RATE // rate)
