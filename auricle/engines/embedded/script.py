"""Chinese as its readers expect it: one script, whichever the model happened to write in, and punctuation.

Whisper was trained on both scripts without a mark for either, and picks one by chance; a first line in the wanted
script and with punctuation makes it follow (https://github.com/openai/whisper/discussions/277). OpenCC's tables settle
the rest.
"""

from __future__ import annotations

import functools
from typing import Literal

from opencc import OpenCC

ChineseScript = Literal["simplified", "traditional", "as-is"]

PROMPTS: dict[ChineseScript, str] = {
    "simplified": "以下是普通话的句子，请加标点。",
    "traditional": "以下是普通話的句子，請加標點。",
}
_TABLES: dict[ChineseScript, str] = {"simplified": "t2s", "traditional": "s2t"}
_FULL_WIDTH = str.maketrans({",": "，", "?": "？", "!": "！", ";": "；", ":": "："})


@functools.cache
def _converter(script: ChineseScript) -> OpenCC:
    return OpenCC(_TABLES[script])


def is_chinese(language: str) -> bool:
    """Whether Whisper's language code is one of those that are written in Chinese characters only."""
    return language in {"zh", "yue"}


def to_script(text: str, script: ChineseScript) -> str:
    """`text` in the wanted script, half-width punctuation between Chinese characters made full-width."""
    if script != "as-is":
        text = _converter(script).convert(text)
    return "".join(
        character.translate(_FULL_WIDTH) if index and _is_han(text[index - 1]) else character
        for index, character in enumerate(text)
    )


def _is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff"
