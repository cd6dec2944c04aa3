"""What was heard, in plain sentences: the model's notes, and the reasoning that a client sees.

Every sentence is one that a small model cannot misread and may copy into its answer: 'Nobody speaks.' and not
'speech: none'. The sentences of an audio come in the order in which they are known, so that they can be streamed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from auricle.engines.embedded.heard import Heard
from auricle.engines.embedded.languages import name_of
from auricle.types import Segment

MINUTE = 60.0  # seconds; shorter audios are timed in seconds, longer ones by the clock
OVERDRIVEN = 0.001  # share of clipped samples


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

    def said(self, segment: Segment) -> str:
        """Known as soon as the segment is."""
        start, stop = self.time(segment.start), self.time(segment.end)
        language = name_of(segment.language, chinese=self.chinese)
        text = segment.text.strip()
        if self.chinese:
            return f"从{start}到{stop}，有人用{language}说：“{text}”"
        return f'From {start} to {stop} somebody says in {language}: "{text}"'

    def closing(self, heard: Heard) -> str:
        """Known when all was heard."""
        if self.chinese:
            if heard.segments:
                languages = "和".join(name_of(code, chinese=True) for code in heard.languages)
                return f"{self._name()}里说的就是这些话，用的语言是{languages}。"
            if heard.loudness.silent:
                return f"{self._name()}里没有人说话，是完全安静的。"
            return f"{self._name()}里没有人说话，没有任何语音。有别的声音，但听不出是什么。"
        if heard.segments:
            languages = " and ".join(name_of(code) for code in heard.languages)
            return f"That is all that is said in {self._name()}; the language is {languages}."
        if heard.loudness.silent:
            return f"Nobody speaks in {self._name()}. It is completely silent."
        return (
            f"Nobody speaks in {self._name()}; there is no speech in it. There is some sound that is not speech; "
            "what makes it cannot be told."
        )

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
            lines.append(wording.said(heard.segments[index]))
    return [*lines, wording.closing(heard)]


def _number(value: float) -> str:
    """With one decimal, unless it is round."""
    return f"{value:.1f}".removesuffix(".0")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
