"""Words that sound alike: of what a doubtful segment may say, the language model knows what people say.

Whisper base writes 紧快上车 for 尽快上车, and finds the right words nearly as likely. As usual with recognisers and
language models, the sum of both log-probabilities decides, the model's with a weight (shallow fusion, but of whole
texts, n-best rescoring, or of parts of them). Weights and margins were chosen on speakers and readings that are for
choosing; see docs/quality.md.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from operator import itemgetter
from typing import Protocol

import structlog

from auricle.engines.embedded.completion import Rival
from auricle.engines.embedded.readings import ambiguous, bare
from auricle.engines.embedded.selection import terms
from auricle.errors import AuricleError
from auricle.types import Alternative, Reading, RecognitionOptions, Segment
from auricle.waveform import Waveform

WEIGHT = 0.3  # of the language model's log-probability
MOST_RIVALS = 5  # of the readings beside the recogniser's own; ten gained nothing
MARGIN = 2.0  # by which a reading's log-probability may be less than the greatest of them
PLACE_WEIGHT = 0.8  # of the language model's log-probability where one place is looked at
MOST_ALTERNATIVES = 3  # at one place, beside what is there
CHARACTERS_AFTERWARDS = 12  # of what goes on behind a place, that are looked at with it
CONTEXT_CHARACTERS = 40  # of what was said before
MOST_CONTEXT_CHARACTERS = 120  # up to which it grows before it is cut: as long as it only grows, it is read once
AFTERWARDS = 2  # tokens that are scored of what all readings end with
MOST_TOKENS = 64  # in which readings differ; more are no matter of words that sound alike
PATIENCE_SECONDS = 8.0  # for an audio, three or four doubtful sentences; what comes later in it is left as it is
PATIENCE_SHARE = 0.03  # of a long audio's own time
OPENINGS = {"zh": "录音里的人说：“", "ja": "録音では「"}
OPENING = 'The speaker says: "'

log = structlog.get_logger(__name__)


class SpeechRecognizer(Protocol):
    """What is needed of `recognizer.Recognizer`."""

    def recognize(self, waveform: Waveform, options: RecognitionOptions) -> AsyncGenerator[Segment, None]: ...


class Scorer(Protocol):
    """What is needed of `language_model.LanguageModel`."""

    async def tokenize(self, text: str) -> tuple[int, ...]: ...

    async def likeliest(
        self, prompt: Sequence[int], rivals: Sequence[Rival], weight: float = 1.0
    ) -> tuple[Rival, float]: ...


class Rescoring:
    """A recogniser and a language model, as one recogniser."""

    def __init__(self, recognizer: SpeechRecognizer, model: Scorer, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """`patience_seconds`: for an audio of no more than four minutes; a longer one gets its share."""
        self._patience_seconds = patience_seconds
        self._recognizer = recognizer
        self._model = model

    async def recognize(self, waveform: Waveform, options: RecognitionOptions) -> AsyncGenerator[Segment, None]:
        """The segments of `waveform`, as the recogniser tells them; where `options` want readings, with the text of the
        likeliest one of both models. Without the language model, as the recogniser alone.
        """
        said, left = "", max(self._patience_seconds, PATIENCE_SHARE * waveform.seconds)
        async with aclosing(self._recognizer.recognize(waveform, options)) as segments:
            async for segment in segments:
                begun = time.monotonic()
                text, in_time = await self._text(segment, said, left) if left > 0 else (segment.text, False)
                left = left - (time.monotonic() - begun) if in_time else 0.0
                segment = replace(segment, text=text, alternatives=())
                said += text
                if len(said) > MOST_CONTEXT_CHARACTERS:
                    said = said[-CONTEXT_CHARACTERS:]
                # words and tokens may be those of another reading
                yield replace(segment, readings=_others(segment), words=(), tokens=()) if options.readings else segment

    async def _text(self, segment: Segment, said: str, patience_seconds: float) -> tuple[str, bool]:
        """The likeliest text of `segment`, which follows what was `said`, as far as the model tells in time, and
        whether it told all."""
        before = OPENINGS.get(segment.language, OPENING) + said
        text, at, told = before, 0, True
        try:
            async with asyncio.timeout(patience_seconds):
                for place in places(segment.alternatives):
                    start, stop = min(one.start for one in place), max(one.stop for one in place)
                    so_far, after = text + segment.text[at:start], segment.text[stop : stop + CHARACTERS_AFTERWARDS]
                    texts = _texts(segment.text[start:stop], start, place)
                    text, at = so_far + await self._likeliest(so_far, texts, after, PLACE_WEIGHT), stop
                if not segment.alternatives and len(texts := _rivals(segment)) > 1:
                    text, at = before + await self._likeliest(before, texts, "", WEIGHT), len(segment.text)
        except (AuricleError, TimeoutError) as error:
            log.info("not_rescored", error=type(error).__name__)
            told = False
        return text.removeprefix(before) + segment.text[at:], told

    async def _likeliest(self, before: str, texts: Sequence[Reading], after: str, weight: float) -> str:
        """Which of `texts` is said between `before` and `after`; the first, where they differ in too much."""
        tokens = [await self._model.tokenize(f"{before}{one.text}{after}".strip()) for one in texts]
        start, stops = differing(tokens)
        if max(stops) - start > MOST_TOKENS:
            return texts[0].text
        contested = [
            Rival(tuple(each[start:stop]), one.logprob) for each, stop, one in zip(tokens, stops, texts, strict=True)
        ]
        winner, _ = await self._model.likeliest(tokens[0][:start], contested, weight)
        return texts[contested.index(winner)].text


def places(alternatives: Iterable[Alternative]) -> list[list[Alternative]]:
    """Those together that exclude each other, from the front; at each place in the order in which they are told."""
    told = list(enumerate(alternatives))
    found: list[list[tuple[int, Alternative]]] = []
    end = 0
    for number, one in sorted(told, key=lambda each: each[1].start):
        if one.start >= end:
            found.append([])
        found[-1].append((number, one))
        end = max(end, one.stop)
    return [[one for _, one in sorted(place, key=itemgetter(0))] for place in found]


def _texts(text: str, start: int, place: Sequence[Alternative]) -> list[Reading]:
    """What may be said at a place, where `text` was found from `start` on: that first."""
    others = [
        Reading(text[: one.start - start] + one.text + text[one.stop - start :], one.logprob)
        for one in place[:MOST_ALTERNATIVES]
    ]
    return [Reading(text, 0.0), *others]


def _rivals(segment: Segment) -> list[Reading]:
    """What the segment may say as a whole. Its readings are of the text that was found; if it has another one now, that
    is surer than any of them."""
    found = segment.readings[: 1 + MOST_RIVALS]
    return rivals(found) if ambiguous(segment) and found and found[0].text == segment.text else []


def _others(segment: Segment) -> tuple[Reading, ...]:
    """The readings of `segment` with other words than its text, the likeliest first, one for each choice of words."""
    found = {tuple(terms(segment.text)): Reading(segment.text, 0.0)}
    for reading in segment.readings:
        found.setdefault(tuple(terms(reading.text)), reading)
    return tuple(found.values())[1:]


def rivals(readings: Sequence[Reading]) -> list[Reading]:
    """The first of the readings, and those that are likely enough and differ in more than spelling and punctuation."""
    found: dict[str, Reading] = {}
    least = max((reading.logprob for reading in readings), default=0.0) - MARGIN
    for reading in readings:
        if reading is readings[0] or reading.logprob >= least:
            found.setdefault(bare(reading.text), reading)
    return list(found.values())


def differing(texts: Sequence[Sequence[int]]) -> tuple[int, list[int]]:
    """Where the token lists begin to differ, and where each of them has gone on alike for AFTERWARDS tokens."""
    start = _alike(texts)
    end = _alike([text[start:][::-1] for text in texts])
    return start, [min(len(text), len(text) - end + AFTERWARDS) for text in texts]


def _alike(texts: Sequence[Sequence[int]]) -> int:
    """How many first tokens all have in common."""
    return sum(1 for _ in itertools.takewhile(lambda column: len(set(column)) == 1, zip(*texts, strict=False)))
