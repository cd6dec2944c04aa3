"""What answers of the small model are held to, and what of them is sent."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from auricle.engines.embedded.completion import Sampling, Weighed, Written
from auricle.engines.embedded.constraints import Tools, beginning_with, beginning_with_or, exactly
from auricle.engines.embedded.conversation import Conversation
from auricle.engines.embedded.doubt import AnswerDoubt, Doubt
from auricle.engines.embedded.language_model import LanguageModel
from auricle.engines.embedded.prompt import Prompt
from auricle.engines.embedded.responder import Responder
from auricle.engines.embedded.vocabularies import ADMISSIONS, VOCABULARIES
from auricle.engines.embedded.writer import Writer, _Judge
from auricle.pipeline import collect
from auricle.types import ResponseFormat
from tests.engines.embedded.questions import NIGHT, PARCEL, TRAIN, YES, scene
from tests.engines.embedded.respondent import Respondent, Roomy

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.weights]


class Saying:
    """The real model, held to one answer unless it is held to another already."""

    def __init__(self, model: LanguageModel, text: str) -> None:
        self._model = model
        self._text = text
        self.answers = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def write(self, prompt: Sequence[int], max_tokens: int, sampling: Sampling) -> AsyncGenerator[Written, None]:
        self.answers += 1
        return self._model.write(prompt, max_tokens, replace(sampling, grammar=sampling.grammar or exactly(self._text)))


class Held:
    """The real model, and the grammars that it is held to."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self.grammars: list[str | None] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def write(self, prompt: Sequence[int], max_tokens: int, sampling: Sampling) -> AsyncGenerator[Written, None]:
        self.grammars.append(sampling.grammar)
        return self._model.write(prompt, max_tokens, sampling)


async def test_what_is_made_up_is_not_sent(respondent: Respondent) -> None:
    inventive = Saying(respondent.model, "The boss of Daniel is called Ferdinand.")
    responder = Responder(cast(LanguageModel, inventive), respondent._listener)
    asked = respondent.request(PARCEL, "What is the name of Daniel's boss?")
    pieces = [delta.content async for delta in responder.answer(asked) if delta.content]
    assert "".join(pieces) == "It can't be heard in the audio."
    assert inventive.answers == 2
    again = await collect(responder.answer(asked))
    assert again.content == "It can't be heard in the audio."
    assert inventive.answers == 3, "it is not judged twice"
    assert again.usage.prompt_tokens == await responder.count_prompt_tokens(asked)
    assert again.usage.cached_tokens >= again.usage.prompt_tokens - 6


@pytest.mark.parametrize(
    "answer",
    [
        "Mr. Penniworth from Green Valley Post.",  # a short form ends no sentence, and Penn is nobody
        "Daniel from Green Valley Post. Parcelling is what they do.",  # nor was a par heard
    ],
)
async def test_no_part_of_a_word_is_judged(respondent: Respondent, answer: str) -> None:
    told = scene(4.0, "en", (0.3, 3.6, "This is Daniel, for Mr. Penniworth, from Green Valley Post."))
    model = Saying(respondent.model, answer)
    responder = Responder(cast(LanguageModel, model), respondent._listener)
    assert (await collect(responder.answer(respondent.request(told, "Who is calling?")))).content == answer


@pytest.mark.parametrize("log_odds", [9.0, -9.0])
async def test_what_is_known_not_to_be_told_is_not_asked_for(respondent: Respondent, log_odds: float) -> None:
    model = Roomy(respondent.model)
    responder = Responder(cast(LanguageModel, model), respondent._listener, Doubt((13, 14, 15), (0.0,) * 3, log_odds))
    responder._lesson = respondent.taught._lesson
    asked = respondent.request(PARCEL, "Who is calling?")
    first, again = [await collect(responder.answer(asked)) for _ in range(2)]
    assert (first.content == "It can't be heard in the audio.") is (log_odds > 0)
    assert again.content == first.content
    assert again.usage.cached_tokens == again.usage.prompt_tokens - 1  # the last one is always read
    assert first.usage.prompt_tokens == again.usage.prompt_tokens == await responder.count_prompt_tokens(asked)


@pytest.mark.parametrize("text", ["What is said?", "Is the parcel red?", "Describe the audio.", "有人说话吗？"])
async def test_other_questions_are_not_doubted_beforehand(respondent: Respondent, text: str) -> None:
    doubted: list[int] = []

    class Watched(Roomy):
        async def weigh(self, prompt: Sequence[int], choices: Sequence[int]) -> Weighed:
            doubted.append(len(prompt))
            return await self._model.weigh(prompt, choices)

    model = cast(LanguageModel, Watched(respondent.model))
    responder = Responder(model, respondent._listener, Doubt((13,), (0.0,), 9.0))
    responder._lesson = respondent.taught._lesson
    assert (await collect(responder.answer(respondent.request(PARCEL, text)))).content
    assert not doubted
    await collect(responder.answer(respondent.request(PARCEL, "Which colour is the parcel?")))
    assert doubted


@pytest.mark.parametrize(
    ("request_", "silent", "begins"),
    [
        ("Describe this audio.", "The audio is silent.", "Somebody says"),
        ("请描述音频内容", "这段音频里没有听到任何声音。", "有人说"),
    ],
)
async def test_what_is_said_is_not_called_silence(
    respondent: Respondent, request_: str, silent: str, begins: str
) -> None:
    deaf = Saying(respondent.model, silent)
    responder = Responder(cast(LanguageModel, deaf), respondent._listener)
    asked = respondent.request(PARCEL, request_)
    assert (await collect(responder.answer(asked))).content.startswith(begins)
    assert (await collect(responder.answer(asked))).content.startswith(begins)
    assert deaf.answers == 3, "it is not judged twice"
    nobody = respondent.request(NIGHT, request_)
    assert (await collect(responder.answer(nobody))).content == silent


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Why should we buy the red car?", "en"),
        ("为什么要买红色的车？", "zh"),
        ("Pourquoi acheter la voiture rouge ?", "fr"),
        ("Warum das rote Auto?", "de"),
    ],
)
async def test_why_is_answered_with_a_reason_or_an_admission(respondent: Respondent, text: str, language: str) -> None:
    model = Held(respondent.model)
    responder = Responder(cast(LanguageModel, model), respondent._listener)
    answer = (await collect(responder.answer(respondent.request(YES, text)))).content
    because = VOCABULARIES[language].because
    assert model.grammars[0] == beginning_with_or(because, ADMISSIONS[language])
    assert answer.startswith(because) or answer == ADMISSIONS[language]


@pytest.mark.parametrize(
    "text",
    ["What is cheaper?", "What is it, and why is it cheaper?", "Is there a reason why?", "どうして赤い車ですか？"],
)
async def test_other_answers_begin_as_they_like(respondent: Respondent, text: str) -> None:
    model = Held(respondent.model)
    responder = Responder(cast(LanguageModel, model), respondent._listener)
    assert (await collect(responder.answer(respondent.request(YES, text)))).content
    assert model.grammars[0] is None


@pytest.mark.parametrize("log_odds", [9.0, -9.0])
async def test_a_reason_is_sent_if_it_was_told(respondent: Respondent, log_odds: float) -> None:
    model = Held(Roomy(respondent.model))  # type: ignore[arg-type]
    never = Doubt((13,), (0.0,), 9.0, AnswerDoubt((0.0,), (0.0,), log_odds))
    responder = Responder(cast(LanguageModel, model), respondent._listener, never)
    responder._lesson = respondent.taught._lesson
    asked = respondent.request(YES, "Why should we buy the red car?")
    first = await collect(responder.answer(asked))
    assert model.grammars[0] == beginning_with("Because")
    if log_odds > 0:
        assert first.content == ADMISSIONS["en"]
    else:
        assert "cheaper" in first.content
        assert first.content.startswith("Because")
    again = await collect(responder.answer(asked))
    assert again.content == first.content
    assert len(model.grammars) == (3 if log_odds > 0 else 2), "it is not judged twice"
    assert again.usage.cached_tokens == again.usage.prompt_tokens - 1  # the last one is always read
    assert again.usage.completion_tokens == first.usage.completion_tokens
    assert first.usage.prompt_tokens == again.usage.prompt_tokens == await responder.count_prompt_tokens(asked)


@pytest.mark.parametrize("log_odds", [9.0, -9.0])
async def test_an_answer_is_sent_if_it_was_told(respondent: Respondent, log_odds: float) -> None:
    model = Held(Roomy(respondent.model))  # type: ignore[arg-type]
    doubt = Doubt((13,), (0.0,), 1.0, answers=AnswerDoubt((0.0,), (0.0,), log_odds))
    responder = Responder(cast(LanguageModel, model), respondent._listener, doubt)
    responder._lesson = respondent.taught._lesson
    asked = respondent.request(PARCEL, "Who is calling?")
    first, again = [await collect(responder.answer(asked)) for _ in range(2)]
    assert (first.content == ADMISSIONS["en"]) is (log_odds > 0)
    assert ("Daniel" in first.content) is (log_odds < 0)
    assert again.content == first.content
    assert len(model.grammars) == (3 if log_odds > 0 else 2), "it is not judged twice"
    assert again.usage.cached_tokens == again.usage.prompt_tokens - 1  # the last one is always read
    assert again.usage.completion_tokens == first.usage.completion_tokens


async def test_what_is_surely_not_told_is_not_written(respondent: Respondent) -> None:
    model = Held(Roomy(respondent.model))  # type: ignore[arg-type]
    doubt = Doubt((13,), (0.0,), 9.0, answers=AnswerDoubt((0.0,), (0.0,), -9.0))
    responder = Responder(cast(LanguageModel, model), respondent._listener, doubt)
    responder._lesson = respondent.taught._lesson
    answer = await collect(responder.answer(respondent.request(PARCEL, "Who is calling?")))
    assert answer.content == ADMISSIONS["en"]
    assert model.grammars == [exactly(ADMISSIONS["en"])]


@pytest.mark.parametrize("log_odds", [1.0, -1.0])
async def test_a_long_answer_is_probed_before_it_is_written(respondent: Respondent, log_odds: float) -> None:
    text = "It is Daniel who calls" + ", and he calls" * 12 + ", before six."
    model = Saying(Roomy(respondent.model), text)  # type: ignore[arg-type]
    doubt = Doubt((13,), (0.0,), log_odds, answers=AnswerDoubt((0.0,), (0.0,), 9.0))
    responder = Responder(cast(LanguageModel, model), respondent._listener, doubt)
    responder._lesson = respondent.taught._lesson
    deltas = [delta async for delta in responder.answer(respondent.request(PARCEL, "Who is calling?"))]
    pieces = [delta.content for delta in deltas if delta.content]
    assert "".join(pieces) == (ADMISSIONS["en"] if log_odds > 0 else text)
    assert log_odds > 0 or len(pieces) > 1, "it is sent while it is being written"


@pytest.mark.parametrize(
    ("text", "answer"), [("Why should we buy the red car?", "Because it is cheaper."), ("Which car is it?", "The red.")]
)
async def test_an_answer_that_leaves_no_room_is_not_probed(respondent: Respondent, text: str, answer: str) -> None:
    untold = AnswerDoubt((0.0,), (0.0,), 9.0)
    doubt = Doubt((13,), (0.0,), -9.0, untold, untold)
    writer = Writer(respondent.model, doubt)
    prompt = Prompt((13,) * respondent.model.context_length, ())
    judge = _Judge(Conversation(respondent.request(YES, text), Tools()), [YES], doubt)
    assert not await writer._untold(judge, prompt, (0.0,), answer)


@pytest.mark.parametrize("doubt", [None, Doubt((13,), (0.0,), 0.0)])
async def test_a_reason_is_judged_once(respondent: Respondent, doubt: Doubt | None) -> None:
    asked = Conversation(respondent.request(YES, "Why should we buy the red car?"), Tools())
    judge = _Judge(asked, [YES], doubt)
    assert judge.correction("Because it is cheaper.") == ""
    assert judge.correction("Because of the rain.") == (judge.admitting() if doubt is None else "")
    assert judge.correction("Because it costs 15 dollars.") == judge.admitting()


async def test_what_was_heard_is_sent(respondent: Respondent) -> None:
    text = "It was Daniel who called, before six."
    responder = Responder(cast(LanguageModel, Saying(respondent.model, text)), respondent._listener)
    answer = await collect(responder.answer(respondent.request(PARCEL, "Who calls?")))
    assert answer.content == text
    known = respondent.request(PARCEL, "Was it Ferdinand or Daniel who calls?")
    responder = Responder(cast(LanguageModel, Saying(respondent.model, "Not Ferdinand.")), respondent._listener)
    assert (await collect(responder.answer(known))).content == "Not Ferdinand."


@pytest.mark.parametrize(
    ("text", "doubtable"),
    [
        ("What is the name of the speaker?", True),
        ("他今年多大了？", True),
        ("How long does the journey take?", True),
        ("What is said in the audio?", False),
        ("Which animal is heard?", False),
        ("Is the speaker a woman?", False),
        ("Was the car red?", False),
        ("Was kostet das Auto?", True),
        ("有人说话吗？", False),
        ("Describe the audio.", False),
    ],
)
async def test_only_what_may_not_be_in_the_notes_is_doubted(respondent: Respondent, text: str, doubtable: bool) -> None:
    assert Conversation(respondent.request(PARCEL, text), Tools()).doubtable is doubtable
    assert Conversation(respondent.request(PARCEL, TRAIN, text), Tools()).doubtable is doubtable
    form = ResponseFormat("json_object")
    assert not Conversation(respondent.request(PARCEL, text, response_format=form), Tools()).doubtable
