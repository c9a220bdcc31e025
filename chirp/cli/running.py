"""How commands run asynchronous work: on uvloop, with plain logging to standard error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end on a new uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def log_to_stderr(level: int = logging.INFO) -> None:
    """Log one line an event, with time and severity."""
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(message)s")
