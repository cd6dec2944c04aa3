"""The Engine protocol: everything the pipeline knows about whatever answers a request."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from auricle.types import Delta, Readiness, Request, Task
from auricle.weights.progress import Step

LANGUAGES_ANY: frozenset[str] = frozenset()
"""Languages that an engine accepts when it does not say: every ISO 639-1 code is passed on."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do for one task. The pipeline refuses by name what is not here."""

    fields: frozenset[str]
    """Names of `Options` fields that are honoured: `temperature`, `tools`, `stop`..."""
    languages: frozenset[str] = LANGUAGES_ANY
    """ISO 639-1 codes that recognition knows."""
    weights: str = ""
    """Which weights answer, for `/v1/models` and the `x-auricle-weights` response header."""
    parallel: int | None = None
    """Requests that are worked on at the same time; more of them wait. None: any number, or not known."""
    encoded_audio: bool = False
    """Whether `generate` reads `AudioClip.data`; where it does not, the pipeline has let go of it."""


@runtime_checkable
class Batching(Protocol):
    """An engine that can tell how much it worked on together."""

    @property
    def batches(self) -> Mapping[int, int]:
        """How many batches of each size it has run since it was made."""
        ...


@runtime_checkable
class Pulling(Protocol):
    """An engine that gets its weights by itself."""

    @property
    def pulls(self) -> Mapping[str, Step]:
        """How far the weights are that it is getting now, by their name."""
        ...


class Engine(Protocol):
    """Answers requests. One instance may stand behind several model names and both tasks.

    Every method is called on the event loop and none may block it. Errors that leave an engine are
    `AuricleError`s: foreign exceptions are translated inside.
    """

    name: str
    """`embedded`, `scripted`...: the `x-auricle-engine` response header."""

    async def start(self) -> None:
        """Begin loading and return at once; `readiness` tells how far it is, a task at a time.

        Called again it does nothing, but that whatever gave up for want of weights tries once more.
        """
        ...

    async def close(self) -> None:
        """Stop running work, free everything. Safe to call twice."""
        ...

    def readiness(self, task: Task) -> Readiness:
        """Whether `task` can be answered now."""
        ...

    def capabilities(self, task: Task) -> Capabilities:
        """What can be asked for in `task`."""
        ...

    def context_length(self, task: Task) -> int | None:
        """Tokens that prompt and answer may have together, or None where nothing bounds them."""
        ...

    async def count_prompt_tokens(self, request: Request) -> int:
        """`prompt_tokens` of the request: text in the model's template plus each audio's tokens.

        Called after the audios are decoded and before `generate`; equals what `generate` will report.
        """
        ...

    def generate(self, request: Request) -> AsyncGenerator[Delta, None]:
        """The answer, piece by piece; the last Delta has `finish_reason` and `usage`.

        Closing the generator (or cancelling the task that iterates it) stops all work for the request
        within a second, queued work included.
        """
        ...
