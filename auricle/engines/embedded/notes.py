"""What was heard, in plain sentences: the model's notes, and the reasoning that a client sees.

Every sentence is one that a small model cannot misread and may copy into its answer: 'Nobody speaks.' and not
'speech: none'. The sentences of an audio come in the order in which they are known, so that they can be streamed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from auricle.engines.embedded.events import SoundEvent
from auricle.engines.embedded.heard import Heard
from auricle.engines.embedded.languages import name_of
from auricle.engines.embedded.sound_classes import Kind, by_label, is_instrument, kind_of
from auricle.types import Segment

MINUTE = 60.0  # seconds; shorter audios are timed in seconds, longer ones by the clock
MOST_TIMES = 6  # that one sound's sentence lists
MOST_IN_ORDER = 5  # things of which it is told what comes after what
OVERLAP_SECONDS = 0.5  # that they may overlap nevertheless: sounds are timed by halves of a second
ALL_THE_TIME = 0.9  # share of the audio that a sound fills, if it is said to be there all the time

# Not behind "Mr." and the like, nor where no new sentence begins.
_SENTENCE_END = re.compile(r"(?<=[^\s.]{4}[.!?])\s+(?=[A-ZÀ-ÖØ-ÞА-Я¿¡\"«])|(?<=[。！？])(?=.)")

_KINDS: dict[Kind, tuple[str, str]] = {
    "animal": ("an animal", "动物"),
    "instrument": ("an instrument", "乐器"),
    "machine": ("a vehicle or a machine", "交通工具或机器"),
    "other": ("something else", "别的声音"),
}


@dataclass(frozen=True, slots=True)
class Wording:
    """How notes about one audio are worded."""

    chinese: bool
    number: int | None
    """Its place among several audios, from 1; None where it is the only one."""
    seconds: float

    def opening(self) -> str:
        """Known before anything was heard."""
        if self.chinese:
            return f"{self._name()}长{_number(self.seconds)}秒{self._clock('（即{}）')}。"
        return f"{self._name(start=True)} lasts {_number(self.seconds)} seconds{self._clock(' ({})')}."

    def said(self, segment: Segment, before: Segment | None = None) -> str:
        """Known as soon as the segment is; a line a sentence, for a small model overlooks the second in a line.

        What follows `before` is told as going on: each "somebody" is somebody else to a small model. It is told without
        its end, which takes as long to read as a few words do.
        """
        start, stop = self.time(segment.start), self.time(segment.end)
        goes_on = before is not None and (before.language, before.voice) == (segment.language, segment.voice)
        language = name_of(segment.language, chinese=self.chinese)
        first, *others = _SENTENCE_END.split(segment.text.strip())
        if self.chinese:
            speaker = {"lower": "较低的声音", "higher": "较高的声音", None: "有人"}[segment.voice]
            who = f"接着，在{start}" if goes_on else f"从{start}到{stop}，{speaker}用{language}说"
            return "\n".join([f"{who}：“{first}”", *(f"接着说：“{each}”" for each in others)])
        speaker = f"the {segment.voice} voice" if segment.voice else "somebody"
        who = f"Then, at {start}" if goes_on else f"From {start} to {stop} {speaker} says in {language}"
        return "\n".join([f'{who}: "{first}"', *(f'Then: "{each}"' for each in others)])

    def closing(self, heard: Heard) -> list[str]:
        """Known when all was heard: who speaks when, music, other sounds, their order, and what is wrong with it."""
        return [
            line
            for line in (
                self._speech(heard),
                self._voices(heard),
                *self._other(heard),
                self._order(heard),
                self._quality(heard),
            )
            if line
        ]

    def _speech(self, heard: Heard) -> str:
        name = self._name()
        if self.chinese:
            if heard.segments:
                languages = "和".join(name_of(code, chinese=True) for code in heard.languages)
                when = "、".join(map(self._span, heard.spoken)) if len(heard.spoken) <= MOST_TIMES else "多次"
                return f"{name}里说的就是这些话，用的语言是{languages}。{name}里有人说话：{when}。"
            if heard.loudness.silent:
                return f"{name}里没有人说话，是完全安静的，没有任何声音。"
            if heard.voices:
                return f"{name}里像是有人说话（{self._when(heard.voices)}），但听不清说的是什么。"
            return f"{name}里没有人说话，没有任何语音。"
        if heard.segments:
            languages = " and ".join(name_of(code) for code in heard.languages)
            when = _listed([self._span(span) for span in heard.spoken]) if len(heard.spoken) <= MOST_TIMES else ""
            return (
                f"That is all that is said in {name}; the language is {languages}. "
                f"Somebody speaks {when or 'many times'}."
            )
        if heard.loudness.silent:
            return f"Nobody speaks in {name}. It is completely silent: there is no sound in it."
        if heard.voices:
            return f"Perhaps somebody speaks in {name}, {self._when(heard.voices)}, but no words can be made out."
        return f"Nobody speaks in {name}; there is no speech in it."

    def _voices(self, heard: Heard) -> str:
        """Who speaks when, where two voices are told apart."""
        spans: dict[str, list[str]] = {"lower": [], "higher": []}
        for voice, start, end in heard.turns:
            spans[voice].append(self._span((start, end)))
        if not heard.turns:
            return ""
        if self.chinese:
            low, high = ("、".join(each) if len(each) <= MOST_TIMES else f"共{len(each)}次" for each in spans.values())
            return f"听起来有两个声音在说话：较低的声音{low}，较高的声音{high}。"
        low, high = (_listed(each) if len(each) <= MOST_TIMES else f"{len(each)} times" for each in spans.values())
        return f"It sounds like two voices: a lower one speaks {low}, a higher one {high}."

    def _other(self, heard: Heard) -> list[str]:
        """Singing, music and other sounds."""
        name = self._name()
        if heard.loudness.silent:
            return [f"{name}里没有音乐。" if self.chinese else f"There is no music in {name}."]
        if heard.events is None:
            return [
                f"{name}里除了说话以外的声音和音乐没有去听，不知道有没有。"
                if self.chinese
                else f"Sounds other than speech, and music, were not listened for in {name}."
            ]
        lines = []
        if heard.singing:
            when = self._when(heard.singing)
            lines.append(f"{name}里有人唱歌：{when}。" if self.chinese else f"Somebody sings in {name}, {when}.")
        if heard.music:
            when = self._when(heard.music)
            styles = [by_label()[label] for label in dict.fromkeys(d for event in heard.music for d in event.details)]
            if self.chinese:
                like = f"，听起来像{'、'.join(item.chinese for item in styles)}" if styles else ""
                lines.append(f"{name}里有音乐：{when}{like}。")
            else:
                like = f"; it sounds like {_listed([item.english for item in styles])}" if styles else ""
                lines.append(f"There is music in {name}, {when}{like}.")
            if heard.beats_per_minute is not None:
                beats = round(heard.beats_per_minute)
                lines.append(
                    f"音乐大约每分钟{beats}拍。" if self.chinese else f"The music has about {beats} beats a minute."
                )
        else:
            lines.append(f"{name}里没有音乐。" if self.chinese else f"There is no music in {name}.")
        if heard.music and not heard.guesses and not any(is_instrument(event.label) for event in heard.sounds):
            lines.append("听不出是什么乐器。" if self.chinese else "Which instruments play cannot be told.")
        lines += self._sounds(heard.sounds)
        if heard.guesses:
            lines += self._guesses(heard)
        return lines if heard.sounds or heard.guesses else [*lines, self._no_sound(heard)]

    def _guesses(self, heard: Heard) -> list[str]:
        """What it may be: of the likeliest kind, and if it is of another one."""
        by_kind: dict[Kind, list[SoundEvent]] = {}
        for event in heard.guesses:
            by_kind.setdefault(kind_of(event.label), []).append(event)
        likeliest, *others = by_kind.items()
        lines = [self._likeliest(heard, likeliest[1])]
        for kind, events in others:
            if self.chinese:
                lines.append(f"如果是{_KINDS[kind][1]}，{_may_be_chinese(events)}。")
            else:
                lines.append(f"If it is {_KINDS[kind][0]}, it may be {_may_be(events)}.")
        return lines

    def _likeliest(self, heard: Heard, events: Sequence[SoundEvent]) -> str:
        also = any(event.role != "general" for event in heard.sounds)
        if self.chinese:
            return f"{'也' if also else ''}{_may_be_chinese(events)}，不能确定。"
        what = f"The {'instrument' if heard.music else 'sound'} may be"
        if heard.sounds:
            what = "It may also be" if also else "It may be"
        return f"{what} {_may_be(events)}; that is not certain."

    def _sounds(self, sounds: Sequence[SoundEvent]) -> list[str]:
        """A sentence for each kind of sound, as sure as its surest event."""
        by_name: dict[str, list[SoundEvent]] = {}
        for event in sounds:
            by_name.setdefault(event.english, []).append(event)
        lines = []
        for events in by_name.values():
            best = max(events, key=lambda event: event.confidence)
            when = self._when(events)
            if self.chinese:
                form = {"clearly": "能听到{}", "probably": "听起来像{}", "perhaps": "可能有{}"}[best.hedge]
                lines.append(f"{when}，{form.format(best.chinese)}。")
            else:
                forms = {
                    "clearly": "{} is heard",
                    "probably": "something sounds like {}",
                    "perhaps": "there is perhaps {}",
                }
                sentence = f"{forms[best.hedge].format(best.english)} {when}."
                lines.append(sentence[0].upper() + sentence[1:])
        return lines

    def _no_sound(self, heard: Heard) -> str:
        """Where nothing was told, whatever it may be."""
        told = bool(heard.segments or heard.events)
        if self.chinese:
            return "除此以外没有听到别的声音。" if told else f"{self._name()}里有声音，但听不出是什么。"
        return "Nothing else is heard." if told else "There is some sound, but what makes it cannot be told."

    def _order(self, heard: Heard) -> str:
        """What comes after what, where somebody speaks and sounds are heard besides, one after the other."""
        found = [(start, end, "说话", "speech") for start, end in heard.spoken]
        found += [(event.start, event.end, event.chinese, event.english) for event in heard.sounds]
        found.sort()
        apart = all(after[0] > before[1] - OVERLAP_SECONDS for before, after in pairwise(found))
        if not apart or not heard.spoken or not heard.sounds or len(found) > MOST_IN_ORDER:
            return ""
        if self.chinese:
            return "先后顺序：" + "，然后是".join(chinese for _, _, chinese, _ in found) + "。"
        return "In this order: " + ", then ".join(english for _, _, _, english in found) + "."

    def _quality(self, heard: Heard) -> str:
        if heard.loudness.overdriven:
            return (
                "录音音量过大，有削波失真。" if self.chinese else "The recording is too loud and distorted by clipping."
            )
        if heard.loudness.faint:
            return "录音音量很小。" if self.chinese else "The recording is very quiet."
        return ""

    def _when(self, events: Sequence[SoundEvent]) -> str:
        """The times of events, without saying each of very many."""
        if any(event.background for event in events) or all(
            event.end - event.start >= ALL_THE_TIME * self.seconds for event in events
        ):
            return "自始至终" if self.chinese else "all the time"
        if len(events) > MOST_TIMES:
            first, count = self._span((events[0].start, events[0].end)), len(events)
            return f"共{count}次，第一次{first}" if self.chinese else f"{count} times, first {first}"
        spans = [self._span((event.start, event.end)) for event in events]
        return "、".join(spans) if self.chinese else _listed(spans)

    def _span(self, span: tuple[float, float]) -> str:
        start, stop = map(self.time, span)
        return f"从{start}到{stop}" if self.chinese else f"from {start} to {stop}"

    def left_out(self, start: float, stop: float) -> str:
        """Stands where segments were left out."""
        if self.chinese:
            return f"（从{self.time(start)}到{self.time(stop)}说的话太长，这里省略了。）"
        return f"(What is said from {self.time(start)} to {self.time(stop)} is left out here: it is too long.)"

    def time(self, seconds: float) -> str:
        """A point in the audio."""
        if self.seconds < MINUTE:
            return f"{_number(seconds)}秒" if self.chinese else f"{_number(seconds)} s"
        return _clock(seconds)

    def _name(self, *, start: bool = False) -> str:
        if self.chinese:
            return "这段音频" if self.number is None else f"音频{self.number}"
        if self.number is None:
            return "The audio" if start else "the audio"
        return f"Audio {self.number}" if start else f"audio {self.number}"

    def _clock(self, form: str) -> str:
        if self.seconds < MINUTE:
            return ""
        minutes, seconds = divmod(round(self.seconds), 60)
        hours, minutes = divmod(minutes, 60)
        units = ("小时", "分", "秒") if self.chinese else (" h ", " min ", " s")
        amounts = [(hours, units[0]), (minutes, units[1]), (seconds, units[2])]
        return form.format("".join(f"{amount}{unit}" for amount, unit in amounts if amount).strip())


def sentences(heard: Heard, wording: Wording, keep: frozenset[int] | None = None) -> list[str]:
    """The notes about one audio, a sentence or two a line; of its segments only those in `keep`, if given."""
    lines = [wording.opening()]
    kept = [i for i in range(len(heard.segments)) if keep is None or i in keep]
    for before, index in pairwise([-1, *kept, len(heard.segments)]):
        if index - before > 1:
            lines.append(wording.left_out(heard.segments[before + 1].start, heard.segments[index - 1].end))
        if index < len(heard.segments):
            follows = index and index - before == 1
            lines.append(wording.said(heard.segments[index], heard.segments[before] if follows else None))
    return [*lines, *wording.closing(heard)]


def _may_be(events: Sequence[SoundEvent]) -> str:
    names = list(dict.fromkeys(event.english for event in events))
    return " or ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _may_be_chinese(events: Sequence[SoundEvent]) -> str:
    first, *others = dict.fromkeys(event.chinese for event in events)
    return f"可能是{first}" + "".join(f"，也可能是{other}" for other in others)


def _listed(items: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def _number(value: float) -> str:
    """With one decimal, unless it is round."""
    return f"{value:.1f}".removesuffix(".0")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
