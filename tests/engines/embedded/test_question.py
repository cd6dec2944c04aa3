"""What questions ask for, and what they don't: the same words in another sense."""

from __future__ import annotations

import pytest

from auricle.engines.embedded.question import Topic, read
from auricle.engines.embedded.vocabulary import Want


@pytest.mark.parametrize(
    ("text", "wants"),
    [
        ("What is said in this audio?", {"transcript", "noted"}),
        ("Please transcribe this.", {"transcript"}),
        ("Was wird gesagt?", {"transcript", "noted"}),
        ("音频里说了什么？", {"transcript", "noted"}),
        ("何と言っていますか。", {"transcript", "count"}),
        ("Which animal is heard?", {"sound", "noted"}),
        ("Quels bruits entend-on ?", {"sound", "noted"}),
        ("能听到什么动物的声音？", {"sound", "noted"}),
        ("How many dogs are there?", {"number", "count"}),
        ("How often does it open?", {"count"}),
        ("Wie viele Leute sind da?", {"number", "count"}),
        ("有几本书？", {"number", "count"}),
        ("Who found it?", {"person"}),
        ("¿Quién lo dijo?", {"person"}),
        ("谁送的钟？", {"person"}),
        ("What is the name of the speaker?", {"name", "fact"}),
        ("What is the dish called?", {"fact"}),
        ("Why was the tower repaired?", {"reason", "fact"}),
        ("他为什么开书店？", {"reason", "fact"}),
        ("Pourquoi le bus s'arrête-t-il ?", {"reason", "fact"}),
        ("When does it bark?", {"time"}),
        ("他们走了多久？", {"time"}),
        ("¿Cuándo sale el tren?", {"time"}),
        ("How old is the dog?", {"fact"}),
        ("Combien ça coûte ?", {"fact"}),
        ("Was kostet das Auto?", {"fact"}),
        ("Was the car red?", {"yes or no"}),
        ("他们是朋友吗？", {"yes or no"}),
        ("Who is older, Karen or Tom?", {"person", "choice"}),
        ("是茶还是咖啡？", {"choice"}),
        ("Where does the man live?", set()),
        ("Describe it.", set()),
        ("", set()),
    ],
)
def test_what_is_wanted(text: str, wants: set[Want]) -> None:
    assert read(text).wants == wants


@pytest.mark.parametrize(
    ("want", "texts"),
    [
        (
            "transcript",
            "Transkribiere die Aufnahme.|Qu'est-ce qu'il dit ?|Transcríbelo.|Trascrivi l'audio.|O que a pessoa diz?|"
            "请转录这段音频。|音声を書き取ってください。|뭐라고 말하나요?|Что говорит этот человек?|"
            "Расшифруйте запись.",
        ),
        (
            "sound",
            "Welche Tiere hört man?|Quel son entend-on ?|¿Qué animales se oyen?|Quali animali si sentono?|"
            "Que sons se ouvem?|何の動物ですか。|무슨 소리가 들리나요?|Какие звуки слышны?",
        ),
        (
            "reason",
            "How come it is closed?|Weshalb bellt er?|Pour quelle raison ?|¿Para qué lo compró?|Come mai è chiuso?|"
            "Porquê?|他为啥没来？|なんで来なかったの？|그는 왜 늦었나요?|Почему он опоздал?",
        ),
        (
            "time",
            "Um wie viel Uhr fährt der Zug?|À quelle heure part le train ?|¿A qué hora sale?|A che ora parte?|"
            "A que horas parte?|火车何时出发？|何時に出ますか。|오디오는 몇 초예요?|Сколько длится запись?",
        ),
        (
            "fact",
            "Welchen Preis hat es?|Comment s'appelle le chien ?|¿Cuántos años tiene el perro?|Come si chiama il cane?|"
            "Como se chama o cão?|Qual é o preço?|司机姓什么？|値段は？|개 이름이 뭐예요?|몇 살이에요?|"
            "Как зовут собаку?|Сколько стоит билет?",
        ),
        (
            "noted",
            "Welche Sprache ist es?|Quelle langue parle-t-on ?|¿Qué se oye?|Che rumori ci sono?|Que ruídos há?|"
            "어느 언어예요?|На каком языке?|Что слышно?",
        ),
        ("count", "Combien d'hommes ?"),
        ("name", "¿Cuál es el nombre de la mujer?|¿Cuál es su nombre, el de la persona?"),
        ("reason", "Pablo, ¿por qué llama?|小明为什么可能来不了？|考试为什么改时间？"),
        (
            "creation",
            "Write a short reply to this message.|Give this recording a short title.|List five keywords.|"
            "Summarize as bullet points.|Translate to English.|Can you suggest a title?|给这个故事起个标题。|"
            "请翻译成中文|Übersetze die Aufnahme ins Deutsche.|Traduis en français.|Traduce al español lo que se dice.|"
            "Dammi un titolo.|Escreva um poema.|この音声を英語に訳してください。|번역해 주세요.|Переведи на русский.",
        ),
    ],
)
def test_it_is_wanted_in_many_languages(want: Want, texts: str) -> None:
    assert [text for text in texts.split("|") if want not in read(text).wants] == []


@pytest.mark.parametrize(
    ("text", "unwanted"),
    [
        ("What did who find?", "person"),
        ("How much is the coffee?", "time"),
        ("How much is the coffee?", "count"),
        ("Where is the island?", "yes or no"),
        ("Which organ is repaired?", "choice"),
        ("What does the transcriber do?", "transcript"),
        ("Which song is Karen's?", "sound"),
        ("What did they do somehow?", "count"),
        ("What is the son's name?", "sound"),
        ("Où est son chien ?", "sound"),
        ("오디오는 얼마나 길어요?", "fact"),
        ("Как долго лает собака?", "fact"),
        ("Combien coûte le poisson ?", "count"),
        ("What does the unnamed man do?", "name"),
        ("多少钱？", "count"),
        ("Quel est le nombre de personnes ?", "name"),
        ("Who is calling and why?", "reason"),
        ("Why and when did she leave?", "reason"),
        ("谁打来的电话，为什么？", "reason"),
        ("Who is it? Why does he call?", "reason"),
        ("What is the title of the song?", "creation"),
        ("Which translation is meant?", "creation"),
        ("标题是什么？", "creation"),
        ("Write down what is said.", "creation"),
        ("Summarize the audio.", "creation"),
        ("续写这个故事。", "creation"),
    ],
)
def test_what_is_not_wanted(text: str, unwanted: Want) -> None:
    assert unwanted not in read(text).wants


@pytest.mark.parametrize(
    ("text", "presence"),
    [
        ("Is there music in this audio?", "music"),
        ("Y a-t-il de la musique ?", "music"),
        ("音频里有音乐吗？", "music"),
        ("音声に音楽はありますか。", "music"),
        ("Is somebody speaking?", "speech"),
        ("¿Habla alguien en la grabación?", "speech"),
        ("  Spricht jemand?\n", "speech"),
        ("这段音频里有没有人在说话？", "speech"),
        ("誰かが話していますか？", "speech"),
        ("오디오에 음악이 있나요?", "music"),
        ("누군가 말하고 있나요?", "speech"),
        ("Есть ли в записи музыка?", "music"),
        ("Играет музыка?", "music"),
        ("Кто-нибудь говорит?", "speech"),
        ("Há música de fundo no áudio?", "music"),
        ("누가 말하고 있나요?", None),
        ("Кто говорит?", None),
        ("Какая музыка играет?", None),
        ("Is there speech or music?", None),
        ("Is there no music?", None),
        ("Is somebody speaking about music?", None),
        ("他们在说音乐吗？", None),
        ("Is there a dog?", None),
        ("", None),
    ],
)
def test_whose_presence_is_asked(text: str, presence: Topic | None) -> None:
    assert read(text).presence == presence


def test_a_question_has_its_text_its_language_and_its_mark() -> None:
    question = read("¿Qué dice la persona? ")
    assert (question.text, question.language, question.marked) == ("¿Qué dice la persona? ", "es", True)
    assert read("他要去哪里？").marked
    assert read("Spricht jemand?").language == "de"
    assert read("C'è musica nell'audio?").language == "it"
    assert not read("Describe the audio.").marked


def test_the_language_of_an_answer_is_that_which_is_asked_for() -> None:
    assert read("Please summarize this in Chinese.").language == "zh"
    assert read("What is this about?", "你是一个客服助手，请始终用中文回答。").language == "zh"
    assert read("Resume esto en inglés", "Always answer in French.").language == "en"
    assert read("他叫什么名字？", "You are a careful assistant.").language == "zh"
    assert read("Is it in French?").language == "en"
