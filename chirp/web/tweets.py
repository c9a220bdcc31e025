"""Pages of tweets, and what one can do with them: post, edit, delete, favorite, retweet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from markupsafe import Markup

from chirp.commands import EditTweet, parse_content
from chirp.errors import Invalid, NotFound, Refusal
from chirp.http.auth import find_viewer
from chirp.http.paging import parse_actions_query, parse_id, parse_tweets_query
from chirp.model import Tweet, TweetId
from chirp.views import Page, ThreadView, Tombstone, TweetView, UserView, Viewer
from chirp.web.composing import lines_of
from chirp.web.face import came_from, is_partial, redirect
from chirp.web.site import Form, Site

Reaction = Callable[[Viewer, TweetId], Awaitable[TweetView]]
_SHORT = 60


class EditForm(Form):
    """The form that edits."""

    tweet_data: str = ""


class TweetPages:
    """/{username}/status/{id}, /compose and /tweets/{id}."""

    def __init__(self, site: Site) -> None:
        self._site = site

    # -- reading ------------------------------------------------------------------------

    async def tweet(self, request: web.Request) -> web.Response:
        """GET /{username}/status/{id}."""
        site = self._site
        command = parse_tweets_query(request, site.cursors)
        thread = await site.services.threads.thread(
            find_viewer(request), _path_id(request), command
        )
        cached = thread.tweet.cached
        user = cached.author.user
        if request.match_info["username"] != user.username and not is_partial(request):
            return redirect(request, _address(thread.tweet))
        cards = site.tweets(request, thread.replies) if thread.replies.items else b""
        if is_partial(request):
            return site.part(cards)
        counts = cached.counts
        return await site.page(
            request,
            "tweet.html",
            tweet=cached.tweet,
            media=cached.media,
            user=user,
            short_text=_shortened(cached.tweet.content),
            reply_to=cached.tweet.tweet_id,
            ancestors=self._ancestors(thread),
            focus=site.cards.markup([thread.tweet]),
            cards=Markup(cards.decode()),  # noqa: S704  (rendered by templates)
            numbers=[
                ("retweets", counts.retweets),
                ("quotes", counts.quotes),
                ("favorites", counts.favorites),
            ],
        )

    def _ancestors(self, thread: ThreadView) -> Markup:
        gone = Markup('<p class="tombstone">{}</p>').format(self._site.words("tweet.tombstone"))
        cards = self._site.cards
        return Markup("").join(
            gone if isinstance(view, Tombstone) else cards.markup([view])
            for view in thread.ancestors
        )

    async def moved(self, request: web.Request) -> web.Response:
        """GET /tweets/{id}: to the page of a tweet whose author is not known."""
        view = await self._site.services.tweets.get(find_viewer(request), _path_id(request))
        return redirect(request, _address(view))

    async def quotes(self, request: web.Request) -> web.Response:
        """GET /{username}/status/{id}/quotes."""
        site = self._site
        command = parse_tweets_query(request, site.cursors)
        page = await site.services.threads.quotes(find_viewer(request), _path_id(request), command)
        return await site.listed(request, "list.html", page, title=site.words("tweet.quotes_title"))

    async def favorites(self, request: web.Request) -> web.Response:
        """GET /{username}/status/{id}/favorites."""
        return await self._people(request, self._site.services.lists.favorited_by, "favorited_by")

    async def retweets(self, request: web.Request) -> web.Response:
        """GET /{username}/status/{id}/retweets."""
        return await self._people(request, self._site.services.lists.retweeted_by, "retweeted_by")

    async def _people(
        self,
        request: web.Request,
        read: Callable[..., Awaitable[Page[UserView]]],
        title: str,
    ) -> web.Response:
        command = parse_actions_query(request, self._site.cursors)
        page = await read(find_viewer(request), _path_id(request), command)
        return await self._site.listed_people(request, page, self._site.words(f"people.{title}"))

    async def versions(self, request: web.Request) -> web.Response:
        """GET /{username}/status/{id}/versions."""
        command = parse_actions_query(request, self._site.cursors)
        tweets = self._site.services.tweets
        page = await tweets.versions(find_viewer(request), _path_id(request), command)
        older = self._site.older(request, page)
        return await self._site.page(request, "versions.html", versions=page.items, older=older)

    # -- editing and deleting -----------------------------------------------------------

    async def edit_page(self, request: web.Request) -> web.Response:
        """GET /tweets/{id}/edit. Raises: NotFound; Forbidden: too late. Nobody writes in vain."""
        await self._own(request)
        tweets, viewer = self._site.services.tweets, self._site.viewer(request)
        tweet = await tweets.get_editable(viewer, _path_id(request))
        return await self._edit_page(request, tweet, tweet.content)

    async def _edit_page(
        self, request: web.Request, tweet: Tweet, draft: str, problem: str = ""
    ) -> web.Response:
        return await self._site.page(
            request, "edit.html", tweet=tweet, draft=draft, problem=problem
        )

    async def edit(self, request: web.Request) -> web.Response:
        """POST /tweets/{id}/edit."""
        viewer, form = self._site.viewer(request), await self._site.form(request, EditForm)

        async def change() -> web.Response:
            text = parse_content(lines_of(form.tweet_data), self._site.max_weight)
            command = EditTweet(_path_id(request), text)
            return redirect(
                request, _address(await self._site.services.tweets.edit(viewer, command))
            )

        async def again(error: Refusal) -> web.Response:
            tweet = (await self._own(request)).cached.tweet
            return await self._edit_page(request, tweet, form.tweet_data, self._site.said(error))

        return await self._site.tried(change(), again)

    async def delete_page(self, request: web.Request) -> web.Response:
        """GET /tweets/{id}/delete: asks whether one is sure."""
        view = await self._own(request)
        shown = self._site.cards.markup([view])
        return await self._site.page(request, "delete.html", tweet=view.cached.tweet, shown=shown)

    async def delete(self, request: web.Request) -> web.Response:
        """POST /tweets/{id}/delete."""
        viewer = self._site.viewer(request)
        await self._site.form(request, Form)
        view = await self._own(request)
        await self._site.services.tweets.delete(viewer, _path_id(request))
        if is_partial(request):
            return self._site.part(b"")
        return redirect(request, "/" + view.cached.author.user.username)

    async def _own(self, request: web.Request) -> TweetView:
        """Return a tweet of the viewer's. Raises: NotFound: somebody else's too."""
        view = await self._site.services.tweets.get(self._site.viewer(request), _path_id(request))
        if not view.own:
            raise NotFound("no such tweet of yours")
        return view

    # -- reactions ----------------------------------------------------------------------

    async def react(self, request: web.Request) -> web.Response:
        """POST /tweets/{id}/{act}: favorite, bookmark, and taking something back."""
        reaction = self._reactions().get(request.match_info["act"])
        if reaction is None:
            raise web.HTTPNotFound
        return await self._react(request, reaction)

    async def retweet(self, request: web.Request) -> web.Response:
        """POST /tweets/{id}/retweet."""
        return await self._react(request, self._site.services.reactions.retweet)

    async def _react(self, request: web.Request, reaction: Reaction) -> web.Response:
        viewer = self._site.viewer(request)
        await self._site.form(request, Form)
        view = await reaction(viewer, _path_id(request))
        if is_partial(request):
            return self._site.part(self._site.cards.tail(view))
        where = came_from(request, _address(view))
        return redirect(request, f"{where}#t{view.cached.tweet.tweet_id}")

    def _reactions(self) -> dict[str, Reaction]:
        reactions = self._site.services.reactions
        return {
            "favorite": reactions.favorite,
            "unfavorite": reactions.unfavorite,
            "unretweet": reactions.unretweet,
            "bookmark": reactions.bookmark,
            "unbookmark": reactions.unbookmark,
        }


def _path_id(request: web.Request) -> TweetId:
    try:
        return TweetId(parse_id(request.match_info["id"], "id"))
    except Invalid:
        raise NotFound("no such tweet") from None


def _address(view: TweetView) -> str:
    cached = view.cached
    return f"/{cached.author.user.username}/status/{cached.tweet.tweet_id}"


def _shortened(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= _SHORT else one_line[: _SHORT - 1].rstrip() + "…"
