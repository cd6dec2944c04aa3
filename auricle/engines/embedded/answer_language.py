"""Which language a text asks to be answered in: "Summarize it in Chinese.", "Translate to English.", "用英文回答".

A language that is only spoken about is none: "Is it in English?", "What does she say in French?". A statement or an
order that leads into a language asks for it; a question only where it asks for something to be done.
"""

from __future__ import annotations

import re

from auricle.engines.embedded.languages import NAMES

# How a language is called in the languages that questions are read in, where that is not in NAMES.
_CALLED = {
    "en": r"anglais|ingl[eéê]s|inglese|englisch\w*|英文|英語|영어|английск\w*|по-английски",
    "zh": r"mandarin|chinois|chin[oê]s|chino|cinese|mandarín|chinesisch\w*|汉语|漢語|普通话|国语|中国語|중국어|"
    r"китайск\w*|по-китайски",
    "ja": r"japonais|japonés|japonês|giapponese|japanisch\w*|日文|日本語|일본어|японск\w*|по-японски",
    "ko": r"coréen|coreano|koreanisch\w*|韩文|韓国語|한국어|корейск\w*|по-корейски",
    "de": r"allemand|alemán|alemão|tedesco|deutsch\w*|德文|ドイツ語|독일어|немецк\w*|по-немецки",
    "fr": r"français|francés|francês|francese|französisch\w*|法文|フランス語|프랑스어|французск\w*|по-французски",
    "es": r"espagnol|español|castellano|espanhol|spagnolo|spanisch\w*|西班牙文|スペイン語|스페인어|"
    r"испанск\w*|по-испански",
    "it": r"italien|italiano|italienisch\w*|意大利文|イタリア語|이탈리아어|итальянск\w*|по-итальянски",
    "pt": r"portugais|portugu[eê]s|português|portoghese|portugiesisch\w*|葡萄牙文|ポルトガル語|포르투갈어|"
    r"португальск\w*|по-португальски",
    "ru": r"russe|ruso|russo|russisch\w*|俄文|ロシア語|러시아어|русск\w*|по-русски",
}
_NAMED = {
    code: "|".join([*(re.escape(name.lower()) for name in names), *filter(None, [_CALLED.get(code, "")])])
    for code, names in NAMES.items()
}
_ANY = "|".join(_NAMED.values())

# "in plain English", "vers l'anglais", "ins Deutsche", "用中文", "成英文", "日本語で", "영어로".
_ADVERB = r"по-\w+ски"
_INTO = re.compile(
    rf"\b(?:in|into|to|en|al|auf|ins|vers|em|para|na|на)\s+"
    rf"(?:the |das |le |la lingua |lingua |lengua |língua |o |el |l['’])?"
    rf"(?:(?:simple|plain|good|simplified|traditional|einfache[ms]) )?(?P<latin>{_ANY})\b"
    rf"|\bl['’](?P<article>{_ANY})\b|(?:用|以|成|为|說|说)(?:简体|繁体|简单的)?(?P<chinese>{_ANY})"
    rf"|(?P<other>{_ANY})(?:で|に|로|으로)|\b(?P<adverb>{_ADVERB})\b",
    re.IGNORECASE,
)
# A translation leads from one into another: "Translate what she says in French into English."
_TRANSLATED = re.compile(r"translat|übersetz|tradu[izc]|перев[её]д|译|訳|번역", re.IGNORECASE)
_TARGET = re.compile(r"into |to |ins |成|vers |al |para |на |に", re.IGNORECASE)
_USED = re.compile(rf"(?:please |always |only )*(?:use|speak)(?: only)? (?P<used>{_ANY})\b", re.IGNORECASE)

_ORDER = re.compile(
    r"\b(?:answers?|repl(?:y|ies)|responses?|respond|translat\w+|summari[sz]e|summary|sum up|describe|write|repeat|"
    r"tell|give|list|explain|say|transcribe|put|express|output|show|make|"
    r"antwort\w*|übersetz\w*|fass|fasse|fassen|zusammen\w*|beschreib\w*|schreib\w*|sag|sage|erklär\w*|wiederhol\w*|gib|"
    r"répon\w+|tradui\w+|résum\w+|décri\w+|écri\w+|dis|dites|expli\w+|répét\w+|donne\w*|"
    r"respond\w+|responde|contesta\w*|traduc\w+|traduz\w*|resum\w+|describ\w+|escrib\w+|di|dime|repit\w+|"
    r"rispond\w+|traduci\w*|riassum\w+|descriv\w+|scriv\w+|dimmi|spieg\w+|ripet\w+|"
    r"descrev\w+|escrev\w+|diga|dá|"
    r"ответь\w*|отвеча\w+|перевед\w+|опиш\w+|напиш\w+|переска\w+|скажи\w*|расскаж\w+)\b"
    r"|回答|总结|概括|描述|翻译|译|写|列出|告诉|说明|介绍|复述|重复|转述|解释|输出|回复|讲|说|答え|要約|訳|説明|書い|教え|まとめ|대답|답|번역|요약|설명|말해",
    re.IGNORECASE,
)
_ASKED_TO = re.compile(
    r"\b(?:(?:can|could|would|will) you|please|kannst|können|könntest|bitte|peux|pouvez|pourr\w+|puedes?|podrías?|puoi|"
    r"potresti|pode|poderia|por favor|можешь|можете)\b|能|可以|请|ください|くれ|もらえ|주세요|주실|줄",
    re.IGNORECASE,
)
_ALONE = re.compile(
    r"(?:\W|\b(?:and|und|et|y|e|now|then|but|again|the same|please|bitte|s'il (?:te|vous) plaît|por favor|per favore|"
    r"nochmal|jetzt|maintenant|ahora|ora|agora)\b|请|再|一遍|一次|吧)*",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.!?。！？؟\n]+[.!?。！？؟]*")


def answer_language(text: str) -> str | None:
    """The ISO 639-1 code of the language that `text` asks to be answered in, by its last sentence that does; None
    where none does."""
    for sentence in reversed(_SENTENCE.findall(text)):
        if code := _asked(sentence.strip()):
            return code
    return None


def asks_to_do(question: str) -> bool:
    """Whether `question` asks for something to be done, as "Can you ...?"."""
    return _ASKED_TO.search(question) is not None


def _asked(sentence: str) -> str | None:
    if used := _USED.match(sentence):
        return _code(used["used"])
    named = list(_INTO.finditer(sentence))
    if not named:
        return None
    targets = [one for one in named if _TARGET.match(one.group())] if _TRANSLATED.search(sentence) else []
    chosen = [*targets, *named][0]
    rest = sentence[: chosen.start()] + sentence[chosen.end() :]
    asks = sentence.endswith(("?", "？", "؟"))
    apart = bool(re.search(r",\s*$", sentence[: chosen.start()])) and bool(_ALONE.fullmatch(sentence[chosen.end() :]))
    ordered = _ORDER.search(rest) is not None and (not asks or asks_to_do(rest))
    return _code(next(filter(None, chosen.groups()))) if ordered or apart or _ALONE.fullmatch(rest) else None


def _code(name: str) -> str | None:
    return next((code for code, named in _NAMED.items() if re.fullmatch(named, name, re.IGNORECASE)), None)
