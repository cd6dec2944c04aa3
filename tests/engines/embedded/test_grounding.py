from __future__ import annotations

import pytest

from auricle.engines.embedded.grounding import (
    echoes,
    invented,
    nameless,
    numberless,
    reasonless,
    strangers,
    tells_reasons,
    unfounded,
)
from auricle.engines.embedded.question import read


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        ("At half past seven.", "It leaves at half past seven."),
        ("At 7:30.", "It leaves at seven thirty."),
        ("It costs 350 yuan.", "票价三百五十元。"),
        ("票价是350元。", "票价三百五十元。"),
        ("12,000 dollars", "It costs twelve thousand dollars: 12000."),
        ("At 7:30.", "It leaves at half past seven."),
        ("七点半，也就是7:30。", "七点半见。"),
        ("555 0179", "Call five five five, zero one seven nine."),
        ("twenty-five", "Twenty five people."),
        ("25 dollars.", "It costs twenty-five dollars."),
        ("Twenty-five dollars.", "It costs 25 dollars."),
        ("On the twenty-first.", "It is on May 21st."),
        ("A hundred and twenty miles.", "It is 120 miles."),
        ("At 9:45.", "We close at a quarter to ten."),
        ("4:40", "It starts at twenty minutes to five."),
        ("星期五。", "It was moved from Tuesday to Friday."),
        ("在九月。", "We are back in September."),
        ("In 1995.", "It was built in nineteen ninety-five."),
        ("Five five five, zero one seven nine.", "Call 555-0179."),
        ("64 Säulen.", "Vierundsechzig Säulen."),
        ("There are two of them.", "Karen and Tom are here."),
        ("Karen called.", "This is Karen."),
        ("The speaker is Karen's sister.", "Karen is my sister."),
        ("I think I'm right, it's Spanish.", "Hola."),
        ("C'est à huit heures.", "Nous fermons à huit heures."),
    ],
)
def test_what_was_heard_is_not_invented(answer: str, source: str) -> None:
    assert invented(answer, [source], names=True) == ()


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("The tower is 15 meters high.", ("15",)),
        ("It costs $100.", ("100",)),
        ("走了大约六十分钟。", ("60",)),
        ("星期五十六个人。", ("16",)),
        ("Call 555-8179.", ("8179",)),
        ("There are ten agents.", ("10",)),
        ("The plaza is in Madrid.", ("Madrid",)),
        ("She lives with Tom. Tom is old.", ("Tom",)),
    ],
)
def test_what_was_not_heard_is_invented(answer: str, found: tuple[str, ...]) -> None:
    source = "Five five five. The tower in the plaza is old and she lives there since two years."
    assert invented(answer, [source], names=True) == found


@pytest.mark.parametrize(
    "text", ["百万" * 5000, "9" * 5000, "million " * 5000, "一" * 5000, "9," * 5000, "9" * 5000 + " to 10", "٣½²"]
)
def test_no_number_is_too_large(text: str) -> None:
    assert invented(text, [text], names=False, language="en") == ()
    assert "41" in invented("41", [text], names=False, language="en")


def test_a_small_number_in_digits_is_counted_or_invented() -> None:
    assert invented("Le poisson coûte 1 euro.", ["Le marché."], names=False, counted=False) == ("1",)
    assert invented("2 people.", ["Karen and Tom are here."], names=False, counted=True) == ()
    assert invented("The blue one.", ["It is blue."], names=False, counted=False) == ()
    assert invented("At 1.", ["We meet at one."], names=False, counted=False) == ()


def test_names_are_judged_only_where_they_can_be() -> None:
    assert invented("Das Haus ist alt.", ["The house is old."], names=False) == ()
    assert invented("Das Haus ist 15 Meter hoch.", ["The house is old."], names=False) == ("15",)


@pytest.mark.parametrize(
    ("question", "answer", "echo"),
    [
        ("What was ordered?", "The order.", True),
        ("Why did she slip?", "She slipped.", True),
        ("What is his boss called?", "His boss is called his boss.", True),
        ("老师叫什么名字？", "老师。", True),
        ("书店叫什么名字？", "书店叫“书店”。", True),
        ("Who found the jacket?", "The driver found it.", False),
        ("谁送的钟？", "说话人的叔叔。", False),
        ("How many were there?", "3.", False),
        ("Which key changes the address?", "The 4 key.", False),
        ("几号站台？", "3号站台。", False),
        ("What is key 4 for?", "Key 4.", True),
        ("What is his boss called?", "Karen.", False),
        ("Who is older, Karen or Tom?", "Karen.", False),
        ("Who is it?", "", False),
    ],
)
def test_an_echo_is_no_answer(question: str, answer: str, echo: bool) -> None:
    assert echoes(answer, read(question)) is echo


def test_people_are_called_what_they_were_called() -> None:
    source = ["My sister found it, the driver said."]
    assert strangers("The speaker's sister.", source) == ()
    assert strangers("The driver found it.", source) == ()
    assert strangers("The speaker's uncle.", source) == ("uncle",)
    assert strangers("The speaker.", ["Wait for the leader."]) == ("speaker",), "nobody speaks of himself"
    assert strangers("说话人的名字是小明。", ["我们去公园。"]) == ("小", "明")
    assert strangers("说话人的哥哥。", ["我哥哥开了一家书店。"]) == ()
    assert strangers("从音频里听不出来。", ["我们去公园。"]) == ()
    told = ["Samira calls: I'd like my money back.", "Who calls, and what does she want?"]
    assert strangers("Samira wants her money back.", told) == ()
    assert strangers("Samira called, and is calling again.", told) == ("again",)


@pytest.mark.parametrize(
    ("question", "answer", "wrong"),
    [
        ("What is the name of the speaker?", 'The speaker\'s name is "The ferry leaves at nine."', True),
        ("What is the name of the speaker?", "Karen.", False),
        ("What is her name?", "I.", True),
        ("What is the driver called?", "The driver is called Tom.", True),
        ("What is the dish called?", "Ratatouille.", False),
        ("Where does the man live?", "At the harbour.", False),
    ],
)
def test_a_person_has_a_name_that_was_said(question: str, answer: str, wrong: bool) -> None:
    assert nameless(answer, read(question), ["The ferry leaves at nine. This is Karen, I cook ratatouille."]) is wrong


@pytest.mark.parametrize(
    ("question", "said", "reason"),
    [
        ("Why was the tower repaired?", "The roof was repaired because it let in the snow.", True),
        ("Why are dogs allowed?", "Dogs travel free of charge.", False),
        ("为什么公共汽车停了？", "下了大雪，我们只好走路回家。", True),
        ("他为什么开书店？", "我哥哥在医院旁边开了一家书店。", False),
        ("Warum fährt der Bus nicht?", "Der Bus fährt nicht, weil die Straße gesperrt ist.", True),
        ("Pourquoi ?", "Le marché ouvre à cinq heures.", False),
        ("Почему он опоздал?", "Он опоздал, потому что был дождь.", True),
        ("Почему он опоздал?", "Он живёт у реки.", False),
    ],
)
def test_reasons_are_told_as_such(question: str, said: str, reason: bool) -> None:
    assert tells_reasons([said]) is reason
    judged = unfounded("That is what they want.", read(question), [said], [said, question], names=False, reasons=True)
    assert judged is not reason


@pytest.mark.parametrize(
    ("question", "answer", "said", "made_up"),
    [
        (
            "Why is he calling?",
            "To confirm the appointment.",
            "This is Michael Turner. I'm calling to confirm your appointment.",
            False,
        ),
        ("小明为什么可能来不了？", "因为他感冒了。", "小明可能来不了，他感冒了。", False),
        ("小明为什么可能来不了？", "因为他去北京开会。", "小明可能来不了，他感冒了。", True),
        ("Why is she happy?", "She is happy because she got the job.", "I'm so happy, I got the job!", False),
        (
            "Why was the woman angry?",
            "She was angry because she could not find the book.",
            "I would like to know if you have the book Silent River. It comes back on Friday, could you wait for it?",
            True,
        ),
        (
            "Why was the appointment moved?",
            "It was moved to Thursday at ten.",
            "Your appointment has been moved to Thursday at ten.",
            True,
        ),
        ("他为什么开书店？", "他哥哥在医院旁边开了一家书店。", "我哥哥在医院旁边开了一家书店。", True),
        ("Why are dogs allowed?", "Because they travel free of charge.", "Dogs travel free of charge.", True),
        ("Why?", "", "I left because it rained.", True),
    ],
)
def test_a_reason_has_words_that_were_said(question: str, answer: str, said: str, made_up: bool) -> None:
    assert reasonless(answer, read(question), [said], comparable=True) is made_up


def test_reasons_in_another_language_are_not_compared() -> None:
    question = read("音乐会为什么取消了？")
    assert not reasonless(
        "因为歌手病了。", question, ["It was cancelled because the singer fell ill."], comparable=False
    )
    assert reasonless("因为歌手病了。", question, ["It was cancelled."], comparable=False)


def test_words_of_another_language_are_no_numbers() -> None:
    assert invented("Once a week.", ["Every week."], names=False, language="en") == ()
    assert invented("Once.", ["Mañana."], names=False, language="es") == ("11",)
    assert invented("Eleven.", ["Mañana."], names=False, language="th") == ("11",)
    assert numberless("An elf is there.", read("How many maps are there?"))
    assert not numberless("Sessantaquattro.", read("How many maps are there?"))
    assert not numberless("Twice.", read("How many times did it ring?"))


def test_how_many_is_answered_with_a_number() -> None:
    many = read("How many maps are there?")
    assert numberless("There is a large collection of maps.", many)
    for answer in ("Three.", "12 maps.", "None.", "Several.", "There are two hundred."):
        assert not numberless(answer, many)
    assert not numberless("Every week.", read("How often does it open?"))
    assert numberless("书很旧。", read("有几本书？"))
    assert not numberless("三本。", read("有几本书？"))
    assert not numberless("Três pessoas.", read("Quantas pessoas são?"))
    assert not numberless("Eine Person.", read("Wie viele Personen sind es?"))
    assert numberless("Na praça.", read("Quantas pessoas são?"))
