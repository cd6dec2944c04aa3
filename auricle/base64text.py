"""Base64 as it is found in requests, decoded piece by piece: never more memory than what it decodes to."""

from __future__ import annotations

import binascii
import io
import re
from urllib.parse import unquote_to_bytes

import pybase64

MAX_PADDING = 2
PREFIX_CHARACTERS = 2048  # within which the head of a data URL ends

_DATA_URL = re.compile(r"\s*data:([^,]{0,1000}),", re.IGNORECASE)
_WHITESPACE = b" \t\r\n\f\v"
_URLSAFE = bytes.maketrans(b"-_", b"+/")


class NotBase64(ValueError):
    """Text that is not base64; says what it is, if that is known."""


def after_prefix(head: str) -> tuple[int, bool]:
    """Where the base64 begins in a text that begins with `head`, and whether a data URL's prefix stands before it.

    The MIME type is a hint that nobody needs. Raises NotBase64 for a data URL of another kind.
    """
    match = _DATA_URL.match(head)
    if match is not None:
        if not match[1].lower().replace(" ", "").endswith(";base64"):
            raise NotBase64("a data URL must be base64: data:audio/wav;base64,...")
        return match.end(), True
    if head.lstrip()[:5].lower() == "data:":
        raise NotBase64("a malformed data URL")
    return 0, False


class Base64Decoder:
    """Takes text as clients write it: the URL-safe alphabet, line breaks and blanks, missing padding, and percent
    escapes in a data URL."""

    def __init__(self, *, escapes: bool) -> None:
        """`escapes`: the text comes from a data URL, in which `%2B` is a plus."""
        self._escapes = escapes
        self._decoded = io.BytesIO()
        self._carry = b""  # fewer than four characters
        self._torn = b""  # the beginning of a percent escape
        self._padding = 0  # characters of it that were seen; it ends the text

    def feed(self, piece: str | bytes) -> None:
        """Raises NotBase64."""
        try:
            self._feed(piece)
        except (binascii.Error, UnicodeEncodeError, ValueError):
            raise NotBase64("the data is not valid base64") from None

    def finish(self) -> bytes:
        """All that was decoded. Raises NotBase64."""
        if self._torn:
            raise NotBase64("the data is not valid base64")
        rest = self._carry
        if len(rest) - len(rest.rstrip(b"=")) <= MAX_PADDING:
            rest = rest.rstrip(b"=")
        if rest:
            self._carry = b""
            self.feed(rest + b"=" * (-len(rest) % 4))
        return self._decoded.getvalue()  # hands its buffer over, does not copy it

    def _feed(self, piece: str | bytes) -> None:
        if not self._carry and not self._torn and not self._padding and not len(piece) % 4:
            try:
                self._write(pybase64.b64decode(piece, validate=True), len(piece))
            except binascii.Error:
                pass  # not plain, or wrong
            else:
                return
        raw = self._torn + (piece.encode("ascii") if isinstance(piece, str) else piece)
        self._torn = b""
        if self._escapes and b"%" in raw:
            torn = raw.find(b"%", max(len(raw) - 2, 0))
            if torn >= 0:
                raw, self._torn = raw[:torn], raw[torn:]
            raw = unquote_to_bytes(raw)
        text = self._carry + raw.translate(_URLSAFE, _WHITESPACE)
        if self._padding:
            self._pad(text)
            return
        whole = len(text) // 4 * 4
        self._carry = text[whole:]
        if whole and self._write(pybase64.b64decode(text[:whole], validate=True), whole):
            text, self._carry = self._carry, b""
            self._pad(text)

    def _pad(self, text: bytes) -> None:
        """Take what follows padding: nothing but more of it, and no more than two characters in all."""
        self._padding += len(text)
        if text.strip(b"=") or self._padding > MAX_PADDING:
            raise ValueError("padding in the middle")

    def _write(self, plain: bytes, characters: int) -> int:
        """Keep what was decoded of so many characters; how many of them were padding."""
        self._decoded.write(plain)
        self._padding = characters // 4 * 3 - len(plain)
        return self._padding
