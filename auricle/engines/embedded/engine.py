"""The embedded engine: recognition and understanding on this machine's CPU."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import replace
from pathlib import Path

import structlog

from auricle.config import EngineSettings, Settings
from auricle.engines.base import Capabilities
from auricle.engines.embedded.adapters import adapter_of
from auricle.engines.embedded.doubt import doubt_of
from auricle.engines.embedded.language_model import PROMPTS, LanguageModel
from auricle.engines.embedded.listener import Listener
from auricle.engines.embedded.recognizer import Recognizer, recognizer_threads
from auricle.engines.embedded.rescoring import Rescoring
from auricle.engines.embedded.responder import Responder
from auricle.engines.embedded.shelf import name_of, shelf_of
from auricle.engines.embedded.sounds import Sounds
from auricle.engines.embedded.transcriber import Transcriber
from auricle.errors import AuricleError, InternalError, UnsupportedField
from auricle.types import Delta, Readiness, Request, Task
from auricle.weights.progress import Board, Lines, Step
from auricle.weights.pull import resolve
from auricle.weights.references import language_model

UNDERSTANDING_FIELDS = frozenset(
    {
        *("max_tokens", "temperature", "top_p", "stop", "seed", "frequency_penalty", "presence_penalty"),
        *("thinking", "tools", "tool_choice", "response_format.json_object", "response_format.json_schema"),
        "heard",
    }
)
# Recognition writes the likeliest words: that is temperature 0, at any top_p and any seed. Clients that set a
# temperature for all their models send 1, the API's default, as well; both are taken, others refused by `_check`.
RECOGNITION_FIELDS = frozenset({"max_tokens", "temperature", "top_p", "seed"})
HARMLESS_TEMPERATURES = (0.0, 1.0)

AUDIOS_PER_THREAD = 2  # short ones that keep the recogniser busy: one is encoded while another is decoded
WARM_UP_SECONDS = 10.0  # between looks whether the language model is another process

log = structlog.get_logger(__name__)


class EmbeddedEngine:
    """Whisper, YAMNet and a GGUF language model in child processes; the first two behind one listener."""

    def __init__(self, engine: EngineSettings, settings: Settings) -> None:
        self.name = "embedded"
        self._engine = engine
        self._settings = settings
        served = {m.task for m in settings.models.values() if m.enabled and settings.engine(m.engine) is engine}
        self._understands = served != {Task.RECOGNIZE}
        self._language_model_name = language_model(engine, settings)
        self._board = Board(Lines(lambda text: log.info("weights", detail=text)))
        self._cancelled = threading.Event()
        self._recognizer_folder: Path | None = None
        self._recognizer = Recognizer(self._find_recognizer, engine)
        model = self._resolving(self._language_model_name)
        adapter = adapter_of(self._language_model_name, settings.cache_dir)
        self._model = LanguageModel(model, engine, settings.cache_dir / PROMPTS, adapter)
        self._sounds: Sounds | None = None
        if self._understands and engine.sounds:
            self._sounds = Sounds(self._resolving(engine.sounds), settings.cache_dir / "converted")
        heard_url = settings.heard_url.get_secret_value() if settings.heard_url else None
        shelf = shelf_of(heard_url, settings.heard_bytes, settings.heard_seconds)
        self._listener = Listener(
            Rescoring(self._recognizer, self._model),
            sounds=self._sounds,
            shelf=shelf,
            name_of=lambda digest, options: name_of(digest, options, engine),
        )
        self._responder = Responder(self._model, self._listener, doubt_of(self._language_model_name))
        self._warming: asyncio.Task[None] | None = None
        self._transcriber = Transcriber(self._listener, lambda: self._recognizer_folder)

    async def start(self) -> None:
        """Begin to load the models, each as soon as its weights are there; again, if it gave up."""
        self._cancelled.clear()
        await self._recognizer.start()
        if self._sounds is not None:
            await self._sounds.start()
        if self._understands:
            await self._model.start()
            self._warming = asyncio.create_task(self._warm_up(), name="warming up")

    async def close(self) -> None:
        """Stop listening and end the child processes; downloads stop too."""
        self._cancelled.set()
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)
        await self._listener.close()
        await self._model.close()
        if self._sounds is not None:
            await self._sounds.close()
        await self._recognizer.close()

    def readiness(self, task: Task) -> Readiness:
        """Recognition needs its own model only; understanding needs the language model, too, and waits while the one
        for sounds loads. Where sounds cannot be heard it goes without, and before it has read its examples it answers
        less well; `detail` says so."""
        parts = [(self._engine.recognizer, self._recognizer.readiness)]
        if task is Task.UNDERSTAND:
            parts.append((self._language_model_name, self._model.readiness))
        for name, readiness in parts:
            if not readiness.ready:
                return Readiness(False, self._board.detail(name) or readiness.detail)
        if task is Task.UNDERSTAND and self._sounds is not None and not self._sounds.readiness.ready:
            detail = self._board.detail(self._engine.sounds) or self._sounds.readiness.detail
            if self._sounds.loading:
                return Readiness(False, detail)
            return Readiness(True, f"only speech is heard, no other sounds: {detail}")
        if task is Task.UNDERSTAND and not self._responder.warm:
            return Readiness(True, "the language model is reading examples; answers get better until it has")
        return Readiness(True)

    def capabilities(self, task: Task) -> Capabilities:
        recognizer = f"{self._engine.recognizer} {self._engine.compute_type}"
        languages = self._recognizer.languages
        if task is Task.RECOGNIZE:
            threads = recognizer_threads(self._engine)
            return Capabilities(RECOGNITION_FIELDS, languages, recognizer, AUDIOS_PER_THREAD * threads)
        names = [recognizer, *([self._engine.sounds] if self._sounds else []), self._language_model_name]
        weights = " + ".join(names)
        return Capabilities(UNDERSTANDING_FIELDS, languages, weights, self._engine.parallel)

    @property
    def batches(self) -> Mapping[int, int]:
        """Windows that were decoded together."""
        return self._recognizer.batches

    @property
    def pulls(self) -> Mapping[str, Step]:
        """Weights that are on their way."""
        return self._board.steps

    def context_length(self, task: Task) -> int | None:
        """Recognition: None, no audio is too long. Understanding: the language model's; audio counts at its audio
        tokens, though what was heard in it usually takes fewer (of a longer transcript the model is shown parts)."""
        return None if task is Task.RECOGNIZE else self._model.context_length

    async def count_prompt_tokens(self, request: Request) -> int:
        with _ours_only():
            _check(request)
            return await self._answerer(request).count_prompt_tokens(request)

    async def generate(self, request: Request) -> AsyncGenerator[Delta, None]:
        with _ours_only():
            _check(request)
            async with aclosing(self._answerer(request).answer(self._considered(request))) as deltas:
                async for delta in deltas:
                    yield delta

    async def _warm_up(self) -> None:
        """Show the language model its examples, and again when it was restarted."""
        while True:
            try:
                await self._responder.warm_up()
            except AuricleError as error:  # readiness tells of a model that cannot be loaded
                log.info("not_warmed_up", detail=error.param)
            await asyncio.sleep(WARM_UP_SECONDS)

    def _considered(self, request: Request) -> Request:
        """The request; to understand what is said, sentence by sentence, and what else each of them may be."""
        if request.task is Task.RECOGNIZE:
            return request
        recognition = replace(request.recognition, word_timestamps=True, readings=self._engine.rescore)
        return replace(request, recognition=recognition)

    def _answerer(self, request: Request) -> Responder | Transcriber:
        return self._transcriber if request.task is Task.RECOGNIZE else self._responder

    def _find_recognizer(self) -> Path:
        self._recognizer_folder = self._resolving(self._engine.recognizer)()
        return self._recognizer_folder

    def _resolving(self, name: str) -> Callable[[], Path]:
        return lambda: resolve(name, self._settings, self._board, self._cancelled)


def _check(request: Request) -> None:
    """Raises UnsupportedField for values that recognition cannot honour."""
    temperature = request.options.temperature
    if request.task is Task.RECOGNIZE and temperature is not None and temperature not in HARMLESS_TEMPERATURES:
        raise UnsupportedField(
            "temperature", "embedded", "recognition always writes the likeliest words; leave it out, or send 0"
        )


@contextmanager
def _ours_only() -> Iterator[None]:
    """Lets AuricleErrors pass: anything else is a bug, is logged, and becomes InternalError."""
    try:
        yield
    except AuricleError:
        raise
    except Exception as error:
        log.error("engine_failed", error=type(error).__name__, exc_info=True)
        raise InternalError("the embedded engine failed") from error
