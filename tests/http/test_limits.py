"""Rate limits: buckets that agree with a plain model, and whom a request counts against."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirp.config import Limits, Server
from chirp.errors import RateLimited
from chirp.http.limits import Buckets, Limiter
from chirp.rates import Rate
from tests.support.driver import PASSWORD, Driver, config
from tests.support.web import Answer, Http

SMALL = Limits(
    reads=Rate(3, 60),
    writes=Rate(2, 60),
    posts=Rate(2, 60),
    anonymous=Rate(4, 60),
    sign_ins=Rate(2, 60),
    address_sign_ins=Rate(5, 60),
    registrations=Rate(2, 60),
)


@asynccontextmanager
async def limited(limits: Limits = SMALL, proxies: str = "127.0.0.1") -> AsyncIterator[Http]:
    """Serve with small limits, behind a trusted proxy."""
    settings = replace(config(), limits=limits, server=Server(trusted_proxies=proxies))
    chirp = await Driver.open(settings=settings)
    async with Http(chirp) as http:
        yield http
    await chirp.close()


def of(address: str) -> dict[str, Any]:
    return {"headers": {"X-Forwarded-For": address}}


def left(answer: Answer) -> tuple[int, int]:
    """Return what the headers say: the limit and what is left."""
    headers = answer.headers
    return int(headers["X-RateLimit-Limit"]), int(headers["X-RateLimit-Remaining"])


class Model:
    """A bucket as a child would draw it: tokens that come back."""

    def __init__(self, most: int, window_s: int) -> None:
        self.most, self.window_s, self.tokens = most, window_s, Fraction(most)

    def wait(self, ms: int) -> None:
        back = Fraction(ms * self.most, 1000 * self.window_s)
        self.tokens = min(Fraction(self.most), self.tokens + back)

    def take(self) -> int | None:
        """Return how many whole tokens are left; None: there was none."""
        if self.tokens < 1:
            return None
        self.tokens -= 1
        return int(self.tokens)


@given(
    most=st.integers(1, 40),
    window_s=st.integers(1, 100),
    start_ms=st.integers(0, 10**9),
    waits=st.lists(st.integers(0, 9_000) | st.just(0), max_size=120),
)
def test_a_bucket_is_a_bucket(most: int, window_s: int, start_ms: int, waits: list[int]) -> None:
    buckets, model, now_ms = Buckets("reads", Rate(most, window_s)), Model(most, window_s), start_ms
    for wait_ms in waits:
        now_ms += wait_ms
        model.wait(wait_ms)
        found, retry_after_s = taken(buckets, now_ms / 1000)
        missing_s = (1 - model.tokens) * window_s / most
        assert found == model.take()
        assert retry_after_s == 0 or missing_s <= retry_after_s < missing_s + 2


def taken(buckets: Buckets, now_s: float) -> tuple[int | None, int]:
    """Take a token; return what is left, or None and when to come back."""
    try:
        return buckets.remaining(buckets.take("ada", now_s)), 0
    except RateLimited as refusal:
        return None, refusal.retry_after_s


@given(
    takes=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), max_size=200),
    room=st.integers(1, 12),
)
def test_buckets_are_bounded(takes: list[tuple[int, int]], room: int) -> None:
    buckets, now_s = Buckets("reads", Rate(2, 10), most_holders=room), 0
    for holder, wait_s in takes:
        now_s += wait_s
        try:
            buckets.take(holder, now_s)
        except RateLimited:
            continue
        finally:
            buckets.check()


def test_full_buckets_are_forgotten() -> None:
    buckets = Buckets("reads", Rate(2, 10))
    for holder in range(100):
        buckets.take(holder, 0.0)
    assert len(buckets) == 100
    for holder in range(100, 200):
        buckets.take(holder, 5.0 * (holder - 99))
    assert len(buckets) <= 2


def test_the_factor_is_for_defaults_and_zero_for_all() -> None:
    limits = Limits(factor=2, posts=Rate(7, 60))
    limiter = Limiter(limits)
    reads, posts = limiter.of("reads"), limiter.of("posts")
    assert reads is not None
    assert posts is not None
    assert (reads.rate, posts.rate) == (Rate(1800, 900), Rate(7, 60))
    assert limiter.words() == "rate limits are multiplied by 2"
    assert Limiter(replace(limits, factor=0)).of("posts") is None
    assert Limiter(replace(limits, factor=0)).words() == "rate limits are off"
    assert Limiter(Limits()).words() is None


@pytest.fixture
async def http(same_switch_interval: None) -> AsyncIterator[Http]:
    async with limited() as http:
        yield http


async def test_answers_say_what_is_left_and_when_all_is_back(http: Http) -> None:
    ada = await http.chirp.register("ada")
    for remaining, reset_s in ((2, 20), (1, 40), (0, 60)):
        answer = await http.get("/users/me", ada)
        assert left(answer) == (3, remaining)
        now_s = http.chirp.clock.now_ms() // 1000
        assert int(answer.headers["X-RateLimit-Reset"]) == now_s + reset_s


async def test_a_read_too_many_is_refused_until_a_token_is_back(http: Http) -> None:
    ada = await http.chirp.register("ada")
    for _ in range(3):
        assert (await http.get("/timeline/home", ada)).status == 200
    answer = await http.get("/users/me", ada)
    answer.refused(429)
    assert left(answer) == (3, 0)
    assert answer.headers["Retry-After"] == "20"
    http.chirp.clock.advance_ms(20_000)
    assert (await http.get("/users/me", ada)).status == 200
    assert (await http.get("/users/me", ada)).status == 429


async def test_groups_are_counted_apart(http: Http) -> None:
    ada, _bob = await http.chirp.register_many("ada", "bob")
    for status in (201, 201, 429):
        assert (await http.post("/tweet", {"tweet_data": "hi"}, ada)).status == status
    for status in (200, 200, 429):
        assert (await http.post("/users/bob/follow", None, ada)).status == status
    assert (await http.get("/users/me", ada)).status == 200


async def test_people_are_counted_apart(http: Http) -> None:
    ada, bob = await http.chirp.register_many("ada", "bob")
    assert [(await http.get("/users/me", ada)).status for _ in range(4)][-1] == 429
    assert (await http.get("/users/me", bob)).status == 200


async def test_a_second_key_is_no_second_bucket(http: Http) -> None:
    ada = await http.chirp.register("ada")
    secret = (await http.post("/keys", {"name": "two"}, ada)).json["api_dev_key"]
    for key in (ada, secret, ada):
        assert (await http.get("/users/me", key)).status == 200
    for key in (ada, secret):
        assert (await http.get("/users/me", key)).status == 429


async def test_a_new_session_is_no_new_bucket(http: Http) -> None:
    made = await http.register("ada")
    for _ in range(3):
        await http.get("/users/me", made["api_dev_key"])
    body = {"username": "ada", "password": PASSWORD}
    key = (await http.post("/sessions", body)).json["api_dev_key"]
    assert (await http.get("/users/me", key)).status == 429


async def test_keys_have_buckets_of_their_own_when_the_account_has_a_larger_one(
    same_switch_interval: None,
) -> None:
    async with limited(replace(SMALL, account_percent=200)) as http:
        ada = await http.chirp.register("ada")
        secret = (await http.post("/keys", {"name": "two"}, ada)).json["api_dev_key"]
        for status in (200, 200, 200, 429):
            assert (await http.get("/users/me", ada)).status == status
        for _ in range(3):
            assert (await http.get("/users/me", secret)).status == 200
        assert left(await http.get("/users/me", secret)) == (3, 0)


async def test_strangers_are_counted_by_address(http: Http) -> None:
    await http.chirp.register("ada")
    for status in (200, 200, 200, 200, 429):
        assert (await http.get("/users/ada", **of("192.0.2.1"))).status == status
    assert left(await http.get("/users/ada", **of("192.0.2.2"))) == (4, 3)


async def test_a_network_of_64_bits_is_one_stranger(http: Http) -> None:
    for status, host in ((404, "1"), (404, "2"), (404, "ffff"), (404, "a:b:c:d"), (429, "5")):
        assert (await http.get("/users/x", **of(f"2001:db8::{host}"))).status == status
    assert (await http.get("/users/x", **of("2001:db8:0:1::1"))).status == 404


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_wrong_keys_are_counted_by_address(http: Http, method: str) -> None:
    ada = await http.chirp.register("ada")
    for status in (401, 401, 401, 401, 429):
        answer = await http.ask(method, "/users/ada/follow", "chirp_no", **of("192.0.2.1"))
        assert answer.status == status
    assert (await http.get("/users/me", ada, **of("192.0.2.1"))).status == 200


async def test_a_key_in_the_body_counts_as_its_owner_alone(http: Http) -> None:
    ada = await http.chirp.register("ada")
    body = {"tweet_data": "hi", "api_dev_key": http.chirp.secrets[ada.user_id]}
    for status in (201, 201, 429):
        assert (await http.post("/tweet", body, **of("192.0.2.1"))).status == status
    assert left(await http.get("/users/ada", **of("192.0.2.1"))) == (4, 3)


async def test_garbage_without_a_key_is_counted_by_address(http: Http) -> None:
    for status in (400, 400, 400, 400, 429):
        assert (await http.post("/tweet", b"{", **of("192.0.2.1"))).status == status


async def test_passwords_are_guessed_slowly(http: Http) -> None:
    await http.register("ada")
    wrong = {"username": "ada", "password": "wrong-horse"}
    for number, status in enumerate((401, 401, 429, 429)):
        answer = await http.post("/sessions", wrong, **of(f"192.0.2.{number}"))
        assert answer.status == status
    right = {"username": "ADA", "password": PASSWORD}
    assert (await http.post("/sessions", right)).status == 429
    http.chirp.clock.advance_ms(30_000)
    assert (await http.post("/sessions", right)).status == 201


async def test_one_address_guesses_at_many_accounts_slowly(http: Http) -> None:
    for number in range(6):
        body = {"username": f"u{number}", "password": "wrong-horse"}
        answer = await http.post("/sessions", body, **of("192.0.2.1"))
        assert answer.status == (429 if number == 5 else 401)


async def test_an_address_registers_few_accounts(http: Http) -> None:
    await http.register("ada")
    await http.register("bob")
    body = {"username": "eve", "name": "Eve", "email": "e@x.org", "password": PASSWORD}
    answer = await http.post("/users", body)
    answer.refused(429)
    assert left(answer) == (2, 0)
    assert (await http.post("/users", body, **of("192.0.2.1"))).status == 201


async def test_what_operators_ask_is_not_limited(http: Http) -> None:
    for path in ("//healthz", "//readyz", "//metrics"):
        for _ in range(6):
            answer = await http.get(path)
            assert answer.status == 200
            assert "X-RateLimit-Limit" not in answer.headers


async def test_refusals_are_counted_by_group(http: Http) -> None:
    for _ in range(6):
        await http.get("/users/x")
    assert (
        'chirp_rate_limited_total{group="anonymous"} 2.0'
        in (await http.get("//metrics")).raw.decode()
    )


async def test_zero_switches_everything_off(same_switch_interval: None) -> None:
    async with limited(replace(SMALL, factor=0)) as http:
        ada = await http.chirp.register("ada")
        answers = [await http.get("/users/me", ada) for _ in range(9)]
        assert {answer.status for answer in answers} == {200}
        assert "X-RateLimit-Limit" not in answers[0].headers


async def test_forwarded_addresses_of_strangers_are_not_believed(
    same_switch_interval: None,
) -> None:
    async with limited(proxies="10.0.0.0/8") as http:
        for number in range(4):
            assert (await http.get("/users/x", **of(f"192.0.2.{number}"))).status == 404
        assert (await http.get("/users/x", **of("192.0.2.9"))).status == 429


async def test_only_the_last_address_that_a_proxy_adds_is_believed(http: Http) -> None:
    for number, status in enumerate((404, 404, 404, 404, 429)):
        chain = f"198.51.100.{number}, 192.0.2.1, 127.0.0.1"
        assert (await http.get("/users/x", **of(chain))).status == status
