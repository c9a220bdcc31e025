"""Forms with files: what a browser without scripts sends with one button."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from chirp.errors import Invalid
from chirp.http.body import URLENCODED, read_fields
from chirp.http.calls import call_of
from chirp.http.uploads import read_upload
from chirp.model import Media
from chirp.services.media import Upload
from chirp.views import Viewer
from chirp.web.site import Site


@dataclass(slots=True)
class Received:
    """A form's fields, each with all its values, and its files by field, already processed.

    A file field that was left empty is a None: what is said of files is matched by place.
    """

    texts: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, list[Media | None]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return a field's first value; empty where there is none."""
        return self.texts.get(name, [""])[0]

    def given(self, name: str) -> str | None:
        """Return a field's first value; None where the form has no such field."""
        return self.text(name) if name in self.texts else None

    def file(self, name: str) -> Media | None:
        """Return a field's first file, if there is one."""
        return self.files.get(name, [None])[0]


class Receiver:
    """Reads one form of one viewer. A file counts only behind the form's token.

    `takes`: how many files of each field; one of another field, or one more, is refused.
    """

    def __init__(
        self, site: Site, request: web.Request, viewer: Viewer, takes: Mapping[str, int]
    ) -> None:
        self._site = site
        self._request = request
        self._viewer = viewer
        self._takes = takes
        self._received = Received()

    async def read(self) -> Received:
        """Return the form. Raises: Forbidden: it is not ours; Refusal: a file is not good."""
        if self._request.content_type == URLENCODED:
            # A form without a file may as well come so, from a script or a bookmark.
            for name, text in await read_fields(self._request):
                await self._take_text(name, text)
        else:
            await read_upload(self._request, self._take_text, self._take_file)
        self._check()
        return self._received

    def _check(self) -> None:
        self._site.forgery.check(self._request, self._received.text("csrf"))

    async def _take_text(self, name: str, text: str) -> None:
        self._received.texts.setdefault(name, []).append(text)

    async def _take_file(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        self._check()
        places = self._received.files.setdefault(name, [])
        if len(places) >= self._takes.get(name, 0):
            raise Invalid("the form holds a file too many", field=name)
        upload: Upload | None = None
        media_service = self._site.services.media
        try:
            # A field without a file is sent as an empty one.
            async for chunk in chunks:
                if upload is None:
                    self._site.gate.take_for_upload(call_of(self._request))
                    upload = await media_service.begin()
                await upload.write(chunk)
        except BaseException:
            if upload is not None:
                await upload.drop()
            raise
        media: Media | None = None
        if upload is not None:
            media = await media_service.finish(self._viewer, upload, "")
        places.append(media)
