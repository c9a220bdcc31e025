"""All services, as the front ends get them."""

from __future__ import annotations

from dataclasses import dataclass

from chirp.services.accounts import Accounts
from chirp.services.blocks import Blocks
from chirp.services.export import Export
from chirp.services.follows import Follows
from chirp.services.lists import Lists
from chirp.services.media import MediaService
from chirp.services.moderation import Moderation
from chirp.services.own_account import OwnAccount
from chirp.services.people import PeopleSearch
from chirp.services.profiles import Profiles
from chirp.services.reactions import Reactions
from chirp.services.registrations import Registrations
from chirp.services.streams import Streams
from chirp.services.threads import Threads
from chirp.services.timelines import Timelines
from chirp.services.tweets import TweetService


@dataclass(frozen=True, slots=True)
class Services:
    """One method per use case, on the object whose noun it is."""

    accounts: Accounts
    own_account: OwnAccount
    registrations: Registrations
    moderation: Moderation
    profiles: Profiles
    follows: Follows
    blocks: Blocks
    tweets: TweetService
    reactions: Reactions
    threads: Threads
    lists: Lists
    timelines: Timelines
    streams: Streams
    media: MediaService
    people: PeopleSearch
    export: Export
