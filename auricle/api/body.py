"""The body of a request, read as it arrives: base64 audio is decoded piece by piece, so that its text is never held.

Of 50 MB of base64 the server keeps the 37.5 MB that it stands for, and the loop is never busy for longer than one piece
takes, about 0.1 ms (bench/bodies.py measures both). The rest of the body, with a placeholder for each audio, is small.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request

from auricle.admission import Claim
from auricle.api.sse import ClientGone
from auricle.base64text import PREFIX_CHARACTERS, Base64Decoder, NotBase64, after_prefix
from auricle.config import Settings
from auricle.errors import AudioTooLarge, BodyTooLarge, BodyTooSlow, InvalidAudio, InvalidField

PIECE_BYTES = 64 * 1024
LARGE_BYTES = 256 * 1024  # smaller bodies are parsed as they are, and cost no memory worth counting
CUT_BYTES = 64 * 1024  # a longer string under one of AUDIO_KEYS is decoded as it arrives
IDLE_SECONDS = 30.0  # without a byte of the body
PACE_SECONDS = 10.0  # over which the pace of a large body is looked at
SLOWEST_BYTES_A_SECOND = 16 * 1024
MAX_STRINGS = 60_000  # in one body: parsing has to be quick, whatever it holds. 60,000 take about 50 ms to validate
MAX_CONTAINERS = 60_000  # objects and lists in one body; 0.3 microseconds each
MAX_STRUCTURE_BYTES = 2 * 1024 * 1024  # outside of strings: brackets, numbers, blanks
AUDIO_KEYS = frozenset({b"data", b"url"})

_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_BASE64 = re.compile(rb"[A-Za-z0-9+/=_\-\s]*")


class Cut:
    """A long base64 string that was decoded while the body arrived."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._decoder: Base64Decoder | None = None
        self._torn = b""  # the beginning of an escape
        self._characters = 0
        self._problem = ""
        self._data = b""

    def begin(self, head: bytes) -> bool:
        """Take the beginning of a string, if it looks like base64."""
        text = self._unescaped(head)
        try:
            start, prefixed = after_prefix(text[:PREFIX_CHARACTERS].decode("latin-1"))
        except NotBase64:
            return False
        if not _BASE64.fullmatch(text, start, PREFIX_CHARACTERS) and not prefixed:
            return False
        self._decoder = Base64Decoder(escapes=prefixed)
        self._decode(text[start:])
        return True

    def feed(self, piece: bytes) -> None:
        """Take more of the string, as it is written in JSON (PHP escapes the slash, .NET the plus)."""
        self._decode(self._unescaped(piece))

    def end(self) -> None:
        """The string is complete."""
        if self._decoder is not None:
            try:
                self._decode(self._torn)
                self._data = self._decoder.finish() if self._decoder else b""
            except NotBase64 as error:
                self._problem = str(error)
            self._decoder = None

    def take(self, where: str) -> bytes:
        """What the string stands for; `where` is its place in the request. Raises InvalidAudio and AudioTooLarge."""
        if self._characters > self._max_bytes:
            raise AudioTooLarge(
                f"{where}: the base64 string of {self._characters} bytes is larger than the limit of "
                f"{self._max_bytes} bytes"
            )
        if self._problem:
            raise InvalidAudio(f"{where}: {self._problem}")
        return self._data

    def _decode(self, text: bytes) -> None:
        self._characters += len(text)
        if self._characters > self._max_bytes:
            self._decoder = None
        if self._decoder is not None:
            try:
                self._decoder.feed(text)
            except NotBase64 as error:
                self._problem = str(error)
                self._decoder = None

    def _unescaped(self, text: bytes) -> bytes:
        text = self._torn + text if self._torn else text
        self._torn = b""
        if b"\\" not in text:
            return text
        last = text.rfind(b"\\", max(len(text) - 5, 0))
        if last >= 0 and len(text) - last < (6 if text[last + 1 : last + 2] == b"u" else 2):
            text, self._torn = text[:last], text[last:]
        try:
            return bytes(orjson.loads(b'"' + text + b'"').encode("ascii"))
        except (orjson.JSONDecodeError, UnicodeEncodeError):
            return b"\0"  # which is no base64


@dataclass(frozen=True, slots=True)
class Body:
    """A JSON object. In the place of each long base64 string stands a name in `cuts`."""

    fields: dict[str, Any]
    cuts: Mapping[str, Cut] = field(default_factory=lambda: MappingProxyType({}))

    def mentions_cut(self, value: Any) -> bool:
        """Whether a placeholder stands anywhere in `value`."""
        return any(name.encode() in orjson.dumps(value) for name in self.cuts)


class BodyReader:
    """Takes the bytes of one JSON body in pieces of any size."""

    def __init__(self, max_base64_bytes: int, max_text_bytes: int) -> None:
        self._max_base64_bytes = max_base64_bytes
        self._max_text_bytes = max_text_bytes
        self._nonce = secrets.token_hex(16)
        self._cuts: dict[str, Cut] = {}
        self._rest = bytearray()  # the body with placeholders
        self._cut: Cut | None = None  # the string that is being decoded
        self._in_string = False
        self._escaped = False  # the last byte was a backslash in a string
        self._start = 0  # in _rest, of the string
        self._may_cut = False
        self._key = b""
        self._key_end = 0
        self._strings = 0
        self._structure = 0
        self._containers = 0

    def feed(self, data: bytes) -> None:
        """Raises BodyTooLarge."""
        for offset in range(0, len(data), PIECE_BYTES):
            piece = data if len(data) <= PIECE_BYTES else data[offset : offset + PIECE_BYTES]
            position = 0
            while position < len(piece):
                position = self._inside(piece, position) if self._in_string else self._outside(piece, position)
            if len(self._rest) > self._max_text_bytes:
                raise BodyTooLarge(
                    f"the body has more than {self._max_text_bytes} bytes that are not the base64 of an audio"
                )

    async def finish(self) -> Body:
        """Raises InvalidField."""
        rest, self._rest = self._rest, bytearray()
        value = await asyncio.to_thread(read_json, rest) if len(rest) > LARGE_BYTES else read_json(rest)
        return Body(value, self._cuts)

    def _outside(self, piece: bytes, position: int) -> int:
        quote = piece.find(b'"', position)
        end = len(piece) if quote < 0 else quote + 1
        self._structure += end - position
        self._containers += piece.count(b"{", position, end) + piece.count(b"[", position, end)
        if self._structure > MAX_STRUCTURE_BYTES or self._strings > MAX_STRINGS or self._containers > MAX_CONTAINERS:
            raise BodyTooLarge("the body has more fields than any legal request")
        self._rest += piece[position:end]
        if quote >= 0:
            self._in_string = True
            self._start = len(self._rest)
            self._strings += 1
            self._may_cut = (
                self._key in AUDIO_KEYS
                and self._start - self._key_end < 1024
                and bytes(self._rest[self._key_end : self._start - 1]).strip() == b":"
            )
        return end

    def _inside(self, piece: bytes, position: int) -> int:
        end = self._string_end(piece, position)
        closed = end < len(piece) and not self._escaped
        if self._cut is not None:
            self._cut.feed(piece[position:end])
            if closed:
                self._cut.end()
                self._cut = None
        else:
            self._rest += piece[position:end]
            if closed:
                if len(self._rest) - self._start <= 8:
                    self._key = bytes(self._rest[self._start :])
                else:
                    self._key = b""
            elif self._may_cut and len(self._rest) - self._start >= CUT_BYTES:
                self._begin_cut()
        if closed:
            self._rest += b'"'
            self._key_end = len(self._rest)
            self._in_string = False
            end += 1
        return end

    def _string_end(self, piece: bytes, position: int) -> int:
        """Where the string in `piece` stops: at its closing quote, or at the piece's end."""
        if not self._escaped:
            quote = piece.find(b'"', position)
            end = len(piece) if quote < 0 else quote
            if piece.find(b"\\", position, end) < 0:
                return end
        match = _STRING.match(piece, position + self._escaped)
        end = match.end() if match else position
        self._escaped = end == len(piece) - 1 and piece[end:] == b"\\"
        return end + self._escaped

    def _begin_cut(self) -> None:
        cut = Cut(self._max_base64_bytes)
        self._may_cut = False
        if not cut.begin(bytes(self._rest[self._start :])):
            return
        name = f"cut-{self._nonce}-{len(self._cuts)}"
        self._cuts[name] = self._cut = cut
        self._key = b""
        del self._rest[self._start :]
        self._rest += name.encode()


def read_json(body: bytes | bytearray | memoryview) -> dict[str, Any]:
    """The JSON object in `body`. Raises InvalidField."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidField("", f"the body is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise InvalidField("", "the body must be a JSON object")
    return value


class Pace:
    """How quickly a large body arrives; one that does not holds memory for nothing."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._size = 0

    def check(self, size_bytes: int) -> None:
        """So many bytes have arrived. Raises BodyTooSlow."""
        seconds = time.monotonic() - self._since
        if seconds >= PACE_SECONDS:
            if size_bytes - self._size < SLOWEST_BYTES_A_SECOND * seconds:
                raise BodyTooSlow(f"the body arrives with less than {SLOWEST_BYTES_A_SECOND} bytes a second")
            self._since, self._size = time.monotonic(), size_bytes


async def read_body(http: Request, settings: Settings, claim: Claim) -> Body:
    """The JSON object of the body; `claim` covers what has arrived of it, not what is announced.

    Raises BodyTooLarge as soon as it is known, BodyTooSlow, InvalidField, Unavailable without memory to spare, and
    ClientGone.
    """
    limit = settings.max_body_bytes
    declared = http.headers.get("content-length", "")
    if declared.isdecimal():
        if int(declared) > limit:
            raise BodyTooLarge(f"the body has {declared} bytes, the limit is {limit}")
        if int(declared) > LARGE_BYTES:
            claim.foresee(int(declared))
    start = bytearray()  # of the body, until it turns out to be large
    reader: BodyReader | None = None
    size = 0
    pace = Pace()
    pieces = aiter(http.stream())
    try:
        async with asyncio.timeout(settings.body_timeout_seconds):
            while True:
                async with asyncio.timeout(IDLE_SECONDS):
                    piece = await anext(pieces, None)
                if piece is None:
                    break
                size += len(piece)
                if size > limit:
                    raise BodyTooLarge(f"the body has more than {limit} bytes")
                if reader is None and size > LARGE_BYTES:
                    reader = BodyReader(settings.max_base64_bytes, settings.max_text_bytes)
                    reader.feed(bytes(start))
                    start.clear()
                if reader is None:
                    start += piece
                else:
                    claim.cover(size)
                    reader.feed(piece)
                    pace.check(size)
    except ClientDisconnect:
        raise ClientGone from None
    except TimeoutError:
        raise BodyTooSlow(f"the body did not arrive within {settings.body_timeout_seconds:g} seconds") from None
    claim.arrived()
    return Body(read_json(start)) if reader is None else await reader.finish()
