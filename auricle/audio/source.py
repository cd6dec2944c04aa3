"""From what a request names to encoded bytes: base64 text, data URLs, URLs, uploads."""

from __future__ import annotations

import asyncio
import binascii
import io
import re
from urllib.parse import unquote_to_bytes

import pybase64

from auricle.audio.fetch import Fetcher
from auricle.audio.formats import recognise
from auricle.config import Settings
from auricle.errors import AudioTooLarge, InvalidAudio
from auricle.types import AudioClip, AudioSource

PIECE_CHARACTERS = 1024 * 1024  # decoded at a time, so that a thread never keeps the interpreter for long
INLINE_CHARACTERS = 64 * 1024  # decoded without a thread: it takes some 20 microseconds

_DATA_URL = re.compile(r"data:([^,]{0,1000}),", re.IGNORECASE)
_WHITESPACE = b" \t\r\n\f\v"
_URLSAFE = bytes.maketrans(b"-_", b"+/")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")


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
    """The bytes in a base64 data URL or in bare base64.

    Taken as they are found in the field: the URL-safe alphabet, line breaks and blanks, missing padding, and percent
    escapes in a data URL. The MIME type is a hint that nobody needs. Raises InvalidAudio, AudioTooLarge.
    """
    head = data[:2048] if isinstance(data, str) else data[:2048].decode("latin-1")
    match = _DATA_URL.match(head.lstrip())
    start = 0
    if match is not None:
        if not match[1].lower().replace(" ", "").endswith(";base64"):
            raise InvalidAudio(f"{where}: a data URL must be base64: data:audio/wav;base64,...")
        start = len(head) - len(head.lstrip()) + match.end()
    elif head.lstrip()[:5].lower() == "data:":
        raise InvalidAudio(f"{where}: a malformed data URL")
    size = len(data) - start
    if size > max_bytes:
        raise AudioTooLarge(f"{where}: the base64 string of {size} bytes is larger than the limit of {max_bytes} bytes")
    try:
        decoded = _decode(data, start, escapes=match is not None)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        raise InvalidAudio(f"{where}: the data is not valid base64") from None
    if not decoded:
        raise InvalidAudio(f"{where}: the audio is empty")
    return decoded


def _decode(data: str | bytes, start: int, *, escapes: bool) -> bytes:
    """Decode piece by piece into one buffer: never more memory than the text and what it decodes to.

    Raises ValueError (binascii.Error is one) for what is not base64.
    """
    decoded = io.BytesIO()
    carry = b""  # what is left of a piece that was not plain, fewer than four characters and a torn escape
    escape = b""
    for position in range(start, len(data), PIECE_CHARACTERS):
        piece = data[position : position + PIECE_CHARACTERS]
        last = position + PIECE_CHARACTERS >= len(data)
        if not carry and not escape and (last or not len(piece) % 4):
            try:
                plain = pybase64.b64decode(piece, validate=True)
            except binascii.Error:
                pass
            else:
                if not last and len(plain) != len(piece) // 4 * 3:
                    raise ValueError("padding in the middle")
                decoded.write(plain)
                continue
        raw = escape + (piece.encode("ascii") if isinstance(piece, str) else piece)
        escape = b""
        if escapes and b"%" in raw:
            torn = -1 if last else raw.find(b"%", len(raw) - 2)
            if torn >= 0:
                raw, escape = raw[:torn], raw[torn:]
            raw = unquote_to_bytes(raw)
        text = carry + raw.translate(_URLSAFE, _WHITESPACE)
        whole = len(text) if last else len(text) // 4 * 4
        carry = text[whole:]
        text = text[:whole]
        if last:
            text = text.rstrip(b"=") if len(text) - len(text.rstrip(b"=")) <= 2 else text
            text += b"=" * (-len(text) % 4)
        if text:
            plain = pybase64.b64decode(text, validate=True)
            if not last and len(plain) != len(text) // 4 * 3:
                raise ValueError("padding in the middle")
            decoded.write(plain)
    return decoded.getvalue()
