"""Whether an answer rests on what was heard: a small model likes to make up numbers and names, or to echo the question.

Judged is only what can be judged without understanding: numbers, in digits or in words, whether a reason is told at
all, and, where the answer is in the language that was spoken, names. Small numbers may have been counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

MOST_COUNTED = 2  # numbers up to this may have been counted in the notes rather than read there, or be pronouns
STEM_LETTERS = 5  # that tell words apart: ordered, order
_COUNTING = re.compile(
    r"\b(how (many|often)|combien de|cuánt[oa]s|wie ?viele?|quant[ei]|quantos|quantas)\b|几|多少[^钱]|何", re.IGNORECASE
)
_HOW_MANY = re.compile(
    r"\b(how many|combien d[e’']|cuánt[oa]s|wie viele|quant[ei]|quantos|quantas)\b|几[个只位本张辆]", re.IGNORECASE
)
_SOME = re.compile(
    r"\b(no|none|nobody|no one|several|some|many|few|couple|both|dozens?|only|alone|"
    r"aucun|personne|plusieurs|ningun[oa]?|nadie|varios|varias|kein\w*|niemand|mehrere|nessun[oa]?|nenhum\w*)\b|没有|好几|许多|很多",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")
_NAME = re.compile(r"(?<![.!?:…。！？\"“”'’«»(\-])\s+([A-ZÀ-ÖØ-Þ][\w’'-]+)")
_HAN_NUMBER = re.compile(r"[零〇一二两三四五六七八九十百千万]+")
_WORD = re.compile(r"[^\W\d_]+")
_HYPHENATED = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_HAN_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_HAN_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10_000}

# What numbers are called; tens and units are read as two numbers ("forty two": 40 and 2), which is enough to compare.
_NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty",
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete "
    "dieciocho diecinueve veinte",
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit "
    "dix-neuf vingt",
    "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici "
    "diciassette diciotto diciannove venti",
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn "
    "achtzehn neunzehn zwanzig",
)
_WORDS = {word: value for names in _NUMBERS for value, word in enumerate(names.split())}
_WORDS |= {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_WORDS |= {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8}
_WORDS |= {"ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12, "twice": 2, "hundred": 100, "thousand": 1000}
_PARTS_OF_AN_HOUR = {"half": 30, "半": 30, "media": 30, "demi": 30, "halb": 30, "mezza": 30, "quarter": 15, "刻": 15}
_HAN = re.compile(r"[㐀-鿿]")
_EMPTY_HAN = "的是叫做了在有就他她它们这那个名字"
_EMPTY_WORDS = (
    "a an the is are was were be it its he she they his her their of to in on at by and or called name s "  # English
    "el la los las es son un una su se llama de en der die das ist ein eine heißt le les est une il lo "  # and others
    "c j l d si chiama appelle"
)
_EMPTY = frozenset(_EMPTY_WORDS.split())
_WHO = re.compile(r"(who|whose|qui|quién|quien|chi)\b|.*(谁|叫什么|名字)", re.IGNORECASE)
_WHY = re.compile(
    r"\b(why|pourquoi|por qué|por que|warum|wieso|weshalb|perché)\b|为什么|为何|なぜ|どうして", re.IGNORECASE
)
# What tells a reason, or a purpose, in the languages whose transcripts are judged.
_REASONS = re.compile(
    r"\b(because|since|so|due|therefore|reasons?|as|caused?|causes|thanks to|had to|have to|has to|must|for|in order|"
    r"parce|car|puisque|cause|grâce|pour|donc|porque|ya que|debido|para|por|así que|pois|"
    r"weil|denn|da|wegen|damit|deshalb|um|perché|poiché|causa|per|quindi)\b|"
    r"因为|由于|所以|因此|为了|原因|只好|不得不|为的是|から|ので|ため",
    re.IGNORECASE,
)
REASONED = frozenset(("en", "zh", "fr", "es", "pt", "de", "it", "ja"))
"""Languages in which it is known how reasons are told."""
_WHEN = re.compile(
    r"\b(when|how (long|soon)|time|seconds?|minutes?|duration|starts?|begins?|ends?|quand|combien de temps|dure|"
    r"cuándo|cuánto tiempo|dura|wann|wie lange|dauert|quando|quanto tempo)\b|"
    r"几秒|多久|多长|时候|时间|几点|いつ|何秒|何分",
    re.IGNORECASE,
)
_ONLY_IN_WORDS = re.compile(
    r"\b(names?|called|titles?|how (old|much)|which (city|country|town|year|day)|colou?rs?|breed|price|costs?|why|"
    r"nom|titre|âge|couleur|coûte|pourquoi|nombre|título|edad|color|cuesta|por qué|heißt|titel|alt|farbe|kostet|warum|"
    r"nome|titolo|età|colore|costa|perché)\b|名字|叫什么|标题|多大|几岁|多少钱|颜色|哪个城市|哪一年|为什么|名前|何歳|いくら|何色|なぜ",
    re.IGNORECASE,
)
_NAME_WANTED = re.compile(r"\b(names?|called|s.appelle|se llama|si chiama|se chama|nom|nombre|nome)\b", re.IGNORECASE)
_PERSON = re.compile(
    r"\b(speaker|caller|person|man|woman|boy|girl|boss|friend|brother|sister|mother|father|son|daughter|wife|husband|"
    r"neighbou?r|doctor|driver|teacher|he|she|his|her|personne|locuteur|locutrice|homme|femme|persona|hablante|hombre|"
    r"mujer|uomo|donna|pessoa|homem|mulher)\b",
    re.IGNORECASE,
)
_CAPITALISED_WORD = re.compile(r"\b[A-ZÀ-ÖØ-Þ][\w’'-]+")
# Words that begin sentences and are no names.
_START_WORDS = (
    "the a an this that these those it its he she they we you his her their our my your i'm i'll i've what which who "
    "when where why how if for to in on at from with and but or so please yes no not hello hi good thank thanks "
    "there here all every each some one two three because as after before while nobody somebody everybody do don't let "
    "le la les un une des ce cette ces c'est il elle on nous vous je mon ma mes notre votre et mais pour dans bonjour "
    "el los las una este esta ese eso yo mi su nuestro y pero por para en si hola gracias al lo se "
    "gli i uno questo questa io mio mia suo e ma per ciao non o os as um uma ele ela meu"
)
_STARTS = frozenset(_START_WORDS.split())
_SOMEBODY = frozenset(
    ("person", "people", "somebody", "someone", "nobody", "who", "that", "not", "can", "heard", "audio")
)
_SOMEBODY_HAN = _EMPTY_HAN + "说话人者从音频里听不出来没提到和一先生女士"
# "The speaker" is an answer where the speaker speaks of himself.
_ONESELF = frozenset(("speaker", "caller"))
_FIRST_PERSON = frozenset(
    ("i", "my", "me", "mine", "we", "our", "us", "je", "mon", "ma", "yo", "mi", "io", "mio", "mia")
)
_CHOICE = re.compile(r"\b(or|oder|ou|o|oppure)\b|还是")  # a question that has its answer in it
# In capitals wherever they stand.
_CAPITALISED = (
    "i i'm i'll i'd i've english chinese mandarin cantonese japanese korean german french spanish italian portuguese "
    "russian dutch polish turkish arabic hindi mr mrs ms dr"
)
_NO_NAMES = frozenset(_CAPITALISED.split())


def unfounded(
    answer: str, question: str, said: Sequence[str], sources: Sequence[str], *, names: bool, reasons: bool
) -> bool:
    """Whether `answer` only echoes `question`, lacks what was asked for, or has numbers or names from nowhere.

    `said` is what was said and what the client wrote before; `sources` has the notes and the question, too. `names`
    and `reasons`: whether these can be judged in the languages of the question and of what was said.
    """
    if (
        echoes(answer, question)
        or numberless(answer, question)
        or (reasons and asks_why(question) and not tells_reasons(said))
        or (names and nameless(answer, question, said))
        or (names and asks_who(question) and strangers(answer, sources))
        or (names and invented(answer, sources, names=True))
    ):
        return True
    # The times in the notes are no prices.
    numbers = sources if asks_when(question) else [*said, question]
    return bool(invented(answer, numbers, names=False, counted=asks_to_count(question)))


def asks_to_count(question: str) -> bool:
    """Whether the answer to `question` may have to be counted: how many, how often."""
    return bool(_COUNTING.search(question))


def invented(answer: str, sources: Iterable[str], *, names: bool, counted: bool = True) -> tuple[str, ...]:
    """The numbers, and with `names` the names, in `answer` that are in none of `sources`.

    With `counted`, small numbers in digits may have been counted; small ones in words always may.
    """
    text = " ".join(sources)
    numbers = [number for _, number in sorted(_numbers(text))]
    numbers_in_a_row = "".join(f"{number:g}" for number in numbers)  # 0179 may be said as zero, one, seven, nine
    known = {*numbers, *(value for word, value in _PARTS_OF_AN_HOUR.items() if word in text.lower())}
    found = []
    for at, number in _numbers(answer):
        digits = _DIGITS.match(answer, at)
        in_a_row = digits is not None and digits.group() in numbers_in_a_row
        small = number <= MOST_COUNTED and (counted or digits is None)
        if not small and number not in known and not in_a_row:
            found.append(f"{number:g}")
    if names:
        words = {word.lower() for word in _WORD.findall(text)}
        for name in _NAME.findall(answer):
            parts = [part.lower() for part in _WORD.findall(name) if len(part) > 1]
            if name.lower() not in _NO_NAMES and not words.issuperset(parts):
                found.append(name)
    return tuple(dict.fromkeys(found))


def asks_who(question: str) -> bool:
    """Whether `question` asks for somebody, in a language whose words can be compared."""
    return bool(_WHO.match(question.strip(" ¿")))


def numberless(answer: str, question: str) -> bool:
    """Whether `question` asks how many there are, and `answer` does not say it."""
    return bool(_HOW_MANY.search(question)) and not _SOME.search(answer) and next(_numbers(answer), None) is None


def asks_when(question: str) -> bool:
    """Whether `question` wants a time or a duration."""
    return bool(_WHEN.search(question))


def only_in_words(question: str) -> bool:
    """Whether `question` wants what nothing but words can tell: a name, a price, an age, a colour, a reason."""
    return bool(_ONLY_IN_WORDS.search(question))


def asks_why(question: str) -> bool:
    """Whether `question` wants a reason."""
    return bool(_WHY.search(question))


def tells_reasons(said: Iterable[str]) -> bool:
    """Whether anything in `said`, in REASONED languages, is told as a reason."""
    return any(_REASONS.search(text) for text in said)


def nameless(answer: str, question: str, said: Iterable[str]) -> bool:
    """Whether `question` wants a person's name, and `answer` has no word that is written like one in `said`."""
    if not (_NAME_WANTED.search(question) and _PERSON.search(question)):
        return False
    words = (word for text in said for word in _CAPITALISED_WORD.findall(text))
    names = {word.lower() for word in words} - _STARTS - _NO_NAMES
    return not names.intersection(word.lower() for word in _CAPITALISED_WORD.findall(answer))


def strangers(answer: str, sources: Iterable[str]) -> tuple[str, ...]:
    """Words of an answer to who it was that are in none of `sources`: people are called what they were called."""
    text = " ".join(sources).lower()
    said = _WORD.findall(text)
    known = {_stem(word) for word in said} | _SOMEBODY | (_ONESELF if _FIRST_PERSON.intersection(said) else frozenset())
    words = [word for word in _WORD.findall(answer.lower()) if word not in _EMPTY]
    foreign = [word for word in words if len(word) > 2 and not _HAN.search(word) and not {word, _stem(word)} & known]
    return *foreign, *(character for character in _HAN.findall(answer) if character not in text + _SOMEBODY_HAN)


def echoes(answer: str, question: str) -> bool:
    """Whether `answer` only says what `question` said: "The order." to "What was ordered?"."""
    if _CHOICE.search(question.lower()):
        return False
    asked = {_stem(word) for word in _WORD.findall(question.lower())}
    words = [word for word in _WORD.findall(answer.lower()) if word not in _EMPTY]
    told = [word for word in words if not _HAN.search(word)]
    han = {character for word in words for character in word if _HAN.match(character)}
    return bool(told or han) and all(_stem(word) in asked for word in told) and han <= {*question, *_EMPTY_HAN}


def _stem(word: str) -> str:
    return word[:STEM_LETTERS]


def _numbers(text: str) -> Iterator[tuple[int, float]]:
    """All numbers in `text` and where they are, however they are written; "9:15" are two."""
    for digits in _DIGITS.finditer(text):
        whole = digits.group()
        if re.fullmatch(r"\d{1,3}(,\d{3})+", whole):  # 10,000
            whole = whole.replace(",", "")
        parts = re.split("[:,]", whole)
        yield from ((digits.start(), float(part)) for part in parts if re.fullmatch(r"\d+(\.\d+)?", part))
    for word in _HYPHENATED.finditer(text):
        names = [word.group().lower()] if word.group().lower() in _WORDS else word.group().lower().split("-")
        yield from ((word.start(), float(_WORDS[name])) for name in names if name in _WORDS)
    for han in _HAN_NUMBER.finditer(text):
        yield from ((han.start(), value) for value in _han(han.group()))


def _han(number: str) -> list[float]:
    """What Chinese characters may count: 三百五十 is 350, 一二三 are 1, 2, 3."""
    if not any(unit in number for unit in _HAN_UNITS):
        digits = [_HAN_DIGITS[digit] for digit in number]
        together = [float("".join(map(str, digits)))] if len(digits) > 1 else []
        return [*map(float, digits), *together]
    total, section, digit = 0, 0, 0
    for character in number:
        if character in _HAN_DIGITS:
            digit = _HAN_DIGITS[character]
        elif character == "万":
            total, section, digit = (total + section + digit) * _HAN_UNITS["万"], 0, 0
        else:
            section, digit = section + max(1, digit) * _HAN_UNITS[character], 0
    return [float(total + section + digit)]
