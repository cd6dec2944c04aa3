"""When a text cannot be trusted: loops, texts that were cut off, and words that the model itself doubts."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Sequence

MAX_COMPRESSION = 2.4  # openai/whisper's threshold: text that compresses better repeats itself
MIN_LOOP = 4  # tokens of the shortest repetition that counts
MAX_TOKENS_A_SECOND = 25.0  # nobody speaks so fast, even in languages whose letters take several tokens
SPARE_TOKENS = 16  # allowed however short the speech is
LONE_WORD_SECONDS = 2.0  # in windows under it
LONE_WORD_LOGPROB = -1.0  # this is the floor: a lone word is improbable even when it is right
CAREFUL_LOGPROB = -0.2  # the floor of others where time matters less; see docs/performance.md
_CRY = re.compile(r"\W*\w?(\w)\1{4,}\W*", re.IGNORECASE)


def compression_ratio(text: str) -> float:
    """Bytes of the text to bytes of its zlib form, as in openai/whisper."""
    encoded = text.encode()
    return len(encoded) / len(zlib.compress(encoded)) if encoded else 1.0


def repeats(text: str) -> bool:
    """Whether the text compresses better than speech does."""
    return compression_ratio(text) > MAX_COMPRESSION


def loops(tokens: Sequence[int]) -> bool:
    """Whether the text ends in a repetition: at least MIN_LOOP tokens twice, or one to three of them four times."""
    size = len(tokens)
    for period in range(1, size // 2 + 1):
        times = 2 if period >= MIN_LOOP else 4
        if period * times > size:
            continue
        tail = tokens[size - period * times :]
        if all(tail[index] == tail[index - period] for index in range(period, len(tail))):
            return True
    return False


def token_limit(seconds: float, most: int) -> int:
    """Tokens that `seconds` of speech can have: a loop in a short window ends here and not only at `most`."""
    return min(most, SPARE_TOKENS + math.ceil(MAX_TOKENS_A_SECOND * seconds))


def floor(seconds: float, least: float, *, careful: bool) -> float:
    """The log-probability from which on a text is trusted, of so many seconds of speech; `least` for most texts."""
    if seconds < LONE_WORD_SECONDS:
        return LONE_WORD_LOGPROB
    return max(least, CAREFUL_LOGPROB) if careful else least


def doubtful(text: str, tokens: Sequence[int], avg_logprob: float, seconds: float, *, limit: int, floor: float) -> bool:
    """Whether a quick answer should be sought again the slow way. `floor` is the least trusted log-probability."""
    return avg_logprob < floor or len(tokens) >= token_limit(seconds, limit) or loops(tokens) or repeats(text)


def nobody_spoke(text: str, avg_logprob: float, no_speech_prob: float) -> bool:
    """openai/whisper's rule for a window without speech, and cries such as "Ahhhhhh", improbable or without end, which
    it writes for a horse. Either sign of the rule alone would also drop speech over music.

    It catches what the voice detector lets through: a buzz, drums and a band gave log-probabilities under -1.7 and 0.67
    or more for no speech, recordings of animals and tools -1.2 to -2.2 and 0.54 or more; of 316 clips of speech only
    two came near, both written down wrong (openai/whisper asks for 0.6 or more; bench/false_text.py).
    """
    cry = _CRY.fullmatch(text) is not None
    return (avg_logprob < -1.0 and (no_speech_prob > 0.5 or cry)) or (cry and repeats(text))


def failed(text: str, avg_logprob: float) -> bool:
    """Whether a slow answer should be sought again, by openai/whisper's two thresholds."""
    return repeats(text) or avg_logprob < -1.0
