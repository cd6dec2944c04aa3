"""The questions: about which audio, in which category, and what a right answer says.

Every text of the test part was written, and every recording chosen, before any answer to it was seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from bench.sounds.evaluate import concepts
from bench.understanding.answers import CANNOT, NO, NOBODY, YES, pattern
from bench.understanding.scenes import (
    Piece,
    Scene,
    concepts_of,
    example,
    hiss,
    prompt,
    say,
    scene,
    silence,
    sound,
    tune,
)

CATEGORIES = (
    "speech",
    "sound",
    "mixture",
    "is there speech",
    "is there music",
    "no speech",
    "unanswerable",
    "two audios",
)
PRESENCE = {
    "is there speech": ("Is somebody speaking in this audio?", "音频里有人说话吗？"),
    "is there music": ("Is there music in this audio?", "音频里有音乐吗？"),
}


@dataclass(frozen=True, slots=True)
class Question:
    """`right` must be found in the answer, `wrong` must not."""

    part: str
    category: str
    scenes: tuple[str, ...]
    text: str
    right: str
    wrong: str | None = None

    def judge(self, answer: str) -> bool:
        flags = re.IGNORECASE | re.DOTALL
        return bool(re.search(self.right, answer, flags)) and not (self.wrong and re.search(self.wrong, answer, flags))


# name: what makes the audio
SPEECH: dict[str, dict[str, Callable[[], Scene]]] = {"development": {}, "test": {}}


def _spoken(part: str, name: str, *clips: str) -> None:
    SPEECH[part][name] = lambda: scene(name, *say(part, *clips))


_spoken("development", "agent", "allison-agent-pass", "allison-agent-newlocation")
_spoken("development", "leader", "allison-conf-waitforleader", "allison-conf-now-recording")
_spoken("development", "directory", "allison-dir-instr")
_spoken("development", "phone", "allison-privacy-prompt", "allison-privacy-incorrect")
_spoken("development", "de-coffee", "espeak-de-05")
_spoken("development", "zh-park", "espeak-zh-00")
_spoken("development", "es-river", "jf_nezumi-es-003")
_spoken("development", "fr-recipes", "jf_nezumi-fr-001")
_spoken("development", "ja-notes", "jf_nezumi-ja-001")
_spoken("development", "telephone", "allison-agent-user-telephone")

_spoken("test", "coast", "joe-en-000")
_spoken("test", "notes", "joe-en-001", "joe-en-020")
_spoken("test", "recipes", "joe-en-002", "joe-en-034")
_spoken("test", "river", "joe-en-003", "joe-en-010")
_spoken("test", "kitchen", "joe-en-007", "joe-en-008")
_spoken("test", "tea", "joe-en-015")
_spoken("test", "museum", "joe-en-016", "joe-en-017")
_spoken("test", "pilot", "joe-en-020", "joe-en-021", "joe-en-024")
_spoken("test", "lesson", "joe-en-025", "joe-en-027")
_spoken("test", "nurse", "joe-en-035", "joe-en-036")
_spoken("test", "zh-weather", "baker-zh-000")
_spoken("test", "zh-train", "baker-zh-002", "baker-zh-007")
_spoken("test", "zh-grandma", "baker-tacotron-zh-003")
_spoken("test", "zh-fish", "baker-zh-021", "baker-zh-022")
_spoken("test", "zh-airport", "baker-tacotron-zh-012")
_spoken("test", "es-train", "jf_gongitsune-es-000")
_spoken("test", "es-doctor", "jf_tebukuro-es-007")
_spoken("test", "fr-coffee", "jm_kumo-fr-005")
_spoken("test", "fr-river", "jf_gongitsune-fr-003")
_spoken("test", "it-coffee", "jm_kumo-it-005")
_spoken("test", "ja-library", "jf_tebukuro-ja-004")
SPEECH["test"] |= {
    "kennedy": lambda: scene("kennedy", example("ask-not.wav", "Ask not what your country can do for you.", "en")),
    "numbers": lambda: scene("numbers", example("one-to-ten-zh.ogg", "一、二、三、四、五、六、七、八、九、十", "zh")),
}
# speech, people: what these prompts say is known from their names, which are the same in every language
SPEECH["test"] |= {
    "fr-leader": lambda: scene("fr-leader", prompt("fr", "conf-onlyperson", FR_ONLY)),
    "es-only": lambda: scene("es-only", prompt("es", "conf-onlyperson", ES_ONLY)),
    "it-only": lambda: scene("it-only", prompt("it", "conf-onlyperson", IT_ONLY)),
    "ru-only": lambda: scene("ru-only", prompt("ru", "conf-onlyperson", RU_ONLY)),
}
FR_ONLY = "Vous êtes actuellement la seule personne dans cette conférence."
ES_ONLY = "Actualmente, usted es la única persona en esta conferencia."
IT_ONLY = "Al momento sei l'unica persona in questa conferenza."
RU_ONLY = "В данный момент вы единственный участник этой конференции."

_D, _T = "development", "test"
ABOUT_SPEECH: tuple[tuple[str, str, str, str] | tuple[str, str, str, str, str], ...] = (
    (_D, "agent", "What must one enter first?", "password"),
    (_D, "agent", "Which key is to be pressed at the end?", "pound"),
    (_D, "leader", "When will the conference begin?", "leader.*(arriv|come)|(arriv|come).*leader"),
    (_D, "leader", "What is being recorded?", "conference"),
    (_D, "directory", "Which key means that it is the right person?", r"\b(1|one)\b"),
    (_D, "phone", "With what should the phone number start?", "area code"),
    (_D, "phone", "Transcribe the audio.", "phone number.*area code.*not valid"),
    (_D, "de-coffee", "Was wird bestellt?", "kaffee"),
    (_D, "de-coffee", "Which language is spoken?", "german|deutsch"),
    (_D, "zh-park", "他们要去哪里？", "公园"),
    (_D, "es-river", "What had to be closed? Answer in English.", "bridge"),
    (_D, "fr-recipes", "Dans quoi sont gardées les recettes ?", "boîte|bois"),
    (_D, "ja-notes", "Which language is spoken?", "japanese"),
    (_D, "telephone", "please describe the content of the audio", "agent|number|pound|log"),
    (_T, "coast", "Where does the train go?", "coast"),
    (_T, "coast", "Which platform does the train leave from?", "second|2"),
    (_T, "coast", "Transcribe the audio.", "the train to the coast leaves from the second platform in a few minutes"),
    (_T, "notes", "What should be sent before lunch?", "notes"),
    (_T, "notes", "Who announced that they would land early?", "pilot"),
    (_T, "recipes", "Where are the recipes kept?", "box"),
    (_T, "recipes", "What smells wonderful after a storm?", "garden"),
    (_T, "river", "Why was the bridge closed?", "river|rose|water"),
    (_T, "river", "How often should the plants be watered?", "twice|two"),
    (_T, "river", "Summarize the audio in one sentence.", "river|bridge|plants|water"),
    (_T, "kitchen", "Which colour did he paint the kitchen?", "green"),
    (_T, "kitchen", "What colour is the umbrella?", "blue", "green"),
    (_T, "tea", "What does the speaker want to drink?", "tea"),
    (_T, "tea", "Does the speaker want sugar?", r"\bno\b|without|not"),
    (_T, "tea", "说话的人想喝什么？", "茶|tea"),
    (_T, "museum", "What does the museum collect?", "map"),
    (_T, "museum", "Where should one turn left?", "church"),
    (_T, "museum", "From which time are the maps?", "last century|century"),
    (_T, "pilot", "What did he forget?", "key"),
    (_T, "pilot", "How did he get in?", "window"),
    (_T, "pilot", "What does the bakery sell?", "bread"),
    (_T, "pilot", "Where is the bakery?", "corner"),
    (_T, "lesson", "Which instrument is she learning to play?", "cello"),
    (_T, "lesson", "What can be borrowed until tonight?", "bi(cycle|ke)"),
    (_T, "lesson", "Since when has she been learning it?", "spring"),
    (_T, "nurse", "What is the brother's job?", "nurse"),
    (_T, "nurse", "What does the photograph show?", "market"),
    (_T, "zh-weather", "说话的人想去哪里散步？", "公园"),
    (_T, "zh-weather", "今天天气怎么样？", "好|晴"),
    (_T, "zh-train", "什么马上就要开了？", "火车"),
    (_T, "zh-train", "别忘了带什么？", "雨伞|伞"),
    (_T, "zh-grandma", "奶奶每天早上去哪里？", "菜市场|市场"),
    (_T, "zh-grandma", "Which language is spoken?", "chinese|mandarin"),
    (_T, "zh-fish", "科学家发现了什么？", "鱼"),
    (_T, "zh-airport", "他们为什么在机场等？", "晚点|延误"),
    (_T, "zh-airport", "请写出音频里说的话。", "飞机晚点了.*机场等"),
    (_T, "es-train", "¿Qué sale dentro de unos minutos?", "tren"),
    (_T, "es-train", "Which language is spoken?", "spanish|español"),
    (_T, "es-doctor", "¿Quién dijo que la herida se curará?", "médico|medico|doctor"),
    (_T, "fr-coffee", "Que veut la personne ?", "café|lait"),
    (_T, "fr-river", "Which language is spoken?", "french|français"),
    (_T, "fr-river", "Qu'est-ce qui a été fermé ?", "pont"),
    (_T, "it-coffee", "Cosa vorrebbe la persona?", "caff|latte"),
    (_T, "it-coffee", "Which language is spoken?", "italian"),
    (_T, "ja-library", "図書館はどこにありますか。", "学校|隣"),
    (_T, "ja-library", "Which language is spoken?", "japanese"),
    (_T, "kennedy", "What is said in the audio?", "country can do for you"),
    (_T, "kennedy", "How long is this audio?", r"4\.7"),
    (_T, "numbers", "Which language is spoken?", "chinese|mandarin"),
    (_T, "numbers", "音频里在数什么？", "数字|数|一.*二.*三|1.*2.*3"),
    (_T, "fr-leader", "Which language is spoken?", "french|français"),
    (_T, "es-only", "Which language is spoken?", "spanish|español"),
    (_T, "it-only", "Which language is spoken?", "italian"),
    (_T, "ru-only", "Which language is spoken?", "russian"),
    (_T, "ru-only", "How many people are in the conference? Answer in English.", r"\b(one|only|1|alone)\b"),
)

UNANSWERABLE: tuple[tuple[str, str, str], ...] = (
    (_D, "agent", "What is the name of the speaker?"),
    (_D, "leader", "Who is the leader?"),
    (_D, "phone", "What is the phone number?"),
    (_D, "directory", "Why is the person being looked for?"),
    (_D, "de-coffee", "Wie heißt der Sprecher?"),
    (_D, "zh-park", "说话的人叫什么名字？"),
    (_D, "es-river", "How many people were hurt?"),
    (_D, "dog", "What is the dog's name?"),
    (_D, "train", "Where is the train going?"),
    (_D, "cat", "What colour is the cat?"),
    (_D, "music-0", "Who composed this piece?"),
    (_D, "telephone", "How old is the speaker?"),
    (_T, "coast", "How much does the ticket cost?"),
    (_T, "coast", "What is the name of the speaker?"),
    (_T, "notes", "What is the pilot's name?"),
    (_T, "recipes", "What is the grandmother's name?"),
    (_T, "river", "In which country is the bridge?"),
    (_T, "kitchen", "Who brought the umbrella?"),
    (_T, "kitchen", "What is the painter's phone number?"),
    (_T, "tea", "What does the speaker want to eat?"),
    (_T, "museum", "How many maps does the museum have?"),
    (_T, "pilot", "Where did the plane take off?"),
    (_T, "lesson", "What colour is the bicycle?"),
    (_T, "nurse", "How old is her brother?"),
    (_T, "zh-weather", "说话的人叫什么名字？"),
    (_T, "zh-train", "这趟火车开往哪个城市？"),
    (_T, "zh-grandma", "奶奶今年多大了？"),
    (_T, "zh-fish", "这位科学家叫什么名字？"),
    (_T, "zh-airport", "他们要坐飞机去哪里？"),
    (_T, "es-train", "¿Cuánto cuesta el billete?"),
    (_T, "es-doctor", "What is the doctor's name?"),
    (_T, "fr-coffee", "Combien coûte le café ?"),
    (_T, "fr-river", "Comment s'appelle la rivière ?"),
    (_T, "it-coffee", "How old is the speaker?"),
    (_T, "ja-library", "What is the name of the school?"),
    (_T, "kennedy", "In which year was this recorded?"),
    (_T, "numbers", "说话的人住在哪里？"),
    (_T, "dog", "What breed is the dog?"),
    (_T, "cattle", "How many kilograms does the animal weigh?"),
    (_T, "applause", "What are the people applauding for?"),
    (_T, "rain", "In which city is it raining?"),
    (_T, "telephone", "Who is calling?"),
    (_T, "piano", "What is the name of the pianist?"),
    (_T, "music-0", "What is the title of this piece?"),
    (_T, "carengine", "Who is driving the car?"),
)

IDENTIFY = {
    "animal": ("Which animal is heard?", "能听到什么动物的声音？"),
    "vehicle": ("What kind of vehicle or machine is heard?", "能听到什么交通工具的声音？"),
    "thing": ("What is heard in this audio?", "音频里是什么声音？"),
    "music": ("Which musical instrument is heard?", "这是什么乐器的声音？"),
}


TUNES = {_D: 4, _T: 6}  # pieces of music


@cache
def scenes(part: str) -> dict[str, Scene]:
    """Every audio of a part by its name."""
    made = {name: make() for name, make in SPEECH[part].items()}
    for concept in concepts_of(part, "music", "speech"):
        if concept in made:
            raise ValueError(f"two audios are called {concept}")
        made[concept] = scene(concept, sound(part, concept))
    for number in range(TUNES[part]):
        made[f"music-{number}"] = scene(f"music-{number}", tune(part, number))
    made["silence"] = scene("silence", silence(6))
    made["hiss"] = scene("hiss", hiss(5))
    for name, (first, second) in MIXTURES[part].items():
        made[name] = scene(name, *_piece(part, first), *_piece(part, second))
    for name, (words, number, decibels) in OVER_MUSIC[part].items():
        made[name] = scene(name, *say(part, *words), under=tune(part, number), decibels=decibels)
    return made


def _piece(part: str, name: str) -> tuple[Piece, ...]:
    if name in concepts_of(part):
        return (sound(part, name),)
    return say(part, name)


# a sound before or after speech
MIXTURES: dict[str, dict[str, tuple[str, str]]] = {
    _D: {
        "dog-then-agent": ("dog", "allison-agent-pass"),
        "agent-then-thunder": ("allison-conf-now-recording", "thunder"),
        "sheep-then-leader": ("sheep", "allison-conf-waitforleader"),
    },
    _T: {
        "cattle-then-farm": ("cattle", "joe-en-014"),
        "boat-then-bird": ("joe-en-038", "bird"),
        "bell-then-church": ("bell", "joe-en-017"),
        "concert-then-applause": ("joe-en-039", "applause"),
        "rain-then-umbrella": ("rain", "baker-zh-007"),
        "phone-then-zh": ("telephone", "baker-zh-017"),
        "bus-then-train": ("joe-en-037", "train"),
        "dog-then-walk": ("dog", "joe-en-005"),
        "piano-then-moved": ("piano", "joe-en-013"),
        "goat-then-market": ("duck", "baker-tacotron-zh-003"),
    },
}
OVER_MUSIC: dict[str, dict[str, tuple[tuple[str, ...], int, float]]] = {
    _D: {"agent-music": (("allison-agent-pass",), 0, 8.0), "leader-music": (("allison-conf-waitforleader",), 1, 8.0)},
    _T: {
        "coast-music": (("joe-en-018", "joe-en-019"), 0, 8.0),
        "doctor-music": (("joe-en-012",), 1, 8.0),
        "zh-music": (("baker-zh-005", "baker-zh-008"), 2, 8.0),
        "fr-music": (("jf_tebukuro-fr-007",), 3, 8.0),
    },
}
ABOUT_MIXTURES: tuple[tuple[str, str, str, str], ...] = (
    (_D, "dog-then-agent", "What is heard before somebody speaks?", pattern("dog")),
    (_D, "agent-then-thunder", "What is heard after the words?", pattern("thunder")),
    (_D, "sheep-then-leader", "Which animal is heard, and when will the conference begin?", "sheep.*leader"),
    (_D, "agent-music", "What should be entered?", "password"),
    (_T, "cattle-then-farm", "Which animal is heard before somebody speaks?", pattern("cattle")),
    (_T, "cattle-then-farm", "What are the farmers waiting for?", "rain"),
    (_T, "boat-then-bird", "What is heard after the speech?", pattern("bird")),
    (_T, "boat-then-bird", "What drifted past the lighthouse?", "boat"),
    (_T, "bell-then-church", "What is heard at the beginning, before the speech?", pattern("bell")),
    (_T, "concert-then-applause", "What is heard at the end, after the speech?", pattern("applause")),
    (_T, "concert-then-applause", "How long did it take to sell the tickets?", "hour"),
    (_T, "rain-then-umbrella", "说话之前能听到什么声音？", pattern("rain")),
    (_T, "phone-then-zh", "说话之前能听到什么声音？", pattern("telephone")),
    (_T, "bus-then-train", "What is heard after the speech?", pattern("train")),
    (_T, "bus-then-train", "Why did they have to wait?", "traffic"),
    (_T, "dog-then-walk", "Which animal is heard before somebody speaks?", pattern("dog")),
    (_T, "piano-then-moved", "Which instrument is heard before somebody speaks?", pattern("piano")),
    (_T, "piano-then-moved", "Which instrument does the speaker talk about?", "piano"),
    (_T, "goat-then-market", "说话之前能听到什么动物？", pattern("duck")),
    (
        _T,
        "coast-music",
        "Is there music while somebody speaks?",
        YES,
    ),
    (_T, "doctor-music", "Will there be a scar?", r"\bno\b|without|not"),
    (_T, "fr-music", "Which language is spoken over the music?", "french|français"),
    (_T, "zh-music", "图书馆在哪里？", "学校"),
)

TWO: tuple[tuple[str, tuple[str, str], str, str, str | None], ...] = (
    (_D, ("dog", "agent"), "In which audio does somebody speak?", "audio 2|second", "both"),
    (_D, ("agent", "de-coffee"), "Which language is spoken in audio 2?", "german", None),
    (_D, ("silence", "cat"), "Which animal is heard in the second audio?", pattern("cat"), None),
    (_D, ("music-0", "zh-park"), "哪一段音频里有音乐？", "音频1|第一|音频一", "音频2|第二"),
    (_T, ("coast", "zh-weather"), "In which audio is Chinese spoken?", "audio 2|second", "audio 1 (is|has)|both"),
    (_T, ("coast", "river"), "Which of the two audios speaks about a bridge?", "audio 2|second", "both"),
    (_T, ("tea", "kitchen"), "What does the speaker of the first audio want to drink?", "tea", None),
    (_T, ("tea", "kitchen"), "Which colour is mentioned in audio 2?", "green|blue", None),
    (_T, ("piano", "nurse"), "In which audio does somebody speak?", "audio 2|second", "both"),
    (_T, ("music-0", "museum"), "Which audio has music in it?", "audio 1|first", "audio 2 (has|is)|both"),
    (_T, ("cattle", "dog"), "Which animal is heard in the second audio?", pattern("dog"), None),
    (_T, ("coast", "es-train"), "Do both audios speak about a train?", YES, None),
    (
        _T,
        ("fr-river", "it-coffee"),
        "Which language is spoken in audio 1, and which in audio 2?",
        "french.*italian",
        None,
    ),
    (_T, ("silence", "coast"), "哪一段音频里有人说话？", "音频2|第二|音频二", "音频1里有人"),
    (_T, ("zh-train", "zh-fish"), "第二段音频里科学家发现了什么？", "鱼", None),
    (_T, ("numbers", "kennedy"), "How many audios are there?", r"\b2\b|two", None),
    (_T, ("applause", "rain"), "What is heard in audio 1?", pattern("applause"), None),
)


def questions(part: str) -> Iterator[Question]:
    """All questions of a part."""
    for where, name, text, right, *wrong in ABOUT_SPEECH:
        if where == part:
            yield Question(part, "speech", (name,), text, right, *wrong)
    for number, concept in enumerate(concepts_of(part, "music", "speech")):
        text = IDENTIFY[concepts()[concept].kind][number % 4 == 3]
        yield Question(part, "sound", (concept,), text, pattern(concept))
    for where, name, text, right in ABOUT_MIXTURES:
        if where == part:
            yield Question(part, "mixture", (name,), text, right)
    yield from _presence(part)
    for number, name in enumerate(["silence", "hiss", *concepts_of(part, "music", "speech", "choir")[::6], "music-1"]):
        text = ("Write down what is said.", "What does the speaker say?", "音频里说了什么？")[number % 3]
        yield Question(part, "no speech", (name,), text, NOBODY)
    for where, name, text in UNANSWERABLE:
        if where == part:
            yield Question(part, "unanswerable", (name,), text, CANNOT)
    for where, pair, text, right, unwanted in TWO:
        if where == part:
            yield Question(part, "two audios", pair, text, right, unwanted)


# What is answered by more than the words.
_BEYOND_WORDS = re.compile(r"language|answer in|how long is|how many people|数什么", re.IGNORECASE)


def misplaced(asked: Iterable[Question], made: Mapping[str, Scene]) -> list[str]:
    """Questions about speech whose answer is not among the words of their audio: another clip was meant."""
    found = []
    for question in asked:
        said = " ".join(segment.text for name in question.scenes for segment in made[name].segments)
        told = re.search(question.right, said, re.IGNORECASE | re.DOTALL) or _BEYOND_WORDS.search(question.text)
        if question.category == "speech" and not told:
            found.append(f"{', '.join(question.scenes)}: {question.text}")
    return found


def _presence(part: str) -> Iterator[Question]:
    """Speech and music, there or not; instruments alone may be music or not and are not asked about."""
    plain = [each for each in concepts_of(part, "music", "speech", "choir") if concepts()[each].kind != "music"]
    speech = [*list(SPEECH[part])[::2], *OVER_MUSIC[part], *list(MIXTURES[part])[::3]]
    music = [f"music-{number}" for number in range(TUNES[part])]
    for number, name in enumerate([*speech, *music, *plain[::4], "silence", "hiss"]):
        for category, (english, chinese) in PRESENCE.items():
            if part == _T and name not in music and (number % 2 == 0) == (category == "is there music"):
                continue  # of the many audios of the test part each has one of the two questions, music has both
            there = name in speech if category == "is there speech" else name in music or name in OVER_MUSIC[part]
            text = chinese if number % 3 == 2 else english
            yield Question(part, category, (name,), text, YES if there else NO, NO_THERE if there else YES_THERE)


NO_THERE = r"^no\b|there is no\b|nobody|没有|不"
YES_THERE = r"^yes\b|^there is (music|speech)|^有"
