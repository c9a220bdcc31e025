"""Every route says what it takes and gives."""

from __future__ import annotations

from chirp.api.contract import ABOUT
from chirp.api.routes import BASE
from tests.support.driver import Driver


async def test_every_route_is_described_and_no_other(chirp: Driver) -> None:
    routes = {
        f"{route.method} {route.resource.canonical.removeprefix(BASE)}"
        for route in chirp.server.app.router.routes()
        if route.resource is not None
        and route.resource.canonical.startswith(BASE)
        and route.method not in {"HEAD", "*"}
    }
    assert set(ABOUT) == routes
