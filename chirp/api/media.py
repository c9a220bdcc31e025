"""Handlers of media: upload, look, describe, and the files themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
from aiohttp import web

from chirp.api.bodies import AltTextBody
from chirp.api.context import Api, raw_response
from chirp.errors import Invalid, NotFound
from chirp.http.auth import find_viewer
from chirp.http.paging import parse_id
from chirp.http.plain import Plain
from chirp.http.serving import serve_blob
from chirp.http.uploads import read_upload
from chirp.model import Media, MediaId, MediaState
from chirp.services.media import MediaService, Upload


class MediaHandlers:
    """POST /media, /media/{id}, and the files at /media/{id}/{file} outside the API."""

    def __init__(self, api: Api, media: MediaService) -> None:
        self._api = api
        self._media = media

    async def upload(self, request: web.Request) -> Plain:
        """POST /media."""
        viewer = self._api.viewer(request)
        upload = await self._media.begin()
        try:
            alt_text = await _receive(request, upload)
        except BaseException:
            await upload.drop()
            raise
        media = await self._media.finish(viewer, upload, alt_text)
        return self._told(media, 200 if media.state is MediaState.READY else 202)

    async def get(self, request: web.Request) -> Plain:
        """GET /media/{id}."""
        viewer = self._api.viewer(request)
        return self._told(await self._media.get(viewer, media_id_of(request)))

    async def describe(self, request: web.Request) -> Plain:
        """PATCH /media/{id}."""
        viewer, body = await self._api.viewer_and_body(request, AltTextBody)
        media_id = media_id_of(request)
        return self._told(await self._media.describe(viewer, media_id, body.alt_text))

    def _told(self, media: Media, status: int = 200) -> Plain:
        return raw_response(orjson.dumps(self._api.renderer.media_fields(media)), status)

    async def file(self, request: web.Request) -> web.StreamResponse:
        """GET /media/{id}/{file}: `original` or `preview`, whatever extension follows."""
        media, public = await self._media.shown(find_viewer(request), media_id_of(request))
        blob = {"original": media.original, "preview": media.preview}.get(
            request.match_info["file"].partition(".")[0]
        )
        if blob is None:
            raise NotFound("no such media")

        def content(start: int, length: int) -> AsyncIterator[bytes]:
            return self._media.content(blob, start, length)

        return await serve_blob(request, self._api.clock, blob, content, public=public)


async def _receive(request: web.Request, upload: Upload) -> str:
    """Take the one file of a form; return its description."""
    texts: dict[str, str] = {}
    files = 0

    async def on_text(name: str, text: str) -> None:
        texts[name] = text

    async def on_file(name: str, chunks: AsyncIterator[bytes]) -> None:
        nonlocal files
        files += 1
        if name != "file" or files > 1:
            raise Invalid("send one file, in the field file", field=name)
        async for chunk in chunks:
            await upload.write(chunk)

    await read_upload(request, on_text, on_file)
    if not files:
        raise Invalid("file is missing", field="file")
    return texts.get("alt_text", "")


def media_id_of(request: web.Request) -> MediaId:
    """Return the id in a path. Raises: NotFound."""
    try:
        return MediaId(parse_id(request.match_info["id"], "id"))
    except Invalid:
        raise NotFound("no such media") from None
