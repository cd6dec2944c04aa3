"""Which URLs may be fetched: their spelling, their hosts, their ports, the addresses that their hosts have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import quote

import idna

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_URL_CHARACTERS = 8192
DEFAULT_PORTS = {"http": 80, "https": 443}


class Refused(Exception):
    """A URL that will not be fetched; the text says why, and nothing about what is inside the network."""


NOT_PUBLIC_IPV4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; metadata of some clouds
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's platform service: a public address that answers inside only
        "169.254.0.0/16",  # link-local; metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments; metadata of some clouds
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
"""The IANA IPv4 Special-Purpose Address Registry, multicast, and what clouds keep for themselves."""

PUBLIC_IPV6 = IPv6Network("2000::/3")
"""All that IANA has given out for the internet; mapped, NAT64, unique-local, link-local and multicast lie outside."""

NOT_PUBLIC_IPV6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
"""The IANA IPv6 Special-Purpose Address Registry, as far as it lies in 2000::/3."""

NAT64 = IPv6Network("64:ff9b::/96")
ISATAP = (0x0000_5EFE, 0x0200_5EFE)  # upper half of the interface identifier, RFC 5214


def is_public(address: Address) -> bool:
    """Whether the address is on the public internet, and not another address in disguise."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC_IPV4)
    if address.scope_id is not None or address not in PUBLIC_IPV6:
        return False
    return (int(address) >> 32 & 0xFFFF_FFFF) not in ISATAP and not any(
        address in network for network in NOT_PUBLIC_IPV6
    )


@dataclass(frozen=True, slots=True)
class Target:
    """One hop: a URL taken apart and found to be well-formed."""

    scheme: str  # http or https
    host: str  # lower case, ASCII, no trailing dot; an IPv6 address without brackets
    port: int
    path: bytes  # path and query, ASCII
    address: Address | None  # set where the host is an address

    @property
    def authority(self) -> str:
        """What goes into the `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL in its one normal form, without a fragment."""
        return f"{self.scheme}://{self.authority}{self.path.decode('ascii')}"


_URL = re.compile(r"([hH][tT]{2}[pP][sS]?)://([^/?#]*)([^#]*)(?:#.*)?", re.DOTALL)  # IGNORECASE takes a long s, too
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PATH_SAFE = "!$%&'()*+,-./:;=?@[]_~"  # left as they came; everything else is percent-encoded


def parse(url: str) -> Target:
    """Take a URL apart. One spelling of each host is accepted: the plain one. Raises Refused."""
    if len(url) > MAX_URL_CHARACTERS:
        raise Refused(f"the URL has more than {MAX_URL_CHARACTERS} characters")
    if _CONTROLS.search(url) or "\\" in url:
        raise Refused("the URL contains control characters or backslashes")
    match = _URL.fullmatch(url)
    if match is None:
        raise Refused("not an http or https URL")
    scheme, authority, rest = match[1].lower(), match[2], match[3]
    if "@" in authority:
        raise Refused("a URL with a user name or password is not allowed")
    host, address, port = _host_and_port(authority)
    if not rest.startswith("/"):
        rest = "/" + rest
    try:
        path = quote(rest, safe=_PATH_SAFE).encode("ascii")
    except UnicodeEncodeError:  # a lone surrogate
        raise Refused("the URL is not valid Unicode") from None
    return Target(scheme, host, port if port is not None else DEFAULT_PORTS[scheme], path, address)


def _host_and_port(authority: str) -> tuple[str, Address | None, int | None]:
    if authority.startswith("["):
        literal, bracket, port_text = authority[1:].partition("]")
        if not bracket or (port_text and not port_text.startswith(":")):
            raise Refused("the URL's host is malformed")
        port_text, has_port = port_text[1:], bool(port_text)
        try:
            address: Address | None = IPv6Address(literal)
        except ValueError:
            raise Refused("the URL's host is not a valid IPv6 address") from None
        if "%" in literal:
            raise Refused("an IPv6 address with a zone is not allowed")
        host = str(address)
    else:
        name, colon, port_text = authority.partition(":")
        has_port = bool(colon)
        host, address = _name(name)
    if not has_port:
        return host, address, None
    if not _PORT.fullmatch(port_text) or not 0 < int(port_text) < 65536:
        raise Refused("the URL's port is malformed")
    return host, address, int(port_text)


def _name(name: str) -> tuple[str, IPv4Address | None]:
    plain = name.isascii()
    if not plain:
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            raise Refused("the URL's host is not a valid name") from None
    host = name.lower().removesuffix(".")
    labels = host.split(".")
    if not host or len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise Refused("the URL's host is not a valid name")
    if not _NUMBER.fullmatch(labels[-1]):
        return host, None
    # A name that ends in a number is an IPv4 address to every resolver, in one of many spellings. Only the plain one
    # is taken, so that no other reader of the URL can see another address in it.
    try:
        if not plain or name != host:
            raise ValueError
        return host, IPv4Address(host)
    except ValueError:
        raise Refused("the URL's host is an oddly spelt IPv4 address") from None


class Policy:
    """What the operator allows: networks, hosts and ports."""

    def __init__(
        self,
        *,
        allow: Iterable[Network] = (),
        allow_hosts: Iterable[str] = (),
        deny_hosts: Iterable[str] = (),
        ports: Iterable[str] = ("1-65535",),
    ) -> None:
        self._allow = tuple(allow)
        self._allow_hosts = tuple(host.lower().removesuffix(".") for host in allow_hosts)
        self._deny_hosts = tuple(host.lower().removesuffix(".") for host in deny_hosts)
        self._ports = tuple(
            (int(first), int(last or first)) for first, _, last in (item.partition("-") for item in ports)
        )

    def check_host(self, host: str) -> None:
        """Raise Refused for a host that the lists refuse."""
        if self._allow_hosts and not _listed(host, self._allow_hosts):
            raise Refused("the URL's host is not on the list of allowed hosts")
        if _listed(host, self._deny_hosts):
            raise Refused("the URL's host is not allowed")

    def permits(self, address: Address, port: int) -> bool:
        """Whether a connection may be made to this very address and port."""
        return self.is_allowed_network(address) or (
            is_public(address) and any(first <= port <= last for first, last in self._ports)
        )

    def is_allowed_network(self, address: Address) -> bool:
        """Whether the address is in a network that the operator named."""
        if not any(address.version == network.version and address in network for network in self._allow):
            return False
        if isinstance(address, IPv6Address) and address in NAT64:  # allowing the gateway must not allow what is behind
            behind = IPv4Address(int(address) & 0xFFFF_FFFF)
            return is_public(behind) or self.is_allowed_network(behind)
        return True

    def permits_port(self, port: int) -> bool:
        """Whether any host on the internet may be asked on this port."""
        return any(first <= port <= last for first, last in self._ports)


def _listed(host: str, patterns: Sequence[str]) -> bool:
    return any(host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:])) for pattern in patterns)


def as_address(text: str) -> Address | None:
    """An address as the resolver writes it, or None where it is none."""
    try:
        return ip_address(text)
    except ValueError:
        return None
