"""How well questions about audio are answered: `python -m bench.understanding.evaluate` (`make eval`).

Asks a server over HTTP, one that is started for it or, with --url, one that runs; then the same language model, in this
process, about what perfect ears would have heard (the ceiling) and about the words alone (the floor). Answers are
judged by patterns (answers.py, questions.py). Needs the clips of `python -m bench.sets`, and Debian's apt-get for those
of bench/sounds/sources.py.

    --part test|seen|development   which questions (see docs/quality.md); only test is no part to choose anything on
    --only served,ceiling     which of the three
    --answers FILE            keep every answer there, a line each, and go on where an earlier run with it ended
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
from collections.abc import AsyncGenerator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx

from auricle.audio.tokens import audio_tokens
from auricle.config import load_settings
from auricle.engines.embedded.adapters import adapter_of
from auricle.engines.embedded.doubt import Doubt, doubt_of
from auricle.engines.embedded.language_model import PROMPTS, LanguageModel
from auricle.engines.embedded.listener import Listener
from auricle.engines.embedded.responder import Responder
from auricle.pipeline import collect
from auricle.types import Audio, AudioClip, Message, Options, RecognitionOptions, Request, Segment, Task, Text
from auricle.waveform import SAMPLE_RATE, Waveform
from auricle.weights.pull import resolve
from bench.server import running
from bench.understanding.questions import CATEGORIES, PARTS, Question, misplaced, questions, scenes
from bench.understanding.scenes import Scene

PAGE = Path(__file__).parents[2] / "docs" / "quality.md"
BEGIN, END = "<!-- answers: begin -->", "<!-- answers: end -->"
SYSTEMS = ("served", "ceiling", "floor")
ANSWER_TOKENS = 120
WARM_UP_SECONDS = 600.0  # in which a server that just started lets its language model read examples, on slow cores

UNHEARD = ("sound", "mixture", "is there music", "two audios")  # what the words alone do not tell

Results = dict[str, list[tuple[Question, str, bool]]]


class Answers:
    """What was answered, by system, audios and question; in a file too, so that a run can go on where it ended."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._rows: dict[tuple[str, tuple[str, ...], str], dict[str, Any]] = {}
        if file is not None and file.exists():
            for line in file.read_text("utf-8").splitlines():
                self._put(json.loads(line))

    def get(self, system: str, question: Question) -> dict[str, Any] | None:
        return self._rows.get((system, question.scenes, question.text))

    def add(self, system: str, question: Question, answer: str, words: list[bool] | None = None) -> dict[str, Any]:
        """`words`: whether any were heard, by audio."""
        row: dict[str, Any] = {
            "system": system,
            "category": question.category,
            "audios": question.scenes,
            "question": question.text,
        }
        row |= {"answer": answer, "words": words}
        self._put(row)
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        return row

    def _put(self, row: dict[str, Any]) -> None:
        self._rows[row["system"], tuple(row["audios"]), row["question"]] = row


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

    def __init__(self, made: dict[str, Scene], doubt: Doubt | None, *, sounds: bool) -> None:
        self._made = made
        self._doubt = doubt
        self._sounds = sounds

    async def answers(self, asked: list[Question], model: LanguageModel) -> AsyncGenerator[tuple[Question, str], None]:
        listener = Listener(Deaf())
        responder = Responder(model, listener, self._doubt)
        await responder.warm_up()
        for question in asked:
            parts = [self._audio(self._made[name], listener) for name in question.scenes]
            message = Message("user", (*parts, Text(question.text)))
            options = Options(max_tokens=ANSWER_TOKENS, thinking=False)
            request = Request("0" * 32, "m", Task.UNDERSTAND, (message,), options)
            yield question, (await collect(responder.answer(request))).content

    def _audio(self, made: Scene, listener: Listener) -> Audio:
        count = len(made.samples)
        duration = Fraction(count, SAMPLE_RATE)
        listener.memory.put((made.digest, RecognitionOptions()), made.heard(sounds=self._sounds))
        return Audio(AudioClip(b"", "wav"), Waveform(b"", count, duration, audio_tokens(duration), made.digest))


class Deaf:
    """Everything is known already."""

    async def recognize(self, waveform: Waveform, options: RecognitionOptions) -> AsyncGenerator[Segment, None]:
        if waveform.sample_count >= 0:
            raise RuntimeError("this was to be known")
        yield Segment("", 0.0, 0.0, "en")


async def perfect(asked: list[Question], made: dict[str, Scene], known: Answers, system: str) -> None:
    """Ask the language model alone what is not known yet."""
    missing = [question for question in asked if known.get(system, question) is None]
    if not missing:
        return
    settings = load_settings()
    engine = settings.engine("embedded")
    name = engine.language_model
    adapter = adapter_of(name, settings.cache_dir)
    model = LanguageModel(resolve(name, settings), engine, settings.cache_dir / PROMPTS, adapter)
    await model.start()
    try:
        await model.wait_ready()
        doubt = doubt_of(name)
        answers = Perfect(made, doubt, sounds=system == "ceiling").answers(missing, model)
        async with contextlib.aclosing(answers):
            async for question, answer in answers:
                known.add(system, question, answer)
    finally:
        await model.close()


def wait_warm(url: str) -> None:
    """Until the server answers as well as it can: once its language model has read the examples."""
    deadline = time.monotonic() + WARM_UP_SECONDS
    while httpx.get(f"{url}/health/ready").json()["models"]["mimo-v2.5"]["detail"]:
        if time.monotonic() > deadline:
            raise RuntimeError("the language model does not get done with its examples")
        time.sleep(1.0)


def served(url: str | None, asked: list[Question], made: dict[str, Scene], known: Answers) -> None:
    """Ask a server what is not known yet."""
    missing = [question for question in asked if known.get("served", question) is None]
    if not missing:
        return
    with contextlib.ExitStack() as stack:
        if url is None:
            url = stack.enter_context(running()).url
            wait_warm(url)
        client = stack.enter_context(httpx.Client())
        for question in missing:
            answer, heard = ask(client, url, question, made)
            known.add("served", question, answer, [bool(audio["segments"]) for audio in heard])


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
    parser.add_argument("--part", choices=PARTS, default="test")
    parser.add_argument("--only", default=",".join(SYSTEMS))
    parser.add_argument("--url", help="a server that runs, in place of one that is started")
    parser.add_argument("--category", help="only these questions")
    parser.add_argument("--every", type=int, default=1, help="only each so-manieth question")
    parser.add_argument("--answers", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    made = scenes(options.part)
    asked = [q for q in list(questions(options.part))[:: options.every] if options.category in (None, q.category)]
    if confused := misplaced(asked, made):
        raise SystemExit("asked about audios in which it is not said:\n  " + "\n  ".join(confused))
    begun = time.monotonic()
    known = Answers(options.answers)
    results: Results = {}
    invented: dict[str, bool] = {}
    for system in options.only.split(","):
        wanted = [question for question in asked if system != "floor" or question.category in UNHEARD]
        if system == "served":
            served(options.url, wanted, made, known)
        else:
            asyncio.run(perfect(wanted, made, known, system))
        results[system] = []
        for question in wanted:
            row = known.get(system, question) or {}
            right = question.judge(row["answer"])
            results[system].append((question, row["answer"], right))
            for name, words in zip(question.scenes, row["words"] or (), strict=False):
                if not made[name].segments:
                    invented[name] = words
            if options.verbose and not right:
                where = ", ".join(question.scenes)
                sys.stdout.write(f"{system} [{question.category}] {where}: {question.text} -> {row['answer']}\n")
    lines = list(table(results))
    names = {name for question in asked for name in question.scenes}
    people = sum(made[name].seconds for name in names if made[name].people)
    lines += ["", f"{len(asked)} questions about {len(names)} audios, of {sum(made[n].seconds for n in names):.0f} s, "]
    lines[-1] += f"{people:.0f} s of it with speech by people."
    if invented:
        wrong = sorted(name for name, words in invented.items() if words)
        lines[-1] += f" Words were heard in {len(wrong)} of the {len(invented)} audios in which nobody speaks"
        lines[-1] += f" ({', '.join(wrong)})." if wrong else "."
    sys.stdout.write("\n".join([*lines, "", f"{time.monotonic() - begun:.0f} s", ""]))
    if options.write:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text("\n".join([before + BEGIN, "", *lines, "", END + after]), "utf-8")


if __name__ == "__main__":
    main()
