"""`/admin/v1/weights`: the weights on this machine, and getting more of them."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from auricle.api.admin_session import check_origin, check_site, signed_in
from auricle.api.services import services_of
from auricle.errors import Forbidden
from auricle.weights.pulls import Pulls, PullState, Shelf

router = APIRouter(prefix="/admin/v1/weights", tags=["admin"])
Json = dict[str, Any]


async def operator(http: Request) -> Pulls:
    """Pulls, for whoever runs this server: the administrator; without any keys, pages of this server and programs.

    Raises Unauthorized and Forbidden.
    """
    services = services_of(http)
    if services.office is not None:
        await signed_in(http)
    elif services.settings.no_auth:
        check_site(http)
        check_origin(http)
    else:
        raise Forbidden("keys of the settings do not administer: use `auricle models pull`, or turn accounts on")
    return services.pulls


PullsHere = Annotated[Pulls, Depends(operator)]


@router.get("")
async def list_weights(pulls: PullsHere) -> Json:
    """Weights that are known here: whether the server needs them, whether they are on the disk, how far a pull is."""
    return {"data": [shelf_json(shelf) for shelf in await asyncio.to_thread(pulls.shelves)]}


@router.post("/{name:path}/pull", status_code=202)
async def start_pull(name: str, pulls: PullsHere) -> Json:
    """Get weights, unless that goes on already. Engines that wait for them load them when they are here."""
    await pulls.start(name)
    return await one(pulls, name)


@router.delete("/{name:path}/pull")
async def stop_pull(name: str, pulls: PullsHere) -> Json:
    """Stop getting them; what has arrived is kept for the next time."""
    pulls.cancel(name)
    return await one(pulls, name)


async def one(pulls: Pulls, name: str) -> Json:
    return next(shelf_json(shelf) for shelf in await asyncio.to_thread(pulls.shelves) if shelf.name == name)


def shelf_json(shelf: Shelf) -> Json:
    model = shelf.model
    return {
        "name": shelf.name,
        "purpose": model.purpose if model else "",
        "licence": model.licence if model else "",
        "size_bytes": model.size_bytes if model else None,
        "needed": shelf.needed,
        "state": shelf.state.kind,
        "where": None if shelf.state.kind == "absent" else str(shelf.state.where),
        "present_bytes": shelf.state.present_bytes,
        "pull": pull_json(shelf.pull) if shelf.pull else None,
    }


def pull_json(pull: PullState) -> Json:
    step = pull.step
    return {
        "state": pull.kind,
        "asked": pull.asked,
        "phase": step.phase if step else None,
        "source": step.source if step else None,
        "file": step.file if step else None,
        "done_bytes": step.done_bytes if step else 0,
        "total_bytes": step.total_bytes if step else 0,
        "percent": step.percent if step else 0,
        "note": pull.note,
        "error": pull.error,
    }
