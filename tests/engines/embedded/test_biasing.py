"""What the question knows of what was said: readings as Whisper base told them of synthetic speech."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.engines.embedded.biasing import biased, sentence, wanted
from auricle.engines.embedded.heard import Heard
from auricle.engines.embedded.homophones import spelled
from auricle.engines.embedded.selection import terms
from auricle.types import Reading, Segment
from tests.engines.embedded.questions import LOUD


def unsure(language: str, *texts: str) -> Segment:
    return Segment(texts[0], 0.0, 3.0, language, readings=tuple(Reading(text, -1.0) for text in texts))


DRESS = unsure("zh", "老板这条栏群自我想退。", "老板这条篮裙子我想退。")
MILL = unsure("zh", "一趟一家造职场因为电线老化起火。", "一场一家造纸厂因为电线老化起火。")
RUM = unsure(
    "en", " My neighbor, Gelanta, adds rum.", " My neighbour Gelanta adds rum.", " My neighbor, Jolanta, adds ram."
)
TRAIN = unsure("es", " El tren con destino asamora saldrá tarde.", " El tren con destino a Zamora saldra tarde.")


@pytest.mark.parametrize(
    ("said", "question", "text"),
    [
        (DRESS, "裙子多少钱买的？", "老板这条篮裙子我想退。"),
        (MILL, "造纸厂为什么起火？", "一趟一家造纸厂因为电线老化起火。"),  # and no more of the other reading
        (RUM, "What does Jolanta add?", " My neighbor, Jolanta, adds rum."),
        (TRAIN, "¿A qué hora sale el tren a Zamora?", " El tren con destino a Zamora saldra tarde."),
    ],
)
def test_words_of_the_question_are_taken_from_another_reading(said: Segment, question: str, text: str) -> None:
    assert sentence(said, wanted([question])).text == text


CABLE_CAR = unsure(
    "it",
    " La Funiviglia del Monte Corvo è ferma.",
    " La funivilla del Monte Corvo è ferma.",
    " La finiviglia del Monte Corvo è ferma.",
    " La funivigna del Monte Corvo è ferma.",
)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Perché la funivia è ferma?", " La Funivia del Monte Corvo è ferma."),
        ("Perché il treno è fermo?", CABLE_CAR.text),
        ("Perché la finivigli è ferma?", " La Finivigli del Monte Corvo è ferma."),
        ("Perché il Monte Corvi è fermato?", CABLE_CAR.text),  # forms of a word, and words that it is sure of
    ],
)
def test_a_word_that_is_spelled_nearly_like_one_of_the_question_is_that_word(question: str, text: str) -> None:
    (found,) = biased(Heard(3.0, (CABLE_CAR,), LOUD), wanted([question])).segments
    assert found.text == text


def test_a_word_that_is_said_elsewhere_is_looked_for_nowhere_else() -> None:
    again = Segment(" La funivia è chiusa.", 3.0, 6.0, "it")
    heard = Heard(6.0, (CABLE_CAR, again), LOUD)
    assert biased(heard, wanted(["Perché la funivia è ferma?"])) == heard


def test_in_a_long_text_no_word_is_looked_for_by_its_spelling() -> None:
    heard = Heard(3.0, (CABLE_CAR,), LOUD)
    others = " ".join(f"parola{'abcdefgh'[number % 8]}{'abcdefgh'[number // 8]}" for number in range(40))
    assert biased(heard, wanted([f"{others} funivia"])) == heard


def test_a_word_that_most_readings_have_stays() -> None:
    sure = unsure("it", " La funiviglia è ferma.", " La funiviglia è fermo.", " Là funiviglia è farma.")
    heard = Heard(3.0, (sure,), LOUD)
    assert biased(heard, wanted(["Perché la funivia è ferma?"])) == heard


@pytest.mark.parametrize(
    ("said", "question", "text"),
    [
        ("爷爷我的风争挂在那棵怀术上了。", "风筝为什么会挂到树上？", "爷爷我的风筝挂在那棵怀树上了。"),
        ("一家造职场因为电线老化起火。", "造纸厂为什么起火？", "一家造纸厂因为电线老化起火。"),
        ("请周海宴女士紧快登机。", "周海燕为什么要尽快登机？", "请周海燕女士尽快登机。"),
        ("他说的公式是公事。", "公式是什么？", "他说的公式是公式。"),
        ("车台坏了，车胎也坏了。", "车胎怎么了？", "车胎坏了，车胎也坏了。"),
        ("是什么时候？", "他是谁，什么？", "是什么时候？"),
        ("14号", "15号？", "14号"),
    ],
)
def test_in_mandarin_what_sounds_like_a_word_of_the_question_is_that_word(said: str, question: str, text: str) -> None:
    words = wanted([question])
    assert sentence(unsure("zh", said, "别的"), words).text == text
    assert sentence(Segment(said, 0.0, 3.0, "zh"), words).text == said, "the recogniser was sure"
    assert sentence(unsure("ja", said, "別の"), words).text == said


def test_a_word_that_is_there_is_not_made_another_that_is_asked_for() -> None:
    assert spelled("公式是公事。", ["公式", "公事"]) == "公式是公事。"
    assert spelled("长导员", ["长岛", "导员"]) == "长导员"


@pytest.mark.parametrize(
    ("said", "question"),
    [
        (DRESS, "What does she want?"),
        (DRESS, "她要退什么？"),
        (RUM, "What does Yolanda add?"),  # nobody heard that
        (RUM, "Is it Jolanta or Gelanta?"),  # of both, what was heard
        (
            unsure("en", " Fry it in butter.", " Fry it and butter."),
            "What is fried, and in what?",
        ),  # a word of any text
    ],
)
def test_what_was_heard_stays_otherwise(said: Segment, question: str) -> None:
    assert sentence(said, wanted([question])) is said


def test_all_sentences_are_looked_at_and_all_messages() -> None:
    heard = Heard(9.0, (DRESS, Segment("你好。", 4.0, 5.0, "zh"), MILL), LOUD)
    found = biased(heard, wanted(["裙子多少钱买的？", "造纸厂呢？"]))
    assert [one.text for one in found.segments] == [
        "老板这条篮裙子我想退。",
        "你好。",
        "一趟一家造纸厂因为电线老化起火。",
    ]
    assert biased(heard, frozenset()) == heard


TEXT = st.text(st.sampled_from("ab c,.车台胎人"), max_size=30)


@given(st.lists(TEXT, min_size=1, max_size=4), st.lists(TEXT, max_size=3))
def test_words_come_from_readings_and_none_that_is_asked_for_gets_lost(texts: list[str], questions: list[str]) -> None:
    words = wanted(questions)
    found = sentence(unsure("zh", *texts), words)
    before, after = (words.intersection(terms(text)) for text in (texts[0], found.text))
    assert before <= after
    assert set(found.text) <= set("".join([*texts, *questions]))
