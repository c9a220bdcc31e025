"""What is asked for: published mixes of operations, in percent.

Sources: `requirements` are the rates that Chirp was asked to bear (R24 to R26: of 2.5 billion
operations 4 % posts, 40 % favorites, 16 % home and 40 % user timelines). `deathstarbench`: the
mixed workload of its social network. `benchbase`: BenchBase's Twitter. `retwis`: the mix of TAPIR.
"""

from __future__ import annotations

from enum import StrEnum


class Operation(StrEnum):
    """One kind of request."""

    HOME = "home"
    USER = "user"
    TWEET = "tweet"
    FOLLOWERS = "followers"
    POST = "post"
    FAVORITE = "favorite"
    FOLLOW = "follow"
    REGISTER = "register"


MIXES: dict[str, dict[Operation, int]] = {
    "requirements": {
        Operation.HOME: 16,
        Operation.USER: 40,
        Operation.FAVORITE: 40,
        Operation.POST: 4,
    },
    "deathstarbench": {Operation.HOME: 60, Operation.USER: 30, Operation.POST: 10},
    "benchbase": {
        Operation.USER: 90,
        Operation.FOLLOWERS: 7,
        Operation.TWEET: 1,
        Operation.HOME: 1,
        Operation.POST: 1,
    },
    "retwis": {
        Operation.HOME: 50,
        Operation.POST: 30,
        Operation.FOLLOW: 15,
        Operation.REGISTER: 5,
    },
    "home": {Operation.HOME: 100},
    "posts": {Operation.POST: 100},
}
"""By name. The last two are single questions."""
