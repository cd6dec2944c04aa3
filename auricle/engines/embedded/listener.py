"""Listening: a waveform becomes what was heard, once: what was heard before, or is being heard, is not heard again."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, Protocol

import structlog

from auricle.engines.embedded.events import SoundEvent
from auricle.engines.embedded.heard import Heard, loudness_of
from auricle.engines.embedded.turns import with_voices
from auricle.errors import AuricleError, EngineFailed
from auricle.types import RecognitionOptions, Segment
from auricle.waveform import Waveform

MEMORY_BYTES = 64 * 1024 * 1024  # of what was heard; an hour of speech takes about a megabyte

log = structlog.get_logger(__name__)

_Key = tuple[str, RecognitionOptions]


class SpeechRecognizer(Protocol):
    """What the listener needs of `recognizer.Recognizer`."""

    def recognize(self, waveform: Waveform, options: RecognitionOptions) -> AsyncGenerator[Segment, None]: ...


class SoundListener(Protocol):
    """What the listener needs of `sounds.Sounds`."""

    async def listen(self, waveform: Waveform) -> tuple[SoundEvent, ...]: ...


class Shelf(Protocol):
    """What the listener needs of `shelf.Shelf`: entries outlive this process. It never fails, it forgets."""

    async def get(self, name: str) -> Heard | None: ...

    async def put(self, name: str, heard: Heard) -> None: ...

    async def close(self) -> None: ...


class Memory:
    """What was heard lately, by the digest of the samples and the options; bounded in bytes, never on disk."""

    def __init__(self, size_bytes: int = MEMORY_BYTES) -> None:
        self._size_bytes = size_bytes
        self._used_bytes = 0
        self._heard: OrderedDict[_Key, Heard] = OrderedDict()

    def __len__(self) -> int:
        return len(self._heard)

    def get(self, key: _Key) -> Heard | None:
        if key in self._heard:
            self._heard.move_to_end(key)
        return self._heard.get(key)

    def put(self, key: _Key, heard: Heard) -> None:
        if (old := self._heard.pop(key, None)) is not None:
            self._used_bytes -= old.size_bytes
        self._heard[key] = heard
        self._used_bytes += heard.size_bytes
        while self._used_bytes > self._size_bytes:
            _, oldest = self._heard.popitem(last=False)
            self._used_bytes -= oldest.size_bytes


class Hearing:
    """One request's part in listening to one audio. Close it when done, also after an error."""

    def __init__(self, listening: _Listening, waveform: Waveform, *, sounds: bool, cached: bool) -> None:
        self.waveform = waveform
        self.sounds = sounds
        """Whether sounds are wanted, too."""
        self._cached = cached
        self._listening = listening
        listening.join(self)

    @property
    def cached(self) -> bool:
        """Whether the work had been done, or begun, for somebody else. Certain once there is a result."""
        return self._cached or self._listening.kept

    async def segments(self) -> AsyncGenerator[Segment, None]:
        """What is said, in order, each segment as soon as it is known."""
        count = 0
        while True:
            while count < len(self._listening.segments):
                count += 1
                yield self._listening.segments[count - 1]
            if self._listening.finished.done():
                self._listening.finished.result()
                return
            if self._listening.said:
                return
            await self._listening.wait_for_more(count)

    async def events(self) -> tuple[SoundEvent, ...] | None:
        """What is heard beside words, while words may still be coming; None where it is not listened for."""
        return await self._listening.events()

    async def result(self) -> Heard:
        """All that was heard."""
        return await asyncio.shield(self._listening.finished)

    def close(self) -> None:
        """Take no more part; when nobody does, listening stops. Safe to call twice."""
        self._listening.leave(self)


class _Listening:
    """One audio being heard, for all who asked for it."""

    def __init__(self, key: _Key, listener: Listener) -> None:
        self.segments: list[Segment] = []
        self.said = False
        """Whether `segments` are all that is said."""
        self.kept = False
        """Whether they were on the shelf."""
        self.finished: asyncio.Future[Heard] = asyncio.get_running_loop().create_future()
        self.finished.add_done_callback(lambda finished: finished.cancelled() or finished.exception())
        self._key = key
        self._listener = listener
        self._hearings: list[Hearing] = []
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._sounds: asyncio.Task[tuple[SoundEvent, ...] | None] | None = None
        self._waveform: Waveform | None = None

    def join(self, hearing: Hearing) -> None:
        self._hearings.append(hearing)
        if self.finished.done():
            return
        if self._task is None:
            self._listen(hearing.waveform)
        elif hearing.sounds and self._sounds is None and self._waveform is not None:
            self._listen_for_sounds(self._waveform)

    def leave(self, hearing: Hearing) -> None:
        if hearing not in self._hearings:
            return
        self._hearings.remove(hearing)
        if self.finished.done():
            return
        if not self._hearings:
            self.stop()
            self.finished.cancel()
            self._listener.forget(self._key)
        elif hearing.waveform is self._waveform and isinstance(hearing.waveform.pcm, Path):
            self.stop()  # the file goes with the request that owned it: listen on, in the file of somebody else
            self._listen(self._hearings[0].waveform)

    def recall(self, heard: Heard, *, sounds: bool) -> None:
        """It is known already; only sounds may have to be heard yet."""
        self.segments = list(heard.segments)
        self.said = True
        if heard.events is not None or not sounds:
            self.finished.set_result(heard)

    async def events(self) -> tuple[SoundEvent, ...] | None:
        """What is heard beside words."""
        if self.finished.done():
            return self.finished.result().events
        if self._sounds is None:
            return None
        sounds = self._sounds
        waited: set[asyncio.Future[Any]] = {sounds, self.finished}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if self.finished.done():
            return self.finished.result().events
        return None if sounds.cancelled() else sounds.result()

    async def wait_for_more(self, count: int) -> None:
        """Return once there are more than `count` segments, or all."""
        while len(self.segments) <= count and not self.said and not self.finished.done():
            self._changed.clear()
            await self._changed.wait()

    def _listen(self, waveform: Waveform) -> None:
        self._waveform, self._sounds = waveform, None
        if not self._listener.shelved and any(hearing.sounds for hearing in self._hearings):
            self._listen_for_sounds(waveform)
        self._task = asyncio.create_task(self._run(waveform), name="listening")

    def _listen_for_sounds(self, waveform: Waveform) -> None:
        self._sounds = asyncio.create_task(self._listener.sounds_of(waveform), name="listening for sounds")

    def stop(self) -> None:
        """End the work under way."""
        if self._task is not None:
            self._task.cancel()
        self.stop_sounds()

    def stop_sounds(self) -> None:
        if self._sounds is not None:
            self._sounds.cancel()

    async def _run(self, waveform: Waveform) -> None:
        try:
            heard = await self._recalled(waveform) or await self._hear(waveform)
        except asyncio.CancelledError:
            raise
        except AuricleError as error:
            self._fail(error)
        except Exception as error:  # a disk that fails, a bug: whatever it is, the request must hear of it as ours
            log.error("listening_failed", error=type(error).__name__, exc_info=True)
            self._fail(EngineFailed("listening to the audio failed"))
        else:
            self._listener.remember(self._key, heard, shelve=not (self.kept and heard.events is None))
            self.finished.set_result(heard)
        finally:
            self._changed.set()

    async def _recalled(self, waveform: Waveform) -> Heard | None:
        """What is on the shelf, if that is all that is wanted; else listening for sounds begins, as it would have."""
        if not self._listener.shelved:
            return None
        found = None if self.segments or self.said else await self._listener.shelved_of(self._key)
        wanted = any(hearing.sounds for hearing in self._hearings)
        if found is not None:
            self.segments, self.said, self.kept = list(found.segments), True, True
            self._changed.set()
            if found.events is not None or not wanted:
                self.stop_sounds()
                return found
        if wanted and self._sounds is None:
            self._listen_for_sounds(waveform)
        return None

    async def _hear(self, waveform: Waveform) -> Heard:
        # What listens for other things than speech runs beside it and ends in a field of Heard.
        loudness = asyncio.create_task(asyncio.to_thread(loudness_of, waveform))
        try:
            if not self.said:
                await self._hear_speech(waveform)
                self.said = True
                self._changed.set()
            levels = await loudness
            # Looked at last: who wants sounds may have joined while the rest was being heard.
            events = None if self._sounds is None else await self._sounds
            said = tuple(self.segments)
            if self._sounds is not None:
                said = await asyncio.to_thread(with_voices, said, waveform)
            return Heard(waveform.seconds, said, levels, events)
        finally:
            loudness.cancel()
            if self._sounds is not None:
                self._sounds.cancel()

    async def _hear_speech(self, waveform: Waveform) -> None:
        known = len(self.segments)  # from before another waveform of the same samples took over
        async with aclosing(self._listener.recognizer.recognize(waveform, self._key[1])) as segments:
            async for segment in segments:
                if known:
                    known -= 1
                    continue
                self.segments.append(segment)
                self._changed.set()

    def _fail(self, error: AuricleError) -> None:
        self._listener.forget(self._key)
        self.finished.set_exception(error)


class Listener:
    """Hears audios. Belongs on the event loop."""

    def __init__(
        self,
        recognizer: SpeechRecognizer,
        memory_bytes: int = MEMORY_BYTES,
        sounds: SoundListener | None = None,
        shelf: Shelf | None = None,
        name_of: Callable[[str, RecognitionOptions], str] | None = None,
    ) -> None:
        """Without `sounds` only speech is heard; `shelf` keeps what was heard longer, under what `name_of` calls it."""
        self.recognizer = recognizer
        self._sounds = sounds
        self.memory = Memory(memory_bytes)
        self._shelf = shelf
        self._name_of = name_of or (lambda digest, options: digest)
        self._shelving: set[asyncio.Task[None]] = set()
        self._running: dict[_Key, _Listening] = {}

    def hear(self, waveform: Waveform, options: RecognitionOptions, *, sounds: bool = False) -> Hearing:
        """Begin to listen to `waveform`, or take part where it is being heard, or recall what was heard.

        With `sounds`, for those too, beside speech; what cannot hear them now costs nothing but the sounds.
        """
        sounds = sounds and self._sounds is not None
        key = (waveform.digest, options)
        if (listening := self._running.get(key)) is not None:
            return Hearing(listening, waveform, sounds=sounds, cached=True)
        listening = _Listening(key, self)
        heard = self.memory.get(key)
        if heard is not None:
            listening.recall(heard, sounds=sounds)
        if not listening.finished.done():
            self._running[key] = listening
        return Hearing(listening, waveform, sounds=sounds, cached=heard is not None)

    async def sounds_of(self, waveform: Waveform) -> tuple[SoundEvent, ...] | None:
        """What is heard beside words; None where that cannot be told now."""
        if self._sounds is None:
            return None
        try:
            return await self._sounds.listen(waveform)
        except AuricleError as error:
            log.warning("sounds_not_heard", detail=error.param)
            return None

    @property
    def shelved(self) -> bool:
        """Whether what was heard may be on a shelf."""
        return self._shelf is not None

    async def shelved_of(self, key: _Key) -> Heard | None:
        """What was heard in these samples by some process before."""
        return None if self._shelf is None else await self._shelf.get(self._name_of(*key))

    def remember(self, key: _Key, heard: Heard, *, shelve: bool) -> None:
        """Listening has ended well. `shelve`: it knows more than the shelf does."""
        self.forget(key)
        self.memory.put(key, heard)
        if self._shelf is not None and shelve:
            task = asyncio.create_task(self._shelf.put(self._name_of(*key), heard), name="keeping what was heard")
            self._shelving.add(task)
            task.add_done_callback(self._shelving.discard)

    async def close(self) -> None:
        """Stop all listening; what is being kept is kept."""
        for listening in list(self._running.values()):
            listening.stop()
        await asyncio.gather(*self._shelving, return_exceptions=True)
        if self._shelf is not None:
            await self._shelf.close()

    def forget(self, key: _Key) -> None:
        """Listening has ended."""
        self._running.pop(key, None)
