"""Choosing between words that sound alike: readings as Whisper base told them of synthetic speech."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from auricle.config import EngineSettings
from auricle.engines.embedded.completion import Rival
from auricle.engines.embedded.language_model import LanguageModel
from auricle.engines.embedded.rescoring import CONTEXT_CHARACTERS, Rescoring, differing, places, rivals
from auricle.errors import EngineFailed, Unavailable
from auricle.types import Alternative, Reading, RecognitionOptions, Segment, Word
from auricle.waveform import Waveform
from tests.engines.waveforms import silence

OPTIONS = RecognitionOptions(readings=True)
BOARD = "火车马上就要开了，请大家紧快上车。"
QUICKLY = Alternative(12, 14, "尽快", -1.8)
BANK = "请问父亲有没有银行？"
NEARBY = Alternative(2, 4, "附近", -0.7)
BREAD = " La panaderilla de la esquina vende pan."
BAKERY = BREAD.replace("panaderilla", "panadería")
TRAM = ((" Take the tram now.", -3.0), (" take the tram, now", -3.2), (" Take the tramp now.", -4.0))


def segment(language: str, text: str, *alternatives: Alternative) -> Segment:
    words = (Word(text, 0.0, 3.0, 0.5),)
    readings = (Reading(text, -4.0), Reading(text + "！", -4.5), Reading(text.replace("大家", "诸位"), -5.0))
    return Segment(text, 0.0, 3.0, language, tokens=(1, 2), words=words, readings=readings, alternatives=alternatives)


def as_a_whole(language: str, *told: tuple[str, float]) -> Segment:
    words, readings = (Word(told[0][0], 0.0, 3.0, 0.5),), tuple(Reading(text, logprob) for text, logprob in told)
    return Segment(told[0][0], 0.0, 3.0, language, -0.2, words=words, readings=readings)


class Told:
    """Finds the same segments in everything."""

    def __init__(self, *segments: Segment) -> None:
        self.segments = segments
        self.closed = False

    async def recognize(self, waveform: Waveform, options: RecognitionOptions) -> AsyncGenerator[Segment, None]:
        try:
            for found in self.segments:
                yield found
        finally:
            self.closed = True


class Scores:
    """A language model that likes its favourite, or fails."""

    def __init__(self, favourite: str = "", failure: Exception | None = None, seconds: float = 0.0) -> None:
        self.favourite = favourite
        self.failure = failure
        self.seconds = seconds
        self.asked: list[str] = []

    async def tokenize(self, text: str) -> tuple[int, ...]:
        return tuple(map(ord, text))

    async def likeliest(
        self, prompt: Sequence[int], rivals: Sequence[Rival], weight: float = 1.0
    ) -> tuple[Rival, float]:
        self.asked.append("".join(map(chr, prompt)))
        await asyncio.sleep(self.seconds)
        if self.failure is not None:
            raise self.failure
        scores = [0.0 if self.favourite in "".join(map(chr, rival.tokens)) else -30.0 for rival in rivals]
        sums = [rival.logprob + weight * score for rival, score in zip(rivals, scores, strict=True)]
        best = sums.index(max(sums))
        return rivals[best], scores[best]


async def heard(
    recognizer: Told, model: Scores | LanguageModel, options: RecognitionOptions = OPTIONS, patience: float = 120.0
) -> list[Segment]:
    return [found async for found in Rescoring(recognizer, model, patience).recognize(silence(1), options)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def small(small_language_model: Path) -> AsyncIterator[LanguageModel]:
    model = LanguageModel(small_language_model, EngineSettings(context_length=4096))
    await model.start()
    await model.wait_ready()
    yield model
    await model.close()


@pytest.mark.weights
@pytest.mark.asyncio(loop_scope="module")
async def test_the_language_model_knows_what_people_say(small: LanguageModel) -> None:
    told = Told(
        segment("zh", BOARD, QUICKLY), segment("zh", BANK, NEARBY), as_a_whole("es", (BREAD, -5.0), (BAKERY, -5.8))
    )
    assert [found.text for found in await heard(told, small)] == [
        BOARD.replace("紧快", "尽快"),
        BANK.replace("父亲", "附近"),
        BAKERY,
    ]


@pytest.mark.parametrize(
    ("texts", "start", "parts"),
    [
        (("take the tram now, please", "take the train now, please"), 12, ("m n", "in n")),
        (("one", "one two"), 3, ("", " two")),
        (("two two", "two"), 3, (" two", "")),
        (("same", "same"), 4, ("", "")),
    ],
)
def test_only_what_differs_is_scored(texts: tuple[str, ...], start: int, parts: tuple[str, ...]) -> None:
    at, stops = differing([list(map(ord, text)) for text in texts])
    assert at == start
    assert tuple(text[at:stop] for text, stop in zip(texts, stops, strict=True)) == parts


async def test_an_alternative_becomes_the_text_and_words_of_another_one_go() -> None:
    (found,) = await heard(Told(segment("zh", BOARD, QUICKLY)), Scores("尽快"))
    others = Reading(BOARD, -4.0), Reading(BOARD.replace("大家", "诸位"), -5.0)
    assert found == Segment(BOARD.replace("紧快", "尽快"), 0.0, 3.0, "zh", readings=others)


async def test_where_nothing_else_may_be_said_all_is_as_recognised() -> None:
    plain = replace(segment("zh", BOARD), readings=())
    model = Scores("尽快")
    assert await heard(Told(plain), model, RecognitionOptions()) == [plain]
    assert model.asked == []


async def test_what_was_said_before_is_told_to_the_model() -> None:
    first, second = Segment("我们去车站。", 0.0, 2.0, "zh"), segment("zh", BOARD, QUICKLY)
    model = Scores("尽快")
    await heard(Told(first, second), model)
    assert model.asked == ["录音里的人说：“我们去车站。火车马上就要开了，请大家"]


async def test_what_was_said_before_only_grows_until_it_is_cut() -> None:
    """As long as it grows, the model has read most of the next prompt already."""
    said = ["我们去车站。" * times for times in (5, 10, 10)]  # 30, 60 and 60 characters
    model = Scores("尽快")
    rivals_after = [segment("zh", BOARD, QUICKLY) for _ in said]
    before = [Segment(text, 0.0, 2.0, "zh") for text in said]
    await heard(Told(*[each for pair in zip(before, rivals_after, strict=True) for each in pair]), model)
    first, second, third = (
        asked.removeprefix("录音里的人说：“").removesuffix("火车马上就要开了，请大家") for asked in model.asked
    )
    assert first == said[0]
    assert second.startswith(first)
    assert second.endswith(said[1])
    assert third == (second + BOARD.replace("紧快", "尽快"))[-CONTEXT_CHARACTERS:] + said[2]


@pytest.mark.parametrize("failure", [EngineFailed("died"), Unavailable("loading")])
async def test_without_the_model_it_is_the_recogniser_alone(failure: Exception) -> None:
    model = Scores("尽快", failure)
    found = await heard(Told(segment("zh", BOARD, QUICKLY), segment("zh", BANK, NEARBY)), model)
    assert [one.text for one in found] == [BOARD, BANK]
    assert len(model.asked) == 1  # and is not asked again about this audio


async def test_a_model_that_takes_too_long_is_not_waited_for() -> None:
    found = await heard(Told(segment("zh", BOARD, QUICKLY)), Scores("尽快", seconds=60), patience=0.05)
    assert found[0].text == BOARD


async def test_time_for_an_audio_is_bounded() -> None:
    model = Scores("尽快", seconds=0.1)
    found = await heard(Told(*[segment("zh", BOARD, QUICKLY)] * 20), model, patience=0.25)
    assert len(found) == 20
    assert ["尽快" in one.text for one in found[:2] + found[-2:]] == [True, True, False, False]


async def test_a_long_audio_has_more_time() -> None:
    recognizer = Rescoring(
        Told(*[segment("zh", BOARD, QUICKLY)] * 3), Scores("尽快", seconds=0.1), patience_seconds=0.05
    )
    found = [one async for one in recognizer.recognize(silence(60), OPTIONS)]
    assert all("尽快" in one.text for one in found)


HAIL = "5月下了一场冰宝，我儿子志愿想种葡萄。"
HAIL_OR = (Alternative(6, 8, "冰雹", -3.0), Alternative(6, 8, "冰暴", -2.0), Alternative(12, 14, "志远", -1.0))
AIR, MONEY = Alternative(2, 4, "质量", -2.0), Alternative(12, 14, "现金", -1.0)


async def test_parts_are_chosen_place_by_place_and_what_is_chosen_is_told_to_the_model() -> None:
    told = Segment(HAIL, 0.0, 3.0, "zh", alternatives=HAIL_OR)
    model = Scores("雹")
    (found,) = await heard(Told(told), model)
    assert found == Segment(HAIL.replace("冰宝", "冰雹"), 0.0, 3.0, "zh")
    assert [asked.removeprefix("录音里的人说：“") for asked in model.asked] == [
        "5月下了一场冰",
        "5月下了一场冰雹，我儿子志",
    ]


async def test_the_recogniser_is_believed_where_the_model_sees_no_difference() -> None:
    assert (await heard(Told(as_a_whole("es", (BREAD, -5.0), (BAKERY, -5.8))), Scores("no such word")))[0].text == BREAD


async def test_a_part_that_the_recogniser_finds_far_less_likely_stays() -> None:
    far = replace(HAIL_OR[0], logprob=-25.0)
    (found,) = await heard(Told(Segment(HAIL, 0.0, 3.0, "zh", alternatives=(far,))), Scores("雹"))
    assert found.text == HAIL


async def test_what_is_chosen_in_time_stays_where_the_model_takes_too_long_for_the_rest() -> None:
    class Slower(Scores):
        async def likeliest(
            self, prompt: Sequence[int], rivals: Sequence[Rival], weight: float = 1.0
        ) -> tuple[Rival, float]:
            self.seconds = 60.0 if self.asked else 0.0
            return await super().likeliest(prompt, rivals, weight)

    (found,) = await heard(Told(Segment(HAIL, 0.0, 3.0, "zh", alternatives=HAIL_OR)), Slower("雹"), patience=0.2)
    assert found.text == HAIL.replace("冰宝", "冰雹")


def test_rivals_differ_in_words_and_are_likely_enough() -> None:
    def found(*told: tuple[str, float]) -> list[str]:
        return [reading.text for reading in rivals([Reading(text, logprob) for text, logprob in told])]

    assert found(*TRAM) == [TRAM[0][0], TRAM[2][0]]
    assert found(("Yes.", -1.0), (" yes", -1.1), ("No", -3.1)) == ["Yes."]
    assert found() == []


async def test_a_reading_becomes_the_segment_where_no_parts_are_in_question() -> None:
    whole = as_a_whole("en", *TRAM)
    assert (await heard(Told(whole), Scores("p")))[0].text == TRAM[2][0]
    part = replace(whole, alternatives=(Alternative(10, 14, "team", -1.0),))
    assert (await heard(Told(part), Scores("p")))[0].text == TRAM[0][0]


@pytest.mark.parametrize(
    "left_alone",
    [
        replace(as_a_whole("en", *TRAM), avg_logprob=-0.9),  # all of it is lost
        replace(as_a_whole("en", *TRAM), words=(Word(TRAM[0][0], 0.0, 3.0, 0.7),)),
        replace(as_a_whole("en", *TRAM), text=" Take a tram now."),  # a surer one than those that it is a reading of
    ],
)
async def test_other_readings_are_no_rivals_of_what_is_lost_or_surer(left_alone: Segment) -> None:
    model = Scores("p")
    assert (await heard(Told(left_alone), model))[0].text == left_alone.text
    assert model.asked == []


def test_places_are_those_that_exclude_each_other() -> None:
    first, second, inserted = Alternative(3, 5, "a", -1.0), Alternative(4, 6, "b", -2.0), Alternative(8, 8, "c", -3.0)
    assert places([inserted, second, first]) == [[second, first], [inserted]]
    assert places([Alternative(8, 9, "d", -1.0), inserted]) == [[Alternative(8, 9, "d", -1.0), inserted]]
    assert places(()) == []


@pytest.mark.weights
@pytest.mark.asyncio(loop_scope="module")
async def test_the_language_model_knows_which_words_belong_together(small: LanguageModel) -> None:
    told = Segment("空气制亮良好，在门口请付陷阱。", 0.0, 3.0, "zh", alternatives=(MONEY, AIR))
    (found,) = await heard(Told(told), small)
    assert found.text == "空气质量良好，在门口请付现金。"


async def test_hanging_up_ends_recognition() -> None:
    recognizer = Told(segment("zh", BOARD, QUICKLY), segment("zh", BANK, NEARBY))
    segments = Rescoring(recognizer, Scores()).recognize(silence(1), OPTIONS)
    await anext(segments)
    await segments.aclose()
    assert recognizer.closed


async def test_other_readings_are_told_once_for_each_choice_of_words() -> None:
    (found,) = await heard(Told(segment("zh", BOARD)), Scores())
    assert (found.text, found.readings) == (BOARD, (Reading(BOARD.replace("大家", "诸位"), -5.0),))
