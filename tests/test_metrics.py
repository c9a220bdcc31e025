"""Figures: what /metrics must hold, in a form that Prometheus reads."""

from __future__ import annotations

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from chirp.http.exposition import Exposition
from chirp.metrics import Histogram, Metrics
from tests.support.web import Http


async def families(http: Http) -> dict[str, Metric]:
    answer = await http.get("//metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return {family.name: family for family in text_string_to_metric_families(answer.raw.decode())}


def value(family: Metric, **labels: str) -> float:
    found = [s.value for s in family.samples if labels.items() <= s.labels.items()]
    assert found, (family.name, labels)
    return found[0]


async def busy(http: Http) -> None:
    ada, bob = await http.chirp.register_many("ada", "bob")
    await http.chirp.follow(bob, ada)
    await http.get("/timeline/home", bob)
    for _ in range(3):
        await http.tweet(ada)
    await http.get("/timeline/home", bob)
    await http.get("/users/ada/tweets")
    await http.get("/nothing")


async def test_tweets_posted_are_counted(http: Http) -> None:
    await busy(http)
    assert value((await families(http))["chirp_tweets_posted"]) == 3


async def test_deliveries_and_their_lag_are_counted(http: Http) -> None:
    await busy(http)
    found = await families(http)
    assert value(found["chirp_deliveries"]) == 3
    lag = found["chirp_delivery_lag_seconds"]
    counts = [s.value for s in lag.samples if s.name.endswith("_count")]
    assert counts == [3]


async def test_the_time_of_each_timeline_is_measured(http: Http) -> None:
    await busy(http)
    family = (await families(http))["chirp_timeline_seconds"]
    counts = {s.labels["timeline"]: s.value for s in family.samples if s.name.endswith("_count")}
    assert counts == {"home": 2, "public": 0, "user": 1}


async def test_hits_and_misses_of_each_cache_are_there(http: Http) -> None:
    await busy(http)
    found = await families(http)
    for cache in ("tweets", "users", "followees", "followers", "homes", "viewers"):
        whats = {sample.labels["what"] for sample in found[f"chirp_cache_{cache}"].samples}
        assert {"hits", "misses", "weight_bytes", "budget_bytes"} <= whats
    assert value(found["chirp_cache_homes"], what="hits") >= 1


async def test_whether_the_store_takes_writes_is_a_figure(http: Http) -> None:
    assert value((await families(http))["chirp_storage"], what="writes_stopped") == 0
    http.chirp.engine.stop_writes("the disk is full")
    assert value((await families(http))["chirp_storage"], what="writes_stopped") == 1


async def test_processor_and_memory_are_there(http: Http) -> None:
    found = await families(http)
    assert value(found["chirp_cpu_seconds"]) > 0
    assert value(found["chirp_max_resident_bytes"]) > 1 << 20


async def test_requests_are_counted_by_route_and_status_never_by_path(http: Http) -> None:
    await busy(http)
    requests = (await families(http))["chirp_requests"]
    assert value(requests, route="/api/v1/tweet", status="201") == 3
    assert value(requests, route="unknown", status="404") == 1
    assert not any("nothing" in str(sample.labels) for sample in requests.samples)


async def test_rows_and_lag_are_there(http: Http) -> None:
    await busy(http)
    found = await families(http)
    assert value(found["chirp_rows"], what="tweets") == 3
    assert value(found["chirp_journal_lag"], what="index") == 0


def test_a_histogram_counts_up_and_ends_with_all() -> None:
    metrics = Metrics()
    for seconds in (0.0, 0.003, 5.0, 99.0):
        metrics.post_s.observe(seconds)
    text = Exposition(metrics, dict).render().decode()
    found = {f.name: f for f in text_string_to_metric_families(text)}["chirp_post_seconds"]
    buckets = [s.value for s in found.samples if s.name.endswith("_bucket")]
    assert buckets == sorted(buckets)
    assert buckets[-1] == 4


def test_the_quantile_is_the_bound_of_its_bucket() -> None:
    histogram = Histogram((1.0, 2.0, 4.0))
    assert histogram.quantile(0.5) == 0.0
    for seconds in (0.5, 0.5, 0.5, 3.0):
        histogram.observe(seconds)
    assert (histogram.quantile(0.5), histogram.quantile(0.99)) == (1.0, 4.0)
    histogram.observe(9.0)
    assert histogram.quantile(1.0) == float("inf")
