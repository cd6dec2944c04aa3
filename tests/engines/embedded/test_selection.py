from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from auricle.engines.embedded.selection import RUN, matching, spread, terms

COSTS = st.lists(st.integers(1, 200), max_size=200)


@given(COSTS, st.integers(0, 20_000))
def test_a_selection_stays_within_its_budget(costs: list[int], budget: int) -> None:
    kept = spread(costs, budget)
    assert sum(costs[i] for i in kept) <= budget
    assert kept <= set(range(len(costs)))
    if sum(costs) <= budget:
        assert len(kept) == len(costs)


def test_beginning_and_end_come_first_and_the_rest_is_spread() -> None:
    kept = spread([10] * 100 * RUN, 10 * RUN * 5)
    runs = sorted({index // RUN for index in kept})
    assert len(runs) == 5
    assert runs[0] == 0
    assert runs[-1] == 99
    assert max(b - a for a, b in pairwise(runs)) < 35


def test_what_shares_rare_words_with_the_question_is_found() -> None:
    texts = ["we talk and talk"] * 50 + ["the password is swordfish"] + ["we talk of the weather"] * 50
    assert matching(texts, "What is the password?", [5] * 101, 5) == {50}
    assert matching(texts, "completely unrelated", [5] * 101, 500) == frozenset()
    chinese = ["我们谈谈别的"] * 20 + ["密码是剑鱼"]
    assert matching(chinese, "密码是什么？", [5] * 21, 5) == {20}


@given(st.lists(st.text(max_size=20), max_size=30), st.text(max_size=30), st.integers(0, 50))
def test_matching_stays_within_its_budget(texts: list[str], question: str, budget: int) -> None:
    assert 7 * len(matching(texts, question, [7] * len(texts), budget)) <= budget


def test_terms() -> None:
    assert terms("The Red car") == ["the", "red", "car"]
    assert terms("去上海") == ["去上", "上海"]
    assert terms("由17号改到") == ["号改", "改到"]
