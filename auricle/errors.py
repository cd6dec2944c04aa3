"""Every failure that Auricle names.

    AuricleError                        status, message (the class, for the wire) and param (the detail)
    ├── BadRequest                  400  "Param Incorrect": the client's to mend; retrying cannot help
    │   ├── InvalidField                 a field is missing, of the wrong type or out of range
    │   ├── UnsupportedField             a known field that the engine behind this model cannot honour
    │   ├── UnknownModel
    │   ├── InvalidAudio                 not audio, damaged, or in a format that is not allowed
    │   ├── AudioTooLarge                more bytes or seconds than allowed
    │   ├── AudioUnavailable             a URL that may not or cannot be fetched
    │   └── ContextTooLong
    ├── Unauthorized                401  no key, or a wrong one
    ├── BalanceUsedUp               402
    ├── Forbidden                   403  a key that is disabled or may not do this
    ├── NotFound                    404
    ├── MethodNotAllowed            405
    ├── BodyTooSlow                 408  the body did not arrive in time
    ├── BodyTooLarge                413  larger than any legal request
    ├── ContentFiltered             421  the engine's own filter refused
    ├── RateLimited                 429  with Retry-After
    ├── InternalError               500  ours; carries an id to find it in the log, never a traceback
    ├── Unavailable                 503  overloaded, starting or stopping, with Retry-After
    │   ├── TookTooLong                  not answered within the time that a request may take
    │   └── EngineFailed                 an engine died under this request; it is being restarted
    └── WeightsError                  -  weights cannot be had (command line and start-up; 503 on the wire)

Each class is raised where the fact is known and rendered once, in `api/failures.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


class AuricleError(Exception):
    """A failure with a meaning. `param` says exactly what, in words for the person who sent the request."""

    status: int = 500
    message: str = "Internal Error"

    headers: Mapping[str, str] = MappingProxyType({})
    """What the response says besides."""

    def __init__(self, param: str = "", *, retry_after_seconds: float | None = None) -> None:
        super().__init__(param or self.message)
        self.param = param
        self.retry_after_seconds = retry_after_seconds


class BadRequest(AuricleError):
    """The request is wrong and will be wrong again."""

    status = 400
    message = "Param Incorrect"


class InvalidField(BadRequest):
    """A field is missing, of the wrong type or out of range."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}" if field else problem)
        self.field = field


class UnsupportedField(BadRequest):
    """A field that exists and that the engine behind this model cannot honour."""

    def __init__(self, field: str, engine: str, detail: str = "") -> None:
        super().__init__(f"{field} is not supported by the {engine} engine" + (f": {detail}" if detail else ""))
        self.field = field


class UnknownModel(BadRequest):
    def __init__(self, model: str) -> None:
        super().__init__(f"Not supported model {model}")
        self.model = model


class InvalidAudio(BadRequest):
    """Bytes that are not audio, are damaged, or are of a format that is not allowed."""


class UnsupportedFormat(InvalidAudio):
    """Audio of a format that is not allowed (or no audio at all: the official service says the same)."""

    def __init__(self) -> None:
        super().__init__("invalid audio format, only mp3/flac/m4a/wav/ogg are supported")


class AudioTooLarge(BadRequest):
    """More bytes, or more seconds, than the limit."""


class AudioUnavailable(BadRequest):
    """A URL that is not allowed or could not be fetched; never tells what an internal address answered."""


class ContextTooLong(BadRequest):
    def __init__(self, tokens: int, limit: int, model: str) -> None:
        super().__init__(
            f"the request has {tokens} tokens (text and audio), which must be fewer than "
            f"the context length of {model}, {limit} tokens"
        )
        self.tokens = tokens
        self.limit = limit


class Unauthorized(AuricleError):
    status = 401
    message = "Invalid API Key"


class BalanceUsedUp(AuricleError):
    status = 402
    message = "Insufficient Balance"


class Forbidden(AuricleError):
    status = 403
    message = "Forbidden"


class NotFound(AuricleError):
    status = 404
    message = "Not Found"


class MethodNotAllowed(AuricleError):
    status = 405
    message = "Method Not Allowed"


class BodyTooSlow(AuricleError):
    """The body did not arrive in time."""

    status = 408
    message = "Request Timeout"


class BodyTooLarge(AuricleError):
    status = 413
    message = "Request Entity Too Large"


class ContentFiltered(AuricleError):
    status = 421
    message = "Content Filtered"


class RateLimited(AuricleError):
    status = 429
    message = "Too Many Requests"

    def __init__(
        self, param: str = "", *, retry_after_seconds: float, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        super().__init__(param, retry_after_seconds=retry_after_seconds)
        self.headers = headers


class InternalError(AuricleError):
    status = 500
    message = "Internal Error"


class Unavailable(AuricleError):
    """Overloaded, starting or stopping: the same request may succeed later."""

    status = 503
    message = "Service Unavailable"

    def __init__(self, param: str = "", *, retry_after_seconds: float = 5) -> None:
        super().__init__(param, retry_after_seconds=retry_after_seconds)


class TookTooLong(Unavailable):
    """The request was not answered within the time that one may take."""

    def __init__(self, limit_seconds: float) -> None:
        super().__init__(f"the request was not answered within {limit_seconds:g} seconds")
        self.limit_seconds = limit_seconds


class EngineFailed(Unavailable):
    """The engine stopped working on this request; nothing about the request is wrong."""


class WeightsError(Unavailable):
    """Weights cannot be had: names what was tried and what to do."""


class PullStopped(WeightsError):
    """Weights are not there because getting them was stopped; what had arrived is kept for the next time."""
