from __future__ import annotations

import re
from typing import get_args

import pytest

from auricle.engines.embedded.languages import language_of
from auricle.engines.embedded.vocabularies import ADMISSIONS, VOCABULARIES, asking, every_word, pattern
from auricle.engines.embedded.vocabulary import Vocabulary, Want


@pytest.mark.parametrize("vocabulary", VOCABULARIES.values(), ids=VOCABULARIES)
def test_each_part_is_written_as_it_is_read(vocabulary: Vocabulary) -> None:
    for each in (*vocabulary.asks.values(), vocabulary.people, vocabulary.some, vocabulary.reasons):
        assert not re.fullmatch(each, "") or not each, "an empty alternative would be found in everything"
    lists = (
        vocabulary.frequent,
        vocabulary.speech,
        vocabulary.music,
        vocabulary.neutral,
        vocabulary.fillers,
        vocabulary.starters,
    )
    for words in lists:
        assert words == words.lower()
        assert len(words.split()) == len(set(words.split())), "nothing twice"
    assert {"speech", "music"} == set(re.compile(vocabulary.presence or "(?P<speech>)(?P<music>)").groupindex)
    assert vocabulary.admission.startswith(vocabulary.refusal)
    assert language_of(vocabulary.admission) == vocabulary.language


def test_words_are_found_whole_and_in_any_case() -> None:
    some = pattern(lambda vocabulary: vocabulary.some)
    assert some.search("SEVERAL of them")
    assert some.search("Es sind keine da.")
    assert some.search("书里没有图")
    assert not some.search("A lonely noun, somehow.")


def test_some_wants_are_told_by_the_first_word() -> None:
    assert asking("yes or no").search(" Is it red?")
    assert not asking("yes or no").search("What is it?")
    assert asking("person").search("¿Quién es?")


@pytest.mark.parametrize("want", get_args(Want))
def test_nothing_is_wanted_where_nothing_is_said(want: Want) -> None:
    assert not asking(want).search("")
    assert not asking(want).search("Tell more of it. 请描述。")


def test_lists_of_all_languages_are_one() -> None:
    assert {"music", "musik", "musique", "música", "musica"} == every_word(lambda vocabulary: vocabulary.music)
    assert ADMISSIONS["fr"] == VOCABULARIES["fr"].admission
