"""`/console`: one page and the files that it loads. No build step, no outside host, no inline script."""

from __future__ import annotations

import html
import secrets
from pathlib import Path
from string import Template
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from auricle import __version__
from auricle.config import Settings

PATH = "/console"
FILES_PATH = f"{PATH}/static"
FOLDER = Path(__file__).parent / "static"
# Scripts, styles and pictures are our own files. The waveform's library writes one style element, which the nonce
# lets in; recordings are played from blobs. The microphone is for our own pages only.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self'; media-src 'self' blob:; "
    "connect-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "cache-control": "no-cache",  # asked about each time, by ETag, so that an updated server shows its own pages
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


class Files(StaticFiles):
    """Static files with our headers."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response


def install(app: FastAPI, settings: Settings) -> None:
    """Serve the console from `app`."""
    page = Template((FOLDER / "index.html").read_text(encoding="utf-8"))
    router = APIRouter(include_in_schema=False)
    facts: dict[str, Any] = {
        "accounts": "yes" if settings.keeps_accounts else "no",
        "keys": "no" if settings.no_auth else "yes",
        "version": __version__,
    }
    shown = {name: html.escape(str(value)) for name, value in facts.items()}

    @router.get(PATH)
    async def console() -> HTMLResponse:
        nonce = secrets.token_urlsafe(16)
        headers = {
            **HEADERS,
            "cache-control": "no-store",
            "content-security-policy": POLICY.format(nonce=nonce),
            "permissions-policy": "microphone=(self), camera=(), geolocation=()",
        }
        return HTMLResponse(page.substitute(shown, nonce=nonce), headers=headers)

    @router.get(f"{PATH}/")
    async def with_slash() -> RedirectResponse:
        return RedirectResponse(PATH)

    app.include_router(router)
    app.mount(FILES_PATH, Files(directory=FOLDER))
