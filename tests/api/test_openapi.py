"""The OpenAPI document is valid, its examples fit, and its pages are served as they should be."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from chirp.api.openapi import REFUSALS, document
from chirp.http.errors import FAILED
from chirp.http.pipeline import Route
from tests.support.web import ERRORS, Http


async def openapi(http: Http) -> dict[str, Any]:
    found: dict[str, Any] = (await http.get("//openapi.json")).json
    return found


def examples(node: object) -> Iterator[tuple[Any, Any]]:
    """Yield (schema, example) of every content in a document."""
    if isinstance(node, dict):
        if "example" in node and "schema" in node:
            yield node["schema"], node["example"]
        for inner in node.values():
            yield from examples(inner)


async def test_the_document_is_valid(http: Http) -> None:
    validate(await openapi(http))


async def test_every_example_fits_its_schema(http: Http) -> None:
    whole = await openapi(http)
    found = list(examples(whole))
    assert len(found) > 20
    for schema, example in found:
        Draft202012Validator({**schema, "components": whole["components"]}).validate(example)


async def test_refusals_are_named_as_they_are_answered() -> None:
    assert ERRORS.items() <= {status: error for status, (error, _) in REFUSALS.items()}.items()
    assert FAILED.status in REFUSALS


async def test_a_route_that_nobody_described_stops_the_start(http: Http) -> None:
    route = Route("GET", "/surprise", http.get)  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        document([route], "http://x")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/openapi.json", "application/json"),
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/docs.css", "text/css; charset=utf-8"),
        ("/docs/docs.js", "text/javascript; charset=utf-8"),
    ],
)
async def test_pages_come_with_a_tag_and_not_twice(path: str, kind: str, http: Http) -> None:
    first = await http.get(f"/{path}")
    assert (first.status, first.headers["Content-Type"]) == (200, kind)
    assert "unsafe" not in first.headers["Content-Security-Policy"]
    tag = {"If-None-Match": first.headers["ETag"]}
    again = await http.get(f"/{path}", headers=tag)
    assert (again.status, again.raw) == (304, b"")
    plain = await http.get(f"/{path}", headers={"Accept-Encoding": "identity"})
    assert plain.raw == first.raw


async def test_only_the_two_files_are_served(http: Http) -> None:
    for name in ("docs.py", "..%2fopenapi.py", "%2e%2e"):
        assert (await http.get(f"//docs/{name}", raw_path=True)).status == 404


class Page(HTMLParser):
    """Collects anchors and links, and what a strict policy would block."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: list[str] = []
        self.links: list[str] = []
        self.blocked: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.anchors += [str(named["id"])] if "id" in named else []
        self.links += [str(named["href"])] if "href" in named else []
        self.blocked += [name for name in named if name.startswith("on") or name == "style"]
        self.blocked += [tag] if tag == "script" and "src" not in named else []
        if tag not in {"meta", "link", "input"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


async def page_of(http: Http) -> Page:
    page = Page()
    page.feed((await http.get("//docs")).raw.decode())
    return page


async def test_the_page_is_well_formed_and_its_links_lead_somewhere(http: Http) -> None:
    page = await page_of(http)
    assert (page.open, page.blocked) == ([], [])
    assert len(page.anchors) == len(set(page.anchors))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.anchors)


async def test_the_page_shows_every_operation(http: Http) -> None:
    page, whole = await page_of(http), await openapi(http)
    ids = [one["operationId"] for inner in whole["paths"].values() for one in inner.values()]
    assert len(ids) == len(set(ids))
    assert set(ids) <= set(page.anchors)
