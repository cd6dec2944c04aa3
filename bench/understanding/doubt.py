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
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.config import load_settings
from auricle.engines.embedded.constraints import Tools
from auricle.engines.embedded.conversation import Conversation
from auricle.engines.embedded.doubt import ADMIT, doubt_of
from auricle.engines.embedded.heard import Heard
from auricle.engines.embedded.language_model import PROMPTS, LanguageModel
from auricle.engines.embedded.listener import Listener
from auricle.engines.embedded.responder import Responder
from auricle.weights.pull import resolve
from bench.sets import cache_dir
from bench.understanding.evaluate import Deaf
from bench.understanding.spoken import listened
from bench.understanding.wording import READINGS, Read, readings

ANSWERABLE = sorted(Path(__file__).with_name("answerable").glob("*.toml"))
PROBE = Path(__file__).parents[2] / "auricle" / "engines" / "embedded" / "doubt.json"
VOCABULARY = range(220, 20_000)  # of it: frequent tokens, no single bytes
TOKENS = 1024  # that are compared
FOLDS = 5
RIDGE = 100.0  # of standardised features
UPDATE_RIDGE = 100.0  # of changes to weights
STEPS = 20  # of Newton's method
DIGITS = 5  # of weights that are written

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


async def asked(
    reads: Sequence[Read], name: str, tokens: tuple[int, ...] | None = None
) -> tuple[tuple[int, ...], Floats]:
    """The tokens, those of `vocabulary` unless given, and how likely each is to begin the answer: float64 [questions,
    tokens]."""
    settings = load_settings()
    engine = settings.engine("embedded")
    model = LanguageModel(resolve(name, settings), engine, settings.cache_dir / PROMPTS)
    await model.start()
    await model.wait_ready()
    rows: list[tuple[float, ...]] = []
    try:
        tokens = tokens or await vocabulary(model)
        responder = Responder(model, Listener(Deaf()))
        await responder.warm_up()
        for read in reads:
            prompt = await responder.prompt(read.request, [read.heard])
            rows.append((await model.weigh(prompt.tokens, tokens)).logprobs)
            sys.stdout.write(f"\r{len(rows)}/{len(reads)}")
            sys.stdout.flush()
    finally:
        await model.close()
    return tokens, np.array(rows)


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


def held_out(reads: Sequence[Read], features: Floats, before: Floats | None = None, ridge: float = RIDGE) -> Floats:
    """Log-odds [questions] by probes that were fitted on other readings."""
    truth = labels(reads)
    numbers: dict[tuple[str, ...], int] = {}
    groups = np.array([numbers.setdefault(read.said, len(numbers)) for read in reads])
    found = np.zeros(len(truth)) if before is None else before.copy()
    for fold in range(FOLDS):
        inside = groups % FOLDS == fold
        weights, bias = fitted(features[~inside], truth[~inside], None if before is None else before[~inside], ridge)
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
    rounded = [float(f"{weight:.{DIGITS}g}") for weight in weights]
    probes[name] = {"tokens": list(tokens), "weights": rounded, "bias": round(bias, DIGITS)}
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="keep the probe for the engine")
    parser.add_argument("--update", nargs="+", type=Path, metavar="FILE", help="change the probe by these files alone")
    parser.add_argument("--model", default=load_settings().engine("embedded").language_model, help="of the catalogue")
    options = parser.parse_args()
    probe = update(options.model, options.update) if options.update else fit(options.model)
    if options.write:
        write(options.model, *probe)


if __name__ == "__main__":
    main()
