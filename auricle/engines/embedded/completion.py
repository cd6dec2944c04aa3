"""What a language model is asked for, and what it gives: the next tokens, how likely some of them are, or which of some
texts is the likeliest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

DEFAULT_TOP_P = 0.95  # llama.cpp's own
PENALTY_TOKENS = 64  # that penalties look back: of more, most would be the notes, whose words the answer is to quote

Finish = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to choose the next token."""

    temperature: float = 0.0
    top_p: float = DEFAULT_TOP_P
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    grammar: str | None = None
    """In llguidance's Lark dialect; checked beforehand with `LanguageModel.check`."""
    adapted: bool = False
    """Whether the adapter takes part, if the model has one."""

    def body(self) -> dict[str, Any]:
        """The fields of llama.cpp's `/completion`."""
        body: dict[str, Any] = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "frequency_penalty": self.frequency_penalty,
            "presence_penalty": self.presence_penalty,
            "repeat_last_n": PENALTY_TOKENS,
            "seed": -1 if self.seed is None else self.seed & 0x7FFF_FFFF,
            "stop": list(self.stop),
        }
        if self.grammar is not None:
            body["grammar"] = self.grammar
        return body


@dataclass(frozen=True, slots=True)
class Written:
    """A piece of what the model writes; the last one says how it ended and what it took."""

    text: str
    finish: Finish | None = None
    tokens: int = 0  # written in all
    reused_tokens: int = 0  # of the prompt, from the front, whose keys and values were still there


@dataclass(frozen=True, slots=True)
class Weighed:
    """How likely some tokens are to come next, if one of them does."""

    logprobs: tuple[float, ...]  # natural
    reused_tokens: int  # of the prompt, from the front, whose keys and values were still there


@dataclass(frozen=True, slots=True)
class Rival:
    """One of the texts of which the likeliest is wanted."""

    tokens: tuple[int, ...]
    logprob: float = 0.0  # natural; what speaks for it beside the language model
