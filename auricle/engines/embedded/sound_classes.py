"""The 521 classes that YAMNet scores: what each is called, what it is a kind of, and whether a person would report it.

The table is sound_classes.tsv beside this module: a line a class in the network's order, indented under the class that
it is a kind of, with its role and what to call it in English and in Chinese. The classes are AudioSet's
(https://research.google.com/audioset/ontology); the roles and the names are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, cast

Role = Literal["speech", "singing", "music", "style", "mood", "sound", "tone", "noise", "general", "mute"]
"""What is done with a class:

`speech`, `singing` and `music` make spans; `style` and `mood` describe music; `sound`, `tone` and `noise` are reported
when they are heard; `general` only where nothing more particular is; `mute` never.
"""


@dataclass(frozen=True, slots=True)
class SoundClass:
    """One class."""

    index: int
    label: str  # as AudioSet spells it
    role: Role
    english: str  # what was heard: "a dog barking"
    chinese: str
    ancestors: tuple[int, ...]  # nearest first


@cache
def sound_classes() -> tuple[SoundClass, ...]:
    """Every class, by index."""
    text = resources.files(__package__).joinpath("sound_classes.tsv").read_text("utf-8")
    classes: list[SoundClass] = []
    path: list[int] = []  # the classes that the line at hand is under, outermost first
    for index, line in enumerate(text.splitlines()):
        label, role, english, chinese = line.split("\t")
        path = path[: len(label) - len(label.lstrip())]
        classes.append(
            SoundClass(index, label.lstrip(), cast(Role, role), english, chinese, ancestors=tuple(reversed(path)))
        )
        path.append(index)
    return tuple(classes)


@cache
def by_label() -> dict[str, SoundClass]:
    """Every class, by its AudioSet name."""
    return {item.label: item for item in sound_classes()}


@cache
def is_instrument(label: str) -> bool:
    """Whether `label` is a kind of musical instrument."""
    return by_label()["Musical instrument"].index in by_label()[label].ancestors
