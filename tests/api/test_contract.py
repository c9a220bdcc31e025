"""Routes, the OpenAPI document and the agreed table of endpoints say the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from chirp.api.routes import BASE
from tests.docs.pages import text_of
from tests.support.driver import Driver
from tests.support.web import Http

AGREED = Path(__file__).parents[1] / "data" / "api" / "endpoints.md"
NOT_YET = {
    "GET /search", "GET /trends",
    "GET /suggestions", "GET /notifications", "POST /notifications/read", "GET /moments",
    "GET /moments/{}",
}  # fmt: skip
"""Agreed and not built."""
BESIDES = {
    "GET /admin/registrations", "POST /admin/registrations/{}/approve",
    "POST /admin/registrations/{}/reject", "GET /admin/invites", "POST /admin/invites",
    "DELETE /admin/invites/{}", "GET /admin/flags", "POST /admin/flags/{}/close",
    "POST /admin/users/{}/suspend", "POST /admin/users/{}/unsuspend",
    "DELETE /admin/tweets/{}", "GET /admin/actions",
}  # fmt: skip
"""Built and not agreed."""

METHODS = "GET|POST|PATCH|DELETE"


def nameless(path: str) -> str:
    """Return a path without the names of what varies in it: {id} is as good as {tweet_id}."""
    return re.sub(r"\{\w+\}", "{}", path)


def operations_of(cell: str) -> Iterator[tuple[str, bool]]:
    """Yield (method and path, needs a key) of a cell such as `POST, DELETE /a/b ★ · /c ★`."""
    methods: list[str] = []
    first = ""
    for part in re.sub(r"[*`]", "", cell).split(" · "):
        named = re.findall(METHODS, part)
        path = nameless(part.split("/", 1)[1].split()[0])
        # "/followers · /following": the second one stands where the first one does.
        sibling = not named and "{}" in first
        path = f"{first.rpartition('/')[0]}/{path}" if sibling else f"/{path}"
        methods, first = named or methods, first if sibling else path
        for method in methods:
            yield f"{method} {path}", "★" in part


def agreed() -> dict[str, bool]:
    """Return whether each agreed operation needs a key."""
    rows = re.findall(r"^\| (.*)$", AGREED.read_text(encoding="utf-8"), re.MULTILINE)
    cells = [row.split(" | ")[0] for row in rows[1:]]
    # Media's second half stands in the other column.
    cells += re.findall(r"Media · (GET, PATCH /media/\{id\} ★)", rows[-8] + "".join(rows))
    return {name: star for cell in cells for name, star in operations_of(cell)}


def built(chirp: Driver) -> set[str]:
    """Return what the router answers below the base."""
    return {
        f"{route.method} {nameless(route.resource.canonical.removeprefix(BASE))}"
        for route in chirp.server.app.router.routes()
        if route.resource is not None
        and route.resource.canonical.startswith(BASE)
        and route.method != "HEAD"
    }


async def test_routes_are_those_that_were_agreed(chirp: Driver) -> None:
    assert set(agreed()) - built(chirp) == NOT_YET
    assert built(chirp) - set(agreed()) == BESIDES


async def test_the_document_has_every_route_and_no_other(chirp: Driver, http: Http) -> None:
    document = (await http.get("//openapi.json")).json
    described = {
        f"{method.upper()} {path}" for path, inner in document["paths"].items() for method in inner
    }
    routes = {
        f"{route.method} {route.resource.canonical}"
        for route in chirp.server.app.router.routes()
        if route.resource is not None and route.method not in {"HEAD", "*"}
    }
    pages = set(re.findall(r"`((?:GET|POST) /[^`]*)`", text_of("docs/web.md")))
    files = {"GET /media/{id}/{file}"}
    assert described == routes - pages - files


async def test_keys_are_needed_where_it_was_agreed(http: Http) -> None:
    document = (await http.get("//openapi.json")).json
    told = {
        f"{method.upper()} {nameless(path.removeprefix(BASE))}": bool(one["security"])
        and {} not in one["security"]
        for path, inner in document["paths"].items()
        for method, one in inner.items()
    }
    stars = {name: star for name, star in agreed().items() if name not in NOT_YET}
    assert {name: told[name] for name in stars} == stars
