"""Metrics: every request is counted once, with the labels it may have and no others."""

import sys
from collections import Counter
from threading import Barrier, Thread
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from cutpoint.exceptions import MissingDependencyError
from cutpoint.server.metrics import LATENCY_BUCKETS_S, Metrics
from cutpoint.server.served_request import ServedRequest

OUTCOMES = ("ok", "rejected", "late", "cancelled", "failed", "invalid")


def metrics() -> Metrics:
    """Give metrics of a server without models, with a queue of three."""
    catalog = SimpleNamespace(endpoints=tuple)
    queue = SimpleNamespace(pending=2, waiting=1, busy=1, num_workers=1, max_waiting=3)
    return Metrics(catalog, queue, lambda: True, "1.2.3")


def told(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Give every number that is shown, by its name and its labels' values in order."""
    text = metrics.text()[0].decode()
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def total(shown: dict[tuple[str, ...], float], name: str, *labels: str) -> float:
    """Give the sum of a metric over whatever labels are not given."""
    return sum(
        value for key, value in shown.items() if key[0] == name and set(labels) <= set(key[1:])
    )


requests = st.builds(
    ServedRequest,
    model=st.sampled_from(["m", "n", ""]),
    name=st.text(max_size=5),
    cut=st.sampled_from(["server-only", "0123456789ab", "ba9876543210"]),
    outcome=st.sampled_from(OUTCOMES),
    wait_s=st.floats(0, 20),
    tail_s=st.floats(0, 20),
    other_s=st.floats(0, 20),
    batch=st.floats(1, 40),
    received_bytes=st.integers(0, 1 << 30),
    sent_bytes=st.integers(0, 1 << 30),
    idle_s=st.floats(0, 20),
    reason=st.sampled_from(["", "ModelError", "OverloadedError", "a\nlie"]),
)


@settings(max_examples=30)
@given(st.lists(requests, max_size=30))
def test_every_request_is_counted_once(served: list[ServedRequest]) -> None:
    """Outcomes add up to the requests, refusals to their reasons, histograms to the answers."""
    one = metrics()
    for request in served:
        one.observe(request)
    shown = told(one)
    outcomes = Counter(request.outcome for request in served)
    for outcome in OUTCOMES:
        assert total(shown, "cutpoint_requests_total", outcome) == outcomes[outcome]
    assert total(shown, "cutpoint_requests_total") == len(served)
    refused = outcomes["rejected"] + outcomes["late"] + outcomes["invalid"]
    assert total(shown, "cutpoint_rejects_total") == refused
    for part in ("wait", "compute", "copy", "latency"):
        assert total(shown, f"cutpoint_{part}_seconds_count") == outcomes["ok"]
    assert total(shown, "cutpoint_batch_size_count") == outcomes["ok"]
    received = sum(request.received_bytes for request in served)
    assert total(shown, "cutpoint_received_bytes_total") == received
    sent = sum(request.sent_bytes for request in served if request.outcome == "ok")
    assert total(shown, "cutpoint_sent_bytes_total") == sent
    assert {key[1] for key in shown if key[0] == "cutpoint_rejects_total"} == {
        "queue_full", "not_ready", "deadline", "unknown_model", "other_model", "malformed",
        "not_allowed", "other",
    }  # fmt: skip


def test_no_count_is_lost_between_threads() -> None:
    """Eight threads that begin together on series nobody has seen yet lose nothing."""
    one = metrics()
    barrier = Barrier(8)

    def count() -> None:
        barrier.wait()
        for number in range(300):
            cut = f"{number % 3:012x}"
            one.observe(
                ServedRequest("m", "m", cut, OUTCOMES[number % 6], tail_s=0.01, idle_s=0.01)
            )

    threads = [Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shown = told(one)
    assert total(shown, "cutpoint_requests_total") == 2400
    for outcome in OUTCOMES:
        assert total(shown, "cutpoint_requests_total", outcome) == 400


def test_latencies_fall_into_their_buckets() -> None:
    """A bucket counts what took up to its upper end, in seconds."""
    one = metrics()
    for latency_s in (0.0005, 0.004, 0.3, 60.0):
        one.observe(ServedRequest("m", "m", "server-only", "ok", tail_s=latency_s))
    shown = told(one)
    counts = {
        end: shown["cutpoint_latency_seconds_bucket", "whole", str(end), "m"]
        for end in LATENCY_BUCKETS_S
    }
    assert (counts[0.001], counts[0.005], counts[0.2], counts[0.3], counts[10.0]) == (1, 2, 2, 3, 3)
    assert shown["cutpoint_latency_seconds_bucket", "whole", "+Inf", "m"] == 4
    assert LATENCY_BUCKETS_S[0] == 0.001
    assert LATENCY_BUCKETS_S[-1] == 10.0


def test_series_are_bounded() -> None:
    """A thousand cuts, or names of nothing, make no more series than may be; none is lost."""
    one = metrics()
    for number in range(1000):
        one.observe(ServedRequest("m", "m", f"{number:012x}", "ok"))
        one.observe(ServedRequest("", f"name{number}\n", "x", "invalid"))
    shown = told(one)
    series = [key for key in shown if key[0] == "cutpoint_requests_total"]
    assert len(series) == 256 + 1
    assert total(shown, "cutpoint_requests_total") == 2000
    assert total(shown, "cutpoint_requests_total", "(unknown)") == 1000
    assert not any("name" in label for key in series for label in key)


def test_the_slow_down_follows_what_answers_took() -> None:
    """Answers of three times the idle server's time show as about three."""
    one = metrics()
    endpoint = SimpleNamespace(
        name="m",
        model=SimpleNamespace(name="m", graph=SimpleNamespace(sha256="ab" * 32)),
        cut=SimpleNamespace(id="server-only"),
    )
    one.gauges._catalog = SimpleNamespace(endpoints=lambda: (endpoint,))
    for _ in range(60):
        one.observe(ServedRequest("m", "m", "server-only", "ok", tail_s=0.3, idle_s=0.1))
    assert told(one)["cutpoint_slowdown_ratio", "m"] == pytest.approx(3.0)


def test_what_is_now_is_asked_when_somebody_looks() -> None:
    """Queue, workers, reloads, loading models and watched numbers are those of the scrape."""
    one = metrics()
    one.loading(2)
    one.reloaded(is_good=True)
    one.reloaded(is_good=False)
    one.reloaded(is_good=False)
    streams = [3]
    one.watch("streams", "Streams that are open.", lambda: streams[0])
    shown = told(one)
    streams[0] = 5
    assert told(one)["cutpoint_streams",] == 5
    expected = {
        ("cutpoint_streams",): 3,
        ("cutpoint_queue_waiting",): 1,
        ("cutpoint_queue_capacity",): 3,
        ("cutpoint_workers",): 1,
        ("cutpoint_workers_busy",): 1,
        ("cutpoint_requests_pending",): 2,
        ("cutpoint_models", "loading"): 2,
        ("cutpoint_models", "ready"): 0,
        ("cutpoint_reloads_total", "good"): 1,
        ("cutpoint_reloads_total", "bad"): 2,
        ("cutpoint_ready",): 1,
    }
    assert expected.items() <= shown.items()
    assert shown["process_resident_memory_bytes",] > 1e6
    assert shown["process_open_fds",] > 0
    assert [key[2] for key in shown if key[0] == "cutpoint_build_info"] == ["1.2.3"]


def test_nothing_tells_when_it_was_made() -> None:
    """Times of creation, one more line for each series, are left out of both formats."""
    one = metrics()
    one.observe(ServedRequest("m", "m", "server-only", "ok"))
    for accept in ("", "application/openmetrics-text; version=1.0.0"):
        text, content_type = one.text(accept)
        assert b"_created" not in text
        assert content_type.startswith("application/openmetrics" if accept else "text/plain")


def test_servers_in_one_process_do_not_mix() -> None:
    """What one counts another does not show."""
    one, other = metrics(), metrics()
    one.observe(ServedRequest("m", "m", "server-only", "ok"))
    assert total(told(other), "cutpoint_requests_total") == 0


def test_without_the_library_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install; serving without a port for metrics needs none of it."""
    gone: Any = None
    monkeypatch.setitem(sys.modules, "prometheus_client", gone)
    with pytest.raises(MissingDependencyError, match=r"pip install 'cutpoint\[server\]'"):
        metrics()


def test_decoding_is_shown_of_requests_that_came_encoded() -> None:
    """Those that came raw are no zeros among its times."""
    shown = metrics()
    for decode_s, decoded_bytes in ((0.0, 0), (0.004, 4000)):
        shown.observe(
            ServedRequest(
                "m", "m", "server-only", "ok", 0.001, 0.01, 0.0, 1.0, 1000, 40,
                decode_s=decode_s, decoded_bytes=decoded_bytes,
            )
        )  # fmt: skip
    found = told(shown)
    assert total(found, "cutpoint_decode_seconds_count") == 1
    assert total(found, "cutpoint_decode_seconds_sum") == pytest.approx(0.004)
    assert total(found, "cutpoint_decoded_bytes_total") == 4000
    assert total(found, "cutpoint_received_bytes_total") == 2000
    assert total(found, "cutpoint_latency_seconds_sum") == pytest.approx(2 * 0.011 + 0.004)
