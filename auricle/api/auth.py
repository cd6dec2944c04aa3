"""Who is calling: `api-key: KEY` or `Authorization: Bearer KEY`, or both."""

from __future__ import annotations

from starlette.requests import Request

from auricle.accounts.keys import Caller, KeyRing, find_caller

LOCAL = Caller("local")


def presented_keys(request: Request) -> list[str]:
    """The keys in the request's headers, `api-key` first."""
    keys = [request.headers.get("api-key", "")]
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        keys.append(token.strip())
    return [key for key in keys if key]


def authenticate(request: Request, keys: KeyRing) -> Caller:
    """The caller; in the no-auth mode (no keys at all) everybody is `local`. Raises Unauthorized and Forbidden."""
    if not keys:
        return LOCAL
    return find_caller(keys, presented_keys(request))
