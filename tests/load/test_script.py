"""What a load asks for: decided by the seed, in the mix's proportions."""

from __future__ import annotations

from collections import Counter

import pytest

from chirp.load.mixes import MIXES, Operation
from chirp.load.script import Choice, Person, Request, Script

PEOPLE = [Person(f"p{number}", f"key{number}") for number in range(40)]


def script(mix: str = "requirements", *, skew: float = 0.0, seed: str = "1/0") -> Script:
    made = Script(MIXES[mix], PEOPLE, Choice(skew), seed)
    made.tweets.extend([b"11", b"12"])
    return made


def first(made: Script, count: int) -> list[Request]:
    return [made.next() for _ in range(count)]


@pytest.mark.parametrize("mix", MIXES)
def test_the_seed_decides_and_the_shares_hold(mix: str) -> None:
    assert sum(MIXES[mix].values()) == 100
    once = first(script(mix), 10_000)
    assert once == first(script(mix), 10_000)
    if len(MIXES[mix]) > 1:
        assert once != first(script(mix, seed="2/0"), 10_000)
    counts = Counter(request.operation for request in once)
    assert set(counts) == set(MIXES[mix])
    for operation, share in MIXES[mix].items():
        assert abs(counts[operation] - 100 * share) < 5 * (100 * share) ** 0.5


def test_processes_of_one_run_ask_for_different_things() -> None:
    mine, other = first(script(seed="1/0"), 50), first(script(seed="1/1"), 50)
    assert [one.data for one in mine] != [one.data for one in other]


def askers(skew: float, seed: str = "1/0") -> Counter[bytes]:
    asked = first(script("home", skew=skew, seed=seed), 8_000)
    return Counter(request.data.split(b"X-API-Key: ")[1].split(b"\r")[0] for request in asked)


def test_people_are_chosen_uniformly_or_by_zipf() -> None:
    even, skewed = askers(0.0), askers(1.0)
    assert len(even) == len(PEOPLE)
    assert max(even.values()) < 2 * min(even.values())
    weights = sorted(skewed.values(), reverse=True)
    assert 1.5 < weights[0] / weights[1] < 2.7
    # All processes of a run have the same favourites.
    other = askers(1.0, seed="1/1")
    assert other.most_common(1)[0][0] == skewed.most_common(1)[0][0]


@pytest.mark.parametrize("mix", MIXES)
def test_requests_are_whole(mix: str) -> None:
    for request in first(script(mix), 500):
        head, _, body = request.data.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        method = lines[0].split(b" ")[0]
        assert method == (b"POST" if request.operation in _CHANGES else b"GET")
        lengths = [int(line[16:]) for line in lines if line.startswith(b"Content-Length: ")]
        assert lengths == ([len(body)] if method == b"POST" else [])


_CHANGES = {Operation.POST, Operation.FAVORITE, Operation.FOLLOW, Operation.REGISTER}


def test_without_any_tweet_timelines_are_read_instead() -> None:
    made = Script({Operation.FAVORITE: 100}, PEOPLE, Choice(), "1/0")
    assert made.next().operation is Operation.HOME
