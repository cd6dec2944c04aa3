"""Whether the notes tell what is asked: the language model knows that better than it writes it.

A linear probe: a weighted sum of how likely some tokens are to begin the answer, compared with each other, which is to
say of the model's last hidden state (Alain and Bengio 2016, "Understanding intermediate layers using linear classifier
probes"). Where that is not sure enough an answer is written, and a second probe looks at what may follow it, too: of
its answer the model knows more than of the question. Tokens, weights and biases are in doubt.json beside this module,
for each language model that they were fitted for; `python -m bench.understanding.doubt` fits them on questions of which
it is known whether they can be answered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

ADMIT = -0.25  # log-odds from which on the answer is that it cannot be heard, if nothing else is known
SURE = 2.0  # the same, if an answer could be written and probed: that would change nothing any more
ADMIT_ANSWER = 0.75  # the second probe's, of an answer that was written; below, that is the answer
ADMIT_REASON = 1.25  # the same, of a reason


@dataclass(frozen=True, slots=True)
class AnswerDoubt:
    """A second probe: of what begins an answer, and of what follows the one that the model has written."""

    before: tuple[float, ...]
    after: tuple[float, ...]
    bias: float

    def log_odds(self, before: Sequence[float], after: Sequence[float]) -> float:
        """That nothing of the kind is told (natural logarithm); of the tokens of `Doubt`, `before` are the logprobs of
        those that begin an answer, and `after` of those that follow the one that was written."""
        return self.bias + _sum(self.before, before) + _sum(self.after, after)


@dataclass(frozen=True, slots=True)
class Doubt:
    """The probes for one language model."""

    tokens: tuple[int, ...]
    weights: tuple[float, ...]
    bias: float
    reasons: AnswerDoubt | None = None
    """For questions that ask for a reason."""
    answers: AnswerDoubt | None = None
    """For all others."""

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
    second = {kind: _answer_doubt(found[kind]) for kind in ("reasons", "answers") if kind in found}
    return Doubt(tuple(found["tokens"]), tuple(found["weights"]), float(found["bias"]), **second)


def _answer_doubt(found: Mapping[str, Any]) -> AnswerDoubt:
    return AnswerDoubt(tuple(found["before"]), tuple(found["after"]), float(found["bias"]))


def _sum(weights: Sequence[float], logprobs: Sequence[float]) -> float:
    return sum(weight * value for weight, value in zip(weights, logprobs, strict=True))
