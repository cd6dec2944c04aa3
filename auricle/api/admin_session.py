"""Who administers: the session cookie, and that no other page can make a browser act with it."""

from __future__ import annotations

import asyncio
import hmac
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response

from auricle.accounts.admin import SESSION_SECONDS, Session
from auricle.accounts.office import Office
from auricle.api.services import services_of
from auricle.errors import Forbidden, NotFound, Unauthorized

COOKIE = "auricle_session"
CSRF_HEADER = "x-csrf-token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SITES = frozenset({"same-origin", "none"})  # of Sec-Fetch-Site: our own pages, and what a person types in


def office_of(http: Request) -> Office:
    """Raises NotFound on a server without accounts."""
    office = services_of(http).office
    if office is None:
        raise NotFound("this server keeps no accounts")
    return office


async def signed_in(http: Request) -> Session:
    """The administrator's session. Raises Unauthorized without one, Forbidden for a change that another page asked for.

    Three fences against such pages: the cookie is SameSite=Strict, browsers say where a request comes from, and a
    change needs the token that only a reader of our own answers knows.
    """
    check_site(http)
    token = http.cookies.get(COOKIE, "")
    session = await asyncio.to_thread(office_of(http).admin.session, token) if token else None
    if session is None:
        raise Unauthorized("sign in first: POST /admin/v1/session")
    if http.method not in SAFE_METHODS:
        given = http.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(given.encode(), session.csrf.encode()):
            raise Forbidden(f"the {CSRF_HEADER} header must be the csrf_token of GET /admin/v1/session")
    return session


def check_site(http: Request) -> None:
    """Raises Forbidden for what a browser says that another site asked for."""
    if http.headers.get("sec-fetch-site", "none") not in SITES:
        raise Forbidden("the administrator's endpoints answer no other site's pages")


def check_origin(http: Request) -> None:
    """Raises Forbidden for a change that another site's page asked for, where the browser does not say so otherwise:
    it tells the site only to addresses that it trusts. For servers without a session, whose token would have done."""
    origin = http.headers.get("origin", "")
    if origin and http.method not in SAFE_METHODS and origin.partition("://")[2] != http.headers.get("host", ""):
        raise Forbidden("the administrator's endpoints answer no other site's pages")


def put_cookie(http: Request, response: Response, session: Session) -> None:
    secure = http.url.scheme == "https"
    response.set_cookie(
        COOKIE, session.token, max_age=SESSION_SECONDS, httponly=True, samesite="strict", secure=secure, path="/"
    )


def drop_cookie(response: Response) -> None:
    response.delete_cookie(COOKIE, httponly=True, samesite="strict", path="/")


def address_of(http: Request) -> str:
    return http.client.host if http.client else "unknown"


OfficeHere = Annotated[Office, Depends(office_of)]
SignedIn = Annotated[Session, Depends(signed_in)]
