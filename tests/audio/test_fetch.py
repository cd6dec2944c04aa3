"""Fetching: what is refused, and what strange servers do. No packet leaves loopback: addresses beyond it are met by a
resolver and a connector of the tests' own."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from auricle.audio.fetch import Fetcher
from auricle.config import Settings
from auricle.errors import AudioTooLarge, AudioUnavailable

WHERE = "messages[0].content[0].input_audio.data"
LOOPBACK = ("127.0.0.0/8", "::1/128")
PUBLIC = "93.184.215.14"
PUBLIC6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"

Handler = Callable[[str, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A loopback server that speaks exactly the bytes a test wants; counts every connection."""

    def __init__(self, handler: Handler | None = None) -> None:
        self.handler = handler
        self.connections = 0
        self.requests: list[str] = []
        self.ports: list[int] = []
        self.open = 0
        self.asked = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.requests.append(request)
            self.asked.set()
            if self.handler is not None:
                await self.handler(request, reader, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()

    def url(self, path: str = "/a.wav") -> str:
        return f"http://127.0.0.1:{self.ports[0]}{path}"


@asynccontextmanager
async def serving(handler: Handler | None = None, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(handler)
    listener = await asyncio.start_server(server, "127.0.0.1", 0, ssl=tls)
    server.ports.append(listener.sockets[0].getsockname()[1])
    try:
        yield server
    finally:
        listener.close()


def replying(body: bytes, *, status: str = "200 OK", headers: str = "") -> Handler:
    async def handle(_: str, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = (
            "" if "content-length" in headers.lower() or "chunked" in headers else f"Content-Length: {len(body)}\r\n"
        )
        writer.write(f"HTTP/1.1 {status}\r\n{length}{headers}\r\n".encode("latin-1") + body)

    return handle


def settings(**changes: Any) -> Settings:
    return Settings(**{"fetch_allow": LOOPBACK, "fetch_timeout_seconds": 5.0, **changes})


@asynccontextmanager
async def fetching(fetcher: Fetcher) -> AsyncIterator[Fetcher]:
    try:
        yield fetcher
    finally:
        await fetcher.close()


class Names:
    """A resolver from a table; the n-th question gets the n-th answer, the last for ever."""

    def __init__(self, table: dict[str, Sequence[Sequence[str]]]) -> None:
        self.table = table
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self.table.get(host)
        if answers is None:
            raise OSError("no such host")
        return answers[min(self.asked.count(host), len(answers)) - 1]


class Wire(httpx.AsyncBaseTransport):
    """A connector that records where a connection would have gone and answers by host name."""

    def __init__(self, answers: dict[str, httpx.Response] | None = None, dead: Sequence[str] = ()) -> None:
        self.answers = answers or {}
        self.dead = dead
        self.connected: list[tuple[str, int | None]] = []
        self.requests: list[httpx.Request] = []

    def __call__(self) -> httpx.AsyncBaseTransport:
        return self

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.connected.append((request.url.host, request.url.port))
        self.requests.append(request)
        if request.url.host in self.dead:
            raise httpx.ConnectError("refused")
        return self.answers.get(request.headers["host"], httpx.Response(200, content=b"RIFF"))


TRICKS = [
    # loopback by its plain names
    *("http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://LOCALHOST:{port}/", "http://localhost.:{port}/"),
    *("http://127.0.0.2:{port}/", "http://127.255.255.254:{port}/", "http://0.0.0.0:{port}/", "http://0:{port}/"),
    # other spellings of IPv4
    *("http://2130706433:{port}/", "http://0x7f000001:{port}/", "http://0x7F.0x0.0x0.0x1:{port}/"),
    *("http://017700000001:{port}/", "http://0177.0.0.1:{port}/", "http://0177.0.0.01:{port}/", "http://127.1:{port}/"),
    *("http://127.0.1:{port}/", "http://127.0.0.1.:{port}/", "http://127.0.0.01:{port}/", "http://127.0x1:{port}/"),
    *(
        "http://00127.0.0.1:{port}/",
        "http://127.0.0.1.1:{port}/",
        "http://127..0.1:{port}/",
        "http://127.65535:{port}/",
    ),
    *("http://4294967296:{port}/", "http://127.0.0.0x1:{port}/", "http://0x:{port}/", "http://127.0.0.256:{port}/"),
    # Unicode digits and dots
    *(
        "http://１２７.０.０.１:{port}/",
        "http://127。0。0。1:{port}/",
        "http://127．0．0．1:{port}/",
        "http://①②⑦.⓪.⓪.①:{port}/",
    ),
    *(
        "http://127｡0｡0｡1:{port}/",
        "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/",
        "http://𝟙𝟚𝟟.𝟘.𝟘.𝟙:{port}/",
        "http://l\u00adocalhost:{port}/",
    ),
    *("http://１２７.1:{port}/", "http://127.0.0.1\u3002:{port}/", "http://٠.٠.٠.٠:{port}/"),
    # IPv6 and what hides in it
    *(
        "http://[::1]:{port}/",
        "http://[0:0:0:0:0:0:0:1]:{port}/",
        "http://[::]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
    ),
    *("http://[::ffff:7f00:1]:{port}/", "http://[::127.0.0.1]:{port}/", "http://[::7f00:1]:{port}/"),
    *("http://[64:ff9b::127.0.0.1]:{port}/", "http://[64:ff9b:1::7f00:1]:{port}/", "http://[2002:7f00:1::]:{port}/"),
    *(
        "http://[2001:0:7f00:1::]:{port}/",
        "http://[::ffff:0:127.0.0.1]:{port}/",
        "http://[fe80::5efe:127.0.0.1]:{port}/",
    ),
    *("http://[::1%25lo]:{port}/", "http://[::1%lo]:{port}/", "http://[fe80::1%25eth0]:{port}/", "http://::1:{port}/"),
    *("http://[::1:{port}/", "http://[[::1]]:{port}/", "http://[127.0.0.1]:{port}/", "http://[v1.127]:{port}/"),
    *("http://[::1]evil:{port}/", "http://[0000::1]:{port}/", "http://[::01]:{port}/", "http://[ff02::1]:{port}/"),
    # user names, backslashes, fragments, control characters
    *("http://example.com@127.0.0.1:{port}/", "http://127.0.0.1:{port}@example.com/", "http://a:b@127.0.0.1:{port}/"),
    *("http://example.com\\@127.0.0.1:{port}/", "http://127.0.0.1:{port}\\@example.com/", "http:\\\\127.0.0.1:{port}/"),
    *("http://127.0.0.1:{port}#@example.com/", "http://example.com#@127.0.0.1:{port}/", "http://@127.0.0.1:{port}/"),
    *("http://127.0.0.1%2f:{port}/", "http://127.0.0.1%00.example.com:{port}/", "http://127.0.0.1%20:{port}/"),
    *("http://127.0.0.1\t:{port}/", "http://127.0.0.1\r\nHost: a:{port}/", "http://127.0.0.1 :{port}/"),
    *(
        "http://127.0.0.1\x00:{port}/",
        " http://127.0.0.1:{port}/",
        "http://127.0.0.1:{port}\n/",
        "http://%31%32%37.0.0.1:{port}/",
    ),
    *("http://%6c%6f%63alhost:{port}/", "http://127.0.0.1;example.com:{port}/", "http://127.0.0.1,example.com:{port}/"),
    # ports and schemes
    *("http://127.0.0.1:{port}:80/", "http://127.0.0.1:+{port}/", "http://127.0.0.1:0/", "http://127.0.0.1:/"),
    *("http://127.0.0.1:99999/", "http://127.0.0.1:-1/", "http://127.0.0.1:８０/", "http:127.0.0.1:{port}/"),
    *("http:/127.0.0.1:{port}/", "http:///127.0.0.1:{port}/", "//127.0.0.1:{port}/", "127.0.0.1:{port}/", "http://"),
    *("file:///etc/passwd", "file://127.0.0.1/etc/passwd", "ftp://127.0.0.1:{port}/", "gopher://127.0.0.1:{port}/_x"),
    *(
        "dict://127.0.0.1:{port}/",
        "ldap://127.0.0.1:{port}/",
        "jar:http://127.0.0.1:{port}/!/",
        "url:http://127.0.0.1:{port}/",
    ),
    *(
        "concat:http://127.0.0.1:{port}/",
        "http+unix://127.0.0.1:{port}/",
        "ws://127.0.0.1:{port}/",
        "httpſ://127.0.0.1:{port}/",
    ),
    # names that resolve into the network
    *(
        "http://rebind.test:{port}/",
        "http://mixed.test:{port}/",
        "http://mapped.test:{port}/",
        "http://metadata.test:{port}/",
    ),
    *("http://metadata.google.internal:{port}/", "http://169.254.169.254:{port}/", "http://[fd00:ec2::254]:{port}/"),
    *("http://100.100.100.200:{port}/", "http://127.0.0.1.nip.test:{port}/", "http://zone.test:{port}/"),
    *(
        "http://cgn.test:{port}/",
        "http://garbage.test:{port}/",
        "http://empty.test:{port}/",
        "http://rebind.test.:{port}/",
    ),
]
INSIDE: dict[str, Sequence[Sequence[str]]] = {
    "localhost": [["127.0.0.1", "::1"]],
    "rebind.test": [["127.0.0.1"]],
    "mixed.test": [[PUBLIC, "127.0.0.1"]],
    "mapped.test": [["::ffff:127.0.0.1"]],
    "metadata.test": [["169.254.169.254"]],
    "metadata.google.internal": [["169.254.169.254"]],
    "127.0.0.1.nip.test": [["127.0.0.1"]],
    "zone.test": [["fe80::1%1"]],
    "cgn.test": [["100.64.1.1"]],
    "garbage.test": [["not an address"]],
    "empty.test": [[]],
}


def test_the_table_is_long_enough() -> None:
    assert len(set(TRICKS)) == len(TRICKS) >= 60


@pytest.mark.parametrize("trick", TRICKS)
async def test_url_tricks_are_refused_and_never_reach_the_canary(trick: str) -> None:
    """The canary listens on 127.0.0.1 and would answer; a connector that counts stands before every other address."""
    async with serving(replying(b"RIFF secret")) as canary:
        wire = Wire()
        names = Names(INSIDE)
        async with fetching(Fetcher(settings(fetch_allow=()), resolver=names, connector=wire)) as fetcher:
            with pytest.raises(AudioUnavailable) as caught:
                await fetcher.fetch(trick.format(port=canary.ports[0]), WHERE)
        assert wire.connected == []
        assert canary.connections == 0
        assert caught.value.param.startswith(f"{WHERE}: ")
        assert "127.0.0.1" not in caught.value.param
        assert "169.254" not in caught.value.param


@pytest.mark.parametrize("trick", [trick for trick in TRICKS if "test" not in trick and "google" not in trick])
async def test_url_tricks_with_the_real_resolver_and_connector(trick: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same through the system's own: literals and localhost only, so that no question leaves this machine."""
    asked: set[str] = set()
    resolve = socket.getaddrinfo

    def spy(host: str, *arguments: Any, **named: Any) -> Any:
        asked.add(host)
        return resolve(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", spy)
    async with serving(replying(b"RIFF secret")) as canary:
        resolver = Names({}) if "example.com" in trick else None
        async with fetching(Fetcher(settings(fetch_allow=()), resolver=resolver)) as fetcher:
            with pytest.raises(AudioUnavailable):
                await fetcher.fetch(trick.format(port=canary.ports[0]), WHERE)
        assert canary.connections == 0
    assert asked <= {"localhost"}


@pytest.mark.parametrize("trick", TRICKS)
async def test_redirects_to_tricks_are_refused(trick: str) -> None:
    async with serving(replying(b"RIFF secret")) as canary:
        location = trick.format(port=canary.ports[0])
        redirect = httpx.Response(302, headers=[(b"location", location.encode("utf-8", "replace"))])
        wire = Wire({"public.test": redirect})
        names = Names({**INSIDE, "public.test": [[PUBLIC]]})
        async with fetching(Fetcher(settings(fetch_allow=()), resolver=names, connector=wire)) as fetcher:
            try:
                await fetcher.fetch("http://public.test/", WHERE)
            except AudioUnavailable as error:
                assert "127.0.0.1" not in error.param
                assert "secret" not in error.param
        # A location is relative unless it has a scheme of ours: the public server itself may be asked again.
        assert {host for host, _ in wire.connected} == {PUBLIC}
        assert canary.connections == 0


async def test_a_resolver_that_changes_its_answer_never_wins() -> None:
    names = Names({"rebind.test": [[PUBLIC], ["127.0.0.1"]]})
    wire = Wire()
    async with fetching(Fetcher(settings(fetch_allow=()), resolver=names, connector=wire)) as fetcher:
        assert await fetcher.fetch("http://rebind.test:8080/a", WHERE) == b"RIFF"
        assert names.asked == ["rebind.test"], "resolved once"
        assert wire.connected == [(PUBLIC, 8080)], "connected to the address that was checked"
        with pytest.raises(AudioUnavailable):
            await fetcher.fetch("http://rebind.test:8080/b", WHERE)
        assert len(wire.connected) == 1


async def test_each_hop_is_resolved_and_checked_anew() -> None:
    names = Names({"rebind.test": [[PUBLIC], ["10.0.0.1"]]})
    wire = Wire({"rebind.test": httpx.Response(302, headers={"location": "/again"})})
    async with fetching(Fetcher(settings(fetch_allow=()), resolver=names, connector=wire)) as fetcher:
        with pytest.raises(AudioUnavailable) as caught:
            await fetcher.fetch("http://rebind.test/", WHERE)
    assert [host for host, _ in wire.connected] == [PUBLIC]
    assert "10.0.0.1" not in caught.value.param


async def test_the_name_is_kept_for_the_server_and_its_certificate() -> None:
    names = Names({"xn--bcher-kva.example": [[PUBLIC]]})
    wire = Wire()
    async with fetching(Fetcher(settings(), resolver=names, connector=wire)) as fetcher:
        await fetcher.fetch("https://bücher.example:8443/ä.mp3?x=%2F", WHERE)
    request = wire.requests[0]
    assert request.url.host == PUBLIC
    assert request.headers["host"] == "xn--bcher-kva.example:8443"
    assert request.extensions["sni_hostname"] == "xn--bcher-kva.example"
    assert request.url.raw_path == b"/%C3%A4.mp3?x=%2F"
    assert request.headers["accept-encoding"] == "identity"
    assert "cookie" not in request.headers
    assert "authorization" not in request.headers


async def test_the_next_address_is_tried_when_one_is_dead() -> None:
    names = Names({"two.test": [[PUBLIC6, PUBLIC]]})
    wire = Wire(dead=[PUBLIC6])
    async with fetching(Fetcher(settings(), resolver=names, connector=wire)) as fetcher:
        assert await fetcher.fetch("http://two.test/", WHERE) == b"RIFF"
    assert [host for host, _ in wire.connected] == [PUBLIC6, PUBLIC]


@pytest.mark.parametrize(
    ("port", "fine"), [(80, True), (443, True), (8080, True), (22, False), (25, False), (6, False)]
)
async def test_ports_by_policy(port: int, fine: bool) -> None:
    wire = Wire()
    async with fetching(Fetcher(settings(), resolver=Names({"a.test": [[PUBLIC]]}), connector=wire)) as fetcher:
        if fine:
            await fetcher.fetch(f"http://a.test:{port}/", WHERE)
        else:
            with pytest.raises(AudioUnavailable, match="port is not allowed"):
                await fetcher.fetch(f"http://a.test:{port}/", WHERE)
    assert bool(wire.connected) is fine


async def test_host_lists_hold_for_every_hop() -> None:
    names = Names({"good.test": [[PUBLIC]], "bad.test": [[PUBLIC]]})
    wire = Wire({"good.test": httpx.Response(301, headers={"location": "http://bad.test/"})})
    for lists in ({"fetch_deny_hosts": ("bad.test",)}, {"fetch_allow_hosts": ("good.test",)}):
        async with fetching(Fetcher(settings(**lists), resolver=names, connector=wire)) as fetcher:
            for url in ("http://bad.test/", "http://good.test/"):
                with pytest.raises(AudioUnavailable, match="allowed"):
                    await fetcher.fetch(url, WHERE)
    assert len(wire.connected) == 2, "the good host, once for each list"


# From here on, real connections to loopback, which the settings allow.


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with fetching(Fetcher(settings(max_url_bytes=100_000))) as made:
        yield made


@pytest.mark.parametrize(
    "handler",
    [
        replying(b"x" * 100_000),
        replying(b"x" * 100_000, headers="Connection: keep-alive\r\nSet-Cookie: a=b\r\n"),
        replying(b"186A0\r\n" + b"x" * 100_000 + b"\r\n0\r\n\r\n", headers="Transfer-Encoding: chunked\r\n"),
        replying(b"x" * 100_000, headers="Content-Encoding: identity\r\n"),
    ],
)
async def test_bodies_up_to_the_limit_arrive(fetcher: Fetcher, handler: Handler) -> None:
    async with serving(handler) as server:
        assert await fetcher.fetch(server.url(), WHERE) == b"x" * 100_000
        assert server.requests[0].startswith("GET /a.wav HTTP/1.1\r\n")
        assert f"Host: 127.0.0.1:{server.ports[0]}\r\n" in server.requests[0]


async def test_a_body_without_a_length_arrives(fetcher: Fetcher) -> None:
    async def until_close(_: str, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 5000)

    async with serving(until_close) as server:
        assert await fetcher.fetch(server.url(), WHERE) == b"x" * 5000


@pytest.mark.parametrize("announced", ["100001", "9" * 20, "104857600"])
async def test_an_announced_length_over_the_limit_is_refused_before_reading(fetcher: Fetcher, announced: str) -> None:
    async with serving(replying(b"x", headers=f"Content-Length: {announced}\r\n")) as server:
        with pytest.raises(AudioTooLarge, match="limit of 100000 bytes"):
            await fetcher.fetch(server.url(), WHERE)


async def test_an_endless_body_is_cut_while_reading(fetcher: Fetcher) -> None:
    sent = 0

    async def endless(_: str, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"8000\r\n" + bytes(0x8000) + b"\r\n")
            await writer.drain()
            sent += 0x8000

    async with serving(endless) as server:
        with pytest.raises(AudioTooLarge):
            await fetcher.fetch(server.url(), WHERE)
        assert sent < 20_000_000


async def dripping(_: str, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def dripping_headers(_: str, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-A: b\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def silent(_: str, reader: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    await reader.read()


async def continuing(_: str, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("handler", [dripping, dripping_headers, silent, continuing])
async def test_slow_servers_are_cut_by_one_deadline(handler: Handler) -> None:
    async with serving(handler) as server, fetching(Fetcher(settings(fetch_timeout_seconds=0.4))) as fetcher:
        started = asyncio.get_running_loop().time()
        with pytest.raises(AudioUnavailable, match=r"not fetched within 0\.4 seconds"):
            await fetcher.fetch(server.url(), WHERE)
        assert asyncio.get_running_loop().time() - started < 2
        for _ in range(100):
            if not server.open:
                break
            await asyncio.sleep(0.02)
        assert server.open == 0, "the connection is closed"


async def test_slow_redirects_share_the_deadline() -> None:
    async def slow_redirect(_: str, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")

    async with serving(slow_redirect) as server, fetching(Fetcher(settings(fetch_timeout_seconds=0.7))) as fetcher:
        with pytest.raises(AudioUnavailable, match="not fetched within"):
            await fetcher.fetch(server.url(), WHERE)
        assert server.connections <= 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(fetcher: Fetcher, status: int) -> None:
    async def handle(request: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if request.startswith("GET /a.wav "):
            await replying(b"", status=f"{status} X", headers="Location: ../b%20c.wav?x=1#y\r\n")(
                request, reader, writer
            )
        else:
            await replying(request.split(" ")[1].encode())(request, reader, writer)

    async with serving(handle) as server:
        assert await fetcher.fetch(server.url(), WHERE) == b"/b%20c.wav?x=1"


async def test_redirects_are_counted(fetcher: Fetcher) -> None:
    async with serving(replying(b"", status="302 Found", headers="Location: /a.wav?again\r\n")) as server:
        with pytest.raises(AudioUnavailable, match="redirects more than 5 times"):
            await fetcher.fetch(server.url(), WHERE)
        assert server.connections == 6


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "gzip, identity", "x"])
async def test_compressed_bodies_are_refused(fetcher: Fetcher, encoding: str) -> None:
    async with serving(replying(b"\x1f\x8b", headers=f"Content-Encoding: {encoding}\r\n")) as server:
        with pytest.raises(AudioUnavailable, match="compressed"):
            await fetcher.fetch(server.url(), WHERE)


@pytest.mark.parametrize(
    "status", ["404 Not Found", "401 Secret", "500 Oops", "204 No Content", "206 Partial", "304 X"]
)
async def test_what_an_internal_server_answered_is_not_told(fetcher: Fetcher, status: str) -> None:
    async with serving(replying(b"", status=status)) as server:
        with pytest.raises(AudioUnavailable) as caught:
            await fetcher.fetch(server.url(), WHERE)
    assert caught.value.param == f"{WHERE}: the URL's server answered with an error"


async def test_the_status_of_a_public_server_is_told() -> None:
    wire = Wire({"a.test": httpx.Response(404, text="secret")})
    async with fetching(Fetcher(settings(), resolver=Names({"a.test": [[PUBLIC]]}), connector=wire)) as fetcher:
        with pytest.raises(AudioUnavailable, match="answered with status 404") as caught:
            await fetcher.fetch("http://a.test/", WHERE)
    assert "secret" not in caught.value.param


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000,
        b"HTTP/2 200\r\n\r\n",
        b"\x16\x03\x01" * 100,
        b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe\x01\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n\r\n",
    ],
)
async def test_servers_that_do_not_speak_http(fetcher: Fetcher, answer: bytes) -> None:
    async def handle(_: str, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    async with serving(handle) as server:
        with pytest.raises(AudioUnavailable) as caught:
            await fetcher.fetch(server.url(), WHERE)
    assert "SSH" not in caught.value.param


async def test_a_port_where_nobody_listens(fetcher: Fetcher) -> None:
    async with serving() as server:
        url = server.url()
    with pytest.raises(AudioUnavailable, match="could not be reached"):
        await fetcher.fetch(url, WHERE)


async def test_identical_urls_in_flight_are_fetched_once(fetcher: Fetcher) -> None:
    release = asyncio.Event()

    async def handle(request: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        await replying(b"RIFF")(request, reader, writer)

    async with serving(handle) as server:
        tasks = [asyncio.create_task(fetcher.fetch(server.url() + f"#{n}", f"w{n}")) for n in range(10)]
        await server.asked.wait()
        for task in tasks[:9]:
            task.cancel()
        await asyncio.wait(tasks[:9])
        release.set()
        assert await tasks[9] == b"RIFF", "the last waiter is served though all others left"
        assert server.connections == 1
        assert await fetcher.fetch(server.url(), WHERE) == b"RIFF"
        assert server.connections == 2, "nothing is kept once it has been delivered"


async def test_the_last_waiter_to_leave_stops_the_fetch(fetcher: Fetcher) -> None:
    async with serving(silent) as server:
        tasks = [asyncio.create_task(fetcher.fetch(server.url(), WHERE)) for _ in range(3)]
        await server.asked.wait()
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results)
        for _ in range(100):
            if not server.open:
                break
            await asyncio.sleep(0.01)
        assert server.open == 0


async def test_a_failure_reaches_every_waiter_with_its_own_place(fetcher: Fetcher) -> None:
    async with serving(replying(b"", status="404 No")) as server:
        results = await asyncio.gather(
            *(fetcher.fetch(server.url(), f"place {n}") for n in range(3)), return_exceptions=True
        )
    assert [str(result).split(":")[0] for result in results] == ["place 0", "place 1", "place 2"]
    assert server.connections == 1


async def test_closing_stops_what_is_in_flight() -> None:
    async with serving(silent) as server:
        fetcher = Fetcher(settings())
        task = asyncio.create_task(fetcher.fetch(server.url(), WHERE))
        await server.asked.wait()
        await fetcher.close()
        await fetcher.close()
        with pytest.raises(AudioUnavailable, match="stopping"):
            await task


async def test_proxies_of_the_environment_are_ignored(fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(replying(b"proxy")) as proxy, serving(replying(b"direct")) as server:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url(""))
        assert await fetcher.fetch(server.url(), WHERE) == b"direct"
        assert proxy.connections == 0


async def test_the_proxy_of_the_settings_gets_names_unresolved() -> None:
    names = Names({})
    async with serving(replying(b"proxied")) as proxy:
        made = Fetcher(settings(fetch_allow=(), fetch_proxy=proxy.url("").replace("//", "//u:p@")), resolver=names)
        async with fetching(made) as fetcher:
            assert await fetcher.fetch("http://audio.test/a.wav", WHERE) == b"proxied"
            assert proxy.requests[0].startswith("GET http://audio.test/a.wav HTTP/1.1\r\n")
            assert "Proxy-Authorization: Basic dTpw" in proxy.requests[0]
            for url in ("http://127.0.0.1/", "http://169.254.169.254/", "http://audio.test:22/", "http://0x7f.1/"):
                with pytest.raises(AudioUnavailable):
                    await fetcher.fetch(url, WHERE)
            assert proxy.connections == 1
            assert names.asked == []


async def test_a_dead_proxy_is_a_clear_error() -> None:
    async with serving() as proxy:
        address = proxy.url("")
    async with fetching(Fetcher(settings(fetch_proxy=address))) as fetcher:
        with pytest.raises(AudioUnavailable, match="could not be reached"):
            await fetcher.fetch("http://audio.test/a.wav", WHERE)


async def test_certificates_are_checked_against_the_name(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made = await asyncio.to_thread(
        subprocess.run,
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=audio.test"),
            *("-addext", "subjectAltName=DNS:audio.test", "-keyout", str(key), "-out", str(certificate)),
        ],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("openssl is not installed")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    names = Names({"audio.test": [["127.0.0.1"]], "other.test": [["127.0.0.1"]]})
    async with serving(replying(b"RIFF"), tls=context) as server:
        async with fetching(Fetcher(settings(), resolver=names)) as fetcher:
            with pytest.raises(AudioUnavailable, match="could not be reached"):  # nobody vouches for it
                await fetcher.fetch(f"https://audio.test:{server.ports[0]}/", WHERE)
        async with fetching(Fetcher(settings(), resolver=names)) as fetcher:
            fetcher._tls = ssl.create_default_context(cafile=certificate)
            assert await fetcher.fetch(f"https://audio.test:{server.ports[0]}/", WHERE) == b"RIFF"
            with pytest.raises(AudioUnavailable):
                await fetcher.fetch(f"https://other.test:{server.ports[0]}/", WHERE)
