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
from auricle.engines.embedded.rescoring import CONTEXT_CHARACTERS, Rescoring, differing, rivals
from auricle.errors import EngineFailed, Unavailable
from auricle.types import Alternative, Reading, RecognitionOptions, Segment, Word
from auricle.waveform import Waveform
from tests.engines.waveforms import silence

OPTIONS = RecognitionOptions(readings=True)
BOARD = (
    ("火车马上就要开了，请大家紧快上车。", -4.0),
    ("火车马上就要开了。请大家紧快上车。", -4.4),
    ("火车马箱就要开了，请大家紧快上车。", -5.9),
    ("火车马上就要开了，请大家尽快上车。", -5.8),
)
BANK = (("请问父亲有没有银行？", -3.0), ("请问附近有没有银行。", -3.7), ("请问父亲有没有银行", -4.2))
BREAD = ((" La panaderilla de la esquina vende pan.", -5.0), (" La panadería de la esquina vende pan.", -5.8))


def readings(*told: tuple[str, float]) -> tuple[Reading, ...]:
    return tuple(Reading(text, logprob) for text, logprob in told)


def segment(language: str, *told: tuple[str, float]) -> Segment:
    tokens, words = (1, 2, 3), (Word(told[0][0], 0.0, 3.0, 0.5),)
    return Segment(told[0][0], 0.0, 3.0, language, -0.2, tokens=tokens, words=words, readings=readings(*told))


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
    told = Told(segment("zh", *BOARD), segment("zh", *BANK), segment("es", *BREAD))
    assert [found.text for found in await heard(told, small)] == [BOARD[3][0], BANK[1][0], BREAD[1][0]]


def test_rivals_differ_in_words_and_are_likely_enough() -> None:
    assert [reading.text for reading in rivals(readings(*BOARD))] == [BOARD[0][0], BOARD[2][0], BOARD[3][0]]
    assert [reading.text for reading in rivals(readings(("Yes.", -1.0), (" yes", -1.1), ("No", -3.1)))] == ["Yes."]
    assert rivals(()) == []


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


async def test_a_reading_becomes_the_segment_and_words_of_another_one_go() -> None:
    (found,) = await heard(Told(segment("zh", *BOARD)), Scores("尽快"))
    assert found == Segment(BOARD[3][0], 0.0, 3.0, "zh", -0.2, readings=readings(BOARD[0], BOARD[2]))


async def test_where_no_readings_are_wanted_all_is_as_recognised() -> None:
    plain = replace(segment("zh", *BOARD), readings=())
    assert await heard(Told(plain), Scores("尽快"), RecognitionOptions()) == [plain]


async def test_the_recogniser_is_believed_where_the_model_sees_little_difference() -> None:
    clear = segment("es", (BREAD[0][0], -5.0), (BREAD[1][0], -6.9))
    assert (await heard(Told(clear), Scores("no such word")))[0].text == BREAD[0][0]


async def test_what_was_said_before_is_told_to_the_model() -> None:
    first, second = Segment("我们去车站。", 0.0, 2.0, "zh"), segment("zh", *BOARD)
    model = Scores("尽快")
    await heard(Told(first, second), model)
    assert model.asked == ["录音里的人说：“我们去车站。火车马"]


async def test_what_was_said_before_only_grows_until_it_is_cut() -> None:
    """As long as it grows, the model has read most of the next prompt already."""
    said = ["我们去车站。" * times for times in (5, 10, 10)]  # 30, 60 and 60 characters
    model = Scores("尽快")
    rivals_after = [segment("zh", *BOARD) for _ in said]
    before = [Segment(text, 0.0, 2.0, "zh") for text in said]
    await heard(Told(*[each for pair in zip(before, rivals_after, strict=True) for each in pair]), model)
    first, second, third = (asked.removeprefix("录音里的人说：“").removesuffix("火车马") for asked in model.asked)
    assert first == said[0]
    assert second.startswith(first)
    assert second.endswith(said[1])
    assert third == (second + BOARD[3][0])[-CONTEXT_CHARACTERS:] + said[2]


@pytest.mark.parametrize("failure", [EngineFailed("died"), Unavailable("loading")])
async def test_without_the_model_it_is_the_recogniser_alone(failure: Exception) -> None:
    model = Scores("尽快", failure)
    found = await heard(Told(segment("zh", *BOARD), segment("zh", *BANK)), model)
    assert [one.text for one in found] == [BOARD[0][0], BANK[0][0]]
    assert [one.avg_logprob for one in found] == [-0.2, -0.2]
    assert len(model.asked) == 1  # and is not asked again about this audio


async def test_a_model_that_takes_too_long_is_not_waited_for() -> None:
    found = await heard(Told(segment("zh", *BOARD)), Scores("尽快", seconds=60), patience=0.05)
    assert found[0].text == BOARD[0][0]


async def test_time_for_an_audio_is_bounded() -> None:
    model = Scores("尽快", seconds=0.1)
    found = await heard(Told(*[segment("zh", *BOARD)] * 20), model, patience=0.25)
    assert len(found) == 20
    assert ["尽快" in one.text for one in found[:2] + found[-2:]] == [True, True, False, False]


async def test_a_long_audio_has_more_time() -> None:
    recognizer = Rescoring(Told(*[segment("zh", *BOARD)] * 3), Scores("尽快", seconds=0.1), patience_seconds=0.05)
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


async def test_readings_of_another_text_than_the_segment_has_now_are_no_rivals_of_it() -> None:
    mended = replace(segment("zh", *BOARD), text=BOARD[0][0].replace("大家", "诸位"))
    (found,) = await heard(Told(mended), Scores("尽快"))
    assert found.text == mended.text


@pytest.mark.weights
@pytest.mark.asyncio(loop_scope="module")
async def test_the_language_model_knows_which_words_belong_together(small: LanguageModel) -> None:
    told = Segment("空气制亮良好，在门口请付陷阱。", 0.0, 3.0, "zh", alternatives=(MONEY, AIR))
    (found,) = await heard(Told(told), small)
    assert found.text == "空气质量良好，在门口请付现金。"


async def test_hanging_up_ends_recognition() -> None:
    recognizer = Told(segment("zh", *BOARD), segment("zh", *BANK))
    segments = Rescoring(recognizer, Scores()).recognize(silence(1), OPTIONS)
    await anext(segments)
    await segments.aclose()
    assert recognizer.closed


async def test_other_readings_are_told_once_for_each_choice_of_words() -> None:
    (found,) = await heard(Told(segment("zh", *BANK, *BANK)), Scores("no such word"))
    assert (found.text, found.readings) == (BANK[0][0], readings(BANK[1]))


async def test_of_a_sentence_that_is_lost_the_model_is_not_asked_and_the_readings_are_told() -> None:
    model = Scores("尽快")
    (found,) = await heard(Told(replace(segment("zh", *BOARD), avg_logprob=-0.9)), model)
    assert (found.text, model.asked) == (BOARD[0][0], [])
    assert found.readings == readings(BOARD[2], BOARD[3])
