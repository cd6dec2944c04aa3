"""Which parts of a transcript that is too long are shown to the model."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

RUN = 6  # neighbouring segments that are kept or left out together: single sentences lose their sense
CJK = re.compile(r"[㐀-鿿぀-ヿ가-힯]")
_WORDS = re.compile(rf"{CJK.pattern}|(?:(?!{CJK.pattern})[^\W_])+")


def spread(costs: Sequence[int], budget: int) -> frozenset[int]:
    """Indices of segments that stand for the whole: the beginning, the end, and runs evenly spaced between them.

    `costs` are the segments' tokens. Depends on nothing but the transcript, so that a second question finds the same
    selection in the model's memory.
    """
    if sum(costs) <= budget:
        return frozenset(range(len(costs)))
    runs = [range(start, min(start + RUN, len(costs))) for start in range(0, len(costs), RUN)]
    kept: set[int] = set()
    for run in _outside_in(len(runs)):
        cost = sum(costs[i] for i in runs[run])
        if cost <= budget:
            kept.update(runs[run])
            budget -= cost
    return frozenset(kept)


def matching(texts: Sequence[str], question: str, costs: Sequence[int], budget: int) -> frozenset[int]:
    """Indices of the segments that share the rarest words with `question`, best first, within `budget` tokens."""
    wanted = set(terms(question))
    found = [wanted.intersection(terms(text)) for text in texts]
    frequency = Counter(term for present in found for term in present)
    scores = [sum(math.log(1 + len(texts) / frequency[term]) for term in present) for present in found]
    kept: set[int] = set()
    for index in sorted(range(len(texts)), key=lambda i: (-scores[i], i)):
        if scores[index] <= 0:
            break
        if costs[index] <= budget:
            kept.add(index)
            budget -= costs[index]
    return frozenset(kept)


def terms(text: str) -> list[str]:
    """Words in lower case; of Chinese, Japanese and Korean, pairs of neighbouring characters."""
    words = _WORDS.findall(text.lower())
    pairs = [a + b for a, b in pairwise(words) if CJK.match(a) and CJK.match(b)]
    return [word for word in words if len(word) > 2] + pairs


def _outside_in(count: int) -> list[int]:
    """Positions 0..count-1: both ends first, then the middle of the widest gap again and again."""
    order = [0, count - 1] if count > 1 else [0] * count
    step = [(0, count - 1)]
    while step:
        following = []
        for low, high in step:
            middle = (low + high) // 2
            if low < middle < high:
                order.append(middle)
                following += [(low, middle), (middle, high)]
        step = following
    return order
