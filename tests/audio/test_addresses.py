"""Which addresses are public, and how a URL may be spelt."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.audio.addresses import Policy, Refused, is_public, parse


@pytest.mark.parametrize(
    "address",
    [
        *(
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
        ),
        *("168.63.129.16", "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255"),
        *("192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255"),
        *("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1"),
        *("64:ff9b::808:808", "64:ff9b:1::a00:1", "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
        *("2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::", "2620:4f:8000::1"),
        *("3fff::1", "5f00::1", "4000::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254", "fe80::1", "fe80::1%eth0"),
        *(
            "fe80::5efe:10.0.0.1",
            "2a00:1450::5efe:a00:1",
            "2a00:1450::200:5efe:808:808",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
        ),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not Policy().permits(ip_address(address), 443)


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
        *(
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
        ),
        *("192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2001:200::1", "2001:4860:4860::8888"),
        *("2606:4700:4700::1111", "2a00:1450:4001:82a::200e", "2400:3200::1"),
    ],
)
def test_public_addresses(address: str) -> None:
    assert is_public(ip_address(address))
    assert Policy().permits(ip_address(address), 443)


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_is_public_that_python_calls_private(address: object) -> None:
    parsed = ip_address(str(address))
    if parsed.is_private or parsed.is_multicast or parsed.is_reserved or parsed.is_loopback or parsed.is_link_local:
        assert not is_public(parsed)


@given(st.ip_addresses(v=4), st.sampled_from(["::{}", "::ffff:{}", "64:ff9b::{}", "2a00::5efe:{}", "::ffff:0:{}"]))
def test_no_ipv4_address_hides_in_an_ipv6_one(address: object, form: str) -> None:
    assert not is_public(ip_address(form.format(address)))


def test_allowed_networks_are_permitted_on_every_port() -> None:
    policy = Policy(allow=(ip_network("10.1.0.0/16"), ip_network("fd00::/8")), ports=("443",))
    assert policy.permits(ip_address("10.1.2.3"), 22)
    assert policy.permits(ip_address("fd00::1"), 1)
    assert not policy.permits(ip_address("10.2.0.1"), 443)
    assert not policy.permits(ip_address("::ffff:10.1.2.3"), 443)
    assert policy.permits(ip_address("8.8.8.8"), 443)
    assert not policy.permits(ip_address("8.8.8.8"), 80)


def test_allowing_nat64_allows_only_the_internet_behind_it() -> None:
    policy = Policy(allow=(ip_network("64:ff9b::/96"),))
    assert policy.permits(ip_address("64:ff9b::8.8.8.8"), 443)
    assert not policy.permits(ip_address("64:ff9b::10.0.0.1"), 443)
    assert not policy.permits(ip_address("64:ff9b::169.254.169.254"), 443)


def test_ports() -> None:
    policy = Policy(ports=("80", "443", "1024-65535"))
    for port, permitted in (
        (80, True),
        (443, True),
        (1024, True),
        (65535, True),
        (22, False),
        (25, False),
        (1023, False),
    ):
        assert policy.permits(ip_address("8.8.8.8"), port) is permitted


@pytest.mark.parametrize(
    ("host", "refused"),
    [
        ("example.com", False),
        ("cdn.example.com", False),
        ("a.b.example.com", False),
        ("bad.example.com", True),
        ("x.bad.example.com", True),
        ("example.com.evil.net", True),
        ("notexample.com", True),
        ("8.8.8.8", True),
    ],
)
def test_host_lists(host: str, refused: bool) -> None:
    policy = Policy(allow_hosts=("Example.com", "*.example.com"), deny_hosts=("bad.example.com", "*.bad.example.com."))
    if refused:
        with pytest.raises(Refused):
            policy.check_host(host)
    else:
        policy.check_host(host)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("http://example.com", "http://example.com/"),
        ("HTTPS://Example.COM/a?b#c", "https://example.com/a?b"),
        ("http://example.com:80/a", "http://example.com/a"),
        ("http://example.com:8080/a", "http://example.com:8080/a"),
        ("http://example.com./a", "http://example.com/a"),
        ("http://example.com?x=1", "http://example.com/?x=1"),
        ("http://8.8.8.8/a", "http://8.8.8.8/a"),
        ("http://[2001:4860:4860:0:0:0:0:8888]:443/a", "http://[2001:4860:4860::8888]:443/a"),
        ("https://bücher.example/ä b.mp3", "https://xn--bcher-kva.example/%C3%A4%20b.mp3"),
        ("https://例子.中国/音频.wav", "https://xn--fsqu00a.xn--fiqs8s/%E9%9F%B3%E9%A2%91.wav"),
        ("https://x.s3.amazonaws.com/a%20b.wav?X-Amz-Signature=a%2Fb&q=1+2", None),
        ("https://my_bucket.s3.amazonaws.com/a", None),
        ("http://minio:9000/a", None),
    ],
)
def test_urls_as_clients_send_them(url: str, normal: str | None) -> None:
    assert parse(url).url == (normal or url)


@given(st.text(max_size=60))
def test_arbitrary_text_is_parsed_or_refused(text: str) -> None:
    for url in (text, f"http://{text}", f"https://example.com{text}", f"http://{text}/a"):
        try:
            target = parse(url)
        except Refused:
            continue
        assert target.scheme in ("http", "https")
        assert target.url.isascii()
        assert parse(target.url) == target  # the normal form is stable: no reader sees another host in it
