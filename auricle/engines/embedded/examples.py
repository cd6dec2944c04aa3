"""Questions about audios that were never sent, with answers as they should be: they stand before the conversation.

A small model learns from them to answer shortly, to answer both halves of a question, to pass on how sure a sound is,
and above all to say that something cannot be heard: from the instructions alone it rather makes up a name or a price.
Answers in whole sentences teach that worse than short ones: the model then goes on as the sentence wants it. Chosen on
bench/understanding/readings.toml. Every request begins with the same ones, so that they are read once and stay in the
model's memory.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from auricle.engines.embedded.vocabularies import ADMISSIONS

FACTS = re.compile(
    r"\b(goats?|uncles?|aunts?|leeds|clocks?|lamps?|shop|loja|tom|ruth|bicycles?|suitcases?)\b|山羊|叔叔|旧钟|老陈|自行车|箱子",
    re.IGNORECASE,
)
"""What is in the examples only: in an answer that has it from nowhere else it is out of place."""


@dataclass(frozen=True, slots=True)
class Example:
    """An audio's notes, worded as notes.py words them, and what is asked and answered about it."""

    notes: str
    answers: Sequence[tuple[str, str]]


_NO = ADMISSIONS["en"]
ENGLISH = (
    Example(
        "The audio lasts 6.4 seconds.\n"
        'From 0.3 s to 3.1 s somebody says in English: "The old clock was a present from my uncle in Leeds."\n'
        'From 3.5 s to 5.9 s somebody says in English: "It stopped at midnight, so I bought two new lamps."\n'
        "That is all that is said in the audio; the language is English. Somebody speaks from 0.3 s to 5.9 s.\n"
        "There is no music in the audio.\n"
        "Nothing else is heard.",
        (
            (
                "What is said?",
                '"The old clock was a present from my uncle in Leeds. It stopped at midnight, so I bought two new '
                'lamps."',
            ),
            ("Who gave them the clock?", "The speaker's uncle."),
            ("What is the uncle's name?", _NO),
            ("How much did the clock cost?", _NO),
            ("How many lamps were bought?", "Two."),
            (
                "Which language is spoken, and when did the clock stop?",
                "English is spoken, and the clock stopped at midnight.",
            ),
            ("Why did the clock stop?", _NO),
            ("What did the aunt give them?", _NO),
            ("Where does the uncle live?", "In Leeds."),
            ("What colour are the lamps?", _NO),
        ),
    ),
    Example(
        "The audio lasts 6.9 seconds.\n"
        'From 0.3 s to 6.4 s somebody says in English: "My neighbour Tom repairs bicycles, and his wife Ruth bakes '
        'bread for the whole street."\n'
        "That is all that is said in the audio; the language is English. Somebody speaks from 0.3 s to 6.4 s.\n"
        "There is no music in the audio.\n"
        "Nothing else is heard.",
        (
            ("Who repairs bicycles?", "Tom, the neighbour."),
            ("What does Tom's brother do?", _NO),
            ("What does Ruth bake?", "Bread."),
            ("How many bicycles does Tom have?", _NO),
            ("Who is Ruth's husband?", "Tom."),
            ("What is the name of the street?", _NO),
            ("For whom does Ruth bake?", "For the whole street."),
            ("Why does Tom repair bicycles?", _NO),
        ),
    ),
    Example(
        "The audio lasts 10.2 seconds.\n"
        'From 0.3 s to 9.8 s somebody says in English: "We left the red suitcase at the hotel because the taxi was too '
        'small."\n'
        'Then: "The driver waited outside for a quarter of an hour."\n'
        "That is all that is said in the audio; the language is English. Somebody speaks from 0.3 s to 9.8 s.\n"
        "There is no music in the audio.\n"
        "Nothing else is heard.",
        (
            ("Which colour is the suitcase?", "Red."),
            ("Which colour is the taxi?", _NO),
            ("Where was the suitcase left?", "At the hotel."),
            ("Why was the suitcase left there?", "Because the taxi was too small."),
            ("Why did the driver wait?", _NO),
            ("How long did the driver wait?", "A quarter of an hour."),
            ("What is the hotel called?", _NO),
            ("Where did the driver wait?", "Outside."),
            ("What is the driver's name?", _NO),
        ),
    ),
    Example(
        "The audio lasts 5.4 seconds.\n"
        'From 0.3 s to 5.3 s somebody says in English: "Our team lost the first match but won the second one by three '
        'goals."\n'
        "That is all that is said in the audio; the language is English. Somebody speaks from 0.3 s to 5.3 s.\n"
        "There is no music in the audio.\n"
        "Nothing else is heard.",
        (
            ("Which match did the team win?", "The second one."),
            ("Where was the first match played?", _NO),
            ("By how many goals was the second match won?", "By three goals."),
            ("Who scored the goals?", _NO),
            ("What happened in the first match?", "The team lost it."),
            ("How many people watched?", _NO),
        ),
    ),
    Example(
        "The audio lasts 2.1 seconds.\n"
        "Nobody speaks in the audio; there is no speech in it.\n"
        "There is no music in the audio.\n"
        "The sound may be a goat; that is not certain.\n"
        "If it is a vehicle or a machine, it may be a siren.\n"
        "If it is something else, it may be a baby crying.",
        (
            ("What is heard in this audio?", "It may be a goat, a siren or a baby crying."),
            ("Which animal is heard?", "It may be a goat."),
            ("What kind of vehicle is heard?", "It may be a siren."),
            ("How old is the goat?", _NO),
            ("What does the speaker say?", "Nobody speaks in the audio."),
            ("Is somebody speaking in this audio?", "No, nobody speaks in the audio."),
            ("Is there music in this audio?", "No, there is no music in the audio."),
        ),
    ),
    Example(
        "The audio lasts 3.4 seconds.\n"
        'From 0.2 s to 3.1 s somebody says in Portuguese: "Amanhã fechamos a loja às oito."\n'
        "That is all that is said in the audio; the language is Portuguese. Somebody speaks from 0.2 s to 3.1 s.\n"
        "There is music in the audio, all the time.\n"
        "Which instruments play cannot be told.\n"
        "Nothing else is heard.",
        (
            ("What is closed tomorrow?", "The shop."),
            ("In which city is the shop?", _NO),
            ("Is there music in the audio?", "Yes, there is music in the audio."),
            ("A que horas fecham a loja?", "Às oito."),
            ("Como se chama a loja?", ADMISSIONS["pt"]),
            ("¿Cuánto cuesta el pan en la tienda?", ADMISSIONS["es"]),
            ("Wie heißt der Sprecher?", ADMISSIONS["de"]),
            ("How long will the shop be closed?", _NO),
        ),
    ),
)
_NO_CHINESE = ADMISSIONS["zh"]
CHINESE = (
    Example(
        "这段音频长6.4秒。\n"
        "从0.3秒到3.1秒，有人用中文说：“这只旧钟是我叔叔送的礼物。”\n"
        "从3.5秒到5.9秒，有人用中文说：“它半夜就停了。”\n"
        "这段音频里说的就是这些话，用的语言是中文。这段音频里有人说话：从0.3秒到5.9秒。\n"
        "这段音频里没有音乐。\n"
        "除此以外没有听到别的声音。",
        (
            ("音频里说了什么？", "“这只旧钟是我叔叔送的礼物。它半夜就停了。”"),
            ("谁送的钟？", "说话人的叔叔。"),
            ("叔叔叫什么名字？", _NO_CHINESE),
            ("这只钟多少钱？", _NO_CHINESE),
            ("他们有几只钟？", _NO_CHINESE),
            ("说的是什么语言？钟什么时候停的？", "说的是中文，钟半夜停了。"),
            ("钟为什么停了？", _NO_CHINESE),
            ("送的是什么礼物？", "一只旧钟。"),
            ("说话的人叫什么名字？", _NO_CHINESE),
            ("钟停了多长时间？", _NO_CHINESE),
        ),
    ),
    Example(
        "这段音频长5.8秒。\n"
        "从0.3秒到5.3秒，有人用中文说：“我的邻居老陈修自行车，他妻子给整条街烤面包。”\n"
        "这段音频里说的就是这些话，用的语言是中文。这段音频里有人说话：从0.3秒到5.3秒。\n"
        "这段音频里没有音乐。\n"
        "除此以外没有听到别的声音。",
        (
            ("谁修自行车？", "邻居老陈。"),
            ("老陈的弟弟做什么工作？", _NO_CHINESE),
            ("他妻子烤什么？", "面包。"),
            ("老陈有几辆自行车？", _NO_CHINESE),
            ("这条街叫什么名字？", _NO_CHINESE),
            ("面包是给谁烤的？", "整条街。"),
            ("老陈为什么修自行车？", _NO_CHINESE),
        ),
    ),
    Example(
        "这段音频长9.8秒。\n"
        "从0.3秒到9.2秒，有人用中文说：“出租车太小，我们只好把红色的箱子留在酒店。”\n"
        "接着说：“司机在外面等了一刻钟。”\n"
        "这段音频里说的就是这些话，用的语言是中文。这段音频里有人说话：从0.3秒到9.2秒。\n"
        "这段音频里没有音乐。\n"
        "除此以外没有听到别的声音。",
        (
            ("箱子是什么颜色的？", "红色。"),
            ("出租车是什么颜色的？", _NO_CHINESE),
            ("箱子留在哪里了？", "酒店。"),
            ("为什么把箱子留下？", "因为出租车太小。"),
            ("司机为什么等？", _NO_CHINESE),
            ("司机等了多久？", "一刻钟。"),
            ("酒店叫什么名字？", _NO_CHINESE),
            ("司机在哪里等？", "外面。"),
            ("司机姓什么？", _NO_CHINESE),
        ),
    ),
    Example(
        "这段音频长5秒。\n"
        "从0.3秒到4.5秒，有人用中文说：“我们队第一场输了，第二场赢了三个球。”\n"
        "这段音频里说的就是这些话，用的语言是中文。这段音频里有人说话：从0.3秒到4.5秒。\n"
        "这段音频里没有音乐。\n"
        "除此以外没有听到别的声音。",
        (
            ("哪一场赢了？", "第二场。"),
            ("第一场是在哪里踢的？", _NO_CHINESE),
            ("第二场赢了几个球？", "三个球。"),
            ("球是谁进的？", _NO_CHINESE),
            ("第一场怎么样？", "输了。"),
            ("有多少人看比赛？", _NO_CHINESE),
        ),
    ),
    Example(
        "这段音频长2.1秒。\n"
        "这段音频里没有人说话，没有任何语音。\n"
        "这段音频里没有音乐。\n"
        "可能是山羊的叫声，不能确定。\n"
        "如果是交通工具或机器，可能是警报声。\n"
        "如果是别的声音，可能是婴儿的哭声。",
        (
            ("音频里是什么声音？", "可能是山羊的叫声，也可能是警报声或婴儿的哭声。"),
            ("能听到什么动物的声音？", "可能是山羊的叫声。"),
            ("能听到什么交通工具的声音？", "可能是警报声。"),
            ("山羊是什么颜色的？", _NO_CHINESE),
            ("音频里说了什么？", "没有人说话。"),
            ("音频里有人说话吗？", "没有，音频里没有人说话。"),
            ("音频里有音乐吗？", "没有，音频里没有音乐。"),
        ),
    ),
)
MOST_EXAMPLES = max(len(ENGLISH), len(CHINESE))


def examples(*, chinese: bool) -> Sequence[Example]:
    """Those for a conversation whose notes are in Chinese, or in English."""
    return CHINESE if chinese else ENGLISH
