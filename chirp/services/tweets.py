"""Tweets: post, reply, quote, edit, delete, and one tweet with its versions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import nullcontext

from msgspec.structs import replace

from chirp.clock import Clock
from chirp.commands import EditTweet, PostTweet, Repeatable, entities_of
from chirp.errors import Conflict, Forbidden, Invalid, NotFound
from chirp.fanout.attachments import Attachments
from chirp.fanout.publishing import Publisher
from chirp.fanout.repeats import Repeats
from chirp.fanout.truths import Truths
from chirp.idgen.generator import IdGenerator
from chirp.idgen.watermark import Watermark
from chirp.metrics import Metrics
from chirp.model import Entity, Media, Tweet, TweetId, UnixMs, UserId
from chirp.pages import ReadActions
from chirp.policy import may_change, may_edit
from chirp.readers.showing import Showing
from chirp.readers.sights import SightReader
from chirp.readers.users import UserReader
from chirp.storage.changes import (
    Claim,
    tweet_deleted,
    tweet_edited,
    tweet_posted,
    tweet_reserved,
    unretweeted,
)
from chirp.storage.engine import Batch
from chirp.storage.store import Store
from chirp.text import TweetText
from chirp.views import (
    CachedTweet,
    CachedUser,
    Page,
    Position,
    Sight,
    TweetView,
    Viewer,
    original_of,
)

_NOTHING = nullcontext()


class TweetService:
    """Posting, editing, deleting and reading single tweets."""

    def __init__(
        self,
        store: Store,
        ids: IdGenerator,
        watermark: Watermark,
        truths: Truths,
        publisher: Publisher,
        repeats: Repeats,
        showing: Showing,
        sights: SightReader,
        users: UserReader,
        attachments: Attachments,
        clock: Clock,
        metrics: Metrics,
        *,
        edit_window_ms: int,
    ) -> None:
        self._store = store
        self._ids = ids
        self._watermark = watermark
        self._truths = truths
        self._publisher = publisher
        self._repeats = repeats
        self._showing = showing
        self._sights = sights
        self._users = users
        self._attachments = attachments
        self._clock = clock
        self._metrics = metrics
        self._edit_window_ms = edit_window_ms

    # -- posting ------------------------------------------------------------------------

    async def post(
        self, viewer: Viewer, command: PostTweet, repeat: Repeatable | None = None
    ) -> TweetView:
        """Post a tweet; it is on disk, in its author's timelines and readable when this returns.

        `repeat`: a second request with the same key gets what the first one made, for 24 hours.
        Raises: Invalid: it answers or quotes what the viewer may not see; Taken: the key was used
        with another body; NotFound: what the first request made is deleted, or the author was
        suspended meanwhile;
        StorageError: it is unknown whether it is stored, and it is not acknowledged.
        """
        started_s = self._clock.monotonic_s()
        sight = await self._sights.get(viewer.user_id)
        made = await self._repeats.find(viewer.user_id, repeat)
        if made is not None:
            return await self._showing.get(sight, made)
        view = await self._post(sight, viewer, command, repeat)
        self._metrics.tweets_posted += 1
        self._metrics.post_s.observe(self._clock.monotonic_s() - started_s)
        return view

    async def _post(
        self, sight: Sight, viewer: Viewer, command: PostTweet, repeat: Repeatable | None
    ) -> TweetView:
        author = await self._users.get(viewer.user_id)
        entities = await self._entities(command.text)
        answered = await self._target(sight, command.in_reply_to, "in_reply_to_tweet_id")
        quoted = await self._target(sight, command.quote_of, "quote_of_tweet_id")
        claim = await self._repeats.claim(viewer.user_id, repeat)
        taking = self._attachments.taking(command.media_ids) if command.media_ids else _NOTHING
        with taking:
            media = await self._attachments.find(viewer.user_id, command.media_ids)
            tweet_id = TweetId(await self._ids.next())
            # From here to the commit nothing waits: ids are submitted in their order.
            tweet = self._build(tweet_id, viewer.user_id, command, entities)
            post = _related(tweet, answered, quoted)
            cached = await self._publish(post, author, media, claim)
        if cached is None:
            # The same request came twice at once, and the other one was first.
            return await self._showing.get(sight, await self._repeated(viewer, repeat))
        return await self._showing.view(sight, cached)

    async def _publish(
        self, tweet: Tweet, author: CachedUser, media: tuple[Media, ...], claim: Claim | None
    ) -> CachedTweet | None:
        """Publish a tweet; None: its key was used meanwhile. It commits before it waits."""
        batch = tweet_posted(self._store, tweet)
        if claim is not None:
            batch = tweet_reserved(self._store, tweet, claim)
        used = None
        if media:
            media, used = self._attachments.use(media, tweet.tweet_id)
        try:
            cached = await self._publisher.publish(tweet, author, batch, media)
        except Conflict:
            if claim is None:
                raise
            return None
        if used is not None:
            await used
        return cached

    async def _repeated(self, viewer: Viewer, repeat: Repeatable | None) -> TweetId:
        made = await self._repeats.find(viewer.user_id, repeat)
        if made is None:
            raise Conflict("a key of a repeat is used, and nothing was made by it")
        return made

    async def _entities(self, text: TweetText) -> tuple[Entity, ...]:
        """Return the spans of a text, mentions with the ids of those who exist."""
        names = [mention.username for mention in text.entities.mentions]
        return entities_of(text, await self._users.find_names(names) if names else [])

    async def _target(self, sight: Sight, tweet_id: TweetId | None, field: str) -> Tweet | None:
        """Return the tweet to be answered or quoted: of a retweet, the original."""
        if tweet_id is None:
            return None
        try:
            view = await self._get(sight, tweet_id)
        except NotFound:
            raise Invalid(f"unknown id in {field}", field=field) from None
        return original_of(view).cached.tweet

    def _build(
        self, tweet_id: TweetId, author: UserId, command: PostTweet, entities: tuple[Entity, ...]
    ) -> Tweet:
        return Tweet(
            tweet_id,
            author,
            command.text.text,
            self._ids.layout.time_of(tweet_id),
            conversation_id=tweet_id,
            lang=command.lang,
            tweet_location=command.tweet_location,
            latitude=command.latitude,
            longitude=command.longitude,
            user_location=command.user_location,
            entities=entities,
            media_ids=command.media_ids,
        )

    # -- one tweet ----------------------------------------------------------------------

    async def get(self, viewer: Viewer | None, tweet_id: TweetId) -> TweetView:
        """Return one tweet. Raises: NotFound: none, deleted, not settled or not visible."""
        return await self._get(await self._sight(viewer), tweet_id)

    async def _sight(self, viewer: Viewer | None) -> Sight:
        return await self._sights.get(None if viewer is None else viewer.user_id)

    async def _get(self, sight: Sight, tweet_id: TweetId) -> TweetView:
        if tweet_id > self._watermark.value:
            raise NotFound("no such tweet")
        return await self._showing.get(sight, tweet_id)

    async def versions(
        self, viewer: Viewer | None, tweet_id: TweetId, command: ReadActions
    ) -> Page[Tweet]:
        """Return a page of a tweet's versions, newest first. Raises: NotFound."""
        newest = (await self.get(viewer, tweet_id)).cached.tweet
        below = newest.version + 1
        if command.below is not None:
            below = min(below, command.below.other)
        found = await self._store.tweets.versions(tweet_id, below, command.limit + 1)
        if below > newest.version:
            found = [newest, *found]
        items, more = found[: command.limit], len(found) > command.limit
        return Page(items, Position(items[-1].version) if more else None)

    async def edit(self, viewer: Viewer, command: EditTweet) -> TweetView:
        """Give one of the viewer's tweets a new text; the one before is kept as a version.

        Raises: NotFound, Forbidden: somebody else's, or too old; StorageError.
        """
        entities = await self._entities(command.text)

        async def attempt() -> Batch | None:
            before, now = await self._own(viewer, command.tweet_id), self._clock.now_ms()
            self._refuse_late(before, now)
            if before.content == command.text.text:
                return None
            after = replace(
                before,
                content=command.text.text,
                entities=entities,
                edited_at=now,
                version=before.version + 1,
            )
            return tweet_edited(self._store, before, after)

        await self._truths.bring_about(attempt)
        return await self.get(viewer, command.tweet_id)

    async def get_editable(self, viewer: Viewer, tweet_id: TweetId) -> Tweet:
        """Return one of the viewer's tweets, of which `edit` may change the text now.

        Raises: NotFound, Forbidden: somebody else's, or too old.
        """
        tweet = await self._own(viewer, tweet_id)
        self._refuse_late(tweet, self._clock.now_ms())
        return tweet

    def _refuse_late(self, tweet: Tweet, now_ms: UnixMs) -> None:
        if not may_edit(tweet, now_ms, self._edit_window_ms):
            minutes = self._edit_window_ms // 60_000
            raise Forbidden(f"a tweet can be edited for {minutes} minutes, a retweet never")

    async def delete(self, viewer: Viewer, tweet_id: TweetId) -> None:
        """Delete one of the viewer's tweets. Raises: NotFound, Forbidden, StorageError."""

        async def own() -> Tweet:
            return await self._own(viewer, tweet_id)

        await self._remove(own)

    async def remove(self, tweet: Tweet) -> None:
        """Delete a tweet for who may: that is decided. Raises: NotFound, StorageError."""

        async def stored() -> Tweet:
            return await self._stored(tweet.tweet_id)

        await self._remove(stored)

    async def _remove(self, find: Callable[[], Awaitable[Tweet]]) -> None:
        ended: list[TweetId] = []

        async def attempt() -> Batch | None:
            tweet = await find()
            ended[:] = [tweet.tweet_id]
            return await self._deletion(tweet)

        await self._truths.bring_about(attempt)
        # The end of a retweet's own row follows from that of the retweet.
        await self._truths.wait_partition(ended[0])
        self._metrics.tweets_deleted += 1

    async def _deletion(self, tweet: Tweet) -> Batch:
        now = self._clock.now_ms()
        if tweet.retweet_of is None:
            return tweet_deleted(self._store, tweet, now)
        mark = await self._store.marks.find(tweet.author_id, tweet.retweet_of)
        if mark.retweet_id != tweet.tweet_id:
            raise NotFound("no such tweet")  # taken back this moment
        return unretweeted(self._store, tweet, mark, now)

    async def _own(self, viewer: Viewer, tweet_id: TweetId) -> Tweet:
        """Return one of the viewer's tweets as it is on disk. Raises: NotFound, Forbidden."""
        cached = (await self.get(viewer, tweet_id)).cached
        if not may_change(viewer.user_id, cached.tweet):
            raise Forbidden("this tweet is somebody else's")
        return await self._stored(tweet_id)

    async def _stored(self, tweet_id: TweetId) -> Tweet:
        stored = (await self._store.tweets.find_many([tweet_id]))[0]
        if stored is None:
            raise NotFound("no such tweet")
        return stored


def _related(tweet: Tweet, answered: Tweet | None, quoted: Tweet | None) -> Tweet:
    """Return the tweet with what it answers and quotes."""
    if answered is not None:
        tweet = replace(
            tweet,
            conversation_id=answered.conversation_id,
            in_reply_to_tweet_id=answered.tweet_id,
            in_reply_to_user_id=answered.author_id,
        )
    return tweet if quoted is None else replace(tweet, quote_of=quoted.tweet_id)
