"""Who is calling: `api-key: KEY` or `Authorization: Bearer KEY`, or both."""

from __future__ import annotations

from starlette.requests import Request

from auricle.accounts.keys import Keys, fingerprint
from auricle.errors import Unauthorized
from auricle.pipeline import Caller

LOCAL = Caller("local")


def presented_keys(request: Request) -> list[str]:
    """The keys in the request's headers, `api-key` first."""
    keys = [request.headers.get("api-key", "")]
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        keys.append(token.strip())
    return [key for key in keys if key]


def authenticate(request: Request, keys: Keys) -> Caller:
    """The caller; in the no-auth mode (no keys at all) everybody is `local`. Raises Unauthorized."""
    if not keys:
        return LOCAL
    presented = presented_keys(request)
    if not presented:
        raise Unauthorized("send your key as 'api-key: KEY' or 'Authorization: Bearer KEY'")
    for key in presented:
        if keys.knows(key):
            return Caller(fingerprint(key))
    raise Unauthorized("the key is not known here")
