"""Which language an answer is asked to be in, and what only names a language."""

from __future__ import annotations

import pytest

from auricle.engines.embedded.answer_language import answer_language


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        (
            "en",
            "用英文回答|翻译成英文|请翻译成英文|Translate to English.|Translate this to English.|Resume esto en inglés|"
            "Translate the conversation into English.|Summarize the story in English.|英語で要約してください。|"
            "请把这段录音译成英语。|Traduis en anglais.|Riassumi in inglese.|Переведи на английский.|"
            "영어로 번역해 주세요.|"
            "Fass es auf Englisch zusammen.|Explain it in plain English.|Ответь по-английски.|"
            "请用英文回答：他说了什么？|"
            "Answer in English what she says in French.|Translate what she says in French into English.|"
            "What is it about? In English, please.|Traduza para o inglês.|"
            "Always answer in English, even to Chinese users.",
        ),
        (
            "zh",
            "Please summarize this in Chinese.|Translate the audio into Chinese.|Repeat that in Chinese.|"
            "你是一个客服助手，请始终用中文回答。|把音频内容翻译成中文|用中文总结这段音频。|客人点了什么？请用中文列出来。|"
            "Could you describe it in Mandarin?|能用中文回答吗？|中国語に訳してください。|请说中文。|"
            "Respond only in Chinese.",
        ),
        (
            "de",
            "in German, please|Auf Deutsch bitte.|Übersetze die Aufnahme ins Deutsche.|And now in German?|"
            "What is this about, in German?|Kannst du es auf Deutsch zusammenfassen?|用德语回答。|Speak German.",
        ),
        ("fr", "Always answer in French|Traduis en français.|Your answers must be in French.|Écris-le en français."),
        ("es", "Translate what is said into Spanish.|Traduce al español lo que se dice.|¿Puedes resumirlo en español?"),
        ("it", "Rispondi in italiano.|Answer in Italian."),
        ("pt", "Responda em português.|Traduza para o português."),
        ("ja", "日本語で答えてください。|この音声の内容を日本語で要約してください。|Answer in Japanese!"),
        ("ko", "한국어로 대답해 주세요.|Translate into Korean"),
        ("ru", "Переведи на русский.|Отвечай по-русски.|Ответьте на русском языке."),
        ("nl", "Answer in Dutch."),
    ],
)
def test_the_language_that_is_asked_for(language: str, texts: str) -> None:
    assert {text: answer_language(text) for text in texts.split("|")} == dict.fromkeys(texts.split("|"), language)


@pytest.mark.parametrize(
    "text",
    [
        "Which language is spoken?",
        "Is it in English?",
        "Is this in Chinese or English?",
        "What does she say in French?",
        "Does he answer in German?",
        "他用法语说什么？",
        "他用英文回答了吗？",
        "说的是中文吗？",
        "Is English spoken?",
        "Wird auf Deutsch gesprochen?",
        "¿Qué dice en francés?",
        "Que dit-elle en anglais ?",
        "Is the French man older?",
        "Describe the English teacher.",
        "What is said in Germany?",
        "Summarize the audio.",
        "Transcribe this.",
        "The recording is in German.",
        "Ist das Deutsch oder Englisch?",
        "这段音频是用中文还是英文？",
        "",
    ],
)
def test_a_language_that_is_only_spoken_about(text: str) -> None:
    assert answer_language(text) is None
