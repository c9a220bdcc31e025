"""Client addresses: forwarded ones are believed from trusted proxies alone."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from chirp.config import networks
from chirp.http.addresses import Addresses, holder_of

PROXIES = Addresses(networks("127.0.0.1, 10.0.0.0/8, fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("127.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("::ffff:127.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "6.6.6.6, 192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "192.0.2.1, 10.1.2.3", "192.0.2.1"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("127.0.0.1", "192.0.2.1:4711", "192.0.2.1"),
        ("127.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("127.0.0.1", "10.0.0.1, 10.0.0.2", "10.0.0.1"),
        ("127.0.0.1", "6.6.6.6, " + "10.0.0.7," * 4_000 + "10.0.0.1", "10.0.0.7"),
        ("127.0.0.1", "192.0.2.1, nonsense", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("203.0.113.9", "192.0.2.1", "203.0.113.9"),
        ("", "192.0.2.1", "unknown"),
    ],
)
def test_the_client_is_the_last_one_that_is_no_proxy(
    peer: str, forwarded: str, client: str
) -> None:
    request = make_mocked_request("GET", "/", {"X-Forwarded-For": forwarded})
    assert PROXIES.of(request.clone(remote=peer)) == client


@pytest.mark.parametrize("text", ["", "unknown", "300.1.1.1", "fe80::1%eth0"])
def test_odd_addresses_are_holders_too(text: str) -> None:
    assert holder_of(text) in {text, "fe80::/64"}
