"""What of an answer is certain before the language model writes it: that there is speech, music, a sound, or none.

These are heard, not concluded. A small model likes to agree that there is what it is asked for, and to say that it
cannot hear what its notes tell; so the beginning of its answer is settled here, and it only words the rest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from auricle.engines.embedded.heard import Heard
from auricle.engines.embedded.sound_classes import is_instrument

_YES_NO = {
    "en": ("Yes", "No"),
    "zh": ("有", "没有"),
    "es": ("Sí", "No"),
    "fr": ("Oui", "Non"),
    "de": ("Ja", "Nein"),
    "it": ("Sì", "No"),
    "pt": ("Sim", "Não"),
    "ja": ("はい", "いいえ"),
}
"""By the language of the question."""

_NOBODY = {
    "en": "Nobody speaks",
    "zh": "没有人说话",
    "es": "Nadie habla",
    "fr": "Personne ne parle",
    "de": "Niemand spricht",
    "it": "Nessuno parla",
    "pt": "Ninguém fala",
    "ja": "誰も話していません",
}

# A question asks for nothing but whether there is one of these if all its other words are among the empty ones.
_SPEECH_WORDS = (
    "speech speak speaks speaking spoken talk talks talking voice voices word words habla hablan hablando voz voces "
    "parle parlent parler voix parole paroles spricht sprechen gesprochen redet stimme stimmen sprache parla parlano "
    "parlando voce voci fala falam falando"
)
_MUSIC_WORDS = "music música musica musique musik"
_EMPTY_WORDS = (
    "is are was were there do does did can could i we you one hear heard any some anybody anyone somebody someone "
    "people person human a an the this that in on of at it audio recording clip file track background playing played "
    "plays contain contains have has being to be "
    "hay alguien se oye oyen puede oír escucha en el la este esta grabación de fondo "
    "y t il est ce que quelqu un on entend entendre dans l le cet cette enregistrement du des fond "
    "gibt es ist jemand hört man hören zu dem der diese dieser aufnahme im hintergrund eine ein wird mensch "
    "c è qualcuno si sente nell nel questo questa registrazione sottofondo della "
    "há alguém ouve neste nesta na gravação"
)
_SPEECH, _MUSIC, _EMPTY = (frozenset(words.split()) for words in (_SPEECH_WORDS, _MUSIC_WORDS, _EMPTY_WORDS))
_HAN = re.compile(
    r"(请问)?(在)?(这|该)?(一)?(段|个|条)?(音频|录音|语音)?(文件)?(里|中)?(面)?(是否|是不是|能否|可以|能)?"
    r"(有没有|有无|听到|听见|听得到|有)*(任何|背景)?(人|谁)?(在|正在)?((?P<speech>说话|讲话|语音|人声|说话声)|(?P<music>音乐))"
    r"(声)?(吗|么|呢)?[？?。]*"
)
_KANA = re.compile(
    r"(この|その)?(音声|録音|音)?(の中)?(に|で|には|では)?(は|、)?(誰か|だれか|人)?(が|の)?"
    r"((?P<speech>話し(て(い)?ますか|ているか)|声(が|は)聞こえますか)|"
    r"(?P<music>音楽(は|が)?(ありますか|流れて(い)?ますか|聞こえますか|入って(い)?ますか)))[？?。]*"
)
_ASKS_FOR_WORDS = re.compile(
    r"\b(what (is|was|are|were|does|do|did)\b.{0,40}\b(said|says?|spoken|talk(ing)? about)|"
    r"write down|transcri(be|ption|pt)|"
    r"qué (se )?dicen?|transcrib[ea]|qu.est.ce qui est dit|que dit|transcri(re|s|vez|vi|vere)|"
    r"was (wird|sagt|sagen)\b|schreib(e|en)?\b.{0,20}\bauf\b|(che )?cosa (si )?dic(e|ono))\b|"
    r"说(了|的)?(些|是)?什么|说的(话|内容)|讲(了|的)?什么|转写|听写|逐字|何と言|何を話|文字起こし|書き起こ",
    re.IGNORECASE,
)
_ASKS_FOR_SOUNDS = re.compile(
    r"\b(hear|heard|sounds?|noises?|instruments?|animals?|vehicles?|machines?|"
    r"oye|suena|sonidos?|ruidos?|animal|animales|instrumentos?|"
    r"entend|bruits?|sons?|animaux|geräusche?|hört|tier|tiere|sente|suoni|suono|rumori?|strumenti|strumento)\b|"
    r"声|声音|动物|乐器|交通工具|听到|听见|音が|聞こえ",
    re.IGNORECASE,
)


def beginning(question: str, language: str, heard: Sequence[Heard]) -> str:
    """What the answer to `question` begins with, in `language`: yes, no, or that nobody speaks, where that is certain;
    else nothing."""
    if language not in _YES_NO or len(heard) != 1:
        return ""
    if topic := _topic(question):
        is_there = _is_there(topic, heard[0])
        return "" if is_there is None else _YES_NO[language][not is_there]
    if _ASKS_FOR_WORDS.search(question) and _is_there("speech", heard[0]) is False:
        return _NOBODY[language]
    return ""


def told(question: str, heard: Sequence[Heard]) -> bool:
    """Whether `question` asks for sounds, and some were heard: "it can't be heard" is no answer to it then."""
    return bool(_ASKS_FOR_SOUNDS.search(question)) and any(one.sounds or one.guesses for one in heard)


def _topic(question: str) -> str | None:
    """What `question` asks the presence of, if it asks nothing else: speech or music."""
    text = question.strip()
    if found := _HAN.fullmatch(text) or _KANA.fullmatch(text):
        return next(name for name, value in found.groupdict().items() if value)
    words = frozenset(re.findall(r"[^\W\d_]+", text.lower()))
    topics = [name for name, names in (("speech", _SPEECH), ("music", _MUSIC)) if words & names]
    return topics[0] if len(topics) == 1 and words <= _EMPTY | _SPEECH | _MUSIC else None


def _is_there(topic: str, heard: Heard) -> bool | None:
    """None where hearing leaves it open."""
    if topic == "speech":
        return True if heard.segments else None if heard.voices or heard.singing else False
    if heard.events is None:
        return False if heard.loudness.silent else None
    if heard.music:
        return True
    uncertain = heard.singing or any(is_instrument(event.label) for event in (*heard.sounds, *heard.guesses[:1]))
    return None if uncertain else False
