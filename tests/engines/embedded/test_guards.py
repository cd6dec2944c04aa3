"""Texts that cannot be trusted."""

from __future__ import annotations

import pytest

from auricle.engines.embedded import guards


@pytest.mark.parametrize(
    ("tokens", "looping"),
    [
        ([1, 2, 3, 4, 5, 6], False),
        ([9, 1, 2, 3, 4, 1, 2, 3, 4], True),
        ([5, 5, 5], False),
        ([8, 5, 5, 5, 5], True),
        ([1, 2, 1, 2, 1, 2], False),
        ([1, 2] * 4, True),
        ([], False),
    ],
)
def test_loops(tokens: list[int], looping: bool) -> None:
    assert guards.loops(tokens) is looping


def test_more_than_anybody_can_say() -> None:
    assert guards.token_limit(2.0, 224) == 66
    assert guards.token_limit(30.0, 224) == 224
    assert guards.doubtful("a", list(range(66)), -0.1, 2.0, limit=224, floor=-0.6)


def test_a_window_without_speech() -> None:
    assert guards.nobody_spoke("Thank you.", -1.8, 0.79)
    assert not guards.nobody_spoke("Thank you.", -0.3, 0.9)
    assert not guards.nobody_spoke("Thank you.", -1.8, 0.1)


def test_an_improbable_cry_is_nobodys_speech() -> None:
    for cry in (" AAAAAAAAAAAAAAAA", "Ahhhhhhhhh!!", "啊啊啊啊啊啊"):
        assert guards.nobody_spoke(cry, -1.6, 0.46)
        assert not guards.nobody_spoke(cry, -0.6, 0.46)
    assert guards.nobody_spoke(" A" + "H" * 200, -0.2, 0.1)
    for words in ("Ahhhhhh, no!", "5555", "www.example.org", "1 1 1 1 1 1"):
        assert not guards.nobody_spoke(words, -1.6, 0.46)


def test_what_is_doubtful() -> None:
    text, tokens = " Please leave your message after the tone.", list(range(9))
    assert not guards.doubtful(text, tokens, -0.2, 3.0, limit=224, floor=-0.6)
    assert guards.doubtful(text, tokens, -0.7, 3.0, limit=224, floor=-0.6)
    assert guards.doubtful(" no" * 60, tokens, -0.2, 20.0, limit=224, floor=-0.6)


def test_what_has_failed() -> None:
    assert guards.failed("la la la la la la la la la la la la la la la la la la", -0.1)
    assert guards.failed("Hello.", -1.2)
    assert not guards.failed("Hello.", -0.9)


def test_a_lone_word_is_trusted_though_it_is_improbable() -> None:
    assert guards.floor(1.8, -0.3, careful=False) == guards.floor(1.8, -0.3, careful=True) == -1.0


def test_who_has_time_trusts_less() -> None:
    assert guards.floor(4.0, -0.3, careful=False) == -0.3
    assert guards.floor(4.0, -0.3, careful=True) > -0.3
    assert guards.floor(4.0, -0.1, careful=True) == -0.1
