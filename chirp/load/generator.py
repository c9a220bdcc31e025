"""Sends what a script says, and measures: one process's part of a run.

Open loop: every request has a time at which it is due, and its latency counts from then, so that a
server that stalls cannot hide it by keeping the generator from asking (what Gil Tene named
"coordinated omission"). A request that is due while all connections are busy waits its turn, and
its latency grows. Closed loop: each connection asks again as soon as it was answered.

Invariant: every request that is due in the measured time is counted once: as an answer in `times`,
as an error, or as `unsent`.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter, deque
from contextlib import suppress
from math import inf

from chirp.load.histogram import Histogram
from chirp.load.mixes import Operation
from chirp.load.plan import WITHIN_S, Outcome, Plan
from chirp.load.script import Request, Script
from chirp.load.wire import Target, Wire, connect
from chirp.tasks import TaskRunner

_TWEET_ID = re.compile(rb'"tweet_id":"(\d+)"')
_AHEAD_S = 0.0005
_CREATES = {Operation.POST}


class Generator:
    """One run over some connections."""

    def __init__(self, plan: Plan, script: Script) -> None:
        self._plan = plan
        self._script = script
        self._target = Target.of(plan.url)
        self._free: list[Wire] = []
        self._wires: set[Wire] = set()
        self._under_way: dict[Wire, tuple[Request, float]] = {}
        self._waiting: deque[tuple[Request, float]] = deque()
        self._tasks = TaskRunner()
        self._idle = asyncio.Event()
        self._closing = False
        self._sent = 0
        # Not begun: nothing is due, and connections that are opened wait.
        self._began_s = self._from_s = self._until_s = inf
        self.outcome = Outcome(seconds=plan.seconds)

    async def run(self) -> Outcome:
        """Warm up, measure, and wait for what is under way. Raises: OSError: nobody is there."""
        for _ in range(self._plan.connections):
            await self._open()
        self._began_s = time.monotonic()
        self._from_s = self._began_s + self._plan.warmup_s
        self._until_s = self._from_s + self._plan.seconds
        self._tasks.start("watch", self._watch())
        if self._plan.rate:
            await self._send_when_due()
        else:
            for wire in self._free[:]:
                self._again(wire)
            await asyncio.sleep(self._until_s - time.monotonic())
        await self._drain()
        self._closing = True
        await self._tasks.close()
        for wire in self._wires:
            wire.close()
        return self.outcome

    async def _open(self) -> None:
        wire = await connect(self._target, self._answered)
        self._wires.add(wire)
        self._give(wire)

    # -- sending ------------------------------------------------------------------------

    async def _send_when_due(self) -> None:
        interval_s = 1 / self._plan.rate
        due_s = self._began_s
        while due_s < self._until_s:
            now_s = time.monotonic()
            if due_s - now_s > _AHEAD_S:
                await asyncio.sleep(due_s - now_s)
                continue
            self._send_or_wait(self._script.next(), due_s)
            self._sent += 1
            due_s = self._began_s + self._sent * interval_s
            if not self._sent % 64:
                # A generator that is behind must still hear the answers.
                await asyncio.sleep(0)

    def _send_or_wait(self, request: Request, due_s: float) -> None:
        if self._free:
            self._send(self._free.pop(), request, due_s)
        else:
            self._waiting.append((request, due_s))

    def _send(self, wire: Wire, request: Request, due_s: float) -> None:
        self._under_way[wire] = (request, due_s)
        if self._plan.rate and due_s >= self._from_s and not self._waiting:
            late_us = int((time.monotonic() - due_s) * 1e6)
            self.outcome.late_us = max(self.outcome.late_us, late_us)
        wire.send(request.data)

    def _again(self, wire: Wire) -> None:
        """Let a connection of a closed loop ask for the next."""
        if time.monotonic() < self._until_s and not self._closing:
            if wire in self._free:
                self._free.remove(wire)
            self._send(wire, self._script.next(), time.monotonic())

    def _give(self, wire: Wire) -> None:
        """Take back a connection that has nothing to do."""
        if self._waiting:
            self._send(wire, *self._waiting.popleft())
        elif self._plan.rate or self._began_s == inf:
            self._free.append(wire)
        else:
            self._again(wire)

    # -- answers ------------------------------------------------------------------------

    def _answered(self, wire: Wire, status: int, body: bytes) -> None:
        now_s = time.monotonic()
        request, due_s = self._under_way.pop(wire)
        if not self._under_way:
            self._idle.set()
        good = 200 <= status < 300
        if good and request.operation in _CREATES:
            found = _TWEET_ID.search(body)
            if found is not None:
                self._script.tweets.append(found[1])
        if self._from_s <= due_s < self._until_s:
            if good:
                self._record(request.operation, now_s, int((now_s - due_s) * 1e6))
            else:
                self._fail(request.operation, str(status) if status else "connection lost")
        if wire.lost:
            self._replace(wire)
        else:
            self._give(wire)

    def _record(self, operation: Operation, now_s: float, us: int) -> None:
        outcome = self.outcome
        times = outcome.times.get(operation)
        if times is None:
            times = outcome.times[operation] = Histogram()
        times.record(us)
        # What comes after the end belongs to the last second, in which it was due.
        second = int(min(now_s - self._from_s, self._plan.seconds - 0.001))
        while len(outcome.answered) <= second:
            outcome.answered.append(0)
            outcome.slowest_us.append(0)
        outcome.answered[second] += 1
        outcome.slowest_us[second] = max(us, outcome.slowest_us[second])

    def _fail(self, operation: Operation, kind: str) -> None:
        self.outcome.errors.setdefault(operation, Counter())[kind] += 1

    # -- connections that end -----------------------------------------------------------

    def _replace(self, wire: Wire) -> None:
        self._wires.discard(wire)
        if self._closing:
            return
        self._tasks.start("reopen", self._reopen())

    async def _reopen(self) -> None:
        """Open a connection, as soon as the server takes it again."""
        while not self._closing:
            try:
                await self._open()
            except OSError:
                await asyncio.sleep(0.1)
            else:
                return

    async def _watch(self) -> None:
        """Give up what has no answer for too long."""
        while True:
            await asyncio.sleep(0.5)
            limit_s = time.monotonic() - WITHIN_S
            late = [wire for wire, (_, due_s) in self._under_way.items() if due_s < limit_s]
            for wire in late:
                self._give_up(wire)

    def _give_up(self, wire: Wire) -> None:
        request, due_s = self._under_way.pop(wire)
        self._idle.set()
        if self._from_s <= due_s < self._until_s:
            self._fail(request.operation, "timeout")
        wire.close()
        self._replace(wire)

    async def _drain(self) -> None:
        """Wait for what is under way; what no connection took by then was never sent."""
        with suppress(TimeoutError):
            async with asyncio.timeout(WITHIN_S):
                while self._under_way or self._waiting:
                    self._idle.clear()
                    await self._idle.wait()
        left = [*self._under_way.values(), *self._waiting]
        self.outcome.unsent += sum(self._from_s <= due_s < self._until_s for _, due_s in left)
