"""The probe for whether what is asked is told. How well it tells is measured by bench/understanding/doubt.py."""

from __future__ import annotations

import numpy as np
import pytest

from auricle.config import EngineSettings
from auricle.engines.embedded.doubt import AnswerDoubt, Doubt, doubt_of
from bench.understanding.doubt import area, fitted


def test_it_is_a_weighted_sum() -> None:
    assert Doubt((5, 9), (0.5, -1.0), 0.25).log_odds((-2.0, -3.0)) == pytest.approx(2.25)


def test_of_an_answer_it_is_a_weighted_sum_of_two_places() -> None:
    probe = AnswerDoubt(before=(0.5, -1.0), after=(2.0, 0.0), bias=0.25)
    assert probe.log_odds((-2.0, -3.0), (-1.0, -7.0)) == pytest.approx(0.25)
    with pytest.raises(ValueError, match="shorter"):
        probe.log_odds((-2.0, -3.0), (-1.0,))


def test_the_default_model_has_one() -> None:
    doubt = doubt_of(EngineSettings().language_model)
    assert doubt is not None
    assert len(doubt.tokens) == len(doubt.weights) == len(set(doubt.tokens))
    for second in (doubt.reasons, doubt.answers):
        assert second is not None
        assert len(doubt.tokens) == len(second.before) == len(second.after)


@pytest.mark.parametrize("name", ["qwen2.5-coder-0.5b", "org/repo:model.gguf", ""])
def test_another_model_has_none(name: str) -> None:
    assert doubt_of(name) is None


def test_it_is_changed_as_little_as_new_questions_need() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(400, 3))
    truth = (features[:, 0] + features[:, 1] + rng.normal(size=400) > 0).astype(float)
    before = 2.0 * features[:, 0]
    weights, bias = fitted(features, truth, before, ridge=1e9)
    assert weights == pytest.approx(np.zeros(3), abs=1e-3)
    weights, bias = fitted(features, truth, before, ridge=1.0)
    assert area(before + features @ weights + bias, truth) > area(before, truth) + 0.05
    assert weights[1] > 4 * max(abs(weights[0]), abs(weights[2])), "only what was missing is added"
