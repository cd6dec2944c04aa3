"""Decoding in worker processes: what a hostile file breaks there costs its own request and nothing else."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any, TypeVar

from auricle.audio.spool import Spool
from auricle.audio.tokens import audio_tokens
from auricle.config import Settings
from auricle.errors import AudioTooLarge, AuricleError, InvalidAudio, Unavailable, UnsupportedFormat
from auricle.types import AudioClip
from auricle.waveform import BYTES_PER_SAMPLE, SAMPLE_RATE, Waveform
from auricle.workers import Frame, Worker, WorkerDied

MODULE = "auricle.audio.decode_worker"
INLINE_SECONDS = 60.0  # longer audio lies in the spool
JOBS_PER_WORKER = 500  # then it is replaced: whatever a file may have left behind in it goes with it
ATTEMPTS = 2  # a worker may die of something other than the file
ABANDONED_SECONDS = 0.2  # an abandoned job that ends within this time spares its worker
START_SECONDS = 30.0
MAX_HEADER_BYTES = 64 * 1024
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
"""Each thread's stack and arena would count as memory."""
T = TypeVar("T")

DAMAGED = "the audio is damaged or incomplete and cannot be decoded"


@dataclass(slots=True)
class _Slot:
    """A place for one worker."""

    worker: Worker | None = None
    jobs: int = 0


class Decoder:
    """A pool of decoding processes, each killed and replaced when it crashes, hangs or is no longer waited for."""

    def __init__(self, settings: Settings, *, inline_seconds: float = INLINE_SECONDS) -> None:
        self._settings = settings
        self._inline_seconds = inline_seconds
        self._spool = Spool(settings.spool_dir)
        self._slots = [_Slot() for _ in range(settings.decode_workers)]
        self._idle: asyncio.Queue[_Slot | None] = asyncio.Queue()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ending: set[asyncio.Task[int]] = set()
        self._running = False

    async def start(self) -> None:
        """Start the workers and clean the spool of what killed servers left. Raises Unavailable."""
        try:
            await asyncio.to_thread(self._spool.open)
        except OSError as error:
            raise Unavailable(f"the spool folder cannot be used: {error.strerror}") from error
        self._running = True
        try:
            await asyncio.gather(*map(self._worker_of, self._slots))
        except WorkerDied as error:
            await self.close()
            raise Unavailable("the decoding processes cannot be started") from error
        for slot in self._slots:
            self._idle.put_nowait(slot)

    async def close(self) -> None:
        """Stop everything and remove the spool. Safe to call twice."""
        if self._running:
            self._running = False
            self._idle.put_nowait(None)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for slot in self._slots:
            self._drop(slot)
        await asyncio.gather(*self._ending)
        await asyncio.to_thread(self._spool.close)

    async def decode(self, clip: AudioClip) -> Waveform:
        """The clip as 16 kHz mono; whoever takes the Waveform discards it in the end.

        Raises InvalidAudio, UnsupportedFormat, AudioTooLarge, or Unavailable when the pool is not running.
        """
        slot = await self._free_slot()
        job = self._task(self._job(slot, clip))
        try:
            return await asyncio.shield(job)
        except asyncio.CancelledError:
            if job.cancelled():
                raise Unavailable("the server is stopping") from None
            self._task(self._abandon(job))
            raise

    async def _free_slot(self) -> _Slot:
        if not self._running:
            raise Unavailable("the decoder is not running")
        slot = await self._idle.get()
        if slot is None or not self._running:
            self._idle.put_nowait(None)  # for the next who waits, to be told the same
            raise Unavailable("the server is stopping")
        return slot

    async def _abandon(self, job: asyncio.Task[Waveform]) -> None:
        """End a job whose client has gone: a short one may finish, because a worker takes longer to start."""
        done, _ = await asyncio.wait({job}, timeout=ABANDONED_SECONDS)
        if not done:
            job.cancel()
            await asyncio.wait({job})
        if not job.cancelled() and job.exception() is None:
            job.result().discard()

    async def _job(self, slot: _Slot, clip: AudioClip) -> Waveform:
        """Decode in the slot's worker, and give the slot back."""
        path = self._spool.new_path()
        try:
            async with asyncio.timeout(self._settings.decode_timeout_seconds):
                frame = await self._exchange(slot, clip, path)
            return await asyncio.to_thread(self._waveform, frame, clip, path)
        except TimeoutError:
            path.unlink(missing_ok=True)
            limit = self._settings.decode_timeout_seconds
            raise InvalidAudio(f"{clip.where}: the audio was not decoded within {limit:g} seconds") from None
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            self._release(slot)

    async def _exchange(self, slot: _Slot, clip: AudioClip, path: Path) -> Frame:
        """Hand the clip to the worker and take its answer; a worker that does not answer is killed."""
        job = {
            "container": clip.container,
            "allow_video": self._settings.allow_video,
            "max_seconds": self._settings.max_audio_seconds,
            "inline_seconds": self._inline_seconds,
            "spool": str(path),
        }
        inline_bytes = ceil(self._inline_seconds * SAMPLE_RATE) * BYTES_PER_SAMPLE
        for _ in range(ATTEMPTS):
            try:
                worker = await self._worker_of(slot)
            except WorkerDied as error:
                raise Unavailable("a decoding process cannot be started") from error
            try:
                await worker.send(job, clip.data)
                frame = await worker.receive(max_header_bytes=MAX_HEADER_BYTES, max_payload_bytes=inline_bytes)
                slot.jobs += 1
                return frame
            except WorkerDied:
                self._drop(slot)
                await asyncio.to_thread(path.unlink, missing_ok=True)
            except BaseException:  # cancelled, or over the deadline: the worker is still at it
                self._drop(slot)
                raise
        raise InvalidAudio(f"{clip.where}: the audio broke the decoder")

    def _waveform(self, frame: Frame, clip: AudioClip, path: Path) -> Waveform:
        """Judge what a worker answered: it has read hostile bytes and is not believed.

        Runs in a thread: an hour of audio takes a tenth of a second to hash. The digest is made here and not in the
        worker, because perception is cached by it.
        """
        header, payload = frame
        if "error" in header:
            raise self._error(header["error"], clip.where)
        try:
            samples = int(header["samples"])
            duration = sum((Fraction(int(n), int(rate)) for rate, n in header["rates"]), Fraction(0))
            spooled = header["spooled"] is True
        except (KeyError, TypeError, ValueError, ZeroDivisionError):
            raise InvalidAudio(f"{clip.where}: {DAMAGED}") from None
        if samples == 0 or duration == 0:
            raise InvalidAudio(f"{clip.where}: there are no samples in the audio")
        if duration > self._settings.max_audio_seconds:
            raise self._error("too long", clip.where)
        size = path.lstat().st_size if spooled else len(payload)
        if size != samples * BYTES_PER_SAMPLE or abs(duration * SAMPLE_RATE - samples) > SAMPLE_RATE:
            raise InvalidAudio(f"{clip.where}: {DAMAGED}")
        if spooled:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        else:
            digest = hashlib.sha256(payload).hexdigest()
        return Waveform(
            pcm=path if spooled else payload,
            sample_count=samples,
            duration=duration,
            tokens=audio_tokens(duration),
            digest=digest,
        )

    def _error(self, kind: object, where: str) -> AuricleError:
        if kind in ("video", "codec"):
            return UnsupportedFormat()
        if kind == "too long":
            limit = self._settings.max_audio_seconds
            return AudioTooLarge(f"{where}: the audio is longer than the limit of {limit:g} seconds")
        if kind == "spool":
            return Unavailable("there is no room for decoded audio")
        texts = {
            "no audio": "there is no sound track in the file",
            "memory": "decoding the audio takes more memory than allowed",
        }
        return InvalidAudio(f"{where}: {texts.get(str(kind), DAMAGED)}")

    async def _worker_of(self, slot: _Slot) -> Worker:
        """The slot's worker, started if need be. Raises WorkerDied."""
        if slot.worker is not None and slot.worker.alive:
            return slot.worker
        self._drop(slot)
        worker = await Worker.spawn(
            MODULE,
            str(self._settings.decode_memory_bytes),
            str(ceil(self._settings.max_audio_seconds + 2) * SAMPLE_RATE * BYTES_PER_SAMPLE),
            env=ENVIRONMENT,
            inherit_env=False,
        )
        slot.worker = worker
        try:
            async with asyncio.timeout(START_SECONDS):
                await worker.receive(max_header_bytes=MAX_HEADER_BYTES, max_payload_bytes=0)
        except TimeoutError:
            self._drop(slot)
            raise WorkerDied(f"{MODULE} did not start within {START_SECONDS:g} seconds") from None
        except BaseException:
            self._drop(slot)
            raise
        return worker

    def _drop(self, slot: _Slot) -> None:
        """Kill the slot's worker; the slot is empty then."""
        worker, slot.worker, slot.jobs = slot.worker, None, 0
        if worker is not None:
            worker.kill()
            ending = asyncio.create_task(worker.wait())
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    def _release(self, slot: _Slot) -> None:
        if slot.jobs >= JOBS_PER_WORKER:
            self._drop(slot)
        if self._running and (slot.worker is None or not slot.worker.alive):
            self._task(self._replace(slot))
        else:
            self._idle.put_nowait(slot)

    async def _replace(self, slot: _Slot) -> None:
        """Start a new worker before the slot is used again, so that no request waits for it if others are idle."""
        try:
            await self._worker_of(slot)
        except WorkerDied:
            pass  # the next job tries again, and tells
        finally:
            self._idle.put_nowait(slot)

    def _task(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
