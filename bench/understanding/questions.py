"""The questions: about which audio, in which category, and what a right answer says.

They stand in parts/: `development`, on which wording and thresholds are chosen; `seen`, whose wrong answers were read;
and `test`, which was written and fixed before any system had answered it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bench.understanding.answers import NO, YES, expanded
from bench.understanding.scenes import Scene, Studio

PARTS = ("development", "seen", "test")
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


@cache
def table(part: str) -> dict[str, Any]:
    """The file of a part."""
    return tomllib.loads((Path(__file__).parent / "parts" / f"{part}.toml").read_text("utf-8"))


def questions(part: str) -> Iterator[Question]:
    """All questions of a part."""
    for category, audios, text, *patterns in table(part)["questions"]:
        about = (audios,) if isinstance(audios, str) else tuple(audios)
        yield Question(part, category, about, text, *map(expanded, patterns))


@cache
def scenes(part: str) -> dict[str, Scene]:
    """Every audio of a part by its name."""
    studio = Studio(part, table(part).get("recordings", {}))
    return {name: studio.scene(name, made_of) for name, made_of in table(part)["audios"].items()}


# What is answered by more than the words.
_BEYOND_WORDS = re.compile(
    r"language|answer in|how long is|how many people|数什么|哪种语言|什么语言|几个人", re.IGNORECASE
)


def misplaced(asked: Iterable[Question], made: Mapping[str, Scene]) -> list[str]:
    """Questions about speech whose answer is not among the words of their audio: another clip was meant."""
    found = []
    for question in asked:
        said = " ".join(segment.text for name in question.scenes for segment in made[name].segments)
        told = re.search(question.right, said, re.IGNORECASE | re.DOTALL) or _BEYOND_WORDS.search(question.text)
        if question.category == "speech" and not told and question.right not in (YES, NO):
            found.append(f"{', '.join(question.scenes)}: {question.text}")
    return found
