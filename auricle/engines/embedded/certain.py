"""What of an answer is certain before the language model writes it: that there is speech, music, a sound, or none, and
that the language is known.

These are heard, not concluded. A small model likes to agree that there is what it is asked for, and to say that it
cannot hear what its notes tell; so the beginning of its answer is settled here, and it only words the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

from auricle.engines.embedded.heard import Heard
from auricle.engines.embedded.question import Question, Topic
from auricle.engines.embedded.sound_classes import is_instrument
from auricle.engines.embedded.vocabularies import VOCABULARIES, pattern

_SILENCE = regex.compile(pattern(lambda vocabulary: vocabulary.silence).pattern, regex.IGNORECASE)


def beginning(question: Question, heard: Sequence[Heard]) -> str:
    """What the answer to `question` begins with, in its language: yes, no, or that nobody speaks, where that is
    certain; else nothing."""
    vocabulary = VOCABULARIES.get(question.language)
    if vocabulary is None or len(heard) != 1:
        return ""
    if question.presence:
        is_there = _is_there(question.presence, heard[0])
        return "" if is_there is None else vocabulary.yes if is_there else vocabulary.no
    if "transcript" in question.wants and _is_there("speech", heard[0]) is False:
        return vocabulary.nobody
    return ""


def told(question: Question, heard: Sequence[Heard]) -> bool:
    """Whether `question` asks for sounds, or which language is spoken, and that was heard: "it can't be heard" is no
    answer to it then."""
    sounds = "sound" in question.wants and any(one.sounds or one.guesses for one in heard)
    return sounds or ("language" in question.wants and any(one.languages for one in heard))


def denies(answer: str, heard: Sequence[Heard]) -> bool:
    """Whether `answer` begins with that nothing is heard or said, though something is said in each audio."""
    return _speaks(heard) and _SILENCE.match(answer.strip()) is not None


def may_deny(beginning: str, heard: Sequence[Heard]) -> bool:
    """Whether an answer that begins so can still be one that `denies`."""
    return _speaks(heard) and _SILENCE.match(beginning.strip(), partial=True) is not None


def _speaks(heard: Sequence[Heard]) -> bool:
    return bool(heard) and all(one.segments for one in heard)


def _is_there(topic: Topic, heard: Heard) -> bool | None:
    """None where hearing leaves it open."""
    if topic == "speech":
        return True if heard.segments else None if heard.voices or heard.singing else False
    if heard.events is None:
        return False if heard.loudness.silent else None
    if heard.music:
        return True
    uncertain = heard.singing or any(is_instrument(event.label) for event in (*heard.sounds, *heard.guesses[:1]))
    return None if uncertain else False
