"""`python -m tests.accounts.killed SETTINGS`: starts a server each time it is told to, for a test that kills them.

Importing takes longer than serving, so it imports once and forks: a line on standard input starts a server, whose
process id and port are answered in a line. The server itself is what `auricle serve` runs.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Any

import uvicorn

from auricle import logs
from auricle.app import create_app
from tests.serving import scripted_settings


class TellingServer(uvicorn.Server):
    """Says where it listens, once it does."""

    def __init__(self, config: uvicorn.Config, port: int) -> None:
        super().__init__(config)
        self._port = port

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(json.dumps({"pid": os.getpid(), "port": self._port}), flush=True)


def serve(given: dict[str, Any]) -> None:
    settings = scripted_settings(**given)
    logs.configure(settings)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(settings), log_config=None, access_log=False)
    TellingServer(config, listener.getsockname()[1]).run(sockets=[listener])


def main() -> None:
    given = json.loads(sys.argv[1])
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            serve(given)
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
