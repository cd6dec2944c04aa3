"""Questions about things heard, and what a right answer says: the set on which the responder's wording was chosen.

Nothing is recorded for it: the scenes are what a recogniser would have found, so that only the answering is judged.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from fractions import Fraction

from auricle.audio.tokens import audio_tokens
from auricle.engines.embedded.heard import Heard, Loudness
from auricle.types import Audio, AudioClip, Segment
from auricle.waveform import SAMPLE_RATE, Waveform

LOUD = Loudness(rms_dbfs=-22.0, peak_dbfs=-3.0, clipped=0.0)
SILENT = Loudness(rms_dbfs=-96.0, peak_dbfs=-96.0, clipped=0.0)


def scene(seconds: float, language: str, *said: tuple[float, float, str], loudness: Loudness = LOUD) -> Heard:
    """What is heard in an audio in which `said` is said."""
    return Heard(seconds, tuple(Segment(text, start, end, language) for start, end, text in said), loudness)


MORNING = scene(3.9, "en", (0.2, 3.7, "Good morning. Could you tell me what the weather will be like today?"))
MEETING = scene(
    31.5,
    "en",
    (0.4, 6.1, "Thanks for joining. The launch moves from the third of May to the tenth of May."),
    (6.8, 13.2, "Maria will write the release notes, and Tom takes care of the servers."),
    (14.0, 21.9, "The budget is forty two thousand dollars, and we have already spent half of it."),
    (23.1, 30.8, "Please send me your questions by Friday. See you next week."),
)
PARCEL = scene(
    12.0,
    "en",
    (0.5, 5.2, "Hello, this is Daniel from Green Valley Post. Your parcel has arrived."),
    (5.9, 11.4, "Please call us back on five five five, zero one seven nine, before six o'clock."),
)
TRAIN = scene(
    14.6,
    "zh",
    (0.3, 4.8, "您好，我想订一张明天去上海的火车票。"),
    (5.4, 9.9, "好的，上午九点十五分有一班，票价三百五十元。"),
    (10.5, 14.0, "可以，请给我一张靠窗的座位。"),
)
GERMAN = scene(5.2, "de", (0.1, 4.9, "Guten Tag, ich hätte gern zwei Kaffee und ein Stück Apfelkuchen."))
NIGHT = scene(8.0, "en", loudness=SILENT)
RAIN = scene(20.0, "en")
YES = scene(4.0, "en", (0.3, 3.6, "I think we should buy the red car. It is cheaper."))
NO = scene(4.4, "en", (0.3, 4.1, "No, I am against it. The red car is much too old."))


@dataclass(frozen=True)
class Question:
    """`right` must be found in the answer, `wrong` must not."""

    scenes: tuple[Heard, ...]
    text: str
    right: str
    wrong: str | None = None

    def judge(self, answer: str) -> bool:
        """Whether `answer` is right."""
        flags = re.IGNORECASE | re.DOTALL
        return bool(re.search(self.right, answer, flags)) and not (self.wrong and re.search(self.wrong, answer, flags))


CANNOT = (
    r"can.t|cannot|can not|unknown|no information|"
    r"not (possible|mentioned|heard|clear|told|specified|known|stated|say|tell)"
)
CANNOT_ZH = "听不出|无法|没有提到|没有说|不知道|未提"
HAN = r"[一-鿿]"

QUESTIONS = (
    Question((MORNING,), "please describe the content of the audio", r"good morning|greet|weather"),
    Question((MORNING,), "What does the speaker want to know?", r"weather"),
    Question((MORNING,), "How long is this audio?", r"3\.9"),
    Question((MORNING,), "Which language is spoken?", r"english"),
    Question((MORNING,), "Is there speech in it?", r"\byes\b|there is speech|is speech", r"\bno\b"),
    Question((MORNING,), "What is the name of the speaker?", CANNOT),
    Question(
        (MORNING,), "Transcribe the audio.", r"Good morning. Could you tell me what the weather will be like today\?"
    ),
    Question((MORNING,), "这段音频说了什么？", rf"{HAN}.*|天气", r"^[A-Za-z .,?']+$"),
    Question((MORNING,), "说话的人想知道什么？", "天气|weather"),
    Question((MEETING,), "When is the launch now?", r"tenth of may|may (the )?(10|tenth)|10(th)? (of )?may"),
    Question((MEETING,), "Who writes the release notes?", r"maria", r"\btom\b"),
    Question((MEETING,), "What does Tom do?", r"server"),
    Question((MEETING,), "How large is the budget, and how much of it has been spent?", r"(42|forty).*(half|21)"),
    Question((MEETING,), "By when should questions be sent?", r"friday"),
    Question((MEETING,), "At what time in the audio is the budget mentioned?", r"\b14\b|21\.9"),
    Question((MEETING,), "Summarize the audio in one sentence.", r"launch|may|budget", r"\n.*\n"),
    Question((MEETING,), "What colour is Maria's car?", CANNOT),
    Question((MEETING,), "Is music playing in the background?", CANNOT + r"|\bno\b", r"\byes\b"),
    Question((MEETING,), "会议上说上线改到哪一天？", "五月十日|五月十号|5月10|tenth of may"),
    Question((MEETING,), "谁负责服务器？", "Tom|汤姆", "Maria|玛丽亚"),
    Question((PARCEL,), "Who is calling?", r"daniel"),
    Question((PARCEL,), "Which number should be called back?", r"five five five.*zero one seven nine|555.?0179"),
    Question((PARCEL,), "What is this message about?", r"parcel|package"),
    Question((PARCEL,), "Until when can one call back?", r"six|6"),
    Question((PARCEL,), "What is in the parcel?", CANNOT),
    Question((TRAIN,), "他要去哪里？", "上海"),
    Question((TRAIN,), "火车几点开？票价是多少？", "(九点|9[点:：]).*(三百五十|350)"),
    Question((TRAIN,), "请描述一下音频的内容", "火车票|车票|上海"),
    Question((TRAIN,), "这段音频有多长？", r"14\.6"),
    Question((TRAIN,), "这位旅客叫什么名字？", CANNOT_ZH),
    Question(
        (TRAIN,),
        "What language do they speak, and what is the ticket's price?",
        r"chinese.*(350|三百五十|three hundred)",
    ),
    Question((TRAIN,), "Which seat does the customer ask for? Answer in English.", r"window"),
    Question((GERMAN,), "What does the person order?", r"(coffee|kaffee).*(apple|apfel)"),
    Question((GERMAN,), "In welcher Sprache wird gesprochen?", r"deutsch|german"),
    Question((GERMAN,), "Was wird bestellt?", r"kaffee.*apfelkuchen"),
    Question((NIGHT,), "What is said in the audio?", r"nobody|no one|nothing|silent|no (speech|spoken)|not .*sa(y|id)"),
    Question((NIGHT,), "Is there any sound?", r"\bno\b|silent|can't be heard", r"\byes\b"),
    Question((NIGHT,), "音频里有人说话吗？", "没有|无人|安静"),
    Question((RAIN,), "Is somebody speaking?", r"\bno\b|nobody", r"\byes\b"),
    Question((RAIN,), "Transcribe what is said.", r"nobody|no speech|nothing|can't be heard|no one"),
    Question((RAIN,), "音频里说了什么？", "没有|听不"),
    Question((YES, NO), "Do the two speakers agree?", r"\bno\b|\bnot\b|disagree|don't", r"\byes\b"),
    Question((YES, NO), "What does the speaker of audio 2 say about the car?", r"old", r"cheap"),
    Question((YES, NO), "Why does the first speaker want the red car?", r"cheap"),
    Question((YES, NO), "How many audios are there?", r"\b2\b|two"),
    Question((MORNING, TRAIN), "第二段音频里的人想做什么？", "票|上海"),
    Question(
        (MORNING, NIGHT), "Which of the two audios has speech in it?", r"audio 1|first", r"audio 2 (has|is speech)|both"
    ),
)


def audio_of(heard: Heard) -> Audio:
    """An audio part of the scene's length, with samples that nobody is going to hear."""
    count = round(heard.seconds * SAMPLE_RATE)
    duration = Fraction(count, SAMPLE_RATE)
    digest = hashlib.sha256(repr(heard).encode()).hexdigest()
    return Audio(AudioClip(b"", "wav"), Waveform(bytes(2 * count), count, duration, audio_tokens(duration), digest))
