"""Which language is spoken, where that is in doubt."""

from __future__ import annotations

from auricle.engines.embedded.spoken_language import COMMON, candidates, weighed


def test_a_language_that_the_model_hardly_knows_needs_more_evidence() -> None:
    (first, sure), *others = weighed([("la", 0.66), ("br", 0.14), ("fr", 0.12), ("lv", 0.08)])
    assert first == "fr"
    assert 0.5 < sure < 0.6
    assert [code for code, _ in others] == ["la", "lv", "br"]


def test_it_is_believed_where_there_is_enough() -> None:
    ((first, sure), *_) = weighed([("cy", 0.95), ("en", 0.03), ("la", 0.02)])
    assert first == "cy"
    assert sure > 0.8


def test_probabilities_stay_probabilities() -> None:
    assert abs(sum(sure for _, sure in weighed([("my", 0.5), ("sk", 0.3), ("ru", 0.1)])) - 1) < 1e-9
    assert weighed([("en", 1.0)]) == [("en", 1.0)]
    assert weighed([]) == []


def test_a_settled_language_is_not_doubted() -> None:
    assert candidates([("ja", 0.85), ("fr", 0.1)], "ja") == []
    assert candidates([], "en") == []


def test_the_likeliest_are_tried_and_those_that_many_speak() -> None:
    ranked = weighed([("pl", 0.4), ("hr", 0.3), ("sk", 0.2), *((code, 0.1 / len(COMMON)) for code in COMMON)])
    tried = candidates(ranked, "sk")
    assert tried[:2] == ["sk", "pl"]
    assert {"hr", *COMMON} <= set(tried)
    assert len(tried) == len(set(tried))


def test_only_languages_of_the_model_are_tried() -> None:
    assert candidates([("en", 0.6), ("de", 0.4)], "en") == ["en", "de"]
