"""The language model's process and what is said to it, with the small model."""

from __future__ import annotations

import asyncio
import math
import os
import random
import signal
import struct
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from auricle.config import EngineSettings
from auricle.engines.embedded import language_model
from auricle.engines.embedded.completion import Rival, Sampling, Written
from auricle.engines.embedded.language_model import LanguageModel
from auricle.engines.embedded.prompt import Piece, Turn, compose, merged
from auricle.errors import EngineFailed, Unavailable

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.weights]

LOAD_SECONDS = 120.0
ENDLESS = "%llguidance {}\nstart: /[a-z ]{9000}/"
COUNTING = ", ".join(map(str, range(1, 30))) + ","  # goes on for long


async def until(condition: Callable[[], bool], seconds: float = LOAD_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model(small_language_model: Path) -> AsyncIterator[LanguageModel]:
    model = LanguageModel(small_language_model, EngineSettings(context_length=4096))
    await model.start()
    await until(lambda: model.readiness.ready)
    yield model
    await model.close()


async def write(model: LanguageModel, prompt: str, max_tokens: int = 20, **sampling: Any) -> tuple[str, Written]:
    tokens = await model.tokenize(prompt, special=True)
    pieces = [piece async for piece in model.write(tokens, max_tokens, Sampling(**sampling))]
    return "".join(piece.text for piece in pieces), pieces[-1]


async def written(model: LanguageModel, prompt: Sequence[int]) -> tuple[str, Written]:
    pieces = [piece async for piece in model.write(prompt, 12, Sampling())]
    return "".join(piece.text for piece in pieces), pieces[-1]


async def busy_slots(model: LanguageModel) -> int:
    await model._living()
    slots = (await model.http.get("/slots")).json()
    return sum(slot["is_processing"] for slot in slots)


async def until_free(model: LanguageModel) -> float:
    """Seconds until no slot is busy."""
    started = time.monotonic()
    while await busy_slots(model):
        assert time.monotonic() - started < 30
        await asyncio.sleep(0.02)
    return time.monotonic() - started


async def test_it_writes_and_says_how_it_ended(model: LanguageModel) -> None:
    text, last = await write(model, COUNTING, 12)
    assert text.startswith(" 30, 31")
    assert (last.finish, last.tokens) == ("length", 12)
    text, last = await write(model, COUNTING, 100, stop=("36",))
    assert text.endswith("35, ")
    assert last.finish == "stop"


async def test_the_same_prompt_again_is_reused(model: LanguageModel) -> None:
    prompt = f"<|im_start|>user\n{'Tell me more about whales. ' * 20}<|im_end|>\n<|im_start|>assistant\n"
    tokens = await model.tokenize(prompt, special=True)
    _, first = await write(model, prompt, 4)
    _, second = await write(model, prompt, 4)
    assert first.reused_tokens < 0.2 * len(tokens)
    assert len(tokens) - 5 <= second.reused_tokens <= len(tokens)


async def scores(model: LanguageModel, before: str, *texts: str) -> list[float]:
    """The log-probability of each of `texts` by itself."""
    prompt = await model.tokenize(before)
    return [(await model.likeliest(prompt, [Rival(await model.tokenize(text))]))[1] for text in texts]


async def test_it_tells_how_likely_texts_are(model: LanguageModel) -> None:
    likely, unlikely, none = await scores(model, "The capital of France is", " Paris.", " Pairs.", "")
    assert -3 < likely < 0 == none
    assert unlikely < likely - 5
    first, second = await scores(model, "Good", " morning", " morning, everybody")
    assert second < first  # more words are never likelier
    assert [first] == pytest.approx(await scores(model, "Good", " morning"), abs=0.05)


@pytest.mark.parametrize("seed", range(20))
async def test_the_likeliest_text_is_found_without_looking_at_all_tokens(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """On made-up probabilities: the same as by adding up everything, and each beginning is looked at once."""
    luck = random.Random(seed)
    rivals = [Rival(tuple(luck.choices(range(3), k=luck.randint(0, 6))), -luck.random() * 4) for _ in range(5)]
    looks: list[tuple[int, ...]] = []

    def logprob(before: Sequence[int], token: int) -> float:
        return -random.Random(repr((seed, tuple(before), token))).random() * 5

    async def told(_: LanguageModel, prompt: Sequence[int]) -> dict[int, float]:
        looks.append(tuple(prompt))
        return {token: logprob(prompt[1:], token) for token in range(3)}

    monkeypatch.setattr(LanguageModel, "_next_logprobs", told)
    model = LanguageModel(Path("none.gguf"), EngineSettings())
    whole = [sum(logprob(rival.tokens[:at], token) for at, token in enumerate(rival.tokens)) for rival in rivals]
    sums = [rival.logprob + 0.3 * score for rival, score in zip(rivals, whole, strict=True)]
    winner, score = await model.likeliest([9], rivals, 0.3)
    best = sums.index(max(sums))
    assert winner == rivals[best]
    assert score == pytest.approx(whole[best])
    assert len(looks) == len(set(looks))
    assert len(looks) <= len({rival.tokens[:at] for rival in rivals for at in range(len(rival.tokens))})


async def test_texts_are_scored_beside_answers_and_cost_no_prefix(model: LanguageModel) -> None:
    prompt = f"<|im_start|>user\n{'Tell me more about otters. ' * 20}<|im_end|>\n<|im_start|>assistant\n"
    tokens = await model.tokenize(prompt, special=True)
    answers = [model.write(tokens, 1000, Sampling(grammar=ENDLESS)) for _ in range(2)]
    for answer in answers:
        await anext(answer)
    assert await busy_slots(model) == 2
    for text in ("one", "another", "a third"):
        assert (await scores(model, f"{text} text", " is scored"))[0] < 0
    assert await busy_slots(model) == 2
    for answer in answers:
        await answer.aclose()
    await until_free(model)
    _, again = await write(model, prompt, 4)
    assert again.reused_tokens >= len(tokens) - 5


async def test_it_tells_which_tokens_come_next(model: LanguageModel) -> None:
    prompt = await model.tokenize("The capital of France is")
    choices = [(await model.tokenize(text))[0] for text in (" Paris", " London", " banana", ".")]
    assert [await model.text([choice]) for choice in choices] == [" Paris", " London", " banana", "."]
    weighed = await model.weigh(prompt, choices)
    assert sum(map(math.exp, weighed.logprobs)) == pytest.approx(1, abs=0.01)
    assert weighed.logprobs[0] > weighed.logprobs[1] > weighed.logprobs[2]
    (paris, london), scored = weighed.logprobs[:2], await scores(model, "The capital of France is", " Paris", " London")
    assert paris - london == pytest.approx(scored[0] - scored[1], abs=0.1)
    assert (await model.weigh(prompt, choices)).reused_tokens >= len(prompt) - 2
    _, last = await write(model, "The capital of France is", 1)
    assert last.reused_tokens >= len(prompt) - 2  # an answer goes on from there


async def test_control_tokens_count_only_where_they_are_meant(model: LanguageModel) -> None:
    assert len(await model.tokenize("<|im_end|>", special=True)) == 1
    assert len(await model.tokenize("<|im_end|>")) > 1
    assert await model.count("") == 0
    assert await model.count("hello " * 100_000) > 90_000


async def test_the_template_frames_contents(model: LanguageModel) -> None:
    frames = await model.frames(["system", "user"])
    assert frames == (
        "<|im_start|>system\n",
        "<|im_end|>\n<|im_start|>user\n",
        "<|im_end|>\n<|im_start|>assistant\n",
    )


async def test_what_is_billed_does_not_depend_on_our_notes(model: LanguageModel) -> None:
    def turns(notes: str, ours: str) -> tuple[Turn, ...]:
        question = (
            Piece(notes, billed=False),
            Piece("What is said?<|im_end|>", billed=True),
            Piece(ours, billed=False),
        )
        return (Turn("system", (Piece(f"Listen. {ours}", billed=False),)), Turn("user", question))

    long = await compose(model, turns("Somebody says: hello. " * 50, "(Shortly.)"))
    short = await compose(model, turns("", ""))
    assert long.billed_tokens == short.billed_tokens
    assert len(long.tokens) > len(short.tokens) + 200
    text = len(await model.tokenize("What is said?<|im_end|>"))
    frames = await model.frames(["system", "user"])
    end = len(await model.tokenize("<|im_end|>\n", special=True))
    around = [len(await model.tokenize(frame, special=True)) for frame in frames]
    assert short.billed_tokens == around[1] - end + text + around[2], "no system text of the client: none is billed"
    assert long.billed_within(len(long.tokens)) == long.billed_tokens
    assert long.billed_within(0) == 0
    counts = [long.billed_within(n) for n in range(len(long.tokens) + 1)]
    assert all(0 <= b - a <= 1 for a, b in pairwise(counts))


async def test_neighbours_of_one_role_become_one_turn() -> None:
    turns = [Turn("user", (Piece("a", billed=True),)), Turn("user", (Piece("b", billed=True),))]
    (one,) = merged(turns)
    assert "".join(piece.text for piece in one.pieces) == "a\n\nb"


async def test_a_grammar_is_checked_and_kept(model: LanguageModel) -> None:
    head = "%llguidance {}\nstart: "
    assert await model.check(f'{head}%json {{"type": "object"}}') == ""
    assert "banana" in await model.check(f'{head}%json {{"type": "banana"}}')
    text, _ = await write(model, COUNTING, 20, grammar=f'{head}"yes" | "no"')
    assert text in ("yes", "no")


async def test_sampling_is_honoured(model: LanguageModel) -> None:
    prompt = "<|im_start|>user\nInvent a name for a planet.<|im_end|>\n<|im_start|>assistant\n"
    texts = {seed: (await write(model, prompt, temperature=1.5, top_p=1.0, seed=seed))[0] for seed in range(4)}
    assert len(set(texts.values())) > 1, "a seed changes what is sampled"
    assert (await write(model, prompt, temperature=1.5, top_p=1.0, seed=2))[0] == texts[2]
    greedy = {(await write(model, prompt, seed=seed))[0] for seed in range(3)}
    assert len(greedy) == 1, "temperature 0 leaves nothing to chance"
    narrow = {(await write(model, prompt, temperature=1.5, top_p=0.0001, seed=seed))[0] for seed in range(3)}
    assert len(narrow) == 1, "neither does a tiny top_p"


async def test_penalties_are_honoured(model: LanguageModel) -> None:
    plain, _ = await write(model, COUNTING, 20)
    penalised, _ = await write(model, COUNTING, 20, frequency_penalty=2.0)
    assert penalised.count(",") < plain.count(",")
    plain, _ = await write(model, " la" * 30, 16)
    penalised, _ = await write(model, " la" * 30, 16, presence_penalty=2.0)
    assert penalised != plain


async def test_hanging_up_while_it_writes_frees_the_slot(model: LanguageModel) -> None:
    tokens = await model.tokenize(COUNTING, special=True)
    async with aclosing(model.write(tokens, 2000, Sampling())) as pieces:
        await anext(pieces)
    assert await until_free(model) < 1.0


async def test_hanging_up_while_it_reads_frees_the_slot(model: LanguageModel) -> None:
    tokens = await model.tokenize("green house, seven rivers; music. " * 450, special=True)
    reading = asyncio.create_task(anext(model.write(tokens, 10, Sampling())))
    await asyncio.sleep(0.7)
    assert await busy_slots(model) == 1
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    # One batch of prompt is read to its end: half a second with two cores to itself.
    assert await until_free(model) < 4.0
    assert (await write(model, COUNTING, 3))[0]


async def test_waiting_for_a_long_prompt_of_somebody_else_is_no_silence(
    model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language_model, "LOOK_SECONDS", 0.1)
    model.http.timeout = httpx.Timeout(2.0, pool=None)  # reading takes longer
    long = asyncio.create_task(write(model, "A long tale of the sea. " * 150, 1))
    await until(lambda: model._slots._free_slots == 1)
    text, last = await write(model, COUNTING, 12)
    assert text.startswith(" 30, 31")
    assert last.finish == "length"
    await long
    model.http.timeout = httpx.Timeout(language_model.SILENCE_SECONDS, pool=None)


async def test_a_process_that_hangs_is_noticed(model: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language_model, "LOOK_SECONDS", 0.1)
    tokens = await model.tokenize(COUNTING)
    model.http.timeout = httpx.Timeout(0.5, pool=None)
    assert model.worker_pid is not None
    os.kill(model.worker_pid, signal.SIGSTOP)
    try:
        with pytest.raises(EngineFailed):
            await anext(model.write(tokens, 2, Sampling()))
    finally:
        os.kill(model.worker_pid, signal.SIGCONT)
        model.http.timeout = httpx.Timeout(language_model.SILENCE_SECONDS, pool=None)
    assert (await write(model, COUNTING, 12))[0].startswith(" 30, 31")


async def test_nobody_without_the_key_is_answered(model: LanguageModel) -> None:
    async with httpx.AsyncClient(base_url=model.http.base_url, trust_env=False) as stranger:
        assert (await stranger.post("/tokenize", json={"content": "x"})).status_code == 401
        assert (await stranger.post("/completion", json={"prompt": "x", "n_predict": 1})).status_code == 401
        assert (await stranger.get("/slots")).status_code == 401


async def test_killed_in_mid_stream_it_fails_that_answer_and_writes_the_next(model: LanguageModel) -> None:
    tokens = await model.tokenize(COUNTING, special=True)
    pid = model.worker_pid
    assert pid is not None
    with pytest.raises(EngineFailed):
        async with aclosing(model.write(tokens, 2000, Sampling())) as pieces:
            async for _ in pieces:
                os.kill(pid, signal.SIGKILL)
    text, _ = await write(model, COUNTING, 6)
    assert text.startswith(" 30")
    assert model.worker_pid != pid


async def kept_in(folder: Path, weights: Path, **settings: int) -> LanguageModel:
    model = LanguageModel(weights, EngineSettings(context_length=4096, **settings), folder)
    await model.start()
    await until(lambda: model.readiness.ready)
    return model


def contents(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.iterdir()]


def spoil(folder: Path, harm: str) -> None:
    (file,) = folder.iterdir()
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes({"cut": bytes(data[:-9]), "changed": bytes(data), "emptied": b""}[harm])


async def test_what_was_read_is_kept_for_the_next_process(small_language_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "prompts"
    model = await kept_in(folder, small_language_model)
    try:
        prompt = await model.tokenize(f"Numbers: {', '.join(map(str, range(1, 300)))}")
        assert not await model.recall(prompt)
        expected, _ = await written(model, prompt)
        abandoned = folder / "killed.part"
        abandoned.write_bytes(b"")
        os.utime(abandoned, (0, 0))
        await model.keep(prompt)
        assert len(contents(folder)) == 1
        assert folder.stat().st_mode & 0o077 == 0, "nobody else's"
        os.kill(pid := model.worker_pid or 0, signal.SIGKILL)
        await until(lambda: model.worker_pid not in (pid, None))
        assert await model.recall(prompt), "after it died, too"
        assert not await model.recall(prompt[:-1]), "another prompt"
    finally:
        await model.close()

    model = await kept_in(folder, small_language_model)
    try:
        assert await model.recall(prompt)
        text, last = await written(model, prompt)
        assert text == expected
        assert last.reused_tokens == len(prompt) - 1
    finally:
        await model.close()


@pytest.mark.parametrize("harm", ["cut", "changed", "emptied"])
async def test_what_was_kept_and_is_damaged_is_forgotten(small_language_model: Path, tmp_path: Path, harm: str) -> None:
    model = await kept_in(tmp_path, small_language_model)
    try:
        prompt = await model.tokenize("One, two, three, four.")
        await model.keep(prompt)
        spoil(tmp_path, harm)
        assert not await model.recall(prompt)
        assert not contents(tmp_path)
        assert (await written(model, prompt))[0]
    finally:
        await model.close()


async def test_nobodys_conversation_is_kept(small_language_model: Path, tmp_path: Path) -> None:
    """Others who ask meanwhile wait, and what they ask is in no file."""
    model = await kept_in(tmp_path, small_language_model)
    try:
        prompt = await model.tokenize("One, two, three, four.")
        asked = await model.tokenize("One, two, three, four. The password of the safe is xylophone.")
        await asyncio.gather(model.keep(prompt), *(written(model, asked) for _ in range(3)))
        (data,) = contents(tmp_path)
        assert struct.pack(f"<{len(prompt)}I", *prompt) in data
        assert struct.pack("<3I", *asked[-3:]) not in data
    finally:
        await model.close()


async def test_nobody_waits_for_a_prompt_to_be_kept_behind_a_long_answer(
    small_language_model: Path, tmp_path: Path
) -> None:
    model = await kept_in(tmp_path, small_language_model)
    try:
        prompt = await model.tokenize("One, two, three, four.")
        async with aclosing(model.write(prompt, 500, Sampling(grammar=ENDLESS))) as answer:
            await anext(answer)
            await model.keep(prompt)
            assert not contents(tmp_path)
            assert (await written(model, prompt))[0]
    finally:
        await model.close()


async def test_a_folder_that_cannot_be_had_is_done_without(small_language_model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    model = await kept_in(tmp_path / "file" / "prompts", small_language_model)
    try:
        prompt = await model.tokenize("One, two, three.")
        await model.keep(prompt)
        assert not await model.recall(prompt)
    finally:
        await model.close()


async def test_a_file_that_is_no_model_is_told(tmp_path: Path) -> None:
    (tmp_path / "no.gguf").write_bytes(b"GGUF" + bytes(1000))
    model = LanguageModel(tmp_path / "no.gguf", EngineSettings())
    await model.start()
    await until(lambda: "loading" not in model.readiness.detail)
    assert not model.readiness.ready
    assert "cannot be loaded" in model.readiness.detail
    with pytest.raises(Unavailable):
        await model.count("x")
    await model.close()
    await model.close()


async def test_weights_that_cannot_be_had_are_told() -> None:
    def missing() -> Path:
        raise OSError("the disk is full")

    model = LanguageModel(missing, EngineSettings())
    await model.start()
    await until(lambda: "loading" not in model.readiness.detail)
    assert "the disk is full" in model.readiness.detail
    await model.close()
