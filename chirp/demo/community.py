"""The plan of a community: who is there, who follows whom, who wrote what and when.

Deterministic: the same arguments give the same plan, whatever the machine or the Python version
(only `random.Random`'s documented-stable methods are used: random, getrandbits and randbytes-free
arithmetic on them).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from chirp.demo.names import FIRST_NAMES, LAST_NAMES, PLACES
from chirp.demo.texts import TOPICS, write_text
from chirp.model import UnixMs

DAY_MS = 86_400_000

REPLIES, RETWEETS = 0.16, 0.1
"""How many of the invented posts answer and retweet."""

RECENT_POSTS = 200
MOST_LATE_MS = 6 * 3_600_000

Edge = tuple[int, int]
"""(follower, followee), as places in the list of people."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who will have an account."""

    username: str
    name: str
    bio: str
    location: str
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Post:
    """A tweet that somebody (a place in the list of people) will have written.

    `reply_to` and `retweet_of` are places in the list of posts, of earlier ones.
    """

    author: int
    at: UnixMs
    text: str
    reply_to: int | None = None
    retweet_of: int | None = None


@dataclass(frozen=True, slots=True)
class Liking:
    """Somebody will have favorited a post at a time; both by their places."""

    who: int
    post: int
    at: UnixMs


@dataclass(frozen=True, slots=True)
class Community:
    """People, follows in the order in which they began, posts and favorites by time."""

    people: list[Person]
    follows: list[Edge]
    posts: list[Post]
    likings: list[Liking]
    founded_at: UnixMs
    until: UnixMs


def below(random: Random, bound: int) -> int:
    """Return a whole number from 0 to `bound` - 1."""
    return int(random.random() * bound)


def invent_people(random: Random, labels: Sequence[str] | None, count: int) -> list[Person]:
    """Return people; with `labels` (of a given graph) each is named after its label."""
    people: list[Person] = []
    taken: set[str] = set()
    for number in range(len(labels) if labels is not None else count):
        first = FIRST_NAMES[below(random, len(FIRST_NAMES))]
        last = LAST_NAMES[below(random, len(LAST_NAMES))]
        username = f"u{labels[number]}" if labels is not None else _username(first, last, taken)
        taken.add(username)
        topics = _topics(random)
        bio = "Mostly " + " and ".join(topics) + "."
        place = PLACES[below(random, len(PLACES))]
        people.append(Person(username, f"{first} {last}", bio, place, topics))
    return people


def _username(first: str, last: str, taken: set[str]) -> str:
    stem = f"{first}_{last}".lower()[:12].rstrip("_")
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}{number}"
    return name


def _topics(random: Random) -> tuple[str, ...]:
    names = sorted(TOPICS)
    first, second = below(random, len(names)), below(random, len(names) - 1)
    return (names[first], names[second if second < first else second + 1])


def invent_follows(random: Random, count: int) -> list[Edge]:
    """Return a graph in which few are followed by many: preferential attachment.

    Source: Barabási and Albert, Science 286 (1999). Different here: a fifth of the choices is
    uniform, so that everybody can be found, and every fourth follow is returned.
    """
    edges: dict[Edge, None] = {}
    popular: list[int] = list(range(min(count, 10)))
    for follower in range(count):
        for _ in range(_degree(random, count)):
            uniform = random.random() < 0.2
            followee = below(random, count) if uniform else popular[below(random, len(popular))]
            if followee != follower and (follower, followee) not in edges:
                edges[follower, followee] = None
                popular.append(followee)
                if random.random() < 0.25:
                    edges[followee, follower] = None
    return list(edges)


def _degree(random: Random, count: int) -> int:
    """Return how many somebody follows: about 20 in the mean, Pareto-distributed."""
    return min(count - 1, 150, int(8 / (1.0 - random.random()) ** 0.6))


def invent_posts(
    random: Random,
    people: Sequence[Person],
    followers: Sequence[int],
    texts: Sequence[str] | None,
    start: UnixMs,
    until: UnixMs,
) -> list[Post]:
    """Return posts spread over the days, more of them by day and by those with followers.

    Of invented ones, every sixth answers and every tenth retweets one of the last before it.
    """
    weights = _running_total([1.0 + count**0.5 for count in followers])
    total = len(texts) if texts is not None else 8 * len(people)
    times = sorted(_moment(random, start, until) for _ in range(total))
    posts: list[Post] = []
    retweets: set[Edge] = set()
    for number, at in enumerate(times):
        author = _pick(random, weights)
        if texts is not None:
            posts.append(Post(author, at, texts[number]))
        else:
            posts.append(_invent_post(random, people, posts, retweets, author, at))
    return posts


def _invent_post(
    random: Random,
    people: Sequence[Person],
    posts: Sequence[Post],
    retweets: set[Edge],
    author: int,
    at: UnixMs,
) -> Post:
    """Return a post; `retweets` are (author, original) so far: nobody does that twice."""
    about = len(posts) - 1 - below(random, min(len(posts), RECENT_POSTS)) if posts else None
    what = random.random()
    if about is not None and what < RETWEETS:
        original = posts[about].retweet_of
        original = about if original is None else original
        if (author, original) not in retweets:
            retweets.add((author, original))
            return Post(author, at, "", retweet_of=original)
    friend = people[below(random, len(people))].username
    text = write_text(random, people[author].topics, friend)
    answers = about is not None and posts[about].retweet_of is None
    if answers and what < RETWEETS + REPLIES:
        return Post(author, at, text, reply_to=about)
    return Post(author, at, text)


def invent_likings(random: Random, posts: Sequence[Post], follows: Sequence[Edge]) -> list[Liking]:
    """Return favorites of posts by followers of their authors: few have many (Pareto)."""
    followers: dict[int, list[int]] = {}
    for follower, followee in follows:
        followers.setdefault(followee, []).append(follower)
    likings: dict[Edge, Liking] = {}
    for number, post in enumerate(posts):
        fans = followers.get(post.author, [])
        count = min(len(fans), int(0.7 / (1.0 - random.random()) ** 0.7))
        for _ in range(0 if post.retweet_of is not None else count):
            who = fans[below(random, len(fans))]
            at = UnixMs(post.at + below(random, MOST_LATE_MS))
            likings.setdefault((who, number), Liking(who, number, at))
    return sorted(likings.values(), key=lambda liking: liking.at)


def _running_total(weights: Sequence[float]) -> list[float]:
    totals, total = [], 0.0
    for weight in weights:
        total += weight
        totals.append(total)
    return totals


def _pick(random: Random, totals: Sequence[float]) -> int:
    wanted, low, high = random.random() * totals[-1], 0, len(totals) - 1
    while low < high:
        middle = (low + high) // 2
        if totals[middle] <= wanted:
            low = middle + 1
        else:
            high = middle
    return low


def _moment(random: Random, start: UnixMs, until: UnixMs) -> UnixMs:
    """Return a time at which people are awake: hours from 7 to 23 UTC are four times as likely."""
    while True:
        at = start + below(random, until - start)
        hour = at % DAY_MS // 3_600_000
        if 7 <= hour < 23 or random.random() < 0.25:
            return UnixMs(at)


def plan(
    *,
    users: int,
    days: int,
    seed: int,
    until: UnixMs,
    labels: Sequence[str] | None = None,
    edges: Sequence[Edge] | None = None,
    texts: Sequence[str] | None = None,
) -> Community:
    """Return a whole community. `labels` and `edges` are a given graph, `texts` given tweets."""
    # A stream of its own for each part: more tweets do not change who follows whom.
    people = invent_people(Random(f"people {seed}"), labels, users)
    follows = (
        list(edges) if edges is not None else invent_follows(Random(f"follows {seed}"), len(people))
    )
    followers = [0] * len(people)
    for _, followee in follows:
        followers[followee] += 1
    start = UnixMs(until - days * DAY_MS)
    posts = invent_posts(Random(f"posts {seed}"), people, followers, texts, start, until)
    # Who brings their own tweets gets just those.
    likings = []
    if texts is None:
        likings = invent_likings(Random(f"likings {seed}"), posts, follows)
    return Community(people, follows, posts, likings, UnixMs(start - DAY_MS), until)
