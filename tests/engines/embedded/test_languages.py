from __future__ import annotations

import pytest

from auricle.engines.embedded.languages import language_of, name_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What is said in the audio?", "en"),
        ("", "en"),
        ("ok", "en"),
        ("Transcribe audio 2.", "en"),
        ("Niemand spricht", "de"),
        ("Non si sente nell'audio.", "it"),
        ("这段音频说了什么？", "zh"),
        ("请用 JSON 描述 MiMo-V2.5 的音频", "zh"),
        ("Please translate 你好 for the people who cannot read Chinese", "en"),
        ("この音声は何と言っていますか", "ja"),
        ("오디오에서 무슨 말을 하나요?", "ko"),
        ("Что говорит этот человек?", "ru"),
        ("Was wird in der Aufnahme gesagt?", "de"),
        ("Que dit la personne dans cet enregistrement ?", "fr"),
        ("¿Qué dice la persona en el audio?", "es"),
        ("Che cosa dice la persona?", "it"),
        ("O que a pessoa diz no áudio?", "pt"),
    ],
)
def test_the_language_of_a_question(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        (
            "de",
            "Worum geht es in dieser Aufnahme?|Hört man Musik?|Beschreibe das Audio.|Fass die Aufnahme zusammen.|"
            "Um wie viel Uhr?|Schreib alles auf.|Nenne alle Namen.|Klingt sie traurig?|Und im Norden?|Danke!|"
            "Transkribiere das Audio.|Männlich oder weiblich?|Wer ruft an?",
        ),
        (
            "fr",
            "Résume cet audio.|Décris l'audio.|Traduis en français.|Qui appelle ?|À quelle heure ?|Transcris l'audio.|"
            "Résumez la conversation.|Quels instruments ?|Donne un titre.|Merci !|Liste les ingrédients.|"
            "Fais un résumé.",
        ),
        (
            "es",
            "Traduce al español lo que se dice.|Escribe lo que dice.|Describe el audio, por favor.|¿A qué hora?|"
            "¿Cuántas personas hablan?|Transcribe el audio.|Haz un resumen.|Dame un título.|Resuma la conversación.|"
            "Resume esto|Cuanto cuesta?|¿Y en el norte?",
        ),
        (
            "it",
            "Riassumi l'audio.|Chi chiama?|A che ora?|Descrivi l'audio.|Traduci in italiano.|Quante persone parlano?|"
            "Dammi un titolo.|Grazie mille.|Fai un riassunto.|Quanto costa?|Quando ha perso il portafoglio?",
        ),
        (
            "pt",
            "A que horas?|Quantas pessoas falam?|Resuma o áudio.|Por quê?|Faça um resumo.|Obrigado!|Quanto custa?|"
            "Tem música?|Dê um título.|O que ele diz?|Traduza para o português.",
        ),
        (
            "en",
            "Resume the audio.|Describe this.|Transcribe|Is it a piano?|Give me a title.|Why?|Has he come on time?|"
            "What does Señor Gómez say?|Who is Müller?|Describe cafe music.|A short reply|Rewrite as a poem.",
        ),
    ],
)
def test_short_requests_are_told_apart(language: str, texts: str) -> None:
    assert {text: language_of(text) for text in texts.split("|")} == dict.fromkeys(texts.split("|"), language)


def test_names_of_languages() -> None:
    assert name_of("de") == "German"
    assert name_of("de", chinese=True) == "德语"
    assert name_of("xx") == "xx"
