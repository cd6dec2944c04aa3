"""Whether the notes tell what is asked: the language model knows that better than it writes it.

A linear probe: a weighted sum of how likely some tokens are to begin the answer, compared with each other, which is to
say of the model's last hidden state (Alain and Bengio 2016, "Understanding intermediate layers using linear classifier
probes"). A reason is written first, and another probe looks at what may follow it, too. Tokens, weights and biases are
in doubt.json beside this module, for each language model that they were fitted for; `python -m
bench.understanding.doubt` fits them on questions of which it is known whether they can be answered.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

ADMIT = -0.25  # log-odds from which on the answer is that it cannot be heard; below, the model writes what it likes
ADMIT_REASON = 1.25  # the same, of a reason that the model has written; below, the answer is that reason


@dataclass(frozen=True, slots=True)
class ReasonDoubt:
    """A second probe, for questions that ask for a reason: of what begins the answer, and of what follows a reason that
    the model has written. Of its reason the model knows more than of the question."""

    before: tuple[float, ...]
    after: tuple[float, ...]
    bias: float

    def log_odds(self, before: Sequence[float], after: Sequence[float]) -> float:
        """That no such reason is told (natural logarithm); of the tokens of `Doubt`, `before` are the logprobs of those
        that begin an answer, and `after` of those that follow the reason."""
        return self.bias + _sum(self.before, before) + _sum(self.after, after)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A probe for one language model."""

    tokens: tuple[int, ...]
    weights: tuple[float, ...]
    bias: float
    reasons: ReasonDoubt | None = None

    def log_odds(self, logprobs: Sequence[float]) -> float:
        """That the answer is not in the notes (natural logarithm); `logprobs` are those of `tokens`."""
        return self.bias + _sum(self.weights, logprobs)


@cache
def doubt_of(language_model: str) -> Doubt | None:
    """The probe for a model of the catalogue; None where there is none."""
    text = resources.files(__package__).joinpath("doubt.json").read_text("utf-8")
    found = json.loads(text).get(language_model)
    if found is None:
        return None
    reasons = found.get("reasons")
    if reasons is not None:
        reasons = ReasonDoubt(tuple(reasons["before"]), tuple(reasons["after"]), float(reasons["bias"]))
    return Doubt(tuple(found["tokens"]), tuple(found["weights"]), float(found["bias"]), reasons)


def _sum(weights: Sequence[float], logprobs: Sequence[float]) -> float:
    return sum(weight * value for weight, value in zip(weights, logprobs, strict=True))
