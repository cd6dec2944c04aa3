"""What a right answer says, as patterns."""

from __future__ import annotations

import re

from auricle.engines.embedded.sound_classes import by_label
from bench.sounds.evaluate import concepts

CANNOT = (
    r"can.?t|cannot|can not|unknown|unclear|no information|not enough|does not (say|tell|mention|contain|specify)|"
    r"(is|are|was|were) not (possible|mentioned|heard|clear|told|specified|known|stated|given|said|provided|in the)|"
    r"isn.t (mentioned|said|known|stated|given)|nobody (says|tells)|not be (heard|told|determined)|"
    r"听不出|听不到|听不清|无法|不能|没有(提到|说|提及|说明|信息|听)|不知道|未提|不清楚|"
    r"nicht|kein|geht nicht|impossible|ne (peut|précise|mentionne|dit)|pas (possible|mentionn|précis|entend)|"
    r"no se (puede|menciona|dice|oye)|non (si|è|viene)"
)
UNTOLD = (  # the test part's, in more words and languages
    rf"{CANNOT}|does ?n.t (say|tell|mention|contain|specify|state|give)|never (mentioned|said|told|stated)|"
    r"not (revealed|disclosed|indicated|mention|say|told)|no (mention|details?)\b|"
    r"未知|[没沒](说|讲|說|講|有提)|無法|聽不|不详|未(说|提|指)|不(清楚|确定)|"
    r"\bno (se|lo|la) |no (indica|especifica|menciona|dice)|desconoc|pas (indiqu|dit|donn|connu)|inconnu|"
    r"non (lo|la|indica|specifica|menziona|dice)|sconosciut|неизвестн|не (сказан|упомина|говор|указан|слыш)|"
    r"わかりません|分かりません|言(って|われて)いません|不明|ありません"
)
NOBODY = (
    r"nobody|no one|no speech|nothing|no spoken|no words|not .*(speech|said|speak|spoken)|can.?t be heard|silent|"
    r"silence|没有(人|任何|语音|听到任何语音|听到说话)|无人|听不|nada|nadie|niemand|nichts|personne"
)
YES = r"\byes\b|^there is|there is (speech|music|some)|\bsomebody speaks|有(?!没)|是的|可以听到|\bja\b|\boui\b|\bsí\b"
AFFIRMS = r"^yes\b|^there is (music|speech)|^有"
NO = r"\bno\b|nobody|not |isn.t|没有|无|不|\bnein\b|\bnon\b|can.t"
DENIES = r"^no\b|there is no\b|nobody|没有|不"
_NAMED = {
    "cannot": CANNOT,
    "untold": UNTOLD,
    "nobody": NOBODY,
    "yes": YES,
    "no": NO,
    "affirms": AFFIRMS,
    "denies": DENIES,
}

# Words of class names that name nothing by themselves.
_EMPTY_WORDS = """
a an the and or of in on at by with from for to into etc sound sounds noise something somebody somebody's small
large light heavy medium high low mid frequency performance technique instrument musical bird's call song vocalization
road air space passing domestic wild family wheels murmur surface being up starting playing played water's fast reverb
line motor vehicle machine music along artillery
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())
# What else people call things.
_SYNONYMS = {
    "cattle": "cow|bull|ox|牛",
    "cymbal": "钹",
    "drumkit": "钹|鼓",
    "bigcat": "lion|tiger|狮|虎",
    "hen": "hen|cock|鸡",
    "wolf": "wol(f|ves)|狼|犬|狗",
    "plane": "plane|aeroplane|飞机",
    "jet": "plane|jet|飞机",
    "rodent": "mouse|mice|rat|鼠",
    "bee": "hornet|wasp|蜂|虫",
    "cricket": "grasshopper|蟋蟀|虫",
    "applause": "clap|掌声|鼓掌",
    "telephone": "phone|电话",
    "ring": "phone|doorbell|铃",
    "linetone": "phone|dial|busy|电话|音",
    "smith": "anvil|metal|铁|锤",
    "metal": "metal|铁|金属",
    "carengine": "motor|汽车|发动机|引擎",
    "water": "水",
    "frenchhorn": r"\bhorn\b|号",
    "trainhorn": "horn|汽笛|喇叭|火车",
}
# Words of a right class that name something else.
_NOT = {"train": "car", "trainhorn": "car truck", "crossing": "car", "shiphorn": "car train truck", "steam": "train"}


def pattern(concept: str) -> str:
    """Matches an answer that names `concept`: by a word of a class that is right for it, English or Chinese."""
    words: set[str] = set()
    chinese: set[str] = set()
    for label in concepts()[concept].right:
        item = by_label()[label]
        for name in (label, item.english):
            words |= {word for word in re.findall(r"[a-z]+", name.lower()) if len(word) > 2 and word not in _EMPTY}
        chinese |= {core for core in [re.split("的|叫|声|鸣|吠|、|（", item.chinese)[0]] if core}
    stems = sorted({_stem(word) for word in words} - set(_NOT.get(concept, "").split()))
    stems = [stem if len(stem) > 3 else rf"{stem}s?\b" for stem in stems]
    return "|".join([rf"\b({'|'.join(stems)})", *sorted(chinese), *filter(None, [_SYNONYMS.get(concept)])])


def expanded(written: str) -> str:
    """`written` with a pattern in place of each name, of those above or of a concept of bench.sounds, as in `<yes>`."""
    return re.sub(r"(?<![?(])<(\w+)>", lambda name: _NAMED.get(name[1]) or pattern(name[1]), written)


def _stem(word: str) -> str:
    """'barking' and 'barks' begin like 'bark'."""
    for ending in ("ing", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word.removesuffix(ending)
    return word
