"""The composer: tweets, replies, quotes, with media, from a form or from scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import orjson
from aiohttp import web

from chirp.commands import MAX_MEDIA, PostTweet, post_tweet
from chirp.errors import Invalid, NotFound, Refusal, Unprocessable
from chirp.http.errors import JSON_TYPE
from chirp.http.paging import parse_id
from chirp.model import Media, MediaId, MediaState, TweetId
from chirp.views import TweetView, Viewer
from chirp.web.face import is_partial, redirect
from chirp.web.forms import Received, Receiver
from chirp.web.site import Site

T = TypeVar("T")
_ABOUT = {"in_reply_to_tweet_id", "quote_of_tweet_id"}


@dataclass(frozen=True, slots=True)
class Draft:
    """What is written so far; ids as they came."""

    text: str = ""
    reply_to: str = ""
    quote_of: str = ""

    def command(self, max_weight: int, media_ids: list[MediaId]) -> PostTweet:
        """Return the command to post. Raises: Invalid."""
        return post_tweet(
            lines_of(self.text),
            max_weight,
            in_reply_to=_id(self.reply_to, "in_reply_to_tweet_id"),
            quote_of=_id(self.quote_of, "quote_of_tweet_id"),
            media_ids=media_ids,
        )


def _id(text: str, field: str) -> TweetId | None:
    return TweetId(parse_id(text, field)) if text else None


def lines_of(text: str) -> str:
    """Return a text as it was typed: forms send CR LF for the end of a line."""
    return text.replace("\r\n", "\n")


class ComposerPages:
    """/compose and what is below it."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def page(self, request: web.Request) -> web.Response:
        """GET /compose: a tweet, a quote or a reply, on a page of its own."""
        query = request.query
        text = query.get("text", "")[:1000]
        draft = Draft(text, query.get("reply", ""), query.get("quote", ""))
        return await self._page(request, draft)

    async def _page(self, request: web.Request, draft: Draft, problem: str = "") -> web.Response:
        viewer = self._site.viewer(request)
        about = [
            await self._site.services.tweets.get(viewer, TweetId(parse_id(text, "id")))
            for text in (draft.quote_of or draft.reply_to,)
            if text
        ]
        return await self._site.page(
            request,
            "compose.html",
            draft=draft.text,
            reply_to=draft.reply_to,
            quote_of=draft.quote_of,
            about=self._site.cards.markup(about),
            problem=problem,
        )

    async def post(self, request: web.Request) -> web.Response:
        """POST /compose."""
        viewer = self._site.viewer(request)
        received = await Receiver(self._site, request, viewer, {"file": MAX_MEDIA}).read()
        draft = Draft(
            received.text("tweet_data"),
            received.text("in_reply_to_tweet_id"),
            received.text("quote_of_tweet_id"),
        )

        async def again(error: Refusal) -> web.Response:
            if is_partial(request):
                raise error
            try:
                return await self._page(request, draft, self._site.said(error))
            except Refusal:
                # What it is about cannot be shown: the text is not to go with it.
                gone = self._site.words("compose.gone")
                return await self._page(request, Draft(draft.text), gone)

        return await self._site.tried(self._post(request, viewer, draft, received), again)

    async def _post(
        self, request: web.Request, viewer: Viewer, draft: Draft, received: Received
    ) -> web.Response:
        media_ids = await self._described(viewer, received)
        command = draft.command(self._site.max_weight, media_ids)
        view = await self._posted(viewer, command)
        if is_partial(request):
            return self._site.part(self._site.cards.card(view))
        answered = view.cached.tweet.in_reply_to_tweet_id
        return redirect(request, f"/tweets/{answered}" if answered else "/")

    async def _posted(self, viewer: Viewer, command: PostTweet) -> TweetView:
        """Post a tweet. Raises: NotFound: what it is about is gone; a script lets go of that."""
        try:
            return await self._site.services.tweets.post(viewer, command)
        except Invalid as error:
            if error.field in _ABOUT:
                raise NotFound(self._site.words("compose.gone"), field=error.field) from None
            raise

    async def _described(self, viewer: Viewer, received: Received) -> list[MediaId]:
        """Return what a tweet shows, described: what scripts sent before, or the form's files."""
        texts, media = received.texts, self._site.services.media
        sent = [MediaId(parse_id(one, "media_ids")) for one in texts.get("media_ids", [])]
        described = _beside(sent, texts.get("alts", []))
        for file, alt in _beside(received.files.get("file", []), texts.get("alt", [])):
            if file is None:
                continue
            done = await media.wait(viewer, file.media_id)
            if done.state is MediaState.FAILED:
                raise Unprocessable(done.problem)
            described.append((done.media_id, alt))
        for media_id, alt in described:
            if alt.strip():
                await self._describe(viewer, media_id, alt)
        return [media_id for media_id, _ in described]

    async def _describe(self, viewer: Viewer, media_id: MediaId, alt: str) -> None:
        """Describe one. Raises: Invalid: there is none; what is not found is the tweet alone."""
        try:
            await self._site.services.media.describe(viewer, media_id, alt)
        except NotFound:
            raise Invalid("unknown id in media_ids", field="media_ids") from None

    # -- for scripts --------------------------------------------------------------------

    async def upload(self, request: web.Request) -> web.Response:
        """POST /compose/media: one file, sent ahead of its tweet."""
        viewer = self._site.viewer(request)
        received = await Receiver(self._site, request, viewer, {"file": 1}).read()
        file = received.file("file")
        if file is None:
            raise Invalid("send one file", field="file")
        return _told(file)

    async def uploaded(self, request: web.Request) -> web.Response:
        """GET /compose/media/{id}: how far it is."""
        try:
            media_id = MediaId(parse_id(request.match_info["id"], "id"))
        except Invalid:
            raise NotFound("no such media") from None
        return _told(await self._site.services.media.get(self._site.viewer(request), media_id))


def _beside(items: Sequence[T], alts: Sequence[str]) -> list[tuple[T, str]]:
    """Return items with what is said of each, by place; nothing is said of those beyond.

    >>> _beside([1, 2], ["a cat"])
    [(1, 'a cat'), (2, '')]
    """
    return [(item, alts[place] if place < len(alts) else "") for place, item in enumerate(items)]


def _told(media: Media) -> web.Response:
    told = {"media_id": str(media.media_id), "state": media.state, "error": media.problem}
    return web.Response(body=orjson.dumps(told), headers={"Content-Type": JSON_TYPE})
