"""Life in a running demo: some of its people go on posting, answering and favoriting, over HTTP."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from random import Random

from chirp.client import ChirpClient, ChirpClientError
from chirp.client.shapes import Tweet
from chirp.clock import Clock
from chirp.demo.community import below
from chirp.demo.texts import TOPICS, write_text

log = logging.getLogger(__name__)

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 10.0

POST, REPLY, QUOTE, RETWEET = 0.3, 0.45, 0.5, 0.6
"""Up to which throw of the dice each is done; above all of them somebody favorites."""

Friend = tuple[str, str]
"""A username and that account's key."""


class Life:
    """People who do something now and then. What is refused is let be."""

    def __init__(self, url: str, cast: Sequence[Friend], clock: Clock, random: Random) -> None:
        self._url = url
        self._cast = cast
        self._clock = clock
        self._random = random

    async def run(self) -> None:
        """Go on for ever."""
        while True:
            span_s = LONGEST_PAUSE_S - SHORTEST_PAUSE_S
            await self._clock.sleep(SHORTEST_PAUSE_S + span_s * self._random.random())
            try:
                await self.act()
            except ChirpClientError as error:
                log.debug("somebody in the demo was refused: %s", error)

    async def act(self) -> None:
        """Let somebody do one thing. Raises: ChirpClientError."""
        _, key = self._cast[below(self._random, len(self._cast))]
        async with ChirpClient(self._url, key, retries=0) as chirp:
            recent = (await chirp.public(limit=20).page()).data
            about = recent[below(self._random, len(recent))] if recent else None
            await self._do(chirp, about, self._random.random())

    async def _do(self, chirp: ChirpClient, about: Tweet | None, dice: float) -> None:
        if about is None or dice < POST:
            await chirp.post(self._text())
        elif dice < REPLY:
            await chirp.post(f"@{about.user.username} {self._text()}", in_reply_to=about.tweet_id)
        elif dice < QUOTE:
            await chirp.post(self._text(), quote_of=about.tweet_id)
        elif dice < RETWEET:
            await chirp.retweet(about.tweet_id)
        else:
            await chirp.favorite(about.tweet_id)

    def _text(self) -> str:
        names = sorted(TOPICS)
        topic = names[below(self._random, len(names))]
        friend, _ = self._cast[below(self._random, len(self._cast))]
        return write_text(self._random, (topic,), friend)
