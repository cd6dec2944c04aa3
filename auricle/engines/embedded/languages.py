"""Which language a question is asked in, and what languages are called, for answers in the asker's own."""

from __future__ import annotations

import re
from collections import Counter

from auricle.engines.embedded.vocabularies import VOCABULARIES

# Scripts that one language (of those that are asked in often) owns; Han is Chinese unless kana stand beside it.
_SCRIPTS = (
    ("ja", re.compile(r"[぀-ヿ]")),
    ("ko", re.compile(r"[가-힯]")),
    ("zh", re.compile(r"[㐀-鿿]")),
    ("ru", re.compile(r"[Ѐ-ӿ]")),
    ("ar", re.compile(r"[؀-ۿ]")),
    ("hi", re.compile(r"[ऀ-ॿ]")),
    ("th", re.compile(r"[฀-๿]")),
    ("el", re.compile(r"[Ͱ-Ͽ]")),
    ("he", re.compile(r"[֐-׿]")),
)
_HAN = _SCRIPTS[2][1]

# Frequent short words tell languages in Latin letters apart.
_FREQUENT = {each.language: frozenset(each.frequent.split()) for each in VOCABULARIES.values() if each.frequent}

# Letters and marks that settle it between these where their words are in both.
_LETTERS = {
    "de": re.compile("[äöüß]"),
    "fr": re.compile("[èêëœçûùàîô]|[ \u00a0\u202f][?!:]"),
    "es": re.compile("[¿¡ñáíóú]"),
    "it": re.compile("[èìòàù]"),
    "pt": re.compile("[ãõâêôçáóú]"),
}
WORD_VOTES = 3  # a frequent word counts as much as so many letters

# Names in English and in Chinese; others are named by their code.
NAMES = {
    "en": ("English", "英语"),
    "zh": ("Chinese", "中文"),
    "yue": ("Cantonese", "粤语"),
    "ja": ("Japanese", "日语"),
    "ko": ("Korean", "韩语"),
    "de": ("German", "德语"),
    "fr": ("French", "法语"),
    "es": ("Spanish", "西班牙语"),
    "it": ("Italian", "意大利语"),
    "pt": ("Portuguese", "葡萄牙语"),
    "ru": ("Russian", "俄语"),
    "nl": ("Dutch", "荷兰语"),
    "pl": ("Polish", "波兰语"),
    "tr": ("Turkish", "土耳其语"),
    "ar": ("Arabic", "阿拉伯语"),
    "hi": ("Hindi", "印地语"),
    "vi": ("Vietnamese", "越南语"),
    "th": ("Thai", "泰语"),
    "id": ("Indonesian", "印尼语"),
    "sv": ("Swedish", "瑞典语"),
    "da": ("Danish", "丹麦语"),
    "no": ("Norwegian", "挪威语"),
    "fi": ("Finnish", "芬兰语"),
    "cs": ("Czech", "捷克语"),
    "el": ("Greek", "希腊语"),
    "he": ("Hebrew", "希伯来语"),
    "hu": ("Hungarian", "匈牙利语"),
    "ro": ("Romanian", "罗马尼亚语"),
    "uk": ("Ukrainian", "乌克兰语"),
    "la": ("Latin", "拉丁语"),
}


def language_of(text: str) -> str:
    """The ISO 639-1 code of the language that `text` is written in; English where nothing tells."""
    han = len(_HAN.findall(text))
    for code, script in _SCRIPTS:
        found = len(script.findall(text))
        # A Chinese sentence says in four characters what takes English four words: weigh a few of them heavily.
        if found and (found + han) * 3 >= len(re.findall(r"[A-Za-z]", text)):
            return code
    lower = text.lower()
    words = re.findall(r"[^\W\d_]+", lower)
    votes = Counter(code for word in words for code, frequent in _FREQUENT.items() if word in frequent)
    for code in votes:
        votes[code] *= WORD_VOTES
    for code, letters in _LETTERS.items():
        votes[code] += len(set(letters.findall(lower)))
    votes += Counter()  # without those that have none
    if not votes:
        return "en"
    best, count = votes.most_common(1)[0]
    return best if count > votes["en"] else "en"


def name_of(code: str, *, chinese: bool = False) -> str:
    """What the language `code` is called in English or in Chinese."""
    names = NAMES.get(code)
    return names[chinese] if names else code
