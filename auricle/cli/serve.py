"""`auricle serve`: the server."""

from __future__ import annotations

from typing import Annotated, Any

import typer
import uvicorn

from auricle.cli.failures import plain_failures

KEEP_ALIVE_SECONDS = 75  # longer than the usual proxy's minute, so that the proxy closes first
SHUTDOWN_SECONDS = 30  # for answers that are being written when the server is told to stop


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 picks one. [default: 8000]")] = None,
    lite: Annotated[bool, typer.Option("--lite", help="Take the 0.5B language model: faster, less clever.")] = False,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error. [default: info]")] = None,
) -> None:
    """Serve the API. Weights that are missing are downloaded first, once; recognition serves as soon as it can.

    Without AURICLE_API_KEYS everybody on this machine may call it, and nobody else can reach it.
    """
    from auricle import logs
    from auricle.app import create_app
    from auricle.config import load_settings

    given: dict[str, Any] = {"host": host, "port": port, "lite": lite or None, "log_level": log_level}
    with plain_failures():
        settings = load_settings(**{name: value for name, value in given.items() if value is not None})
        settings.check_exposure()
        logs.configure(settings)
        app = create_app(settings)
        uvicorn.run(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,  # RequestLog writes one line a request, with its id
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
