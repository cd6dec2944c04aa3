"""How many tokens an audio is worth, from the published MiMo audio tokenizer."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

TOKENIZER_RATE = 24_000  # Hz
HOP_SAMPLES = 240  # samples at 24 kHz a mel frame
GROUP = 4  # codec frames a token


def audio_tokens(duration: Fraction) -> int:
    """Tokens of an audio of `duration` seconds (exact, from decoded samples).

    Resampled to 24 kHz (rounded up), cut into mel frames (hop 240), halved twice by strided convolution, grouped
    by four: about 6.25 tokens a second. Source: the tokenizer published as XiaomiMiMo/MiMo-Audio-Tokenizer.
    Raises ValueError for a negative duration.
    """
    if duration < 0:
        raise ValueError("duration must not be negative")
    frames = ceil(duration * TOKENIZER_RATE) // HOP_SAMPLES + 1
    encoded = (frames - 1) // 2 + 1
    halved = -(-encoded // 2)
    return -(-halved // GROUP)
