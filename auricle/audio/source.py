"""From what a request names to encoded bytes: base64 text, data URLs, URLs, uploads."""

from __future__ import annotations

import asyncio

from auricle.audio.fetch import Fetcher
from auricle.audio.formats import recognise
from auricle.base64text import PREFIX_CHARACTERS, Base64Decoder, NotBase64, after_prefix
from auricle.config import Settings
from auricle.errors import AudioTooLarge, InvalidAudio
from auricle.types import AudioClip, AudioSource

PIECE_CHARACTERS = 1024 * 1024  # decoded at a time, so that a thread never keeps the interpreter for long
INLINE_CHARACTERS = 64 * 1024  # decoded without a thread: it takes some 20 microseconds


class Sources:
    """Turns an `AudioSource` into an `AudioClip`."""

    def __init__(self, settings: Settings, fetcher: Fetcher) -> None:
        self._max_base64_bytes = settings.max_base64_bytes
        self._max_bytes = settings.max_url_bytes
        self._extra = settings.extra_formats
        self._fetcher = fetcher

    async def clip(self, source: AudioSource) -> AudioClip:
        """The encoded audio of `source`, recognised by its bytes.

        Raises InvalidAudio, UnsupportedFormat, AudioTooLarge or AudioUnavailable.
        """
        if source.kind == "url" and isinstance(source.data, str) and source.data[:5].lower() != "data:":
            data = await self._fetcher.fetch(source.data, source.where)
            return await asyncio.to_thread(self._recognised, data, source.where)
        size = len(source.data)
        if size <= INLINE_CHARACTERS:
            return self._recognised(self._encoded(source), source.where)
        return await asyncio.to_thread(lambda: self._recognised(self._encoded(source), source.where))

    def _encoded(self, source: AudioSource) -> bytes:
        if source.kind != "bytes":
            return decode_base64(source.data, source.where, self._max_base64_bytes)
        if isinstance(source.data, str):
            raise InvalidAudio(f"{source.where}: the upload is not binary")
        if len(source.data) > self._max_bytes:
            raise AudioTooLarge(f"{source.where}: the audio is larger than the limit of {self._max_bytes} bytes")
        return source.data

    def _recognised(self, data: bytes, where: str) -> AudioClip:
        if not data:
            raise InvalidAudio(f"{where}: the audio is empty")
        return AudioClip(data=data, container=recognise(data, self._extra), where=where)


def decode_base64(data: str | bytes, where: str, max_bytes: int) -> bytes:
    """The bytes in a base64 data URL or in bare base64, as they are found in the field.

    Raises InvalidAudio, AudioTooLarge.
    """
    head = data[:PREFIX_CHARACTERS]
    try:
        start, prefixed = after_prefix(head if isinstance(head, str) else head.decode("latin-1"))
        size = len(data) - start
        if size > max_bytes:
            raise AudioTooLarge(
                f"{where}: the base64 string of {size} bytes is larger than the limit of {max_bytes} bytes"
            )
        decoder = Base64Decoder(escapes=prefixed)
        for position in range(start, len(data), PIECE_CHARACTERS):
            decoder.feed(data[position : position + PIECE_CHARACTERS])
        decoded = decoder.finish()
    except NotBase64 as error:
        raise InvalidAudio(f"{where}: {error}") from None
    if not decoded:
        raise InvalidAudio(f"{where}: the audio is empty")
    return decoded
