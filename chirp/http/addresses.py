"""Whose address a request comes from: the socket's, or what a trusted proxy says."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp import web

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_MOST_HOPS = 32

UNKNOWN = "unknown"
"""The address of a socket that has none."""


class Addresses:
    """Tells the client's address. Nothing else in Chirp looks at sockets or forwarding headers."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)
        self.some_trusted = bool(self._trusted)
        # Asked for every connection and most requests; parsing an address takes 2 µs.
        self._trusts = lru_cache(4096)(self._find_trusted)

    def trusts(self, address: str | None) -> bool:
        """Say whether `address` is that of a trusted proxy."""
        return self.some_trusted and address is not None and self._trusts(address)

    def _find_trusted(self, address: str) -> bool:
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self._trusted)

    def of(self, request: web.BaseRequest) -> str:
        """Return the client's address.

        Behind a trusted proxy: the last address of X-Forwarded-For that is not itself a trusted
        proxy's. What stands before it was sent by the client and may be a lie.
        """
        peer = request.remote or UNKNOWN
        if not self.trusts(peer):
            return peer
        for hop in reversed(_hops(request)):
            address = _parsed(_without_port(hop))
            if address is None:
                break
            peer = str(address)
            if not self.trusts(peer):
                break
        return peer

    def is_local(self, request: web.BaseRequest) -> bool:
        """Say whether a program on this machine asks, on its own behalf.

        A proxy on this machine that nobody declared as trusted asks for somebody else, and so does
        one that does not say for whom.
        """
        hops = _hops(request)
        if hops or "Forwarded" in request.headers:
            named = hops and _parsed(_without_port(hops[-1])) is not None
            if not named or not self.trusts(request.remote):
                return False
        address = _parsed(self.of(request))
        return address is not None and address.is_loopback


def _hops(request: web.BaseRequest) -> list[str]:
    """Return the last hops that X-Forwarded-For tells of, the nearest to us last."""
    lines = request.headers.getall("X-Forwarded-For", ())
    # A client may have sent as many as fit into a head; no real chain is this long.
    return [hop.strip() for line in lines for hop in line.rsplit(",", _MOST_HOPS)][-_MOST_HOPS:]


def _parsed(text: str) -> Address | None:
    """Return an address; one of IPv4 in IPv6's clothes as what it is. None: not an address."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _without_port(hop: str) -> str:
    """Return the address of `192.0.2.1:80`, `[2001:db8::1]:80` or of either without a port."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def holder_of(address: str) -> str:
    """Return whom an address stands for when it is limited: with IPv6, its network of 64 bits.

    >>> holder_of("2001:db8::1:2:3:4"), holder_of("::ffff:192.0.2.1"), holder_of("192.0.2.1")
    ('2001:db8::/64', '192.0.2.1', '192.0.2.1')
    """
    parsed = _parsed(address) if ":" in address else None
    if isinstance(parsed, IPv6Address) and not parsed.is_loopback:
        return str(IPv6Network((int(parsed) >> 64 << 64, 64)))
    return address if parsed is None else str(parsed)
