"""What is added to a language model's weights, and when it takes part."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from auricle.config import EngineSettings
from auricle.engines.embedded.adapters import adapter_file, adapter_of
from auricle.engines.embedded.completion import Sampling, Weighed, Written
from auricle.engines.embedded.constraints import Tools
from auricle.engines.embedded.conversation import Conversation
from auricle.engines.embedded.doubt import Doubt
from auricle.engines.embedded.language_model import LanguageModel
from auricle.engines.embedded.responder import Responder
from auricle.pipeline import collect
from auricle.types import Message, Options, ResponseFormat, Text
from tests.engines.embedded.questions import PARCEL, YES
from tests.engines.embedded.respondent import Respondent, Roomy

WIDTH = 896  # of the small model
PROMPT = "The capital of France is"
ALIGNMENT = 32
STRING, FLOAT32 = 8, 6  # kinds of values in a GGUF


def gguf(strings: dict[str, str], alpha: float, matrices: dict[str, Any]) -> bytes:
    """A file of float32 matrices (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md)."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    head = b"GGUF" + struct.pack("<IQQ", 3, len(matrices), len(strings) + 1)
    for key, value in strings.items():
        head += text(key) + struct.pack("<I", STRING) + text(value)
    head += text("adapter.lora.alpha") + struct.pack("<If", FLOAT32, alpha)
    body = b""
    for name, matrix in matrices.items():
        rows, columns = matrix.shape
        head += text(name) + struct.pack("<IQQIQ", 2, columns, rows, 0, len(body))
        body += matrix.astype("<f4").tobytes()
        body += bytes(-len(body) % ALIGNMENT)
    return head + bytes(-len(head) % ALIGNMENT) + body


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """One that makes the small model say something else."""
    rng = np.random.default_rng(0)
    file = tmp_path / "adapter.gguf"
    strings = {"general.architecture": "qwen2", "general.type": "adapter", "adapter.type": "lora"}
    matrices = {
        "blk.20.attn_output.weight.lora_a": rng.normal(size=(1, WIDTH)),
        "blk.20.attn_output.weight.lora_b": rng.normal(size=(WIDTH, 1)),
    }
    file.write_bytes(gguf(strings, 1.0, matrices))
    return file


async def said(model: LanguageModel, *, adapted: bool) -> tuple[str, Written]:
    tokens = await model.tokenize(PROMPT)
    pieces = [piece async for piece in model.write(tokens, 12, Sampling(adapted=adapted))]
    return "".join(piece.text for piece in pieces), pieces[-1]


def beginning(answer: tuple[str, Written]) -> str:
    """Its first word: later ones change with how prompts are batched."""
    return answer[0].split()[0]


@pytest.mark.weights
@pytest.mark.asyncio
async def test_it_takes_part_only_where_it_is_wanted(small_language_model: Path, adapter: Path) -> None:
    plain = LanguageModel(small_language_model, EngineSettings(context_length=2048))
    model = LanguageModel(small_language_model, EngineSettings(context_length=2048), adapter=adapter)
    try:
        await plain.start()
        await plain.wait_ready()
        expected = await said(plain, adapted=False)
        assert beginning(await said(plain, adapted=True)) == beginning(expected), "it has none"
        await model.start()
        await model.wait_ready()
        assert beginning(await said(model, adapted=False)) == beginning(expected)
        other = await said(model, adapted=True)
        assert beginning(other) != beginning(expected)
        again, last = await said(model, adapted=True)
        assert beginning((again, last)) == beginning(other)
        assert last.reused_tokens >= len(await model.tokenize(PROMPT)) - 1
        found = await asyncio.gather(*(said(model, adapted=adapted) for adapted in (True, False, True, False)))
        assert [*map(beginning, found)] == [beginning(one) for one in (other, expected, other, expected)]
    finally:
        await model.close()
        await plain.close()


def test_one_that_was_fitted_is_found(tmp_path: Path) -> None:
    name = EngineSettings().language_model
    assert adapter_of(name, tmp_path) is None
    file = adapter_file(name, tmp_path)
    file.parent.mkdir()
    file.write_bytes(b"GGUF")
    assert adapter_of(name, tmp_path) == file


@pytest.mark.parametrize("name", ["qwen2.5-coder-0.5b", "org/repo:model.gguf", "", "../adapters/qwen2.5-coder-1.5b"])
def test_another_model_has_none(name: str, tmp_path: Path) -> None:
    file = adapter_file("qwen2.5-coder-1.5b", tmp_path)
    file.parent.mkdir()
    file.write_bytes(b"GGUF")
    assert adapter_of(name, tmp_path) is None


@pytest.mark.weights
@pytest.mark.asyncio(loop_scope="module")
async def test_it_is_for_reasons_alone(respondent: Respondent) -> None:
    def adapted(*parts: Any, tools: Tools | None = None, adaptable: bool = True, **options: Any) -> bool:
        request = respondent.request(*parts, **options)
        return Conversation(request, tools or Tools(), adaptable=adaptable).adapted

    assert adapted(YES, "Why should we buy the red car?")
    assert adapted(YES, "为什么要买红色的车？")
    assert adapted(YES, PARCEL, "Why is the car cheaper?")
    assert not adapted(YES, "Why should we buy the red car?", adaptable=False)
    assert not adapted(YES, "Which car is cheaper?")
    assert not adapted(YES, "What is it, and why is it cheaper?")
    assert not adapted(YES, "どうして赤い車ですか？"), "an answer begins with no word for because there"
    assert not adapted("Why did Kennedy say that?")
    assert not adapted(YES, "Why should we buy the red car?", response_format=ResponseFormat("json_object"))
    tools = Tools.of(Options(tools=({"type": "function", "function": {"name": "call"}},)))
    assert not adapted(YES, "Why should we buy the red car?", tools=tools)
    first = respondent.user(YES, "Which car is cheaper?")
    assert adapted(
        first, Message("assistant", (Text("The red one."),)), Message("user", (Text("Why should we buy it?"),))
    )


@pytest.mark.weights
@pytest.mark.asyncio(loop_scope="module")
async def test_a_reason_follows_no_examples_and_is_written_with_it(respondent: Respondent) -> None:
    sampled: list[Sampling] = []

    class Adapted(Roomy):
        adaptable = True

        def write(self, prompt: Sequence[int], max_tokens: int, sampling: Sampling) -> AsyncGenerator[Written, None]:
            sampled.append(sampling)
            return self._model.write(prompt, max_tokens, sampling)

        async def weigh(self, prompt: Sequence[int], choices: Sequence[int]) -> Weighed:
            raise AssertionError("no probe was fitted on such a prompt")

    model = cast(LanguageModel, Adapted(respondent.model))
    responder = Responder(model, respondent._listener, Doubt((13,), (0.0,), 9.0))
    responder._lesson = respondent.taught._lesson
    asked = respondent.request(YES, "Why should we buy the red car?")
    bare = await respondent.responder.prompt(asked, [YES])
    assert (await responder.prompt(asked, [YES])).tokens == bare.tokens
    answer = await collect(responder.answer(asked))
    assert answer.content.startswith("Because") or answer.content == "It can't be heard in the audio."
    assert answer.usage.prompt_tokens == await responder.count_prompt_tokens(asked) == bare.billed_tokens + 26
    assert all(sampling.adapted for sampling in sampled)
    assert sampled
