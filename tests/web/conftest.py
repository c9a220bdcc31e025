"""People at browsers, on a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.surfing import Person
from tests.support.web import Http


@pytest.fixture
async def stranger(http: Http) -> AsyncIterator[Person]:
    async with Person(http) as person:
        yield person


@pytest.fixture
async def ada(http: Http) -> AsyncIterator[Person]:
    await http.register("ada")
    async with Person(http) as person:
        await person.sign_in("ada")
        yield person
