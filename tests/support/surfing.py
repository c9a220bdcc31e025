"""A person with a browser without JavaScript: keeps cookies, follows redirects, sends forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Self

from aiohttp import ClientSession, CookieJar, FormData
from yarl import URL

from tests.support.driver import PASSWORD
from tests.support.web import Http


@dataclass
class Element:
    """A tag with its attributes and all the text below it."""

    tag: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class Document(HTMLParser):
    """A page as its parser sees it: elements in order, and the text of each."""

    elements: list[Element] = field(default_factory=list)
    _open: list[Element] = field(default_factory=list)

    VOID = frozenset({"meta", "link", "input", "img", "br", "path", "use"})

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in self.VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, tag: str, **attributes: str) -> list[Element]:
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [
            one
            for one in self.elements
            if one.tag == tag and wanted.items() <= one.attributes.items()
        ]

    def classed(self, name: str) -> list[Element]:
        return [one for one in self.elements if name in one.attributes.get("class", "").split()]


@dataclass
class Page:
    """An answer, parsed."""

    status: int
    url: URL
    headers: Any
    text: str

    @property
    def document(self) -> Document:
        document = Document()
        document.feed(self.text)
        document.close()
        return document

    @property
    def csrf(self) -> str:
        return self.document.all("input", name="csrf")[0].attributes["value"]


class Person:
    """Somebody at a browser. Closed by `async with`."""

    def __init__(self, http: Http) -> None:
        self.base = http.client.make_url("")
        self.jar = CookieJar(unsafe=True)
        self.session = ClientSession(cookie_jar=self.jar)
        self.csrf = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    async def ask(self, method: str, path: str, **options: Any) -> Page:
        url = self.base.join(URL(path, encoded=True))
        async with self.session.request(method, url, **options) as response:
            body = await response.read()
            return Page(response.status, response.url, response.headers, body.decode())

    async def get(self, path: str, **options: Any) -> Page:
        return await self.ask("GET", path, **options)

    async def post(self, path: str, _files: Any = (), **fields: str) -> Page:
        """Send a form as a page of ours has it."""
        form = FormData({"csrf": self.csrf, **fields}, default_to_multipart=bool(_files))
        for name, file in _files:
            form.add_field(name, file, filename="picture.png")
        return await self.ask("POST", path, data=form)

    async def sign_in(self, name: str) -> Page:
        self.csrf = (await self.get("/sign-in")).csrf
        page = await self.post("/sign-in", login=name, password=PASSWORD)
        self.csrf = page.csrf
        return page
