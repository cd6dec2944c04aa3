"""`auricle serve`: the server."""

from __future__ import annotations

import asyncio
import gc
import math
import socket
from typing import Annotated, Any

import typer
import uvicorn

from auricle import __version__
from auricle.accounts.office import Office
from auricle.admission import Admission
from auricle.cli.failures import FAILED, plain_failures
from auricle.config import Settings

KEEP_ALIVE_SECONDS = 75  # longer than the usual proxy's minute, so that the proxy closes first
CLEAN_UP_SECONDS = 5  # for requests that were told to end at shutdown; then their connections are cut


class GreetingServer(uvicorn.Server):
    """uvicorn that says where it listens once it does."""

    def __init__(self, config: uvicorn.Config, settings: Settings, admission: Admission, office: Office | None) -> None:
        super().__init__(config)
        self._keys = keys_text(settings)
        self._shutdown_seconds = settings.shutdown_seconds
        self._admission = admission
        self._office = office

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What was imported stays for good. In the collector's care it is looked through at every full collection:
        # 130,000 objects, during which the event loop stands still for 80 ms.
        gc.collect()
        gc.freeze()
        for server in self.servers:
            for listener in server.sockets:
                host, port = listener.getsockname()[:2]
                url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
                typer.echo(f"Auricle {__version__} serves {url}/v1 ({self._keys}); the API: {url}/docs", err=True)
        # To the terminal and nowhere else: the log may be kept.
        if self.started and self._office and (code := await asyncio.to_thread(self._office.admin.setup_code)):
            typer.echo(f"There is no administrator's password yet: choose one with the code {code}", err=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nothing new, let what is being answered go on for a while, then end it with a clean error."""
        self._admission.refuse_new()
        ending = asyncio.get_running_loop().call_later(self._shutdown_seconds, self._admission.stop)
        try:
            await super().shutdown(sockets)
        finally:
            ending.cancel()


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
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,  # RequestLog writes one line a request, with its id
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=math.ceil(settings.shutdown_seconds) + CLEAN_UP_SECONDS,
        )
        services = app.state.services
        server = GreetingServer(config, settings, services.pipeline.admission, services.office)
        try:
            server.run()
        except SystemExit:  # uvicorn's own, after it has logged what is wrong
            raise typer.Exit(FAILED) from None


def keys_text(settings: Settings) -> str:
    """Which keys are accepted, for the greeting."""
    if settings.keeps_accounts:
        return "keys of its accounts"
    return "any key" if settings.no_auth else f"{len(settings.api_keys)} API keys"
