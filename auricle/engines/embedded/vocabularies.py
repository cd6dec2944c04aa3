"""The words of every language that questions are read in.

To add a language, add its `Vocabulary` here. Whatever is left out of it is not recognised, or left to the language
model. Words are looked for in every language at once: many a question mixes two, and a short one is not told apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from auricle.engines.embedded.vocabulary import Vocabulary, Want

# These are told by how a question begins, where words have borders.
_FIRST: Mapping[Want, str] = {"person": r"[ ¿]*", "yes or no": r"\s*"}


def _numbered(names: str) -> Mapping[str, int]:
    """Names of the numbers from 0."""
    return {name: number for number, name in enumerate(names.split())}


_ENGLISH = Vocabulary(
    language="en",
    frequent="the is what who how does do are was this that and of in to please where when why many there can you it "
    "he she has have on give me list from all or summarize transcribe describe resume sound sounds with a as",
    asks={
        "transcript": r"what (is|was|are|were|does|do|did)\b.{0,40}\b(said|says?|spoken|talk(ing)? about)|write down|"
        r"transcri(be|ption|pt)",
        "sound": "hear|heard|sounds?|noises?|instruments?|animals?|vehicles?|machines?",
        "number": "how many",
        "count": "how (many|often)",
        "person": "who|whose",
        "name": "names?|called",
        "reason": "why|how come",
        "time": "when|how (long|soon)|time|seconds?|minutes?|duration|starts?|begins?|ends?",
        "fact": "names?|called|titles?|how (old|much)|which (city|country|town|year|day)|colou?rs?|breed|price|costs?|"
        "why",
        "noted": "hear|heard|sounds?|noises?|music|instruments?|animals?|said|says?|spoken|speaks?|speaking|"
        "languages?|audios?",
        # "Was" is what a German asks with.
        "yes or no": "is|are|was(?! (ist|war|wird|hat|haben|sind|sagt|macht|kostet))|were|do|does|did|has|have|can|"
        "could|will|would",
        "choice": "or",
    },
    people="speaker|caller|person|man|woman|boy|girl|boss|friend|brother|sister|mother|father|son|daughter|wife|"
    "husband|neighbou?r|doctor|driver|teacher|he|she|his|her",
    speech="speech speak speaks speaking spoken talk talks talking voice voices word words",
    music="music",
    neutral="is are was were there do does did can could i we you one hear heard any some anybody anyone somebody "
    "someone people person human a an the this that in on of at it audio recording clip file track background "
    "playing played plays contain contains have has being to be",
    some="no|none|nobody|no one|several|some|many|few|couple|both|dozens?|only|alone",
    reasons="because|since|so|due|therefore|reasons?|as|caused?|causes|thanks to|had to|have to|has to|must|for|"
    "in order",
    numbers={
        **_numbered(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
            "seventeen eighteen nineteen twenty"
        ),
        **{"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90},
        **{"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8},
        **{"ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12, "twice": 2, "hundred": 100, "thousand": 1000},
    },
    minutes={"half": 30, "quarter": 15},
    fillers="a an the is are was were be it its he she they his her their of to in on at by and or called name s",
    starters="the a an this that these those it its he she they we you his her their our my your i'm i'll i've what "
    "which who when where why how if for to in on at from with and but or so please yes no not hello hi good thank "
    "thanks there here all every each some one two three because as after before while nobody somebody everybody do "
    "don't let",
    capitalised="i i'm i'll i'd i've english chinese mandarin cantonese japanese korean german french spanish italian "
    "portuguese russian dutch polish turkish arabic hindi mr mrs ms dr",
    first_person="i my me mine we our us",
    oneself="speaker caller",
    somebody="person people somebody someone nobody who that not can heard audio",
    yes="Yes",
    no="No",
    nobody="Nobody speaks",
    admission="It can't be heard in the audio.",
    refusal="It can",  # kept from the whole sentence alone, the 1.5B model says 'It can be heard'
)

_CHINESE = Vocabulary(
    language="zh",
    spaced=False,
    asks={
        "transcript": "说(了|的)?(些|是)?什么|说的(话|内容)|讲(了|的)?什么|转写|转录|听写|逐字",
        "sound": "声|声音|动物|乐器|交通工具|听到|听见",
        "number": "几[个只位本张辆]",
        "count": "几|多少[^钱]",
        "person": r"\A.*(谁|叫什么|名字)",
        "reason": "为什么|为何|为啥|什么原因",
        "time": "几秒|多久|多长|时候|时间|几点|何时",
        "fact": "名字|叫什么|标题|多大|几岁|多少钱|颜色|哪个城市|哪一年|为什么|姓什么|什么价格|什么品种|哪个国家",
        "noted": "听|声|音|说了|说的是|语言|动物|乐器",
        "yes or no": "(吗|没有)[？?]$",
        "choice": "还是",
    },
    presence=r"(请问)?(在)?(这|该)?(一)?(段|个|条)?(音频|录音|语音)?(文件)?(里|中)?(面)?"
    r"(是否|是不是|能否|可以|能)?(有没有|有无|听到|听见|听得到|有)*(任何|背景)?(人|谁)?(在|正在)?"
    r"((?P<speech>说话|讲话|语音|人声|说话声)|(?P<music>音乐))(声)?(吗|么|呢)?[？?。]*",
    some="没有|好几|许多|很多",
    reasons="因为|由于|所以|因此|为了|原因|只好|不得不|为的是",
    minutes={"半": 30, "刻": 15},
    fillers="的是叫做了在有就他她它们这那个名字",
    somebody="说话人者从音频里听不出来没提到和一先生女士",
    yes="有",
    no="没有",
    nobody="没有人说话",
    admission="从音频里听不出来。",
    refusal="从音频里听",
)

_GERMAN = Vocabulary(
    language="de",
    frequent="der die das ist was wer wie und nicht ein eine wird welche gibt bitte wo wann warum sind wurde über mir "
    "jemand spricht hört hören heißt kostet viele welches welcher dieser aufnahme worum es alles nenne fasse fass "
    "beschreibe schreib schreibe klingt sie er danke hallo oder männlich weiblich welchen sagt mann frau ins auf "
    "um viel uhr transkribiere am ende passiert antworte mach",
    asks={
        "transcript": r"was (wird|sagt|sagen)\b|schreib(e|en)?\b.{0,20}\bauf|transkribier\w*",
        "sound": "geräusche?|hört|hören|tier|tiere|tieren|instrumente?|fahrzeuge?|maschinen?",
        "number": "wie viele",
        "count": "wie ?viele?",
        "reason": "warum|wieso|weshalb",
        "time": "wann|wie lange?|dauert|um wie ?viel uhr|zeit|sekunden|minuten",
        "fact": "heißt|titel|alt|farbe|kostet|kosten|preis|rasse|in welche[rm] (stadt|land|jahr)|warum|wieso|weshalb",
        "noted": "hört|hören|geräusche?|musik|instrumente?|tier|tiere|gesagt|gesprochen|sprachen?|aufnahmen?",
        "choice": "oder",
    },
    speech="spricht sprechen gesprochen redet stimme stimmen sprache",
    music="musik",
    neutral="gibt es ist jemand hört man hören zu in dem der diese dieser aufnahme im audio hintergrund eine ein wird "
    "mensch",
    some=r"kein\w*|niemand|mehrere|eine?|einen|einem",
    reasons="weil|denn|da|wegen|damit|deshalb|um",
    numbers=_numbered(
        "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn "
        "siebzehn achtzehn neunzehn zwanzig"
    ),
    minutes={"halb": 30},
    fillers="der die das ist ein eine heißt in",
    yes="Ja",
    no="Nein",
    nobody="Niemand spricht",
    admission="Das ist in der Aufnahme nicht zu hören.",
)

_FRENCH = Vocabulary(
    language="fr",
    frequent="le les est que qui quoi quel quelle dans une des cette ce il elle comment pourquoi où combien sont du "
    "moi entend quelqu parle résume résumez décris décrivez traduis traduisez transcris transcrivez écris donne "
    "donnez merci quels quelles et sur cet langue titre homme femme l liste fais y fait réponds répondez à",
    asks={
        "transcript": "qu.est.ce qui est dit|que dit|transcri(re|s|vez|ption)|qu.(est.ce qu.)?(il|elle|on) dit",
        "sound": "entend|entendre|entendez|bruits?|(les|des|quels|ces|le|un|quel|du|ce) sons?|animaux|animal|"
        "instruments?|machines?|véhicules?",
        "number": "combien d[e’']",
        "count": "combien d[e’']",
        "person": "qui",
        "name": "s.appelle|nom",
        "reason": "pourquoi|pour quelles? raisons?",
        "time": "quand|combien de (temps|secondes|minutes)|dure|quelle heure",
        "fact": "nom|s.appelle|titre|âge|couleur|coûte|prix|quelle race|dans quel(le)? (ville|pays|année)|pourquoi",
        "noted": "entend|entendre|entendez|bruits?|(les|des|quels|ces|le|un|quel|du|ce) sons?|musique|instruments?|"
        "animaux|animal|dite?|parlée?|langues?|enregistrements?",
        "choice": "ou",
    },
    people="personne|locuteur|locutrice|homme|femme",
    speech="parle parlent parler voix parole paroles",
    music="musique",
    neutral="y a t il est ce que quelqu un on entend entendre dans l le cet cette enregistrement audio du des fond",
    some="aucun|personne|plusieurs|une",
    reasons="parce|car|puisque|cause|grâce|pour|donc",
    numbers=_numbered(
        "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept "
        "dix-huit dix-neuf vingt"
    ),
    minutes={"demi": 30},
    fillers="le la les un une est de en il se c j l d appelle",
    starters="le la les un une des ce cette ces c'est il elle on nous vous je mon ma mes notre votre et mais pour "
    "dans bonjour",
    first_person="je mon ma",
    yes="Oui",
    no="Non",
    nobody="Personne ne parle",
    admission="On ne peut pas l'entendre dans l'audio.",
)

_SPANISH = Vocabulary(
    language="es",
    frequent="el los las qué quién cómo cuál cuántos dónde por es una esta este del hay dice están puede "
    "alguien oye dicen al lo se que describe transcribe escribe resume resuma resumen traduce traduzca haz un título "
    "dame gracias cuántas cuánto cuanto cuesta hablan habla música esto responde quien donde como mujer hombre español "
    "y",
    asks={
        "transcript": "qué (se )?dicen?|transcrib[ea]|transcríbelo|transcripción",
        "sound": "oye|oyen|suena|suenan|sonidos?|ruidos?|animal|animales|instrumentos?|vehículos?|máquinas?",
        "number": "cuánt[oa]s",
        "count": "cuánt[oa]s",
        "person": "quién|quien",
        "name": "se llama|nombre",
        "reason": "por qué|para qué",
        "time": "cuándo|cuánto tiempo|cuántos (segundos|minutos)|dura|a qué hora",
        "fact": "nombre|se llama|título|edad|cuántos años|color|cuesta|precio|raza|en qué (ciudad|país|año)|por qué",
        "noted": "oyen?|suenan?|sonidos?|ruidos?|música|instrumentos?|animal|animales|dicen?|dicho|idiomas?",
        "choice": "o",
    },
    people="persona|hablante|hombre|mujer",
    speech="habla hablan hablando voz voces",
    music="música musica",
    neutral="hay alguien se oye oyen puede oír escucha en el la este esta grabación audio de fondo",
    some="ningun[oa]?|nadie|varios|varias|una?",
    reasons="porque|ya que|debido|para|por|así que",
    numbers=_numbered(
        "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis "
        "diecisiete dieciocho diecinueve veinte"
    ),
    minutes={"media": 30},
    fillers="el la los las es son un una su se llama de en",
    starters="el la los las una este esta ese eso yo mi su nuestro y pero por para en si hola gracias al lo se",
    first_person="yo mi",
    yes="Sí",
    no="No",
    nobody="Nadie habla",
    admission="No se puede oír en el audio.",
)

_ITALIAN = Vocabulary(
    language="it",
    frequent="il gli che chi cosa come quale quanti dove perché è una questo questa della nel sono dice puoi nell "
    "sente qualcuno trascrivi riassumi descrivi traduci scrivi dammi fai un quante quanto costa titolo grazie "
    "parlano parla uomo donna musica elenca di l italiano a ora quando ha rispondi spiega alla fine",
    asks={
        "transcript": "(che )?cosa (si )?dic(e|ono)|tra?n?scri(vi|vere|zione)",
        "sound": "sente|sentono|suoni|suono|rumori?|strumenti|strumento|animale|animali|veicol[oi]|macchin[ae]",
        "number": "quant[ei]",
        "count": "quant[ei]",
        "person": "chi",
        "name": "si chiama|nome",
        "reason": "perché|come mai",
        "time": "quando|quanto tempo|dura|a che ora|quanti (secondi|minuti)",
        "fact": "nome|si chiama|titolo|età|quanti anni|colore|costa|prezzo|razza|"
        "in (che|quale) (città|paese|anno)|perché",
        "noted": "sente|sentono|suoni|suono|rumori?|musica|strumenti|strumento|animale|animali|detto|dice|dicono|"
        "lingu[ae]|registrazion[ei]",
        "choice": "o|oppure",
    },
    people="persona|uomo|donna",
    speech="parla parlano parlando voce voci",
    music="musica",
    neutral="c è qualcuno si sente nell nel questo questa registrazione sottofondo audio della",
    some="nessun[oa]?|una?",
    reasons="perché|poiché|causa|per|quindi",
    numbers=_numbered(
        "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici "
        "diciassette diciotto diciannove venti"
    ),
    minutes={"mezza": 30},
    fillers="il lo la un una c l d si chiama",
    starters="gli i il la uno una questo questa io mio mia suo e ma per in si ciao non",
    first_person="io mio mia",
    yes="Sì",
    no="No",
    nobody="Nessuno parla",
    admission="Non si sente nell'audio.",
)

_PORTUGUESE = Vocabulary(
    language="pt",
    frequent="o os as que quem como qual quantos onde porque é uma este esta do da não são você diz pode áudio "
    "há alguém ouve fala se horas quantas quando quanto custa pessoas falam resuma resume descreva transcreva "
    "traduza faça um título obrigado obrigada tem música dê por ele ela homem mulher liste diga responda final",
    asks={
        "transcript": r"o que .{0,20}\b(diz|dizem|dito)|transcrev\w+|transcrição",
        "sound": "ouve|ouvem|ouvir|sons|som|ruídos?|barulhos?|animal|animais|instrumentos?|veículos?|máquinas?",
        "number": "quantos|quantas",
        "count": "quantos|quantas",
        "name": "se chama|nome",
        "reason": "por qu[eê]|porquê",
        "time": "quando|quanto tempo|dura|a que horas|quantos (segundos|minutos)",
        "fact": "nome|se chama|título|idade|quantos anos|cor|custa|preço|raça|em que (cidade|país|ano)|"
        "por qu[eê]|porquê",
        "noted": "ouve|ouvem|ouvir|sons|som|ruídos?|barulhos?|música|instrumentos?|animal|animais|dito|diz|dizem|"
        "idiomas?|língua|áudios?|gravação",
    },
    people="pessoa|homem|mulher",
    speech="fala falam falando voz",
    music="música",
    neutral="há alguém ouve se neste nesta na este de fundo gravação áudio",
    # "No" means in the, but is not to be passed over in an English question.
    presence=r"(há|tem|ouve-se|existe) ((alguma )?(?P<music>música)|(?P<speech>alguém (a falar|falando)))( de fundo)?"
    r"( no áudio| na gravação)?[?]?",
    some=r"nenhum\w*|ninguém|vári[oa]s|muit[oa]s|algu(ns|mas)|uma?",
    reasons="porque|para|por|pois",
    numbers={
        **_numbered(
            "zero um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis dezessete "
            "dezoito dezenove vinte"
        ),
        **{"uma": 1, "duas": 2, "quatorze": 14, "dezasseis": 16, "dezassete": 17, "dezanove": 19},
    },
    minutes={"meia": 30},
    starters="o os as um uma ele ela meu",
    yes="Sim",
    no="Não",
    nobody="Ninguém fala",
    admission="Não se ouve no áudio.",
)

_JAPANESE = Vocabulary(
    language="ja",
    spaced=False,
    asks={
        "transcript": "何と言|何を話|文字起こし|書き起こ|書き取",
        "sound": "音が|物音|何の音|聞こえ|動物|楽器|乗り物",
        "count": "何",
        "reason": "なぜ|どうして|何故|なんで",
        "time": "いつ|何秒|何分|何時|どのくらいの長さ|どれくらいの長さ|長さは",
        "fact": "名前|何歳|いくら|何色|なぜ|どうして|値段|題名|タイトル|どの(町|都市|国)",
    },
    presence=r"(この|その)?(音声|録音|音)?(の中)?(に|で|には|では)?(は|、)?(誰か|だれか|人)?(が|の)?"
    r"((?P<speech>話し(て(い)?ますか|ているか)|声(が|は)聞こえますか)|"
    r"(?P<music>音楽(は|が)?(ありますか|流れて(い)?ますか|聞こえますか|入って(い)?ますか)))[？?。]*",
    reasons="から|ので|ため",
    yes="はい",
    no="いいえ",
    nobody="誰も話していません",
    admission="音声からは聞き取れません。",
)

_KOREAN = Vocabulary(
    language="ko",
    spaced=False,  # what stands behind a word is written together with it
    asks={
        "transcript": "뭐라고|무슨 말|받아 ?쓰|받아 ?적|전사",
        "sound": "들리|들려|소리|소음|동물|악기",
        "reason": "왜 |어째서|무슨 이유",
        "time": "언제|몇 ?(시|초|분)|얼마나 (오래|길|긴)|시간|길이",
        "fact": r"이름|제목|몇 ?살|나이|얼마(예|인|입|에)|가격|무슨 색|색깔|어느 (도시|나라)|왜 ",
        "noted": "들리|들려|소리|소음|음악|동물|악기|뭐라고|무슨 말|언어",
    },
    # 누가 is who, and 누군가 somebody.
    presence=r"(이 |그 )?((오디오|녹음|음성)(에서?|에는|에서는)? ?)?(누군가 ?|사람이 ?)?"
    r"((?P<speech>(말하|이야기하)고 있(나요|습니까)|(말소리|목소리)(가|는)? ?(들리|있)(나요|습니까))|"
    r"(?P<music>(배경 ?)?음악(이|은)? ?(있|들리|나오|흐르)(나요|습니까)))[?？]?",
    reasons="때문|위해|니까|므로|느라|려고|러 |서",
    yes="네",
    no="아니요",
    nobody="아무도 말하지 않습니다",
    admission="오디오에서는 들을 수 없습니다.",
)

_RUSSIAN = Vocabulary(
    language="ru",
    asks={
        "transcript": r"что (здесь |тут )?(говор\w+|сказан\w*|сказал\w*)|расшифру\w+|транскриб\w+",
        "sound": r"слышн[аоы]|слышен|звук\w*|шум\w*|животн\w+|инструмент\w*",
        "reason": "почему|зачем|отчего",
        "time": r"когда|как долго|сколько (времени|секунд|минут|длится)|длится|длительность|во сколько",
        "fact": r"зовут|имя|называется|сколько лет|возраст|сколько стоит|цена|какого цвета|почему|зачем|породы?|"
        "в каком (городе|году)|в какой стране",
        "noted": r"слышн[аоы]|слышен|звук\w*|шум\w*|музык\w+|животн\w+|инструмент\w*|говорится|сказано|язык\w*|аудио|"
        r"запис[иь]",
    },
    # Кто is who, and кто-нибудь somebody.
    presence=r"((в|на) (этой |этом )?(записи|аудио|фоне) )?("
    r"(?P<speech>кто-(нибудь|то|либо) говорит|говорит ли( здесь)? кто-(нибудь|то|либо)|(есть|слышна)( ли)? речь)|"
    r"(?P<music>(есть|слышна|играет|звучит)( ли)?( (в|на) (этой |этом )?(записи|аудио|фоне))? музыка))"
    r"( (в|на) (этой |этом )?(записи|аудио|фоне))?[?？]?",
    reasons=r"потому|так как|поскольку|из-за|чтобы|поэтому|ради|для|за|от|ведь|причин\w*|благодаря",
    yes="Да",
    no="Нет",
    nobody="Никто не говорит",
    admission="Этого в аудио не слышно.",
)

VOCABULARIES: Mapping[str, Vocabulary] = {
    each.language: each
    for each in (
        _ENGLISH,
        _CHINESE,
        _GERMAN,
        _FRENCH,
        _SPANISH,
        _ITALIAN,
        _PORTUGUESE,
        _JAPANESE,
        _KOREAN,
        _RUSSIAN,
    )
}
"""By ISO 639-1 code."""

ADMISSIONS = {code: each.admission for code, each in VOCABULARIES.items()}
"""That it cannot be heard, by the language of the question."""


def pattern(part: Callable[[Vocabulary], str]) -> re.Pattern[str]:
    """What finds `part` of any language's vocabulary in a text."""
    return _compiled(part, r"\b")


def asking(want: Want) -> re.Pattern[str]:
    """What finds in a question that it wants `want`."""
    before = rf"\A{_FIRST[want]}" if want in _FIRST else r"\b"
    return _compiled(lambda vocabulary: vocabulary.asks.get(want, ""), before)


def every_word(part: Callable[[Vocabulary], str]) -> frozenset[str]:
    """The words in `part` of all vocabularies that have borders."""
    return frozenset(word for each in VOCABULARIES.values() if each.spaced for word in part(each).split())


def every_character(part: Callable[[Vocabulary], str]) -> str:
    """The characters in `part` of all vocabularies whose words have no borders."""
    return "".join(part(each) for each in VOCABULARIES.values() if not each.spaced)


def _compiled(part: Callable[[Vocabulary], str], before: str) -> re.Pattern[str]:
    whole = "|".join(_parts(part, spaced=True))
    loose = "|".join(_parts(part, spaced=False))
    return re.compile("|".join(filter(None, [whole and rf"{before}(?:{whole})\b", loose])), re.IGNORECASE)


def _parts(part: Callable[[Vocabulary], str], *, spaced: bool) -> Iterator[str]:
    return (part(each) for each in VOCABULARIES.values() if each.spaced is spaced and part(each))
