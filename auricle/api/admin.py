"""`/admin/v1`: sign-in, accounts, projects, keys, top-ups and prices. Only on a server with accounts."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from auricle.accounts.admin import Session
from auricle.accounts.clock import iso, microseconds
from auricle.accounts.prices import micros
from auricle.accounts.views import NewKey
from auricle.api import admin_schema as wire
from auricle.api.admin_session import (
    COOKIE,
    OfficeHere,
    SignedIn,
    address_of,
    check_site,
    drop_cookie,
    put_cookie,
    signed_in,
)
from auricle.errors import Unauthorized

router = APIRouter(prefix="/admin/v1", tags=["admin"])
Json = dict[str, Any]
UNCACHED = {"cache-control": "no-store"}  # for what is shown once


# The session.


@router.post("/session")
async def sign_in(http: Request, body: wire.SignIn, office: OfficeHere) -> Response:
    """Sign in; the session is a cookie, and `csrf_token` has to be sent as `x-csrf-token` with every change."""
    check_site(http)
    return begun(http, await asyncio.to_thread(office.admin.sign_in, body.password, address_of(http)))


@router.get("/session")
async def get_session(http: Request, office: OfficeHere) -> Json:
    """Whether one is signed in, and whether the password has still to be chosen."""
    try:
        session = await signed_in(http)
    except Unauthorized:
        needed = await asyncio.to_thread(office.admin.setup_code) is not None
        return {"signed_in": False, "setup_needed": needed}
    return {"signed_in": True, "setup_needed": False, **session_json(session), "currency": office.currency}


@router.delete("/session", status_code=204)
async def sign_out(http: Request, office: OfficeHere, _: SignedIn) -> Response:
    """End the session."""
    await asyncio.to_thread(office.admin.sign_out, http.cookies[COOKIE])
    response = Response(status_code=204)
    drop_cookie(response)
    return response


@router.post("/setup")
async def set_up(http: Request, body: wire.SetUp, office: OfficeHere) -> Response:
    """Choose the administrator's password, once, with the code that the server showed at its start."""
    check_site(http)
    return begun(http, await asyncio.to_thread(office.admin.set_up, body.code, body.password, address_of(http)))


@router.put("/password")
async def change_password(http: Request, body: wire.ChangePassword, office: OfficeHere, _: SignedIn) -> Response:
    """Another password; every other session ends."""
    change = office.admin.change_password
    return begun(http, await asyncio.to_thread(change, body.current, body.new, address_of(http)))


def begun(http: Request, session: Session) -> Response:
    response = JSONResponse({"signed_in": True, **session_json(session)}, headers=UNCACHED)
    put_cookie(http, response, session)
    return response


def session_json(session: Session) -> Json:
    return {"csrf_token": session.csrf, "expires": iso(session.expires_us)}


# Accounts and projects.


@router.get("/accounts")
async def list_accounts(office: OfficeHere, _: SignedIn) -> Json:
    """Every account with its balance."""
    return {"data": [wire.account_json(account) for account in await asyncio.to_thread(office.directory.accounts)]}


@router.post("/accounts", status_code=201)
async def create_account(body: wire.CreateAccount, office: OfficeHere, _: SignedIn) -> Json:
    """A new account, with a project `default`."""
    create = office.directory.create_account
    return wire.account_json(await office.change(create, body.name, prepaid=body.prepaid))


@router.get("/accounts/{account}")
async def get_account(account: str, office: OfficeHere, _: SignedIn) -> Json:
    """One account, by id or by name."""
    return wire.account_json(await asyncio.to_thread(office.directory.account, account))


@router.patch("/accounts/{account}")
async def change_account(account: str, body: wire.ChangeAccount, office: OfficeHere, _: SignedIn) -> Json:
    """Rename it, disable it, or make it prepaid or not."""
    change = office.directory.change_account
    changed = await office.change(change, account, new_name=body.name, prepaid=body.prepaid, disabled=body.disabled)
    return wire.account_json(changed)


@router.get("/accounts/{account}/top-ups")
async def list_top_ups(account: str, office: OfficeHere, _: SignedIn) -> Json:
    """What was paid in, oldest first."""
    found = await asyncio.to_thread(office.directory.top_ups, account)
    return {"data": [wire.top_up_json(top_up) for top_up in found]}


@router.post("/accounts/{account}/top-ups", status_code=201)
async def add_top_up(account: str, body: wire.AddTopUp, office: OfficeHere, _: SignedIn) -> Json:
    """Add to the balance; a negative amount corrects it."""
    top_up = office.directory.top_up
    return wire.account_json(await office.change(top_up, account, micros(body.amount), body.note, body.reference))


@router.get("/projects")
async def list_projects(office: OfficeHere, _: SignedIn, account: str | None = None) -> Json:
    """The projects of one account, or of all."""
    found = await asyncio.to_thread(office.directory.projects, account)
    return {"data": [wire.project_json(project) for project in found]}


@router.post("/accounts/{account}/projects", status_code=201)
async def create_project(account: str, body: wire.CreateProject, office: OfficeHere, _: SignedIn) -> Json:
    """A new project of an account."""
    return wire.project_json(await office.change(office.directory.create_project, account, body.name))


# Keys.


@router.get("/keys")
async def list_keys(office: OfficeHere, _: SignedIn, account: str | None = None) -> Json:
    """The keys of one account, or of all; of each only its beginning."""
    found = await asyncio.to_thread(office.directory.keys, account)
    return {"data": [wire.key_json(key) for key in found]}


@router.post("/keys", status_code=201)
async def create_key(body: wire.CreateKey, office: OfficeHere, _: SignedIn) -> Response:
    """A new key: `key` is shown now and never again."""
    create = office.directory.create_key
    made = await office.change(create, body.name, account=body.account, project=body.project, terms=body.terms())
    return shown_once(made, 201)


@router.patch("/keys/{key}")
async def change_key(key: str, body: wire.ChangeKey, office: OfficeHere, _: SignedIn) -> Json:
    """Rename it, disable it or enable it again, or give it other terms. At once."""
    terms = body.terms.terms() if body.terms else None
    change = office.directory.change_key
    return wire.key_json(await office.change(change, key, name=body.name, disabled=body.disabled, terms=terms))


@router.post("/keys/{key}/rotate")
async def rotate_key(key: str, office: OfficeHere, _: SignedIn) -> Response:
    """Another secret for the same key; the old one is refused at once."""
    return shown_once(await office.change(office.directory.rotate_key, key), 200)


def shown_once(made: NewKey, status: int) -> Response:
    return JSONResponse({"key": made.secret, **wire.key_json(made.key)}, status, UNCACHED)


# Prices.


@router.get("/prices")
async def list_prices(office: OfficeHere, _: SignedIn, model: str | None = None) -> Json:
    """Every version of every price; the last one of a model that has begun is in effect."""
    found = await asyncio.to_thread(office.directory.prices, model)
    return {"currency": office.currency, "data": [wire.price_json(version) for version in found]}


@router.post("/prices", status_code=201)
async def set_price(body: wire.SetPrice, office: OfficeHere, _: SignedIn) -> Json:
    """Another price for a model, from now on or from a later time; what was charged before stays."""
    begins = microseconds(body.from_) if body.from_ else None
    return wire.price_json(await office.change(office.directory.set_price, body.model, body.price(), begins))
