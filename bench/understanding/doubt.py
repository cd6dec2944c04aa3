"""Fits the probe of auricle/engines/embedded/doubt.py, and tells how well it knows what can be answered: `python -m
bench.understanding.doubt [--write] [--update FILE ...]`.

On answerable/*.toml: what might be said in an audio, with questions of which it is known whether they are answered
there; nothing of it is in another part. The model is told what is heard when voices say it (spoken.py), for a word that
was misheard is not one that is missing, or, where no voice that can be understood speaks the language, what it says.
Speaking, listening and asking take an hour and a half on two cores; what comes of it is kept beside the clips of
`bench.sets`. Fitted is a ridge-regularised logistic regression, judged on readings that it was not fitted on: those of
the other folds, and readings.toml.

With `--update` only the questions of those files are asked, a second each, and the probe that is there is changed as
little as they need: the same regression, whose ridge draws towards the old weights in place of none.

With `--second reasons` it is the second probe that is fitted, in the same way: on the questions why of all files, told
what is said with made-up mistakes (tuning/spoilt.py), and on what the model answers when it has to give a reason; with
`--second answers`, on all other questions, and on what it answers as it likes. That takes two seconds a question or
more, half an hour for the one and two hours for the other.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import sys
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.config import load_settings
from auricle.engines.embedded.completion import Sampling
from auricle.engines.embedded.constraints import Tools, beginning_with
from auricle.engines.embedded.conversation import Conversation
from auricle.engines.embedded.doubt import ADMIT, AnswerDoubt, doubt_of
from auricle.engines.embedded.heard import Heard
from auricle.engines.embedded.language_model import PROMPTS, LanguageModel
from auricle.engines.embedded.listener import Listener
from auricle.engines.embedded.responder import Responder
from auricle.engines.embedded.vocabularies import VOCABULARIES
from auricle.weights.pull import resolve
from bench.sets import cache_dir
from bench.understanding.evaluate import ANSWER_TOKENS, Deaf
from bench.understanding.spoken import listened
from bench.understanding.tuning.spoilt import spoilt
from bench.understanding.wording import READINGS, Read, readings

ANSWERABLE = sorted(Path(__file__).with_name("answerable").glob("*.toml"))
PROBE = Path(__file__).parents[2] / "auricle" / "engines" / "embedded" / "doubt.json"
VOCABULARY = range(220, 20_000)  # of it: frequent tokens, no single bytes
TOKENS = 1024  # that are compared
FOLDS = 5
RIDGE = 100.0  # of standardised features
UPDATE_RIDGE = 100.0  # of changes to weights
SECOND_RIDGE = {"reasons": 30.0, "answers": 300.0}  # of the second probes' features
LIMITS = np.arange(-1.0, 2.25, 0.25)  # of log-odds, that are told of
STEPS = 20  # of Newton's method
DIGITS = 5  # of weights that are written
SECOND_DIGITS = 3  # of the second probes': that moves log-odds by 0.04 at most

Floats = NDArray[np.float64]


async def vocabulary(model: LanguageModel) -> tuple[int, ...]:
    """Tokens that are texts by themselves; the same ones each time."""
    found: list[int] = []
    for token in random.Random(0).sample(VOCABULARY, len(VOCABULARY)):
        text = await model.text([token])
        if text.isascii() and text.isprintable() and text.strip():
            found.append(token)
        if len(found) == TOKENS:
            break
    return tuple(sorted(found))


@asynccontextmanager
async def taught(name: str) -> AsyncGenerator[tuple[LanguageModel, Responder]]:
    """A language model, and what asks it, when it has read the examples."""
    settings = load_settings()
    model = LanguageModel(resolve(name, settings), settings.engine("embedded"), settings.cache_dir / PROMPTS)
    await model.start()
    await model.wait_ready()
    try:
        responder = Responder(model, Listener(Deaf()))
        await responder.warm_up()
        yield model, responder
    finally:
        await model.close()


async def asked(
    reads: Sequence[Read], name: str, tokens: tuple[int, ...] | None = None
) -> tuple[tuple[int, ...], Floats]:
    """The tokens, those of `vocabulary` unless given, and how likely each is to begin the answer: float64 [questions,
    tokens]."""
    rows: list[tuple[float, ...]] = []
    async with taught(name) as (model, responder):
        tokens = tokens or await vocabulary(model)
        for read in reads:
            prompt = await responder.prompt(read.request, [read.heard])
            rows.append((await model.weigh(prompt.tokens, tokens)).logprobs)
            _count(rows, reads)
    return tokens, np.array(rows)


async def answered(reads: Sequence[Read], name: str, tokens: tuple[int, ...]) -> tuple[list[str], Floats]:
    """What the model answers, to questions why if it has to give a reason; and how likely `tokens` are to begin its
    answer, and to follow it: float64 [questions, 2 * tokens]."""
    answers: list[str] = []
    rows: list[tuple[float, ...]] = []
    async with taught(name) as (model, responder):
        for read in reads:
            prompt = (await responder.prompt(read.request, [read.heard])).tokens
            before = await model.weigh(prompt, tokens)
            conversation = Conversation(read.request, Tools())
            because = VOCABULARIES[conversation.question.language].because if conversation.reasoned else ""
            sampling = Sampling(grammar=beginning_with(because) if because else None)
            pieces = model.write(prompt, ANSWER_TOKENS, sampling)
            answers.append("".join([piece.text async for piece in pieces]).strip())
            after = await model.weigh([*prompt, *await model.tokenize(answers[-1])], tokens)
            rows.append(before.logprobs + after.logprobs)
            _count(rows, reads)
    return answers, np.array(rows)


def _count(done: Sequence[object], of: Sequence[object]) -> None:
    sys.stdout.write(f"\r{len(done)}/{len(of)}")
    sys.stdout.flush()


def known(
    reads: Sequence[Read], kind: str, name: str, tokens: tuple[int, ...] | None = None
) -> tuple[tuple[int, ...], Floats]:
    """What `asked` returns; kept by what was heard and asked, so that it is asked once."""
    digest = hashlib.sha256(repr([(read.heard, read.text) for read in reads]).encode()).hexdigest()[:12]
    file = cache_dir() / f"doubt-{name}-{kind}-{digest}.npz"
    if not file.exists():
        tokens, logprobs = asyncio.run(asked(reads, name, tokens))
        np.savez(file, tokens=np.array(tokens), logprobs=logprobs)
    kept = np.load(file)
    return tuple(map(int, kept["tokens"])), kept["logprobs"]


def to_fit(files: Sequence[Path], heard_of: Mapping[tuple[str, ...], Heard]) -> Iterator[Read]:
    """The questions of `files`: as it is heard, or, where nobody says it, as it is."""
    return (read for file in files for read in (*readings("fit", file, heard_of), *unspoken(file, heard_of)))


def unspoken(file: Path, heard_of: Mapping[tuple[str, ...], Heard]) -> Iterator[Read]:
    """The questions about readings that nobody says."""
    return (read for read in readings("fit", file) if read.said not in heard_of)


def labels(reads: Sequence[Read]) -> Floats:
    """1 where the question cannot be answered, else 0."""
    return np.array([float(read.right is None) for read in reads])


def fitted(
    features: Floats, unanswerable: Floats, before: Floats | None = None, ridge: float = RIDGE
) -> tuple[Floats, float]:
    """Weights [tokens] and bias of the log-odds, from features [questions, tokens] and 0 or 1 [questions].

    With `before`, log-odds [questions] of another probe, they are what is to be added to its own.
    """
    mean, scale = features.mean(0), features.std(0) + 1e-9
    inputs = np.column_stack([(features - mean) / scale, np.ones(len(features))])
    penalty = np.diag([ridge] * features.shape[1] + [0.0])
    offset = np.zeros(len(features)) if before is None else before
    found = np.zeros(inputs.shape[1])
    for _ in range(STEPS):
        odds = 1 / (1 + np.exp(-offset - inputs @ found))
        curvature = (inputs * (odds * (1 - odds))[:, None]).T @ inputs + penalty
        found -= np.linalg.solve(curvature, inputs.T @ (odds - unanswerable) + penalty @ found)
    weights = found[:-1] / scale
    return weights, float(found[-1] - weights @ mean)


def held_out(
    reads: Sequence[Read],
    features: Floats,
    before: Floats | None = None,
    ridge: float = RIDGE,
    of_use: NDArray[np.bool_] | None = None,
) -> Floats:
    """Log-odds [questions] by probes that were fitted on other readings, on those questions that are `of_use`."""
    truth = labels(reads)
    numbers: dict[tuple[str, ...], int] = {}
    groups = np.array([numbers.setdefault(read.said, len(numbers)) for read in reads])
    of_use = np.ones(len(truth), bool) if of_use is None else of_use
    found = np.zeros(len(truth)) if before is None else before.copy()
    for fold in range(FOLDS):
        inside = groups % FOLDS == fold
        others = ~inside & of_use
        weights, bias = fitted(features[others], truth[others], None if before is None else before[others], ridge)
        found[inside] += features[inside] @ weights + bias
    return found


def area(log_odds: Floats, unanswerable: Floats) -> float:
    """Under the curve of receiver operating characteristics: how often one of each kind is told apart."""
    wrong, right = log_odds[unanswerable == 0], log_odds[unanswerable == 1]
    return float((right[:, None] > wrong).mean() + (right[:, None] == wrong).mean() / 2)


def report(name: str, log_odds: Floats, unanswerable: Floats) -> None:
    """One line: how many of each kind are held to no answer."""
    cells = []
    for kind, of in (("can be answered", 0), ("cannot", 1)):
        odds = log_odds[unanswerable == of]
        cells.append(f"{kind}: {len(odds)}, {np.mean(odds > ADMIT):.1%} refused")
    sys.stdout.write(f"{name:22} area {area(log_odds, unanswerable):.3f}; {'; '.join(cells)}\n")


def write(name: str, tokens: Sequence[int], weights: Floats, bias: float) -> None:
    """Keep the probe of the language model `name` for the engine."""
    probes = json.loads(PROBE.read_text("utf-8"))
    probes[name] = probes.get(name, {}) | {
        "tokens": list(tokens),
        "weights": list(_rounded(weights, DIGITS)),
        "bias": round(bias, DIGITS),
    }
    PROBE.write_text(json.dumps(probes) + "\n", "utf-8")


def report_all(name: str, reads: Sequence[Read], log_odds: Floats) -> None:
    """A line for all `reads`, and one for each language."""
    truth = labels(reads)
    languages = np.array([read.heard.segments[0].language for read in reads])
    report(name, log_odds, truth)
    for language in np.unique(languages):
        report(f"  {language}", log_odds[languages == language], truth[languages == language])


def fit(name: str) -> tuple[tuple[int, ...], Floats, float]:
    """A new probe: its tokens, weights and bias."""
    heard_of = listened([*ANSWERABLE, READINGS])
    reads = list(to_fit(ANSWERABLE, heard_of))
    checks = {
        how: [read for part in ("choose", "check") for read in readings(part, READINGS, ears)]
        for how, ears in (("as it is", None), ("as heard", heard_of))
    }
    tokens, features = known(reads, "fit", name)
    report_all("other folds", reads, held_out(reads, features))
    weights, bias = fitted(features, labels(reads))
    for how, asked_about in checks.items():
        report(f"readings {how}", known(asked_about, "check", name)[1] @ weights + bias, labels(asked_about))
    return tokens, weights, bias


def update(name: str, files: Sequence[Path]) -> tuple[tuple[int, ...], Floats, float]:
    """The probe that is there, changed by the questions of `files`."""
    old = doubt_of(name)
    if old is None:
        raise SystemExit(f"there is no probe for {name} yet: run this without --update first")
    heard_of = listened(files)
    # Those questions that the probe is asked about.
    reads = [read for read in to_fit(files, heard_of) if Conversation(read.request, Tools()).doubtable]
    _, features = known(reads, "update", name, old.tokens)
    before = features @ np.array(old.weights) + old.bias
    report_all("before", reads, before)
    report_all("changed, other folds", reads, held_out(reads, features, before, UPDATE_RIDGE))
    weights, bias = fitted(features, labels(reads), before, UPDATE_RIDGE)
    return old.tokens, np.array(old.weights) + weights, old.bias + bias


def fit_second(name: str, kind: str) -> AnswerDoubt:
    """A second probe, for `reasons` or for other `answers`: the first one, changed as little as they need, and what
    follows an answer.

    Whether a wrong answer to what was told is sent or taken back is the same, so nothing is fitted on these.
    """
    doubt = doubt_of(name)
    if doubt is None:
        raise SystemExit(f"there is no probe for {name} yet: run this without --second first")
    reads = [
        replace(read, heard=spoilt(read.heard, repr(read.said)))
        for file in ANSWERABLE
        for read in readings("fit", file)
        if kind == _kind(read)
    ]
    answers, features = asyncio.run(answered(reads, name, doubt.tokens))
    truth = labels(reads)
    pairs = list(zip(reads, answers, strict=True))
    right = np.array([read.right is not None and read.judge(answer) for read, answer in pairs])
    refused = np.array([replace(read, right=None).judge(answer) for read, answer in pairs])
    of_use = right | (truth == 1)
    first = features[:, : len(doubt.tokens)] @ np.array(doubt.weights) + doubt.bias
    ridge = SECOND_RIDGE[kind]
    log_odds = held_out(reads, features, first, ridge, of_use)
    for label, odds in (("the first probe", first), ("other folds", log_odds)):
        sys.stdout.write(f"\n{label}: area {area(odds[of_use], truth[of_use]):.3f}\n")
        for limit in LIMITS:
            admitted = (odds > limit) | refused
            answered_right, admissions = np.sum(right & ~admitted), np.sum(admitted & (truth == 1))
            sys.stdout.write(
                f"from {limit:5.2f} on: {answered_right}/{np.sum(truth == 0)} answered right, "
                f"{admissions}/{np.sum(truth == 1)} admitted\n"
            )
    weights, bias = fitted(features[of_use], truth[of_use], first[of_use], ridge)
    before, after = np.split(weights, 2)
    before += np.array(doubt.weights)
    return AnswerDoubt(
        _rounded(before, SECOND_DIGITS), _rounded(after, SECOND_DIGITS), round(doubt.bias + bias, DIGITS)
    )


def _kind(read: Read) -> str | None:
    """Which second probe is asked about `read`, if any."""
    asked = Conversation(read.request, Tools())
    return "reasons" if asked.reasoned else "answers" if asked.doubtable else None


def write_second(name: str, kind: str, probe: AnswerDoubt) -> None:
    """Keep a second probe of the language model `name` for the engine."""
    probes = json.loads(PROBE.read_text("utf-8"))
    probes[name][kind] = asdict(probe)
    PROBE.write_text(json.dumps(probes) + "\n", "utf-8")


def _rounded(weights: Floats, digits: int) -> tuple[float, ...]:
    return tuple(float(f"{weight:.{digits}g}") for weight in weights)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="keep the probe for the engine")
    parser.add_argument("--update", nargs="+", type=Path, metavar="FILE", help="change the probe by these files alone")
    parser.add_argument(
        "--second", choices=sorted(SECOND_RIDGE), help="fit a second probe: for questions why, or for others"
    )
    parser.add_argument("--model", default=load_settings().engine("embedded").language_model, help="of the catalogue")
    options = parser.parse_args()
    if options.second:
        second = fit_second(options.model, options.second)
        if options.write:
            write_second(options.model, options.second, second)
        return
    probe = update(options.model, options.update) if options.update else fit(options.model)
    if options.write:
        write(options.model, *probe)


if __name__ == "__main__":
    main()
