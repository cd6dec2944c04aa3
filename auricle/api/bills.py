"""What the report endpoints share: their query, and their answer as JSON or CSV."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import Query
from fastapi.responses import JSONResponse, Response, StreamingResponse

from auricle.accounts.office import Office
from auricle.accounts.reports import Span, group_columns, group_record, sums_record, to_csv

Form = Annotated[Literal["json", "csv"], Query(alias="format", description="`json`, or `csv` for a spreadsheet.")]
First = Annotated[str | None, Query(alias="from", description="First day (UTC), `2026-11-01`.")]
Last = Annotated[str | None, Query(alias="to", description="Last day (UTC), `2026-11-30`.")]
By = Annotated[
    str, Query(description="What to sum by, comma-separated: day, month, model, engine, key, project, account, status.")
]
Month = Annotated[str, Query(description="`2026-11`.")]


async def report(office: Office, span: Span, by: str, form: str, filename: str, **more: Any) -> Response:
    """Sums of `span` grouped by `by`, and their total."""
    names = [name.strip() for name in by.split(",") if name.strip()]
    groups = await asyncio.to_thread(office.reports.usage, span, names)
    records = [group_record(group) for group in groups]
    if form == "csv":
        return csv_response(group_columns(names), records, filename)
    total = await asyncio.to_thread(office.reports.total, span)
    body = {
        **more,
        "currency": office.currency,
        "from": span.first,
        "to": span.last,
        "by": names,
        "data": records,
        "total": sums_record(total),
    }
    return JSONResponse(body)


def csv_response(columns: Sequence[str], records: Iterable[Mapping[str, Any]], filename: str) -> Response:
    lines: Iterator[str] = to_csv(columns, records)
    disposition = {"content-disposition": f'attachment; filename="{filename}"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=disposition)
