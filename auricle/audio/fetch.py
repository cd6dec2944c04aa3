"""Fetching audio by URL from servers that nobody vouches for, without becoming a way into the operator's network.

Each hop of a URL is taken apart strictly, its host resolved once, every address that it has checked, and the connection
made to exactly a checked address: a resolver that changes its answer changes nothing. Redirects are followed by
hand. Sizes are counted while reading, one deadline stands over the whole, and nothing of a failed answer is told.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import io
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin

import httpx

from auricle import __version__
from auricle.admission import Claim, Memory
from auricle.audio.addresses import Address, Policy, Refused, Target, as_address, parse
from auricle.config import Settings
from auricle.errors import AudioTooLarge, AudioUnavailable

MAX_REDIRECTS = 5
MAX_ADDRESSES = 4  # of one host are tried
CONNECT_SECONDS = 5.0  # for one address
RESOLVER_THREADS = 16
REDIRECTS = frozenset({301, 302, 303, 307, 308})
NOT_FOUND = "the URL's host cannot be found or is not on the public internet"

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Every address of a host, as text. Raises OSError where there is none."""

Connector = Callable[[], httpx.AsyncBaseTransport]
"""A new transport for one hop. The request's URL names a checked address, never a host name."""


_COUNTED_BYTES = 256 * 1024  # smaller bodies cost no memory worth counting


class _TooLarge(Exception):
    """The body is larger than allowed."""


@dataclass(slots=True)
class _Flight:
    """One fetch and how many wait for it."""

    task: asyncio.Task[bytes]
    claim: Claim
    waiters: int = field(default=0)


class Fetcher:
    """Fetches URLs within the operator's policy; identical URLs in flight are fetched once.

    `resolver` and `connector` stand in for the system's in tests.
    """

    def __init__(
        self,
        settings: Settings,
        memory: Memory | None = None,
        *,
        resolver: Resolver | None = None,
        connector: Connector | None = None,
    ) -> None:
        self._memory = memory or Memory(settings.memory_bytes)
        self._max_bytes = settings.max_url_bytes
        self._timeout_seconds = settings.fetch_timeout_seconds
        self._policy = Policy(
            allow=settings.fetch_allow,
            allow_hosts=settings.fetch_allow_hosts,
            deny_hosts=settings.fetch_deny_hosts,
            ports=settings.fetch_ports,
        )
        self._proxy = settings.fetch_proxy.get_secret_value() if settings.fetch_proxy else None
        self._resolver = resolver or self._resolve
        self._connector = connector or self._connect
        self._tls: ssl.SSLContext | None = None
        # Threads of its own: a name server that does not answer must not keep the others of the process waiting.
        self._threads = concurrent.futures.ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="resolver")
        self._flights: dict[str, _Flight] = {}

    async def close(self) -> None:
        """Stop what is in flight. Safe to call twice."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def fetch(self, url: str, where: str) -> bytes:
        """The body behind `url`; `where` is the URL's place in the request, for error messages.

        Raises AudioUnavailable for a URL that may not or cannot be fetched, AudioTooLarge for one with too many bytes,
        and Unavailable where there is no memory to spare for it.
        """
        try:
            target = parse(url)
            return await self._shared(target)
        except Refused as error:
            raise AudioUnavailable(f"{where}: {error}") from None
        except _TooLarge:
            raise AudioTooLarge(
                f"{where}: the audio behind the URL is larger than the limit of {self._max_bytes} bytes"
            ) from None

    async def _shared(self, target: Target) -> bytes:
        """Wait for the fetch of this URL, starting it where there is none; the last waiter to leave stops it."""
        key = target.url
        flight = self._flights.get(key)
        if flight is None:
            claim = self._memory.claim()
            flight = _Flight(asyncio.create_task(self._within_deadline(target, claim), name="fetch"), claim)
            flight.task.add_done_callback(lambda task: task.cancelled() or task.exception())  # seen, if nobody waits
            self._flights[key] = flight
        flight.waiters += 1
        try:
            return await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            if flight.task.cancelled():  # closing, not our waiter's doing
                raise Refused("the server is stopping") from None
            raise
        finally:
            flight.waiters -= 1
            if flight.waiters == 0:
                if self._flights.get(key) is flight:
                    del self._flights[key]
                flight.task.cancel()
                flight.claim.release()

    async def _within_deadline(self, target: Target, claim: Claim) -> bytes:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._follow(target, claim)
        except TimeoutError:
            raise Refused(f"the URL was not fetched within {self._timeout_seconds:g} seconds") from None

    async def _follow(self, target: Target, claim: Claim) -> bytes:
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._hop(target, claim)
            if isinstance(answer, bytes):
                return answer
            try:
                target = parse(urljoin(target.url, answer))
            except (Refused, ValueError):
                raise Refused("the URL redirects to one that is not allowed") from None
        raise Refused(f"the URL redirects more than {MAX_REDIRECTS} times")

    async def _hop(self, target: Target, claim: Claim) -> bytes | str:
        """One request: the body, or where it redirects to."""
        self._policy.check_host(target.host)
        if self._proxy is not None and target.address is None:
            if not self._policy.permits_port(target.port):
                raise Refused("the URL's port is not allowed")
            hosts = [(target.host, False)]
        else:
            addresses = await self._addresses(target)
            hosts = [(str(address), self._policy.is_allowed_network(address)) for address in addresses]
        for host, internal in hosts:
            try:
                return await self._ask(target, host, claim, internal=internal)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        raise Refused("the URL's server could not be reached")

    async def _addresses(self, target: Target) -> Sequence[Address]:
        """The addresses to connect to, every one checked. Raises Refused if a single one is not allowed."""
        if target.address is not None:
            found: list[Address | None] = [target.address]
        else:
            try:
                found = [as_address(text) for text in await self._resolver(target.host, target.port)]
            except (OSError, UnicodeError):
                found = []
        addresses = [address for address in dict.fromkeys(found) if address is not None]
        if not addresses or len(addresses) < len(set(found)):
            raise Refused(NOT_FOUND)
        if all(self._policy.permits(address, target.port) for address in addresses):
            return addresses[:MAX_ADDRESSES]
        # Only for the whole internet is the port worth telling: elsewhere it would tell which addresses a name has.
        if not self._policy.permits_port(target.port):
            raise Refused("the URL's port is not allowed")
        raise Refused(NOT_FOUND if target.address is None else "the URL's address is not on the public internet")

    async def _ask(self, target: Target, address: str, claim: Claim, *, internal: bool) -> bytes | str:
        """Ask the server at `address` for `target`; `internal` keeps what it answered out of the error text."""
        request = httpx.Request(
            "GET",
            httpx.URL(scheme=target.scheme, host=address, port=target.port, raw_path=target.path),
            headers={
                "Host": target.authority,
                "User-Agent": f"auricle/{__version__}",
                "Accept": "*/*",
                "Accept-Encoding": "identity",
                "Connection": "close",
            },
            extensions={
                "timeout": {
                    "connect": CONNECT_SECONDS,
                    "read": self._timeout_seconds,
                    "write": self._timeout_seconds,
                    "pool": self._timeout_seconds,
                },
                **({"sni_hostname": target.host} if target.address is None else {}),
            },
        )
        try:
            async with self._connector() as transport:
                response = await transport.handle_async_request(request)
                try:
                    return await self._read(response, claim, internal=internal)
                finally:
                    await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError):
            raise Refused("the URL's server broke off or did not speak HTTP") from None

    async def _read(self, response: httpx.Response, claim: Claim, *, internal: bool) -> bytes | str:
        if response.status_code in REDIRECTS and "location" in response.headers:
            return str(response.headers["location"])
        if response.status_code != 200:
            said = "an error" if internal else f"status {response.status_code}"
            raise Refused(f"the URL's server answered with {said}")
        if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            raise Refused("the URL's server answered with a compressed body, which was not asked for")
        announced = response.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > self._max_bytes:
            raise _TooLarge
        if not isinstance(response.stream, httpx.AsyncByteStream):
            raise Refused("the URL's server did not speak HTTP")
        body = io.BytesIO()  # hands its one buffer over: a joined list would need the memory twice
        async for piece in response.stream:
            if body.tell() + len(piece) > self._max_bytes:
                raise _TooLarge
            body.write(piece)
            if body.tell() > _COUNTED_BYTES:
                claim.cover(body.tell())
        return body.getvalue()

    def _connect(self) -> httpx.AsyncBaseTransport:
        if self._tls is None:
            self._tls = httpx.create_ssl_context(trust_env=False)
        return httpx.AsyncHTTPTransport(
            verify=self._tls,
            trust_env=False,
            http2=False,
            # A transport a hop, closed after it: a connection is never used again, least of all under another name.
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=0),
            proxy=self._proxy,
        )

    async def _resolve(self, host: str, port: int) -> Sequence[str]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return [str(item[4][0]) for item in found]
