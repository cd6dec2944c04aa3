"""The probe for whether what is asked is told. How well it tells is measured by bench/understanding/doubt.py."""

from __future__ import annotations

import pytest

from auricle.config import EngineSettings
from auricle.engines.embedded.doubt import Doubt, doubt_of


def test_it_is_a_weighted_sum() -> None:
    assert Doubt((5, 9), (0.5, -1.0), 0.25).log_odds((-2.0, -3.0)) == pytest.approx(2.25)


def test_the_default_model_has_one() -> None:
    doubt = doubt_of(EngineSettings().language_model)
    assert doubt is not None
    assert len(doubt.tokens) == len(doubt.weights) == len(set(doubt.tokens))


@pytest.mark.parametrize("name", ["qwen2.5-coder-0.5b", "org/repo:model.gguf", ""])
def test_another_model_has_none(name: str) -> None:
    assert doubt_of(name) is None
