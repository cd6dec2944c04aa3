"""The words of every language that questions are read in.

To add a language, add its `Vocabulary` here, or to vocabularies_beyond_latin.py. Whatever is left out of it is not
recognised, or left to the language model. Words are looked for in every language at once: many a question mixes two,
and a short one is not told apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from auricle.engines.embedded.vocabularies_beyond_latin import CHINESE, JAPANESE, KOREAN, RUSSIAN
from auricle.engines.embedded.vocabulary import Vocabulary, Want

# These are told by how a question begins, where words have borders.
_FIRST: Mapping[Want, str] = {"person": r"[ ¿]*", "yes or no": r"\s*"}


_ENGLISH = Vocabulary(
    language="en",
    frequent="the is what who how does do are was this that and of in to please where when why many there can you it "
    "he she has have on give me list from all or summarize transcribe describe resume sound sounds with a as",
    asks={
        "creation": r"write (an?|one|two|three|some)\b|repl(y|ies) to|titles?|headlines?|keywords?|bullet points?|"
        r"translat(e|ion)|poem|rewrite|paraphrase|draft|slogan|haiku",
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
        "language": r"(which|what) (languages?|tongue)\b.{0,30}\b(spoken|speaks?|speaking|used?|this|that|it)|"
        r"languages? (of|in) (the|this) (audio|recording|speech|speaker|clip)",
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
    some="no|none|nobody|no one|several|some|many|few|couple|pair|both|dozens?|only|alone|once|twice",
    reasons="because|since|so|due|therefore|reasons?|as|caused?|causes|thanks to|had to|have to|has to|must|for|"
    "in order|(call|calls|called|calling|write|writing|here) (to|about)",
    because="Because",
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
    silence="(the |this |that )?(audio|recording|clip|file)( file)? (is|was|seems|contains|has) "
    "(completely |entirely |only )?(silent|silence|empty|no (sound|speech|audio|voice)s?)|"
    "(nobody|no one) (is speaking|speaks|talks|says)|"
    "there (is|are) no (sound|speech|voice|audio)s?|no (sound|speech|voice)s? (is|are|can be) heard",
    says="Somebody says",
    admission="It can't be heard in the audio.",
    refusal="It can",  # kept from the whole sentence alone, the 1.5B model says 'It can be heard'
)

_GERMAN = Vocabulary(
    language="de",
    frequent="der die das ist was wer wie und nicht ein eine wird welche gibt bitte wo wann warum sind wurde über mir "
    "jemand spricht hört hören heißt kostet viele welches welcher dieser aufnahme worum es alles nenne fasse fass "
    "beschreibe schreib schreibe klingt sie er danke hallo oder männlich weiblich welchen sagt mann frau ins auf "
    "um viel uhr transkribiere am ende passiert antworte mach",
    asks={
        "creation": r"übersetz\w*|schreib\w* (ein|eine|einen)|titel|überschrift|stich(wort|wörter|punkte\w*)|gedicht|"
        r"antworte auf",
        "transcript": r"was (wird|sagt|sagen)\b|schreib(e|en)?\b.{0,20}\bauf|transkribier\w*",
        "sound": "geräusche?|hört|hören|tier|tiere|tieren|instrumente?|fahrzeuge?|maschinen?",
        "number": "wie viele",
        "count": "wie ?viele?",
        "reason": "warum|wieso|weshalb",
        "time": "wann|wie lange?|dauert|um wie ?viel uhr|zeit|sekunden|minuten",
        "fact": "heißt|titel|alt|farbe|kostet|kosten|preis|rasse|in welche[rm] (stadt|land|jahr)|warum|wieso|weshalb",
        "noted": "hört|hören|geräusche?|musik|instrumente?|tier|tiere|gesagt|gesprochen|sprachen?|aufnahmen?",
        "language": r"(welche[rs]?|was für eine) sprachen?\b.{0,30}\b(spricht|sprechen|gesprochen|das)",
        "choice": "oder",
    },
    speech="spricht sprechen gesprochen redet stimme stimmen sprache",
    music="musik",
    neutral="gibt es ist jemand hört man hören zu in dem der diese dieser aufnahme im audio hintergrund eine ein wird "
    "mensch",
    some=r"kein\w*|niemand|mehrere|eine?|einen|einem|beide|\w+mal",
    reasons="weil|denn|da|wegen|damit|deshalb|um",
    because="Weil",
    minutes={"halb": 30},
    fillers="der die das ist ein eine heißt in",
    yes="Ja",
    no="Nein",
    nobody="Niemand spricht",
    silence="(die|das|diese|dieses) (aufnahme|audio|audioaufnahme|audiodatei) ist (still|stumm|leer)|niemand spricht|"
    "es ist nichts zu hören",
    says="Jemand sagt",
    admission="Das ist in der Aufnahme nicht zu hören.",
)

_FRENCH = Vocabulary(
    language="fr",
    frequent="le les est que qui quoi quel quelle dans une des cette ce il elle comment pourquoi où combien sont du "
    "moi entend quelqu parle résume résumez décris décrivez traduis traduisez transcris transcrivez écris donne "
    "donnez merci quels quelles et sur cet langue titre homme femme l liste fais y fait réponds répondez à",
    asks={
        "creation": r"tradui\w+|écri(s|re|vez) une?|titre|mots.clés|poème|répon\w+ à ce",
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
        "language": r"quelles? langues?\b.{0,30}\b(parle\w*|parlées?|utilisée?|agit)",
        "choice": "ou",
    },
    people="personne|locuteur|locutrice|homme|femme",
    speech="parle parlent parler voix parole paroles",
    music="musique",
    neutral="y a t il est ce que quelqu un on entend entendre dans l le cet cette enregistrement audio du des fond",
    some="aucun|personne|plusieurs|une",
    reasons="parce|car|puisque|cause|grâce|pour|donc",
    because="Parce",
    minutes={"demi": 30},
    fillers="le la les un une est de en il se c j l d appelle",
    starters="le la les un une des ce cette ces c'est il elle on nous vous je mon ma mes notre votre et mais pour "
    "dans bonjour",
    first_person="je mon ma",
    yes="Oui",
    no="Non",
    nobody="Personne ne parle",
    silence="l.(audio|enregistrement) est (silencieux|vide|muet)|personne ne parle|il n.y a aucun son",
    says="Quelqu'un dit",
    admission="On ne peut pas l'entendre dans l'audio.",
)

_SPANISH = Vocabulary(
    language="es",
    frequent="el los las qué quién cómo cuál cuántos dónde por es una esta este del hay dice están puede "
    "alguien oye dicen al lo se que describe transcribe escribe resume resuma resumen traduce traduzca haz un título "
    "dame gracias cuántas cuánto cuanto cuesta hablan habla música esto responde quien donde como mujer hombre español "
    "y",
    asks={
        "creation": "tradu(ce|cir|zca|ción)|escrib(e|a|ir) una?|título|palabras clave|poema|responde a este",
        "transcript": "qué (se )?dicen?|transcrib[ea]|transcríbelo|transcripción",
        "sound": "oye|oyen|suena|suenan|sonidos?|ruidos?|animal|animales|instrumentos?|vehículos?|máquinas?",
        "number": "cuánt[oa]s",
        "count": "cuánt[oa]s",
        "person": "quién|quien",
        "name": "se llama|(el|su|tu|qué) nombre|nombre (del|de (la|su))",  # in French, how many
        "reason": "por qué|para qué",
        "time": "cuándo|cuánto tiempo|cuántos (segundos|minutos)|dura|a qué hora",
        "fact": "(el|su|tu|qué) nombre|nombre (del|de (la|su))|se llama|título|edad|cuántos años|color|"
        "cuesta|precio|raza|en qué (ciudad|país|año)|por qué",
        "noted": "oyen?|suenan?|sonidos?|ruidos?|música|instrumentos?|animal|animales|dicen?|dicho|idiomas?",
        "language": r"qué (idiomas?|lenguas?)\b.{0,30}\b(hablan?|habla|hablad[oa]|es|usan?)",
        "choice": "o",
    },
    people="persona|hablante|hombre|mujer",
    speech="habla hablan hablando voz voces",
    music="música musica",
    neutral="hay alguien se oye oyen puede oír escucha en el la este esta grabación audio de fondo",
    some="ningun[oa]?|nadie|varios|varias|una?",
    reasons="porque|ya que|debido|para|por|así que",
    because="Porque",
    minutes={"media": 30},
    fillers="el la los las es son un una su se llama de en",
    starters="el la los las una este esta ese eso yo mi su nuestro y pero por para en si hola gracias al lo se",
    first_person="yo mi",
    yes="Sí",
    no="No",
    nobody="Nadie habla",
    silence="(el audio|la grabación) está (en silencio|vací[oa])|nadie habla|no hay (ningún )?sonido",
    says="Alguien dice",
    admission="No se puede oír en el audio.",
)

_ITALIAN = Vocabulary(
    language="it",
    frequent="il gli che chi cosa come quale quanti dove perché è una questo questa della nel sono dice puoi nell "
    "sente qualcuno trascrivi riassumi descrivi traduci scrivi dammi fai un quante quanto costa titolo grazie "
    "parlano parla uomo donna musica elenca di l italiano a ora quando ha rispondi spiega alla fine",
    asks={
        "creation": "tradu(ci|rre|zione)|scriv(i|a|ere) una?|titolo|parole chiave|poesia",
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
        "language": r"(che|quali?|quante) lingu[ae]\b.{0,30}\b(parl\w+|si usa|è)",
        "choice": "o|oppure",
    },
    people="persona|uomo|donna",
    speech="parla parlano parlando voce voci",
    music="musica",
    neutral="c è qualcuno si sente nell nel questo questa registrazione sottofondo audio della",
    some="nessun[oa]?|una?",
    reasons="perché|poiché|causa|per|quindi",
    because="Perché",
    minutes={"mezza": 30},
    fillers="il lo la un una c l d si chiama",
    starters="gli i il la uno una questo questa io mio mia suo e ma per in si ciao non",
    first_person="io mio mia",
    yes="Sì",
    no="No",
    nobody="Nessuno parla",
    silence="l.audio è (silenzioso|vuoto|muto)|nessuno parla|non c.è (alcun )?suono",
    says="Qualcuno dice",
    admission="Non si sente nell'audio.",
)

_PORTUGUESE = Vocabulary(
    language="pt",
    frequent="o os as que quem como qual quantos onde porque é uma este esta do da não são você diz pode áudio "
    "há alguém ouve fala se horas quantas quando quanto custa pessoas falam resuma resume descreva transcreva "
    "traduza faça um título obrigado obrigada tem música dê por ele ela homem mulher liste diga responda final",
    asks={
        "creation": "tradu(z|za|zir|ção)|escrev(a|e|er) uma?|título|palavras.chave|poema",
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
        "language": r"(que|qual|quais)( é o| a| o)? (idiomas?|línguas?)\b.{0,30}\b(fala\w*|é|usa\w*)",
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
    because="Porque",
    minutes={"meia": 30},
    starters="o os as um uma ele ela meu",
    yes="Sim",
    no="Não",
    nobody="Ninguém fala",
    silence="o áudio está (em silêncio|vazio|mudo)|ninguém fala|não há (nenhum )?som",
    says="Alguém diz",
    admission="Não se ouve no áudio.",
)

VOCABULARIES: Mapping[str, Vocabulary] = {
    each.language: each
    for each in (
        _ENGLISH,
        CHINESE,
        _GERMAN,
        _FRENCH,
        _SPANISH,
        _ITALIAN,
        _PORTUGUESE,
        JAPANESE,
        KOREAN,
        RUSSIAN,
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
