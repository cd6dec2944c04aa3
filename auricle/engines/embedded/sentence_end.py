"""Where a sentence ends: at a full stop that belongs to no short form."""

from __future__ import annotations

import re

_STOPS = (".", "。", "?", "？", "!", "！", "…")
_CLOSING = "\"'”’」』）)]"
# Short forms with a full stop that ends no sentence, and initials
_SHORT_FORM = re.compile(
    r"(?:\b(?:Mrs?|Ms|Drs?|Profs?|St|vs|Nr|Sra?|Srta|Mme|Mlle|Hr|Fr|bzw|usw|ca|approx|[^\W\d_])|\b\w\.\w)\.$",
    re.IGNORECASE,
)
_BREAK = re.compile(rf"[.!?][{re.escape(_CLOSING)}]*\s|[。！？\n]")


def ends_sentence(text: str) -> bool:
    """Whether a sentence ends with the last word of `text`."""
    bare = text.rstrip(_CLOSING)
    return bare.endswith(_STOPS) and not _SHORT_FORM.search(bare)


def has_sentence(text: str) -> bool:
    """Whether a sentence, or a line, ends in `text`, and it goes on behind, or ends with a mark that needs no blank."""
    return any(found.group() == "\n" or ends_sentence(text[: found.end()].rstrip()) for found in _BREAK.finditer(text))
