"""Fits a low-rank adapter (LoRA; Hu et al. 2021) for a Qwen2 model of a GGUF file: `python fit.py LESSONS WEIGHTS OUT
MINUTES [ADAPTER]`, in an environment with torch and gguf, which `tune.py` makes. ADAPTER is gone on from.

On two cores, so nothing is computed twice: the lower half of the layers is not changed, and what comes out of it is
kept; questions about the same notes are one sequence, in which they see the notes and not each other; nothing of the
prompt but our own instructions stands before them, whose keys and values are renewed now and then.
"""

from __future__ import annotations

import json
import math
import random
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from gguf import GGUFReader, GGUFWriter, dequantize

HALF = torch.bfloat16
ADAPTED = ("attn_q", "attn_k", "attn_v", "attn_output")
WEIGHTS = (*ADAPTED, "ffn_gate", "ffn_up", "ffn_down")
RANK = 4
SCALE = 2.0  # of what is added
LEARNING_RATE = 1e-3
BETAS = (0.9, 0.98)
WARM_UP_STEPS = 20
RENEWED_STEPS = 40  # between two looks at the instructions
REPORTED_STEPS = 20
REASONS = 0.75  # of the time, from which on only questions that ask for a reason are learnt from
QUESTIONS = 8  # in a sequence, about: what the loss is divided by
TOKENS = 400  # of a sequence, about: what packed weights are laid out for
MASKED = -1e9


@dataclass
class Sequence:
    """Notes, and the questions about them with their answers."""

    language: str  # of the instructions before it
    start: int  # how many tokens of them it goes on from
    tokens: torch.Tensor  # int64 [tokens]
    places: torch.Tensor  # int64 [tokens]
    mask: torch.Tensor  # [tokens, start + tokens], added to the scores of attention
    before: torch.Tensor  # int64 [answer tokens]: after which token each is to come
    answers: torch.Tensor  # int64 [answer tokens]
    weights: torch.Tensor  # float32 [answer tokens]: an answer's first token counts as much as all others together
    firsts: list[int]
    """Which of the answer tokens begin one."""
    hidden: torch.Tensor | None = None  # [1, tokens, width]: what the lower layers make of it


def sequence(lessons: list[dict[str, Any]], instructions: list[int]) -> Sequence:
    """Lessons with the same notes as one."""
    prompts = [lesson["prompt"] for lesson in lessons]
    start = min(common(instructions, prompt) for prompt in prompts)
    shared = min(min(common(prompts[0], prompt), len(prompt) - 1) for prompt in prompts)
    tokens, places, owners = prompts[0][start:shared], list(range(start, shared)), [-1] * (shared - start)
    answers: list[tuple[int, int, float]] = []
    starts: list[int] = []
    for number, lesson in enumerate(lessons):
        question, answer = lesson["prompt"][shared:], lesson["answer"]
        at = len(tokens) + len(question) - 1
        tokens = tokens + question + answer[:-1]
        places += range(shared, shared + len(question) + len(answer) - 1)
        owners += [number] * (len(question) + len(answer) - 1)
        for place, token in enumerate(answer):
            answers.append((at + place, token, 1.0 if not place else 1 / (len(answer) - 1)))
            starts.append(place)
    owner = torch.tensor(owners)
    seen = ((owner[None] == -1) | (owner[None] == owner[:, None])) & torch.ones(2 * [len(tokens)]).tril().bool()
    mask = torch.cat([torch.zeros(len(tokens), start), torch.where(seen, 0.0, MASKED)], 1).to(HALF)
    before, wanted, weights = zip(*answers, strict=True)
    return Sequence(
        lessons[0]["language"],
        start,
        torch.tensor(tokens),
        torch.tensor(places),
        mask,
        torch.tensor(before),
        torch.tensor(wanted),
        torch.tensor(weights),
        [i for i, place in enumerate(starts) if not place],
    )


def common(one: list[int], other: list[int]) -> int:
    """How many tokens are the same from the front."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


class Packed(torch.autograd.Function):  # type: ignore[misc, unused-ignore]
    """A product with weights that stay as they are, laid out for the processor in both directions."""

    @staticmethod
    def forward(ctx: Any, inputs: torch.Tensor, there: Any, back: Any, bias: torch.Tensor | None) -> torch.Tensor:
        ctx.back = back
        return torch.ops.mkldnn._linear_pointwise(inputs, there, bias, "none", [], "")

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        product = torch.ops.mkldnn._linear_pointwise(gradient.contiguous(), ctx.back, None, "none", [], "")
        return product, None, None, None


class Qwen2:
    """The model in bfloat16, with an adapter on the upper half of its layers."""

    def __init__(self, file: Path) -> None:
        reader = GGUFReader(file)
        self._tensors = {tensor.name: tensor for tensor in reader.tensors}

        def field(name: str) -> float:
            return float(reader.fields[f"qwen2.{name}"].parts[-1][0])

        self.layers = int(field("block_count"))
        self.first = self.layers // 2  # that is changed
        self._heads, self._shared = int(field("attention.head_count")), int(field("attention.head_count_kv"))
        self._epsilon, self._base = field("attention.layer_norm_rms_epsilon"), field("rope.freq_base")
        self._embedding = self._read("token_embd.weight")
        tied = "output.weight" not in self._tensors
        self._output = self._embedding if tied else self._read("output.weight")
        self._output_norm = self._read("output_norm.weight").float()
        self._size = self._embedding.shape[1] // self._heads  # of a head
        self._layers = [self._layer(number) for number in range(self.layers)]
        generator = torch.Generator().manual_seed(0)
        self.adapter: dict[tuple[int, str], tuple[torch.Tensor, torch.Tensor]] = {}
        for number in range(self.first, self.layers):
            for name in ADAPTED:
                out, into = self._layers[number][f"{name}.shape"]
                down = torch.randn(RANK, into, generator=generator) / math.sqrt(into)
                self.adapter[number, name] = down.requires_grad_(), torch.zeros(out, RANK, requires_grad=True)
        self._instructions: dict[str, torch.Tensor] = {}
        self._known: dict[str, list[tuple[torch.Tensor, torch.Tensor]]] = {}

    def instruct(self, language: str, tokens: list[int]) -> None:
        """Read what stands before all sequences of a language."""
        hidden, places = self._embedding[torch.tensor(tokens)][None], torch.arange(len(tokens))
        self._known[language] = []
        for number in range(self.layers):
            if number == self.first:
                self._instructions[language] = hidden
            hidden, known = self._through(number, hidden, places, None, None)
            self._known[language].append(known)

    def renew(self) -> None:
        """Read the instructions again with the adapter as it is now."""
        with torch.no_grad():
            for language, hidden in self._instructions.items():
                places = torch.arange(hidden.shape[1])
                for number in range(self.first, self.layers):
                    hidden, self._known[language][number] = self._through(number, hidden, places, None, None)

    def logits(self, one: Sequence) -> torch.Tensor:
        """Of the tokens of the answers: float32 [answer tokens, vocabulary]."""
        if one.hidden is None:
            hidden = self._embedding[one.tokens][None]
            with torch.no_grad():
                for number in range(self.first):
                    hidden = self._after(number, hidden, one)
            one.hidden = hidden
        hidden = one.hidden
        for number in range(self.first, self.layers):
            hidden = self._after(number, hidden, one)
        return F.linear(self._normed(hidden[0, one.before], self._output_norm), self._output).float()

    def _after(self, number: int, hidden: torch.Tensor, one: Sequence) -> torch.Tensor:
        known = tuple(each[:, :, : one.start] for each in self._known[one.language][number])
        return self._through(number, hidden, one.places, known, one.mask)[0]

    def _through(
        self, number: int, hidden: torch.Tensor, places: torch.Tensor, known: Any, mask: torch.Tensor | None
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """A layer: what comes out of it, and its keys and values."""
        layer, count = self._layers[number], hidden.shape[1]

        def heads(name: str, amount: int) -> torch.Tensor:
            return self._product(number, name, normed).view(1, count, amount, self._size).transpose(1, 2)

        normed = self._normed(hidden, layer["attn_norm"])
        queries = self._turned(heads("attn_q", self._heads), places)
        keys, values = self._turned(heads("attn_k", self._shared), places), heads("attn_v", self._shared)
        all_keys, all_values = (
            (torch.cat([before, now], 2) if known else now).repeat_interleave(self._heads // self._shared, 1)
            for before, now in zip(known or (None, None), (keys, values), strict=True)
        )
        mixed = F.scaled_dot_product_attention(
            queries, all_keys, all_values, None if mask is None else mask[None, None], is_causal=mask is None
        )
        hidden = hidden + self._product(number, "attn_output", mixed.transpose(1, 2).reshape(1, count, -1))
        normed = self._normed(hidden, layer["ffn_norm"])
        gated = F.silu(self._product(number, "ffn_gate", normed)) * self._product(number, "ffn_up", normed)
        return hidden + self._product(number, "ffn_down", gated), (keys, values)

    def _product(self, number: int, name: str, inputs: torch.Tensor) -> torch.Tensor:
        layer = self._layers[number]
        product = Packed.apply(inputs, layer[name], layer.get(f"{name}.back"), layer.get(f"{name}.bias"))
        if (number, name) not in self.adapter:
            return product
        down, up = self.adapter[number, name]
        return product + F.linear(F.linear(inputs, down.to(HALF)), up.to(HALF)) * SCALE

    def _normed(self, hidden: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        exact = hidden.float()
        return (exact * torch.rsqrt(exact.pow(2).mean(-1, keepdim=True) + self._epsilon) * weight).to(HALF)

    def _turned(self, heads: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """With their places: rotary embedding, halves of a head as pairs."""
        angles = places[:, None] / self._base ** (torch.arange(0, self._size, 2) / self._size)
        one, other = heads.float().chunk(2, -1)
        cosines, sines = angles.cos(), angles.sin()
        return torch.cat([one * cosines - other * sines, other * cosines + one * sines], -1).to(HALF)

    def _layer(self, number: int) -> dict[str, Any]:
        layer: dict[str, Any] = {}
        for name in ("attn_norm", "ffn_norm"):
            layer[name] = self._read(f"blk.{number}.{name}.weight").float()
        for name in WEIGHTS:
            weights = self._read(f"blk.{number}.{name}.weight")
            layer[f"{name}.shape"] = tuple(weights.shape)
            layer[name] = torch.ops.mkldnn._reorder_linear_weight(weights, TOKENS)
            if number >= self.first:
                layer[f"{name}.back"] = torch.ops.mkldnn._reorder_linear_weight(weights.t().contiguous(), TOKENS)
            if f"blk.{number}.{name}.bias" in self._tensors:
                layer[f"{name}.bias"] = self._read(f"blk.{number}.{name}.bias")
        return layer

    def _read(self, name: str) -> torch.Tensor:
        tensor = self._tensors[name]
        return torch.tensor(dequantize(tensor.data, tensor.tensor_type), dtype=torch.float32).to(HALF)

    def resume(self, file: Path) -> None:
        """Go on from an adapter that was written."""
        found = {tensor.name: tensor.data for tensor in GGUFReader(file).tensors}
        for (number, name), pair in self.adapter.items():
            for letter, matrix in zip("ab", pair, strict=True):
                kept = found[f"blk.{number}.{name}.weight.lora_{letter}"]
                matrix.data.copy_(torch.tensor(kept.astype(np.float32)))

    def write(self, file: Path) -> None:
        """The adapter as llama.cpp reads it."""
        writer = GGUFWriter(file, "qwen2")
        writer.add_type("adapter")
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", SCALE * RANK)
        for (number, name), pair in self.adapter.items():
            for letter, matrix in zip("ab", pair, strict=True):
                writer.add_tensor(
                    f"blk.{number}.{name}.weight.lora_{letter}", matrix.detach().numpy().astype(np.float16)
                )
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


def report(model: Qwen2, checks: list[dict[str, Any]], sequences: list[Sequence]) -> None:
    """How well it tells which questions of readings that it is not fitted on can be answered."""
    model.renew()
    odds: dict[bool, list[float]] = {True: [], False: []}
    lessons = iter(checks)
    with torch.no_grad():
        for one in sequences:
            logprobs = model.logits(one).log_softmax(-1)
            for row in one.firsts:
                lesson = next(lessons)
                admits = math.exp(float(logprobs[row, lesson["admission"]]))
                odds[lesson["told"]].append(math.log(admits + 1e-9) - math.log(1 - admits + 1e-9))
    told, untold = np.array(odds[True]), np.array(odds[False])
    sys.stdout.write(
        f"area {(untold[:, None] > told).mean():.3f}; of {len(untold)} that nobody tells it admits "
        f"{(untold > 0).mean():.0%}, of {len(told)} others {(told > 0).mean():.0%}\n"
    )
    sys.stdout.flush()


def main() -> None:
    found = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    model, minutes = Qwen2(Path(sys.argv[2])), float(sys.argv[4])
    if len(sys.argv) > 5:
        model.resume(Path(sys.argv[5]))
    for language, tokens in found["instructions"].items():
        model.instruct(language, tokens)
    groups: defaultdict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for lesson in found["lessons"]:
        groups[lesson["group"], lesson["language"], lesson["check"]].append(lesson)
    made = {key: sequence(lessons, found["instructions"][key[1]]) for key, lessons in groups.items()}
    fitted = [one for key, one in made.items() if not key[2]]
    reasons = [
        sequence(asked, found["instructions"][key[1]])
        for key, lessons in groups.items()
        if not key[2] and (asked := [lesson for lesson in lessons if lesson["reason"]])
    ]
    checks = {key: one for key, one in made.items() if key[2]}
    parameters = [matrix for pair in model.adapter.values() for matrix in pair]
    sys.stdout.write(f"{len(fitted)} sequences, {sum(matrix.numel() for matrix in parameters)} parameters\n")
    optimizer = torch.optim.AdamW(parameters, LEARNING_RATE, BETAS, weight_decay=0.0)
    rng = random.Random(0)
    losses: list[float] = []
    order: list[Sequence] = []
    begun, step = time.monotonic(), 0
    while (share := (time.monotonic() - begun) / 60 / minutes) < 1:
        if share > REASONS and fitted is not reasons:
            fitted, order = reasons, []
        order = order or rng.sample(fitted, len(fitted))
        one = order.pop()
        warmth = min(1.0, (step + 1) / WARM_UP_STEPS)
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * warmth * (0.5 + 0.5 * math.cos(math.pi * share))
        if step % RENEWED_STEPS == 0:
            model.renew()
        loss = (F.cross_entropy(model.logits(one), one.answers, reduction="none") * one.weights).sum()
        (loss / QUESTIONS).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        step += 1
        losses = [*losses[1 - REPORTED_STEPS :], float(loss.detach()) / len(one.firsts)]
        if step % REPORTED_STEPS == 0:
            sys.stdout.write(f"{step} steps, {share:.0%} of the time: loss {sum(losses) / len(losses):.3f}\n")
            sys.stdout.flush()
    report(model, [lesson for key in checks for lesson in groups[key]], list(checks.values()))
    model.write(Path(sys.argv[3]))


if __name__ == "__main__":
    main()
