"""`/admin/v1/usage`, `/bills`, `/requests`, `/answer-times`, `/overview`: what was used, and what it costs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from auricle.accounts.clock import day_of, now_us
from auricle.accounts.reports import (
    LINES_AT_ONCE,
    Span,
    group_record,
    line_columns,
    line_record,
    sums_record,
    times_record,
)
from auricle.api.admin_session import OfficeHere, SignedIn
from auricle.api.bills import By, First, Form, Last, Month, csv_response, report

router = APIRouter(prefix="/admin/v1", tags=["admin"])


@router.get("/usage")
async def admin_usage(
    office: OfficeHere,
    _: SignedIn,
    first: First = None,
    last: Last = None,
    by: By = "day,model",
    account: str | None = None,
    key: str | None = None,
    form: Form = "json",
) -> Response:
    """Usage and cost of everybody, or of one account (id or name) or key (id)."""
    return await report(
        office, Span.of(first, last, await account_id(office, account), key), by, form, "auricle-usage.csv"
    )


@router.get("/bills")
async def get_bill(
    office: OfficeHere,
    _: SignedIn,
    month: Month,
    account: str | None = None,
    by: By = "account,project,key,model",
    form: Form = "json",
) -> Response:
    """The bill of a month: what each project, key and model of each account cost."""
    span = Span.month(month, await account_id(office, account))
    return await report(office, span, by, form, f"auricle-bill-{month}.csv", month=month)


@router.get("/requests")
async def list_requests(
    office: OfficeHere,
    _: SignedIn,
    first: First = None,
    last: Last = None,
    account: str | None = None,
    key: str | None = None,
    project: str | None = None,
    model: str | None = None,
    status: Annotated[int | None, Query(description="As in the row: 200, 499...")] = None,
    errors: Annotated[bool, Query(description="Only requests that were not answered with 200.")] = False,
    before: Annotated[int | None, Query(description="Only rows before this `seq`: the next page.")] = None,
    limit: Annotated[int, Query(ge=1, le=LINES_AT_ONCE)] = 100,
    form: Form = "json",
) -> Any:
    """Rows of the ledger, newest first; as `csv` all of them."""
    days = Span.of(first, last, await account_id(office, account), key)
    span = replace(days, project=project, model=model, status=status, errors=errors)
    if form == "csv":
        return csv_response(line_columns(), map(line_record, office.reports.all_lines(span)), "auricle-requests.csv")
    lines = await asyncio.to_thread(office.reports.lines, span, before, limit)
    return {"data": [line_record(line) for line in lines], "currency": office.currency}


@router.get("/overview")
async def get_overview(office: OfficeHere, _: SignedIn) -> dict[str, Any]:
    """Today and this month at a glance (UTC)."""
    today = day_of(now_us())
    day, month = Span(today, today), Span.month(today[:7])
    totals = [await asyncio.to_thread(office.reports.total, span) for span in (day, month)]
    models = await asyncio.to_thread(office.reports.usage, day, ("model", "status"))
    return {
        "currency": office.currency,
        "today": sums_record(totals[0]),
        "month": sums_record(totals[1]),
        "today_by_model_and_status": [group_record(group) for group in models],
    }


@router.get("/answer-times")
async def get_answer_times(
    office: OfficeHere, _: SignedIn, first: First = None, last: Last = None, account: str | None = None
) -> dict[str, Any]:
    """How long answers took, by model: percentiles of the time to the last word and to the first."""
    span = Span.of(first, last, await account_id(office, account))
    times = await asyncio.to_thread(office.reports.answer_times, span)
    return {"from": span.first, "to": span.last, "data": [times_record(one) for one in times]}


async def account_id(office: OfficeHere, account: str | None) -> str | None:
    """Raises NotFound."""
    return None if account is None else (await asyncio.to_thread(office.directory.account, account)).id
