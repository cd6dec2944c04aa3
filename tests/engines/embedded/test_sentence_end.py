"""Where sentences end."""

from __future__ import annotations

import pytest

from auricle.engines.embedded.sentence_end import ends_sentence, has_sentence


@pytest.mark.parametrize(
    ("text", "ends"),
    [("He left.", True), ('He "left."', True), ("他走了。", True), ("Mr.", False), ("at 5 p.m.", False), ("J.", False)],
)
def test_a_sentence_ends_at_a_full_stop_that_belongs_to_no_short_form(text: str, ends: bool) -> None:
    assert ends_sentence(text) is ends


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("He left. Th", True),
        ('"He left." Th', True),
        ("他走了。", True),
        ("One line\n", True),
        ("He left.", False),  # it may go on: 9.15
        ("Mr. Grin", False),
        ("Dr. J. Watson", False),
        ("Dr. Watson. He", True),
        ("", False),
    ],
)
def test_a_sentence_has_ended_when_it_is_known_what_comes_behind_its_full_stop(text: str, has: bool) -> None:
    assert has_sentence(text) is has
