"""How well questions about audio are answered: `python -m bench.understanding.evaluate` (`make eval`).

Asks a server over HTTP, one that is started for it or, with --url, one that runs; then the same language model, in this
process, about what perfect ears would have heard (the ceiling) and about the words alone (the floor). Answers are
judged by patterns (answers.py, questions.py). Needs the clips of `python -m bench.sets`, and Debian's apt-get for those
of bench/sounds/sources.py.

    --part development|test   which questions; wording and thresholds are chosen on the development part only
    --only served,ceiling     which of the three
    --write                   put the table into docs/quality.md
    --verbose                 show each wrong answer
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import sys
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx

from auricle.audio.tokens import audio_tokens
from auricle.config import load_settings
from auricle.engines.embedded.language_model import LanguageModel
from auricle.engines.embedded.listener import Listener
from auricle.engines.embedded.responder import KNOWN_ODDS, Responder
from auricle.pipeline import collect
from auricle.types import Audio, AudioClip, Message, Options, RecognitionOptions, Request, Segment, Task, Text
from auricle.waveform import SAMPLE_RATE, Waveform
from auricle.weights.pull import resolve
from bench.server import running
from bench.understanding.questions import CATEGORIES, Question, questions, scenes
from bench.understanding.scenes import Scene

PAGE = Path(__file__).parents[2] / "docs" / "quality.md"
BEGIN, END = "<!-- answers: begin -->", "<!-- answers: end -->"
SYSTEMS = ("served", "ceiling", "floor")
ANSWER_TOKENS = 120

Results = dict[str, list[tuple[Question, str, bool]]]


def ask(client: httpx.Client, url: str, question: Question, made: dict[str, Scene]) -> tuple[str, list[Any]]:
    """The server's answer, and what it heard."""
    content: list[dict[str, Any]] = [
        {"type": "input_audio", "input_audio": {"data": base64.b64encode(made[name].wav).decode()}}
        for name in question.scenes
    ]
    body = {
        "model": "mimo-v2.5",
        "messages": [{"role": "user", "content": [*content, {"type": "text", "text": question.text}]}],
        "max_completion_tokens": ANSWER_TOKENS,
        "thinking": {"type": "disabled"},
        "auricle": {"heard": True},
    }
    answer = client.post(f"{url}/v1/chat/completions", json=body, timeout=600)
    answer.raise_for_status()
    reply = answer.json()
    return str(reply["choices"][0]["message"]["content"]), list(reply["auricle"]["heard"])


class Perfect:
    """The language model alone, told what is truly there."""

    def __init__(self, made: dict[str, Scene], *, sounds: bool) -> None:
        self._made = made
        self._sounds = sounds

    async def answers(
        self, asked: list[Question], model: LanguageModel, known_odds: float | None
    ) -> AsyncGenerator[str, None]:
        listener = Listener(_Deaf())
        responder = Responder(model, listener, known_odds)
        for question in asked:
            parts = [self._audio(self._made[name], listener) for name in question.scenes]
            message = Message("user", (*parts, Text(question.text)))
            options = Options(max_tokens=ANSWER_TOKENS, thinking=False)
            request = Request("0" * 32, "m", Task.UNDERSTAND, (message,), options)
            yield (await collect(responder.answer(request))).content

    def _audio(self, made: Scene, listener: Listener) -> Audio:
        count = len(made.samples)
        duration = Fraction(count, SAMPLE_RATE)
        listener.memory.put((made.digest, RecognitionOptions()), made.heard(sounds=self._sounds))
        return Audio(AudioClip(b"", "wav"), Waveform(b"", count, duration, audio_tokens(duration), made.digest))


class _Deaf:
    """Everything is known already."""

    async def recognize(self, waveform: Waveform, options: RecognitionOptions) -> AsyncGenerator[Segment, None]:
        if waveform.sample_count >= 0:
            raise RuntimeError("this was to be known")
        yield Segment("", 0.0, 0.0, "en")


async def perfect(asked: list[Question], made: dict[str, Scene], show: Callable[..., None], *only: str) -> Results:
    settings = load_settings()
    engine = settings.engine("embedded")
    model = LanguageModel(resolve(engine.language_model, settings), engine)
    await model.start()
    while not model.readiness.ready:  # noqa: ASYNC110 (it says so in no other way)
        await asyncio.sleep(0.1)
    results: Results = {}
    try:
        for system in only:
            answers = Perfect(made, sounds=system == "ceiling").answers(
                asked, model, KNOWN_ODDS.get(engine.language_model)
            )
            results[system] = []
            async with contextlib.aclosing(answers):
                async for answer in answers:
                    question = asked[len(results[system])]
                    results[system].append((question, answer, question.judge(answer)))
                    show(system, *results[system][-1])
    finally:
        await model.close()
    return results


def served(url: str, asked: list[Question], made: dict[str, Scene], show: Callable[..., None]) -> tuple[Results, int]:
    """The server's answers; and in how many audios without speech words were heard."""
    found: list[tuple[Question, str, bool]] = []
    invented = {}
    with httpx.Client() as client:
        for question in asked:
            answer, heard = ask(client, url, question, made)
            found.append((question, answer, question.judge(answer)))
            show("served", *found[-1])
            for name, audio in zip(question.scenes, heard, strict=True):
                if not made[name].segments:
                    invented[name] = bool(audio["segments"])
    names = [name for name, words in invented.items() if words]
    sys.stdout.write(f"words heard in {len(names)} of {len(invented)} audios without speech: {', '.join(names)}\n")
    return {"served": found}, len(names)


def read(files: list[Path], asked: list[Question]) -> Results:
    """Answers of earlier runs, judged anew."""
    known = {(question.scenes, question.text): question for question in asked}
    results: Results = {}
    for file in files:
        for row in json.loads(file.read_text("utf-8")):
            question = known.get((tuple(row["audios"]), row["question"]))
            if question is not None:
                judged = (question, row["answer"], question.judge(row["answer"]))
                results.setdefault(row["system"], []).append(judged)
    return results


def table(results: Results) -> Iterator[str]:
    """Markdown: right answers by category and system."""
    systems = [system for system in SYSTEMS if system in results]
    names = {"served": "Auricle", "ceiling": "perfect notes", "floor": "words alone"}
    yield f"| questions about | {' | '.join(names[system] for system in systems)} |"
    yield "| --- |" + " --- |" * len(systems)
    for category in (*CATEGORIES, "all"):
        cells = []
        for system in systems:
            rights = [right for question, _, right in results[system] if category in (question.category, "all")]
            whole = {question.category for question, _, _ in results[system]}.issuperset(CATEGORIES)
            told = bool(rights) and (category != "all" or whole)
            cells.append(
                f"{sum(rights)}/{len(rights)} = {100 * sum(rights) / len(rights):.0f} %" if told else "not asked"
            )
        yield f"| {category} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("development", "test"), default="test")
    parser.add_argument("--only", default=",".join(SYSTEMS))
    parser.add_argument("--url", help="a server that runs, in place of one that is started")
    parser.add_argument("--category", help="only these questions")
    parser.add_argument("--every", type=int, default=1, help="only each so-manieth question")
    parser.add_argument("--read", type=Path, nargs="*", default=[], help="answers of earlier runs, from --answers")
    parser.add_argument("--answers", type=Path, help="write every answer to this JSON file")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    made = scenes(options.part)
    asked = [q for q in list(questions(options.part))[:: options.every] if options.category in (None, q.category)]
    begun = time.monotonic()

    def show(system: str, question: Question, answer: str, right: bool) -> None:
        if options.verbose and not right:
            where = ", ".join(question.scenes)
            sys.stdout.write(f"{system} [{question.category}] {where}: {question.text} -> {answer}\n")
            sys.stdout.flush()

    results = read(options.read, asked)
    only = [] if options.read else options.only.split(",")
    invented: int | None = None
    if "served" in only:
        with contextlib.ExitStack() as stack:
            url = options.url or stack.enter_context(running()).url
            found, invented = served(url, asked, made, show)
            results |= found
    if alone := [each for each in only if each != "served"]:
        results |= asyncio.run(perfect(asked, made, show, *alone))
    lines = list(table(results))
    told = {question for found in results.values() for question, _, _ in found}
    names = {name for question in told for name in question.scenes}
    silent = [name for name in names if not made[name].segments]
    lines += ["", f"{len(told)} questions about {len(names)} audios, of {sum(made[n].seconds for n in names):.0f} s."]
    if invented is not None:
        lines[-1] += f" Words were heard in {invented} of the {len(silent)} audios in which nobody speaks."
    sys.stdout.write("\n".join([*lines, "", f"{time.monotonic() - begun:.0f} s", ""]))
    if options.answers:
        rows = [
            {"system": system, "category": q.category, "audios": q.scenes, "question": q.text, "answer": a, "right": r}
            for system, found in results.items()
            for q, a, r in found
        ]
        options.answers.write_text(json.dumps(rows, ensure_ascii=False, indent=1), "utf-8")
    if options.write:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text("\n".join([before + BEGIN, "", *lines, "", END + after]), "utf-8")


if __name__ == "__main__":
    main()
