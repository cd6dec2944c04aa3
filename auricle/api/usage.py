"""`GET /v1/usage` and `GET /v1/balance`: what the account of a key has used and has left."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from auricle.accounts.prices import money
from auricle.accounts.reports import Span
from auricle.api.admin_session import OfficeHere
from auricle.api.auth import authenticate
from auricle.api.bills import By, First, Form, Last, report
from auricle.api.services import services_of

router = APIRouter()


@router.get("/v1/usage")
async def get_usage(
    http: Request, office: OfficeHere, first: First = None, last: Last = None, by: By = "day,model", form: Form = "json"
) -> Response:
    """Usage and cost of the account that the key belongs to."""
    caller = authenticate(http, services_of(http).keys)
    span = Span.of(first, last, caller.account)
    return await report(office, span, by, form, "auricle-usage.csv")


@router.get("/v1/balance")
async def get_balance(http: Request, office: OfficeHere) -> dict[str, Any]:
    """What the account that the key belongs to has paid, was charged and has left."""
    caller = authenticate(http, services_of(http).keys)
    account = await asyncio.to_thread(office.directory.account, caller.account)
    return {
        "currency": office.currency,
        "prepaid": account.prepaid,
        "credited": money(account.credited_micros),
        "charged": money(account.charged_micros),
        "balance": money(account.balance_micros),
    }
