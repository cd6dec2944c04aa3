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

Kind = Literal["animal", "instrument", "machine", "other"]
"""What somebody asks for: which animal, which instrument, which vehicle or machine, or simply which sound."""

# Classes that a kind is about, with all that are kinds of them.
_KINDS: dict[str, Kind] = {
    "Animal": "animal",
    "Musical instrument": "instrument",
    "Vehicle": "machine",
    "Engine": "machine",
    "Alarm": "machine",
    "Mechanisms": "machine",
    "Tools": "machine",
    "Microwave oven": "machine",
    "Blender": "machine",
    "Hair dryer": "machine",
    "Electric toothbrush": "machine",
    "Vacuum cleaner": "machine",
    "Electric shaver, electric razor": "machine",
}
# Classes that AudioSet sorts under an animal, but that name none.
_NO_ANIMALS: dict[str, Kind] = {"Cowbell": "instrument", "Hiss": "other", "Rattle": "other", "Patter": "other"}


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


@cache
def kind_of(label: str) -> Kind:
    """What kind of sound `label` is."""
    if label in _NO_ANIMALS:
        return _NO_ANIMALS[label]
    item = by_label()[label]
    labels = (label, *(sound_classes()[index].label for index in item.ancestors))
    return next((_KINDS[each] for each in labels if each in _KINDS), "other")
