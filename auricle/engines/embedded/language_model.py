"""The language model, seen from the server; the process of `language_model_worker.py` holds it and speaks HTTP.

Prompts are lists of tokens that `prompt.py` puts together; its own chat endpoint is not used, because only the
one who laid out a prompt knows which of its tokens are the client's and which of them were reused.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import math
import os
import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import orjson
import structlog

from auricle.config import EngineSettings
from auricle.engines.embedded.completion import Finish, Rival, Sampling, Weighed, Written
from auricle.engines.embedded.kept_prompts import PART_SUFFIX, find, put
from auricle.engines.embedded.model_process import ModelProcess
from auricle.engines.embedded.slots import Slots
from auricle.errors import AuricleError, EngineFailed, InternalError, Unavailable

WORKER_MODULE = "auricle.engines.embedded.language_model_worker"
# llama.cpp's threads spin at every barrier, and where they have to share their cores (with the recogniser, with other
# programs) they spin each other to a standstill: 40 tokens took 53 s on two cores at a load of 9; waiting passively,
# 1.9 s.
WORKER_ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE"}
CHECK_SECONDS = 10.0  # for compiling a grammar
PING_SECONDS = 5  # the child says that it lives while it reads a long prompt
SILENCE_SECONDS = 60.0  # without a ping, or an answer to "are you there": it hangs
LOOK_SECONDS = 15.0  # between two such questions, while a prompt waits until others are read
SCORED_CHOICES = 400  # likeliest next tokens that are asked for
CERTAIN_BIAS = 1000.0
WEIGHED_BIAS = 100.0  # sets tokens above all others and leaves their float32 logits most of their digits
LEAST_PROBABILITY = 1e-30  # that is told apart from none
UNLIKELY_LOGPROB = -13.0  # of a token that is not among them; the last one of them has about that
TOKENIZE_CHARACTERS = 200_000  # sent at once
REMEMBERED_TEXTS = 512  # whose tokens are kept: the frames of the template, our own wording
REMEMBERED_CHARACTERS = 4096  # of one such text at most
PROMPTS = "prompts"  # the folder in the cache where prompts are kept
LATE_INSTRUCTIONS = ("system", "user", "assistant", "system", "user")
MARK = "⟦{nonce}⟧"  # stands for a message's content while the template is applied

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Connection:
    """To a process that has loaded the model."""

    http: httpx.AsyncClient
    context_length: int


class LanguageModel(ModelProcess[str]):
    """Writes text."""

    def __init__(
        self,
        file: Callable[[], Path] | Path,
        settings: EngineSettings,
        folder: Path | None = None,
        adapter: Path | None = None,
    ) -> None:
        """`file` is a GGUF, and `adapter` another, of what is added to its weights (`adapters.py`). In `folder`, if
        there is one, `keep` keeps what was read."""
        super().__init__("the language model", WORKER_MODULE, file, environment=WORKER_ENVIRONMENT)
        self._settings = settings
        self._folder = folder
        self._adapter = adapter
        self._identity = ""  # tells one file of them from another
        self._recalled: tuple[int | None, int] = (None, 0)  # process, how many of its slots were given what was kept
        self._secret = ""
        self._connection: _Connection | None = None
        self._slots = Slots(settings.parallel, settings.context_length)
        self._scoring = asyncio.Lock()  # there is one slot for it
        self._size_bytes = 0
        self._tokens: OrderedDict[tuple[str, bool, bool], tuple[int, ...]] = OrderedDict()
        self._frames: dict[tuple[tuple[str, ...], bool], tuple[str, ...]] = {}
        self._mark = MARK.format(nonce=secrets.token_hex(16))

    @property
    def size_bytes(self) -> int:
        """Of its weights; 0 until it is loaded for the first time."""
        return self._size_bytes

    @property
    def adaptable(self) -> bool:
        """Whether it has an adapter."""
        return self._adapter is not None

    @property
    def context_length(self) -> int:
        """Tokens of prompt and answer together: what is configured, or what the model has if that is less."""
        return self._connection.context_length if self._connection else self._settings.context_length

    async def tokenize(self, text: str, *, special: bool = False, start: bool = False) -> tuple[int, ...]:
        """The tokens of `text`. Only with `special` do control tokens spelled in it count as such.

        `start` adds what the model wants to see before everything else, if anything.
        """
        key = (text, special, start)
        if (known := self._tokens.get(key)) is not None:
            self._tokens.move_to_end(key)
            return known
        tokens: list[int] = []
        for at in range(0, len(text), TOKENIZE_CHARACTERS):
            body = {
                "content": text[at : at + TOKENIZE_CHARACTERS],
                "parse_special": special,
                "add_special": start and at == 0,
            }
            tokens += (await self._post("/tokenize", body))["tokens"]
        if len(text) <= REMEMBERED_CHARACTERS:
            self._tokens[key] = tuple(tokens)
            if len(self._tokens) > REMEMBERED_TEXTS:
                self._tokens.popitem(last=False)
        return tuple(tokens)

    async def text(self, tokens: Sequence[int]) -> str:
        """What `tokens` spell."""
        return str((await self._post("/detokenize", {"tokens": list(tokens)}))["content"])

    async def count(self, text: str) -> int:
        """How many tokens `text` has."""
        return len(await self.tokenize(text))

    async def frames(self, roles: Sequence[str], *, answer_next: bool = True) -> tuple[str, ...]:
        """What the model's chat template writes around messages of these roles: before, between and after them.

        `answer_next` ends with what makes the model begin its answer. One more string than there are roles.
        """
        key = (tuple(roles), answer_next)
        if (known := self._frames.get(key)) is not None:
            return known
        messages = [{"role": role, "content": self._mark} for role in roles]
        body = {"messages": messages, "add_generation_prompt": answer_next}
        text = (await self._post("/apply-template", body))["prompt"]
        frames = tuple(str(text).split(self._mark))
        if len(frames) != len(roles) + 1:
            raise InternalError("the language model's chat template drops messages")
        if len(self._frames) >= REMEMBERED_TEXTS:
            self._frames.clear()
        self._frames[key] = frames
        return frames

    async def takes_late_instructions(self) -> bool:
        """Whether the chat template has a system turn where others went before, too; many have it only at the front."""
        try:
            frames = await self.frames(LATE_INSTRUCTIONS)
        except (EngineFailed, InternalError):
            return False
        first = await self.frames(["system", "user"])
        return frames[0] == first[0] and frames[3].endswith(first[0])

    async def check(self, grammar: str) -> str:
        """What keeps `grammar` from being compiled, in words for whoever sent it; empty if nothing does."""
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                return "".join([problem async for problem in self._ask({"grammar": grammar})])
        except TimeoutError:
            return "it takes too long to compile"

    async def likeliest(
        self, prompt: Sequence[int], rivals: Sequence[Rival], weight: float = 1.0
    ) -> tuple[Rival, float]:
        """Which of `rivals` has the greatest sum of its own logprob and `weight` times its log-probability (natural)
        after `prompt`; that log-probability, too.

        Takes as long as writing the tokens that are looked at, beside the answers that are being written: llama.cpp
        tells probabilities only of tokens that it writes, so it writes one at a time. Those that begin alike are looked
        at once, and best first (A*): no token adds to a sum, so whoever is first at its end has won, and most tokens of
        the others are never looked at (a quarter fewer in all; docs/quality.md).
        """
        known: dict[tuple[int, ...], dict[int, float]] = {}
        heap = [(-rival.logprob, number, 0, 0.0) for number, rival in enumerate(rivals)]
        heapq.heapify(heap)
        async with self._scoring:
            while True:
                _, number, count, score = heapq.heappop(heap)
                rival = rivals[number]
                if count == len(rival.tokens):
                    return rival, score
                before = rival.tokens[:count]
                if before not in known:
                    known[before] = await self._next_logprobs([*prompt, *before])
                score += known[before].get(rival.tokens[count], UNLIKELY_LOGPROB)
                heapq.heappush(heap, (-(rival.logprob + weight * score), number, count + 1, score))

    async def _next_logprobs(self, prompt: Sequence[int]) -> dict[int, float]:
        """The log-probabilities of the likeliest tokens after `prompt`."""
        body = {
            **Sampling().body(),
            "prompt": list(prompt),
            "n_predict": 1,
            "n_probs": SCORED_CHOICES,
            # of an end, or of half a character, nothing is told; what is told does not know of this bias
            "logit_bias": [[(await self.tokenize("."))[0], CERTAIN_BIAS]],
            "cache_prompt": True,
            "stream": False,
            "id_slot": self._settings.parallel,
        }
        reply = await self._post("/completion", body)
        with _translated():
            likeliest = reply["completion_probabilities"][0]["top_logprobs"]
            return {int(one["id"]): float(one["logprob"]) for one in likeliest}

    async def keep(self, prompt: Sequence[int]) -> None:
        """Keep the keys and values of `prompt`, which was just read, in a file, so that `recall` has them at once.

        Nobody else uses the model meanwhile: a slot is kept with all that it knows, and no conversation may be in it.
        Where somebody does, or there is no folder, or no room in it, nothing is kept.
        """
        if self._folder is None or not self._slots.idle:
            return
        file = self._folder / self._name(prompt)
        part = file.with_suffix(f".{secrets.token_hex(4)}{PART_SUFFIX}")
        body = {**Sampling().body(), "prompt": list(prompt), "n_predict": 1, "cache_prompt": True, "stream": False}
        try:
            async with self._slots.take(self._settings.context_length):
                slot = int((await self._post("/completion", body))["id_slot"])
                reply = await self._post(f"/slots/{slot}?action=save", {"filename": part.name})
            if len(prompt) <= int(reply["n_saved"]) <= len(prompt) + 1:
                await asyncio.to_thread(put, part, file)
        except (AuricleError, OSError) as error:
            log.info("prompt_not_kept", error=type(error).__name__)
        finally:
            part.unlink(missing_ok=True)

    async def recall(self, prompt: Sequence[int]) -> bool:
        """Give a slot the keys and values that were kept of `prompt`; False where none are, or no slot is left."""
        process, number = self._recalled
        number = number if process == self.worker_pid else 0
        if self._folder is None or number >= self._settings.parallel:
            return False
        file = await asyncio.to_thread(find, self._folder / self._name(prompt))
        if file is None:
            return False
        async with self._slots.take(len(prompt)):
            try:
                reply = await self._post(f"/slots/{number}?action=restore", {"filename": file.name})
            except AuricleError:
                file.unlink(missing_ok=True)
                return False
        self._recalled = self.worker_pid, number + 1
        return int(reply["n_restored"]) >= len(prompt)

    def _name(self, prompt: Sequence[int]) -> str:
        """Of the file in which `prompt` is kept, without the hash of what is in it."""
        what = f"{self._identity} {version('xllamacpp')} {list(prompt)}"
        return hashlib.sha256(what.encode()).hexdigest()[:32]

    async def weigh(self, prompt: Sequence[int], choices: Sequence[int]) -> Weighed:
        """How likely each of the tokens `choices` is after `prompt`; waits for a free slot, and can be hung up on.

        Choices are texts by themselves: of half a character nothing is told.
        """
        body = {
            "prompt": list(prompt),
            "n_predict": 1,
            "n_probs": len(choices),
            "logit_bias": [[token, WEIGHED_BIAS] for token in choices],
            "samplers": ["temperature"],
            "temperature": 1.0,
            "post_sampling_probs": True,
            "cache_prompt": True,
            "stream": True,
            "return_progress": True,
            "sse_ping_interval": PING_SECONDS,
        }
        told: dict[int, float] = {}
        reused = 0
        async with self._slots.take(len(prompt) + 1), aclosing(self._events(body)) as events:
            async for event in events:
                with _translated():
                    for token in event.get("completion_probabilities", ()):
                        told |= {int(one["id"]): float(one["prob"]) for one in token["top_probs"]}
                    if event["stop"]:
                        reused = int(event["timings"]["cache_n"])
        return Weighed(tuple(math.log(max(told.get(token, 0.0), LEAST_PROBABILITY)) for token in choices), reused)

    async def write(self, prompt: Sequence[int], max_tokens: int, sampling: Sampling) -> AsyncGenerator[Written, None]:
        """Go on from `prompt` for at most `max_tokens`; waits for a free slot.

        Closing the generator frees the slot at once, also while the prompt is being read. Raises EngineFailed when the
        child dies meanwhile, Unavailable when it is not there.
        """
        async with (
            self._slots.take(len(prompt) + max_tokens),
            aclosing(self._stream(prompt, max_tokens, sampling)) as pieces,
        ):
            async for piece in pieces:
                yield piece

    async def _stream(
        self, prompt: Sequence[int], max_tokens: int, sampling: Sampling
    ) -> AsyncGenerator[Written, None]:
        body = {
            **sampling.body(),
            **(self._adapting if sampling.adapted else {}),
            "prompt": list(prompt),
            "n_predict": max_tokens,
            "stream": True,
            # A prefix that is reused was computed in other batches, whose rounding moves logits by about a thousandth:
            # enough to sample another word. Who gives a seed wants the same words again, and waits for them.
            "cache_prompt": sampling.seed is None or sampling.temperature == 0,
            # Without progress events llama.cpp notices a hung-up client only when the whole prompt has been read:
            # 38 s for 3,000 tokens, measured; with them, at the next batch.
            "return_progress": True,
            "sse_ping_interval": PING_SECONDS,
        }
        reused = 0
        async with aclosing(self._events(body)) as events:
            async for event in events:
                if progress := event.get("prompt_progress"):
                    reused = int(progress["cache"])
                if event["stop"]:
                    finish: Finish = "length" if event["stop_type"] == "limit" else "stop"
                    reused = int(event["timings"]["cache_n"])
                    yield Written(event.get("content", ""), finish, int(event["tokens_predicted"]), reused)
                elif event.get("content"):
                    yield Written(event["content"], reused_tokens=reused)

    @property
    def _adapting(self) -> dict[str, Any]:
        """The fields of `/completion` with which the adapter takes part, if there is one.

        It has a slot of its own: what a slot knows is forgotten when another one of the two goes on in it.
        """
        if not self.adaptable:
            return {}
        return {"lora": [{"id": 0, "scale": 1.0}], "id_slot": self._settings.parallel + 1}

    async def _events(self, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """What llama.cpp tells of one completion, to its end."""
        with _translated():
            async with self._opened("/completion", body) as response:
                if response.status_code != 200:
                    raise _refusal(response.status_code, await response.aread())
                lines = response.aiter_lines()
                while True:
                    async with asyncio.timeout(SILENCE_SECONDS):
                        line = await anext(lines, None)
                    if line is None:
                        break
                    if not line.startswith("data: "):
                        if line.startswith("error: "):
                            raise _refusal(500, line[7:].encode())
                        continue
                    event: dict[str, Any] = orjson.loads(line[6:])
                    if "error" in event:
                        raise _refusal(500, line[6:].encode())
                    yield event
                    if event["stop"]:
                        return
        raise EngineFailed("the language model died under this request and is being restarted")

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        with _translated():
            async with self._opened(path, body) as response:
                content = await response.aread()
                if response.status_code != 200:
                    raise _refusal(response.status_code, content)
                reply: dict[str, Any] = orjson.loads(content)
                return reply

    @asynccontextmanager
    async def _opened(self, path: str, body: dict[str, Any]) -> AsyncGenerator[httpx.Response]:
        """The process's response, its body still to come. One that just died is waited for once, not reported."""
        for attempt in range(2):
            worker = await self._living()
            http = self.http
            try:
                response = await _head(http, path, body)
            except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
                self._lose(worker)
                if attempt or not isinstance(error, httpx.ConnectError):
                    raise
                continue
            try:
                yield response
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                self._lose(worker)
                raise
            finally:
                await response.aclose()
            return

    @property
    def http(self) -> httpx.AsyncClient:
        """A client of llama.cpp's server. Raises Unavailable where there is none."""
        if self._connection is None:
            raise Unavailable(self.readiness.detail)
        return self._connection.http

    def _config(self, weights: Path) -> dict[str, Any]:
        self._size_bytes, self._identity = 0, ""
        if weights.is_file():
            status = weights.stat()
            self._size_bytes, self._identity = status.st_size, f"{weights.name} {status.st_size} {status.st_mtime_ns}"
        if self._folder is not None:
            try:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                log.info("prompts_not_kept", error=type(error).__name__)
                self._folder = None
        self._secret = secrets.token_urlsafe(32)
        return {
            "file": str(weights),
            "adapter": str(self._adapter or ""),
            "secret": self._secret,
            "context_length": self._settings.context_length,
            "parallel": self._settings.parallel,
            "threads": self._settings.threads or os.cpu_count() or 1,
            "folder": str(self._folder or ""),
        }

    @asynccontextmanager
    async def _connected(self, facts: Mapping[str, Any]) -> AsyncGenerator[None]:
        async with _client(str(facts["address"]), self._secret) as http:
            properties = (await http.get("/props")).json()
            context_length = int(properties["default_generation_settings"]["n_ctx"])
            self._connection = _Connection(http, min(context_length, self._settings.context_length))
            try:
                yield
            finally:
                self._connection = None

    def _item(self, value: str) -> str:
        return value


def _client(address: str, secret: str) -> httpx.AsyncClient:
    """A client of the child: no proxy stands before loopback, and the child closes idle connections unasked."""
    return httpx.AsyncClient(
        base_url=address,
        headers={"authorization": f"Bearer {secret}"},
        timeout=httpx.Timeout(SILENCE_SECONDS, pool=None),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        trust_env=False,
    )


async def _head(http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> httpx.Response:
    """The response to `body`, whose own body is still to come.

    llama.cpp begins to answer when it begins to read the prompt, which may be long after it came, and sends no pings
    until then. So the child is asked meanwhile whether it lives. Raises httpx.HTTPError if it does not say so.
    """
    timeout = httpx.Timeout(SILENCE_SECONDS, read=None, pool=None)
    sending = asyncio.create_task(http.send(http.build_request("POST", path, json=body, timeout=timeout), stream=True))
    try:
        while not (await asyncio.wait({sending}, timeout=LOOK_SECONDS))[0]:
            await http.get("/health")
    except BaseException:
        sending.cancel()
        await asyncio.wait({sending})
        if not sending.cancelled() and sending.exception() is None:
            await sending.result().aclose()
        raise
    return sending.result()


class _translated:
    """Turns what httpx and a broken reply raise into EngineFailed."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        foreign = (httpx.HTTPError, httpx.StreamError, TimeoutError, RuntimeError, ValueError, KeyError, TypeError)
        if isinstance(error, foreign):
            raise EngineFailed("the language model died under this request and is being restarted") from error


def _refusal(status: int, body: bytes) -> AuricleError:
    """What llama.cpp's refusal of a request that we composed means: our mistake, or its end."""
    try:
        error = orjson.loads(body)
        message = str(error.get("error", error).get("message", "")) if isinstance(error, dict) else ""
    except (orjson.JSONDecodeError, AttributeError):
        message = ""
    log.error("language_model_refused", status=status, detail=message[:300])
    if status == 503:
        return EngineFailed("the language model is not ready")
    return InternalError("the language model refused the prompt")
