"""What is known of a language: what its questions are asked with, its answers judged by, and what we say in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Want = Literal[
    "transcript",
    "sound",
    "number",
    "count",
    "person",
    "name",
    "reason",
    "time",
    "fact",
    "noted",
    "language",
    "yes or no",
    "choice",
    "creation",
]
"""What kind of answer is wanted; a question may want several:

`transcript`: what is said; `sound`: what else is heard, by whatever name; `number`: how many there are; `count`: what
may have to be counted, also how often; `person`: who it is; `name`: what somebody is called; `reason`: why (who and why
in one are neither); `time`: when, or for how long; `fact`: what nothing but words can tell, as a price, an age, a
colour; `noted`: what the notes always tell; `language`: which one is spoken; `yes or no`; `choice`: one of what the
question lists; `creation`: a text that nobody said, as a title, a translation, a reply, where this is not a question.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """One language's words.

    Patterns are alternatives of regular expressions and match in any case: whole words, or any characters where
    `spaced` is false. Word lists are in lower case, with blanks between the words.
    """

    language: str
    """ISO 639-1."""
    spaced: bool = True
    """Whether words have borders that can be seen."""
    frequent: str = ""
    """Short words that tell the language; needed only where its script does not."""

    asks: Mapping[Want, str] = field(default_factory=dict)
    """Patterns. That of a name counts only beside one of `people`."""
    people: str = ""
    """A pattern: who may have a name."""
    speech: str = ""
    """Words of asking whether somebody speaks."""
    music: str = ""
    neutral: str = ""
    """Words beside which a question for speech or music asks for nothing else."""
    presence: str = ""
    """A pattern of the whole question, with the groups `speech` and `music`, where these three lists will not do."""

    some: str = ""
    """A pattern of what answers how many without a number."""
    reasons: str = ""
    """A pattern of what tells a reason, or a purpose, when something is said; without it reasons are not judged."""
    because: str = ""
    """What an answer to why begins with, if anything does."""
    minutes: Mapping[str, int] = field(default_factory=dict)
    """Parts of an hour."""
    fillers: str = ""
    """Words of an answer that say nothing new; here and in `somebody`, characters where `spaced` is false."""
    starters: str = ""
    """Words that begin sentences, so that they may be in capitals without being names."""
    capitalised: str = ""
    """Words in capitals wherever they stand that are no names."""
    first_person: str = ""
    """Words in which somebody speaks of himself."""
    oneself: str = ""
    """What somebody who does so may be called."""
    somebody: str = ""
    """Words that anybody may be called, and of saying that it is unknown who it is."""

    yes: str = ""
    no: str = ""
    nobody: str = ""
    """That nobody speaks, as the beginning of a sentence."""
    silence: str = ""
    """A pattern: that nothing is heard or nobody speaks, as the beginning of an answer."""
    says: str = ""
    """What an answer about what is said can begin with."""
    admission: str
    """That it can't be heard."""
    refusal: str = ""
    """What such answers begin with, where that is less than the admission."""
