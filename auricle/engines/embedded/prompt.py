"""A prompt as tokens, of which each is known to be the client's (billed) or ours (not).

Contents never pass through the chat template: it is applied to marks, and every content is tokenised by itself with
control tokens switched off. So nothing that somebody writes, or says in an audio, can end its own message, and the
tokens of the client's messages are the same ones whatever notes stand beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from auricle.engines.embedded.language_model import LanguageModel

TurnRole = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a message's content."""

    text: str
    billed: bool
    """Whether the client sent it; our own notes and wording are not billed."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the conversation as the language model sees it."""

    role: TurnRole
    pieces: tuple[Piece, ...]

    @property
    def billed(self) -> bool:
        return any(piece.billed for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Prompt:
    """Tokens for the model, and which of them are billed."""

    tokens: tuple[int, ...]
    billed_spans: tuple[tuple[int, int], ...] = field(repr=False)
    """Positions [start, stop) of billed tokens, in order."""

    @property
    def billed_tokens(self) -> int:
        return sum(stop - start for start, stop in self.billed_spans)

    def billed_within(self, prefix: int) -> int:
        """How many of the first `prefix` tokens are billed."""
        return sum(max(0, min(stop, prefix) - start) for start, stop in self.billed_spans)


def merged(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """Neighbours of one role made one: many chat templates refuse two user turns in a row."""
    result = []
    for role, group in groupby(turns, key=lambda turn: turn.role):
        pieces: list[Piece] = []
        for turn in group:
            pieces += [Piece("\n\n", billed=False), *turn.pieces] if pieces else turn.pieces
        result.append(Turn(role, tuple(pieces)))
    return tuple(result)


async def compose(model: LanguageModel, turns: Sequence[Turn]) -> Prompt:
    """The prompt for `turns`, ready for the model to answer.

    The template's frame around a turn is billed with it; turns at the beginning that are all ours are not billed,
    frames included. What is billed is the same with our turns after the client's first one as without them.
    """
    frames = await model.frames([turn.role for turn in turns])
    tokens: list[int] = []
    spans: list[tuple[int, int]] = []

    async def add(text: str, *, billed: bool, special: bool) -> None:
        start = len(tokens)
        tokens.extend(await model.tokenize(text, special=special, start=special and not tokens))
        if billed and len(tokens) > start:
            if spans and spans[-1][1] == start:
                spans[-1] = (spans[-1][0], len(tokens))
            else:
                spans.append((start, len(tokens)))

    ours_first = bool(turns) and not turns[0].billed and turns[0].role == "system"
    for index, turn in enumerate(turns):
        frame = frames[index]
        if index and turn.billed and ours_first and not turns[index - 1].billed:
            end = (await model.frames(["system"], answer_next=False))[1]
            if end and frame.startswith(end):
                await add(end, billed=False, special=True)
                frame = frame.removeprefix(end)
        await add(frame, billed=turn.billed or (index == 0 and not ours_first), special=True)
        for billed, group in groupby(turn.pieces, key=lambda piece: piece.billed):
            await add("".join(piece.text for piece in group), billed=billed, special=False)
    await add(frames[-1], billed=True, special=True)
    return Prompt(tuple(tokens), tuple(spans))
