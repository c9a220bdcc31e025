"""Check: reads a whole store and says where its rows contradict one another (`chirp check`).

Nothing is changed. Tables are read in chunks, each against the rows that it implies, so memory is
bounded by a chunk, by the problems and by the events that the index consumer has not applied.
Nobody may write to the store meanwhile. The invariants stand in `chirp.storage.checks`.
"""

from __future__ import annotations

from chirp.storage.checks.answers import check_answers
from chirp.storage.checks.counters import check_counters
from chirp.storage.checks.directory import (
    check_accounts,
    check_keys,
    check_names,
    check_user_keys,
)
from chirp.storage.checks.journals import check_journal
from chirp.storage.checks.marks import check_marks, check_orders
from chirp.storage.checks.media import check_media
from chirp.storage.checks.moderation import (
    check_actions,
    check_flags,
    check_invites,
    check_waiting,
)
from chirp.storage.checks.newest import check_newest
from chirp.storage.checks.pending import read_pending
from chirp.storage.checks.reading import Problem, Progress, Reading, Report
from chirp.storage.checks.relations import check_relations
from chirp.storage.checks.repair import repair_store
from chirp.storage.checks.tweets import check_lists, check_tweets, check_versions
from chirp.storage.checks.users import check_users
from chirp.storage.store import Store

__all__ = ["Problem", "Progress", "Report", "check_store", "repair_store"]


async def check_store(
    store: Store, *, deep: bool = False, progress: Progress = lambda _done, _total: None
) -> Report:
    """Return every contradiction between the rows of `store`. O(rows), 5 to 20 µs a row.

    `deep`: also pack every record and event again and compare the bytes.
    """
    pending = await read_pending(store.engine)
    reading = Reading(store.engine, pending, deep=deep, progress=progress)
    for check in (check_tweets, check_lists, check_versions, check_marks, check_orders):
        await check(reading)
    for check in (check_relations, check_counters, check_newest, check_users, check_answers):
        await check(reading)
    for check in (check_accounts, check_names, check_keys, check_user_keys):
        await check(reading)
    for check in (check_waiting, check_invites, check_flags, check_actions, check_media):
        await check(reading)
    for source in range(store.engine.sources):
        await check_journal(reading, source)
    return reading.report
