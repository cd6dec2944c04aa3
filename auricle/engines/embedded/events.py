"""From scores a frame to events that a person would report: what, from when to when, and how sure.

In order: silent frames count for nothing and steady tones for tones; speech, singing and music become spans; of the
other classes each frame keeps the most particular one that is sure enough, one of a family, and none that another
outshines; what lasts becomes an event; what is only generally known ("an animal") is said where nothing more particular
is; what never stops is background and said once. Where nobody speaks and none of it is sure enough, the likeliest
classes are guesses. The numbers were chosen on the development and threshold parts of bench/sounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from auricle.engines.embedded.sound_classes import Kind, Role, SoundClass, by_label, kind_of, sound_classes
from auricle.engines.embedded.tempo import RATE, tempo
from auricle.engines.embedded.tensor_bundle import FloatArray

SILENCE_LEVEL = -60.0  # dBFS; quieter frames hold nothing that is worth a word
STEADY_TONE = 0.85  # of `FrameScores.tones`
TONE_FRAMES = 3
SEED = 0.3  # an event's best score at least
EXTEND = 0.5  # an event goes on while it has this share of its best score
PARTICULAR = 0.7  # share of a class's score that a more particular one needs to stand in for it
OUTSHONE = 0.7  # share of the best class's score that another needs beside it
BRIDGE_FRAMES = 4  # a gap that an event survives
GENERAL = 0.6  # score of "an animal", "a vehicle"...
SPAN_SEEDS: dict[Role, float] = {"speech": 0.5, "singing": 0.4, "music": 0.6}
SPAN_BRIDGE_FRAMES = 4
# Speech drowns music: 10 dB above it, half of the mixtures score less than .5 for music, but 19 in 20 score .06, while
# speech alone never scored more than .003 on 60 prompts nor .018 on 21 home recordings in nine languages.
MUSIC_UNDER_SPEECH = 0.04  # score that counts as music's seed where somebody speaks
STYLE = 0.3  # mean score of a style or a mood over its music
BACKGROUND_SECONDS = 10.0  # shorter audio has no background
BACKGROUND_SHARE = 0.7  # of the audio that a background sound covers

# Confidence is the share of right events among those like it: a logistic regression on the development and threshold
# parts, of the event's best score (as log odds), the log of its frames and its margin over the best other family.
_INTERCEPT, _SCORE_WEIGHT, _FRAMES_WEIGHT, _MARGIN_WEIGHT = -1.50, 0.67, 0.33, 0.85
REPORTED = 0.43  # an event's confidence at least
MOST_GUESSED = REPORTED - 0.01  # a guess's confidence at most

# Guesses are the likeliest families, by kind: whoever asks which animal it is wants to know which animals it may be.
# Of 153 recordings of the development and threshold parts 67 have a right event, and 117 that or a right guess.
GUESSES = 3  # of a kind
GUESS_SHARE = 0.2  # of the best score of its kind that a guess needs
GUESS_SCORE = 0.05  # that a kind's best needs
GUESS_SCORE_KNOWN = 0.02  # the same where it is known to be an animal, an instrument...
# Noise that never changes is nothing but noise, whatever it is likest. Steady noises have at most 0.21 (a synthetic
# organ 0.26), the recordings of the development and threshold parts 0.28 and more, but for a beep.
UNCHANGING = 0.25  # of `FrameScores.changes`, which nine frames in ten stay below
# A guess's confidence is a logistic regression, too, of the log odds of its best score.
_GUESS_INTERCEPT, _GUESS_WEIGHT = -0.95, 0.49

# Families that are heard together and mean one thing; each is told as a member of the second.
_KIN = {
    "Sheep": "Goat",
    "Emergency vehicle": "Siren",
    "Car": "Engine",
    "Rub": "Sawing",
    "Rain": "Water",
    "Wood block": "Percussion",
}

Hedge = Literal["clearly", "probably", "perhaps", "maybe"]


@dataclass(frozen=True, slots=True)
class FrameScores:
    """What the tagger measured: frame k covers `window_seconds` from k * `hop_seconds`."""

    hop_seconds: float
    window_seconds: float
    duration: float  # of the audio, seconds
    scores: FloatArray  # [frames, 521], 0..1
    levels: FloatArray  # [frames], dBFS
    tones: FloatArray  # [frames], 0..1: how much of the frame is one unchanging tone
    changes: FloatArray  # [frames], natural log of magnitude: how much it changes within the frame
    onsets: FloatArray  # `tempo.RATE` a second: how much sets in, natural log of magnitude


@dataclass(frozen=True, slots=True)
class SoundEvent:
    """Something that was heard. Times in seconds from the start of the audio, good to about a third of a second."""

    label: str  # as AudioSet spells it
    role: Role
    start: float
    end: float
    confidence: float  # 0..1, calibrated: the share of events like this that are right
    background: bool = False  # goes on through most of the audio
    details: tuple[str, ...] = ()  # styles and moods of music, AudioSet names, best first
    beats_per_minute: float | None = None  # of music, where its beat is regular

    @property
    def english(self) -> str:
        """What to call it: "a dog barking"."""
        return by_label()[self.label].english

    @property
    def chinese(self) -> str:
        """What to call it in Chinese."""
        return by_label()[self.label].chinese

    @property
    def hedge(self) -> Hedge:
        """How to say it: as a fact, as likely, as a possibility, or as one of several guesses."""
        if self.confidence < REPORTED:
            return "maybe"
        return "clearly" if self.confidence >= 0.8 else "probably" if self.confidence >= 0.55 else "perhaps"


def find_events(frames: FrameScores) -> tuple[SoundEvent, ...]:
    """The events in order of their starts."""
    if not len(frames.scores):
        return ()
    scores = _smoothed(frames.scores)
    scores[frames.levels < SILENCE_LEVEL] = 0.0
    tones = _tones(frames, scores)
    events = [*tones, *_spans(frames, scores), *_sounds(frames, scores)]
    events += _guesses(frames, scores, events)
    return tuple(sorted(events, key=lambda event: (event.start, event.end, event.label)))


def _smoothed(scores: FloatArray) -> FloatArray:
    """The mean of each frame and its neighbours: the frames overlap, and one alone is often a fluke."""
    padded = np.pad(scores, ((1, 1), (0, 0)), mode="edge")
    return ((padded[:-2] + padded[1:-1] + padded[2:]) / 3).astype(np.float32)


def _runs(on: npt.NDArray[np.bool_], bridge: int) -> Iterator[tuple[int, int]]:
    """First and last frames of the stretches that are on, gaps of up to `bridge` frames bridged."""
    (frames,) = np.nonzero(on)
    if len(frames):
        (breaks,) = np.nonzero(np.diff(frames) > bridge + 1)
        yield from zip(
            frames[np.r_[0, breaks + 1]].tolist(), frames[np.r_[breaks, len(frames) - 1]].tolist(), strict=True
        )


def _event(frames: FrameScores, item: SoundClass, first: int, last: int, confidence: float) -> SoundEvent:
    """Frames `first` to `last`, told by their middles: a frame fires when about half of it is the sound."""
    margin = (frames.window_seconds - frames.hop_seconds) / 2
    start = 0.0 if first == 0 else first * frames.hop_seconds + margin
    end = last * frames.hop_seconds + frames.window_seconds - margin
    if last == len(frames.scores) - 1:
        end = frames.duration
    return SoundEvent(item.label, item.role, round(start, 2), round(min(end, frames.duration), 2), round(confidence, 2))


def _tones(frames: FrameScores, scores: FloatArray) -> list[SoundEvent]:
    """Steady tones. YAMNet takes them for telephones, so that their frames are emptied for whatever comes after."""
    item = by_label()["Sine wave"]
    events = []
    for first, last in _runs((frames.tones >= STEADY_TONE) & (frames.levels >= SILENCE_LEVEL), 0):
        if last - first + 1 >= TONE_FRAMES:
            events.append(_event(frames, item, first, last, 0.9))
            scores[max(0, first - 3) : last + 4] = 0.0  # the frames that overlap it too
    return events


def _spans(frames: FrameScores, scores: FloatArray) -> Iterator[SoundEvent]:
    """Speech, singing and music."""
    for role, seed in SPAN_SEEDS.items():
        score = scores[:, _indices(role)].max(axis=1)
        if role == "music":
            spoken = scores[:, _indices("speech")].max(axis=1) >= SPAN_SEEDS["speech"]
            score = np.where(spoken, np.minimum(score * (seed / MUSIC_UNDER_SPEECH), 1.0), score)
        for first, last in _runs(score >= seed / 2, SPAN_BRIDGE_FRAMES):
            stretch = score[first : last + 1]
            if stretch.max() < seed:
                continue
            item = sound_classes()[int(_indices(role)[0])]
            event = _event(frames, item, first, last, float(np.quantile(stretch, 0.9)))
            if role == "music":
                onsets = frames.onsets[round(event.start * RATE) : round(event.end * RATE)]
                event = replace(event, details=_styles(scores[first : last + 1]), beats_per_minute=tempo(onsets))
            yield event


def _styles(scores: FloatArray) -> tuple[str, ...]:
    means = scores.mean(axis=0)
    found = [item for item in sound_classes() if item.role in ("style", "mood") and means[item.index] >= STYLE]
    return tuple(item.label for item in sorted(found, key=lambda item: -means[item.index])[:3])


def _sounds(frames: FrameScores, scores: FloatArray) -> list[SoundEvent]:
    """Everything else."""
    shown = _shown(scores)
    candidates = []
    for index in np.nonzero((shown >= SEED).any(axis=0))[0].tolist():
        item = sound_classes()[index]
        peak = float(shown[:, index].max())
        for first, last in _runs(scores[:, index] >= max(SEED, peak) * EXTEND, BRIDGE_FRAMES):
            if (shown[first : last + 1, index] >= SEED).any():
                candidates.append((first, last, item, _confidence(scores, shown, index, first, last)))
    kept: list[tuple[int, int, SoundClass, float]] = []
    for first, last, item, confidence in sorted(candidates, key=lambda each: -each[3]):
        rivals = (each for each in kept if _family(each[2]) == _family(item) and each[0] <= last and first <= each[1])
        if confidence >= REPORTED and last - first + 1 >= min(2, len(scores)) and next(rivals, None) is None:
            kept.append((first, last, item, confidence))
    kept += _generals(scores, kept)
    return [
        replace(_event(frames, item, first, last, confidence), background=background)
        for first, last, item, confidence, background in _background(frames, kept)
    ]


def _shown(scores: FloatArray) -> FloatArray:
    """The scores of what each frame shows: [frames, 521], zero for everything else."""
    shown = np.zeros_like(scores)
    told = [item for item in sound_classes() if item.role in ("sound", "noise")]
    for item in told:
        shown[:, item.index] = scores[:, item.index]
    below = np.zeros_like(scores)  # the best score among the kinds of each class
    for item in reversed(told):  # kinds stand after what they are kinds of
        for ancestor in item.ancestors[:1]:
            best = np.maximum(shown[:, item.index], below[:, item.index])
            np.maximum(below[:, ancestor], best, out=below[:, ancestor])
    particular = below >= PARTICULAR * shown
    settled = np.zeros(scores.shape, bool)  # where a class or one above it stands for its whole branch
    for item in told:
        for ancestor in item.ancestors[:1]:
            settled[:, item.index] = settled[:, ancestor]
        shown[settled[:, item.index], item.index] = 0.0
        settled[:, item.index] |= ~particular[:, item.index] & (shown[:, item.index] > 0)
        shown[particular[:, item.index], item.index] = 0.0
    for family in _families():
        members = shown[:, family]
        shown[:, family] = np.where(members < members.max(axis=1, keepdims=True), 0.0, members)
    shown[shown < OUTSHONE * shown.max(axis=1, keepdims=True)] = 0.0
    return shown


def _confidence(scores: FloatArray, shown: FloatArray, index: int, first: int, last: int) -> float:
    score, frames, margin = features_of(scores, shown, index, first, last)
    odds = _INTERCEPT + _SCORE_WEIGHT * score + _FRAMES_WEIGHT * frames + _MARGIN_WEIGHT * margin
    return float(1 / (1 + np.exp(-odds)))


def features_of(scores: FloatArray, shown: FloatArray, index: int, first: int, last: int) -> tuple[float, float, float]:
    """What an event's confidence rests on; see `_INTERCEPT`. Public for bench/sounds, which fits the weights."""
    stretch = slice(first, last + 1)
    peak = float(np.clip(scores[stretch, index].max(), 0.01, 0.99))
    family = _family(sound_classes()[index])
    others = max((float(scores[stretch, each].max()) for each in _families() if each[0] != family), default=0.0)
    return float(np.log(peak / (1 - peak))), float(np.log(last - first + 1)), peak - others


def _generals(
    scores: FloatArray, kept: list[tuple[int, int, SoundClass, float]]
) -> Iterator[tuple[int, int, SoundClass, float]]:
    """ "An animal", "a vehicle"... where nothing more particular is told and no more general thing is either."""
    told = list(kept)
    items = [item for item in sound_classes() if item.role == "general"]
    for item in sorted(items, key=lambda item: -len(item.ancestors)):
        score = scores[:, item.index]
        for first, last in _runs(score >= GENERAL * EXTEND, BRIDGE_FRAMES):
            related = (
                each for each in told if item.index in each[2].ancestors and each[0] <= last and first <= each[1]
            )
            if score[first : last + 1].max() >= GENERAL and last > first and next(related, None) is None:
                event = (first, last, item, float(score[first : last + 1].max()))
                told.append(event)
                yield event


def _background(
    frames: FrameScores, kept: list[tuple[int, int, SoundClass, float]]
) -> list[tuple[int, int, SoundClass, float, bool]]:
    """The events, those of one class that cover most of the audio made one."""
    told: dict[SoundClass, list[tuple[int, int, float]]] = {}
    for first, last, item, confidence in kept:
        told.setdefault(item, []).append((first, last, confidence))
    result = []
    for item, stretches in told.items():
        covered = sum(last - first + 1 for first, last, _ in stretches) / len(frames.scores)
        if frames.duration >= BACKGROUND_SECONDS and covered >= BACKGROUND_SHARE:
            stretches = [(min(s[0] for s in stretches), max(s[1] for s in stretches), max(s[2] for s in stretches))]
            result += [(*stretch[:2], item, stretch[2], True) for stretch in stretches]
        else:
            result += [(first, last, item, confidence, False) for first, last, confidence in stretches]
    return result


def _guesses(frames: FrameScores, scores: FloatArray, told: list[SoundEvent]) -> Iterator[SoundEvent]:
    """What it may be, where nobody speaks and nothing is told but a general kind, music, or one event that is not sure.

    Of each kind up to three families; only of kinds that are known, if some are.
    """
    sounds = [event for event in told if event.role == "sound"]
    if not {event.role for event in told}.issubset({"music", "general", "sound"}) or len(sounds) > 1:
        return
    if any(event.hedge == "clearly" for event in sounds):
        return
    known = {kind_of(event.label) for event in told if event.role == "general"}
    if any(event.role == "music" for event in told):
        known = {"instrument"}
    changes = frames.changes[frames.levels >= SILENCE_LEVEL]
    if not len(changes) or (not known and np.quantile(changes, 0.9, method="higher") < UNCHANGING):
        return
    families = {_family(by_label()[event.label]) for event in sounds}
    by_kind: dict[Kind, list[tuple[float, int]]] = {}
    for members, kind in _families_by_kind():
        if (known and kind not in known) or _family(sound_classes()[int(members[0])]) in families:
            continue
        peaks = scores[:, members].max(axis=0)
        close = [int(index) for index in members[peaks >= PARTICULAR * peaks.max()]]
        index = max(close, key=lambda each: (len(sound_classes()[each].ancestors), scores[:, each].max()))
        by_kind.setdefault(kind, []).append((float(peaks.max()), index))
    for found in by_kind.values():
        best = sorted(found, reverse=True)[:GUESSES]
        if best[0][0] < (GUESS_SCORE_KNOWN if known else GUESS_SCORE):
            continue
        for peak, index in best:
            if peak >= GUESS_SHARE * best[0][0]:
                (on,) = np.nonzero(scores[:, index] >= EXTEND * scores[:, index].max())
                odds = _GUESS_INTERCEPT + _GUESS_WEIGHT * float(np.log(peak / (1 - min(peak, 0.99))))
                confidence = min(float(1 / (1 + np.exp(-odds))), MOST_GUESSED)
                yield _event(frames, sound_classes()[index], int(on[0]), int(on[-1]), confidence)


@cache
def _indices(role: Role) -> npt.NDArray[np.intp]:
    return np.array([item.index for item in sound_classes() if item.role == role])


def _family(item: SoundClass) -> int:
    """The broadest class that says something and that `item` is a kind of: Bird for Owl, Percussion for Gong."""
    broadest = next((each for each in reversed(item.ancestors) if sound_classes()[each].role == "sound"), item.index)
    kin = _KIN.get(sound_classes()[broadest].label)
    return by_label()[kin].index if kin else broadest


@cache
def _families() -> tuple[npt.NDArray[np.intp], ...]:
    """The reportable classes by family, the family's own first."""
    members: dict[int, list[int]] = {}
    for item in sound_classes():
        if item.role in ("sound", "noise"):
            members.setdefault(_family(item), []).append(item.index)
    return tuple(np.array(each) for each in members.values())


@cache
def _families_by_kind() -> tuple[tuple[npt.NDArray[np.intp], Kind], ...]:
    """The families of sounds, those apart whose members are of several kinds."""
    told = [index for family in _families() for index in family.tolist() if sound_classes()[index].role == "sound"]
    groups: dict[tuple[int, Kind], list[int]] = {}
    for index in told:
        item = sound_classes()[index]
        groups.setdefault((_family(item), kind_of(item.label)), []).append(index)
    return tuple((np.array(members), kind) for (_, kind), members in groups.items())
