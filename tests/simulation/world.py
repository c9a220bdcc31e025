"""The plain model of everything people do: dictionaries and sets, and rules as they are ruled."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from chirp.errors import ChirpError, Forbidden, Invalid, NotFound
from chirp.model import NO_COUNTS, TweetCounts, UserCounts
from chirp.views import Relationship

Refused = type[ChirpError] | None
"""Which refusal is right; None: it is done."""

Key = tuple[int, int]


class Shown(NamedTuple):
    """A tweet as somebody sees it. `flags`: favorited, retweeted, bookmarked."""

    tweet_id: int
    text: str
    version: int
    name: str
    counts: TweetCounts
    flags: tuple[bool, bool, bool]
    own: bool
    nested: Shown | None = None


@dataclass
class Post:
    """A tweet that is not deleted, with all its texts, oldest first."""

    tweet_id: int
    author: int
    texts: list[str]
    reply_to: int | None = None
    quote_of: int | None = None
    retweet_of: int | None = None


@dataclass
class World:
    """Who there is, and what they did; actions have the time of the action, or an id, beside."""

    names: dict[int, str] = field(default_factory=dict)
    suspended: set[int] = field(default_factory=set)
    posts: dict[int, Post] = field(default_factory=dict)
    ever: dict[int, Post] = field(default_factory=dict)
    follows: dict[Key, int] = field(default_factory=dict)
    blocks: set[Key] = field(default_factory=set)
    mutes: set[Key] = field(default_factory=set)
    favorites: dict[Key, int] = field(default_factory=dict)
    retweets: dict[Key, int] = field(default_factory=dict)
    bookmarks: dict[Key, int] = field(default_factory=dict)
    tallies: dict[int, TweetCounts] = field(default_factory=dict)
    user_tallies: dict[int, UserCounts] = field(default_factory=dict)

    # -- what is done -------------------------------------------------------------------

    def post(self, post: Post) -> None:
        """Take in a tweet; a retweet is marked too."""
        self.posts[post.tweet_id] = self.ever[post.tweet_id] = post
        if post.retweet_of is not None:
            self.retweets[post.author, post.retweet_of] = post.tweet_id

    def delete(self, tweet: int) -> None:
        """Delete a tweet with its retweets and favorites; of a retweet, take it back."""
        post = self.posts.pop(tweet)
        if post.retweet_of is not None:
            del self.retweets[post.author, post.retweet_of]
        for user, what in [key for key in self.retweets if key[1] == tweet]:
            del self.posts[self.retweets.pop((user, what))]
        self.favorites = {key: at for key, at in self.favorites.items() if key[1] != tweet}

    def block(self, one: int, two: int) -> None:
        """Block: neither follows the other any more."""
        self.blocks.add((one, two))
        self.follows.pop((one, two), None)
        self.follows.pop((two, one), None)

    def close(self, user: int) -> None:
        """Close an account: nothing that it did, and nothing about it, is left."""
        for tweet in [p.tweet_id for p in self.posts.values() if p.author == user]:
            if tweet in self.posts:
                self.delete(tweet)
        for marks in (self.favorites, self.bookmarks):
            for key in [key for key in marks if key[0] == user]:
                del marks[key]
        self.follows = {key: at for key, at in self.follows.items() if user not in key}
        self.blocks = {key for key in self.blocks if user not in key}
        self.mutes = {key for key in self.mutes if user not in key}
        self.suspended.discard(user)
        del self.names[user]

    # -- who may ------------------------------------------------------------------------

    def blocked(self, one: int | None, two: int) -> bool:
        """Say whether either blocks the other."""
        return one is not None and bool({(one, two), (two, one)} & self.blocks)

    def hidden_author(self, viewer: int | None, author: int) -> bool:
        """Say whether an author's tweets are kept from a viewer."""
        return author not in self.names or author in self.suspended or self.blocked(viewer, author)

    def visible(self, viewer: int | None, tweet: int) -> bool:
        """Say whether a viewer may see a tweet."""
        post = self.posts.get(tweet)
        if post is None or self.hidden_author(viewer, post.author):
            return False
        return post.retweet_of is None or self.visible(viewer, post.retweet_of)

    def original(self, tweet: int) -> int:
        """Return what a tweet retweets, or itself."""
        return self.ever[tweet].retweet_of or tweet

    def refuses_reaction(self, viewer: int, tweet: int) -> Refused:
        """Return why a viewer may not favorite, retweet or bookmark a tweet."""
        if self.visible(viewer, tweet):
            return None
        post = self.posts.get(tweet)
        blocks = post is not None and (viewer, post.author) in self.blocks
        return Forbidden if blocks else NotFound

    def refuses_target(self, viewer: int, tweet: int | None) -> Refused:
        """Return why a viewer may not answer or quote a tweet."""
        return None if tweet is None or self.visible(viewer, tweet) else Invalid

    def refuses_change(self, viewer: int, tweet: int) -> Refused:
        """Return why a viewer may not delete a tweet."""
        if not self.visible(viewer, tweet):
            return NotFound
        return None if self.posts[tweet].author == viewer else Forbidden

    def refuses_edit(self, viewer: int, tweet: int) -> Refused:
        """Return why a viewer may not edit a tweet."""
        refused = self.refuses_change(viewer, tweet)
        retweet = refused is None and self.posts[tweet].retweet_of is not None
        return Forbidden if retweet else refused

    def refuses_relation(self, other: int) -> Refused:
        """Return why nobody may unfollow, block or mute somebody."""
        return NotFound if other not in self.names or other in self.suspended else None

    def refuses_follow(self, viewer: int, other: int) -> Refused:
        """Return why a viewer may not follow somebody."""
        refused = self.refuses_relation(other)
        return Forbidden if refused is None and self.blocked(viewer, other) else refused

    # -- what is seen -------------------------------------------------------------------

    def shown(self, viewer: int | None, tweet: int) -> Shown:
        """Return a visible tweet as a viewer sees it, with what is within."""
        post = self.posts[tweet]
        if post.retweet_of is not None:
            nested: Shown | None = self.shown(viewer, post.retweet_of)
        else:
            nested = None
            if post.quote_of is not None and self.visible(viewer, post.quote_of):
                nested = self._plain(viewer, post.quote_of)
        return self._plain(viewer, tweet)._replace(nested=nested)

    def _plain(self, viewer: int | None, tweet: int) -> Shown:
        post, original = self.posts[tweet], self.original(tweet)
        marks = (self.favorites, self.retweets, self.bookmarks)
        flags = tuple((viewer, original) in mark for mark in marks)
        return Shown(
            tweet,
            post.texts[-1],
            len(post.texts),
            self.names[post.author],
            self.counts(original),
            (flags[0], flags[1], flags[2]),
            post.author == viewer,
        )

    def counts(self, tweet: int) -> TweetCounts:
        """Return how often a tweet was favorited, retweeted, answered and quoted at the tally."""
        return self.tallies.get(tweet, NO_COUNTS)

    def tally(self) -> None:
        """Count everything anew."""
        posts = self.posts.values()
        favorites = Counter(tweet for _, tweet in self.favorites)
        retweets = Counter(tweet for _, tweet in self.retweets)
        replies, quotes = Counter(p.reply_to for p in posts), Counter(p.quote_of for p in posts)
        self.tallies = {
            i: TweetCounts(favorites[i], retweets[i], replies[i], quotes[i]) for i in self.posts
        }
        tweets = Counter(post.author for post in posts)
        followees, followers = (
            Counter(a for a, _ in self.follows),
            Counter(b for _, b in self.follows),
        )
        self.user_tallies = {
            i: UserCounts(followers[i], followees[i], tweets[i]) for i in self.names
        }

    def replies(self, tweet: int) -> list[int]:
        """Return what answers a tweet, newest first."""
        return self._newest(p for p in self.posts.values() if p.reply_to == tweet)

    def quotes(self, tweet: int) -> list[int]:
        """Return what quotes a tweet, newest first."""
        return self._newest(p for p in self.posts.values() if p.quote_of == tweet)

    @staticmethod
    def _newest(posts: Iterable[Post]) -> list[int]:
        return sorted((post.tweet_id for post in posts), reverse=True)

    def user_counts(self, user: int) -> UserCounts:
        """Return how many follow a user, whom they follow, their tweets, at the tally."""
        return self.user_tallies.get(user, UserCounts())

    def relationship(self, viewer: int, other: int) -> Relationship:
        """Return how two people stand to each other."""
        return Relationship(
            following=(viewer, other) in self.follows,
            followed_by=(other, viewer) in self.follows,
            blocking=(viewer, other) in self.blocks,
            muting=(viewer, other) in self.mutes,
        )

    # -- lists of tweets, newest first ----------------------------------------------------

    def home(self, viewer: int) -> list[int]:
        """Return a home timeline."""
        followees = {b for a, b in self.follows if a == viewer}
        authors = followees | {viewer}
        return [
            p.tweet_id
            for p in sorted(self.posts.values(), key=lambda p: -p.tweet_id)
            if p.author in authors
            and self.visible(viewer, p.tweet_id)
            and self._unmuted(viewer, p)
            and self._answers_known(viewer, p, followees)
        ]

    def _unmuted(self, viewer: int | None, post: Post) -> bool:
        authors = {post.author, self.ever[self.original(post.tweet_id)].author}
        return viewer is None or not any((viewer, author) in self.mutes for author in authors)

    def _answers_known(self, viewer: int, post: Post, followees: set[int]) -> bool:
        if post.reply_to is None:
            return True
        answered = self.ever[post.reply_to].author
        return answered in {post.author, viewer} | followees or post.author == viewer

    def by(self, viewer: int | None, author: int, *, replies: bool = True) -> list[int]:
        """Return a user timeline, with or without replies to others."""
        posts = [p for p in self.posts.values() if p.author == author]
        found = self.seen(viewer, self._newest(posts))
        if replies:
            return found
        parents = {i: self.posts[i].reply_to for i in found}
        return [i for i, up in parents.items() if up is None or self.ever[up].author == author]

    def public(self, viewer: int | None) -> list[int]:
        """Return the public timeline."""
        own = [p for p in self.posts.values() if p.retweet_of is None and p.reply_to is None]
        return self.seen(viewer, self._newest(p for p in own if self._unmuted(viewer, p)))

    def seen(self, viewer: int | None, tweets: list[int]) -> list[int]:
        """Return those of the tweets that a viewer may see."""
        return [tweet for tweet in tweets if self.visible(viewer, tweet)]

    def ancestors(self, tweet: int) -> list[int]:
        """Return what a tweet answers, the root first, deleted ones included."""
        found = []
        parent = self.ever[tweet].reply_to
        while parent is not None:
            found.append(parent)
            parent = self.ever[parent].reply_to
        return found[::-1]


def by_action(marks: dict[Key, int], side: int) -> dict[int, list[Key]]:
    """Return (at, other) by who stands on one side of the marks, newest action first."""
    found: dict[int, list[Key]] = defaultdict(list)
    for key, at in marks.items():
        found[key[side]].append((at, key[1 - side]))
    for edges in found.values():
        edges.sort(reverse=True)
    return found


def pages_of(world: World, tweets: list[int], limit: int) -> list[list[int]]:
    """Return the pages of a list of tweets: each shows an original once, wherever it stands."""
    pages: list[list[int]] = [[]]
    seen: set[int] = set()
    for tweet in tweets:
        if len(pages[-1]) == limit:
            pages.append([])
            seen = set()
        original = world.original(tweet)
        if original == tweet or original not in seen:
            pages[-1].append(tweet)
        seen.add(original)
    return pages
