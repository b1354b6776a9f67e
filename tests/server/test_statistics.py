"""Statistics: counts and durations, as Triton's extension tells them."""

import time
from threading import Thread
from typing import Any

import pytest

from cutpoint.server.served_request import Outcome, ServedRequest
from cutpoint.server.statistics import Statistics


def told(statistics: Statistics, *requests: ServedRequest) -> Any:
    """Give what is told of the first request's name after all of them."""
    for request in requests:
        statistics.observe(request)
    return statistics.message(requests[0].name)


def answer(
    wait_s: float = 0.0, tail_s: float = 0.0, other_s: float = 0.0, batch: float = 1.0
) -> ServedRequest:
    """Give an answered request of model ``m``."""
    return ServedRequest("m", "m", "server-only", "ok", wait_s, tail_s, other_s, batch)


def test_decoding_prepares_an_input() -> None:
    """It is part of what Triton calls compute input, and of success."""
    request = ServedRequest(
        "m", "m", "server-only", "ok", 0.25, 0.5, 0.125, 2.0, decode_s=0.5, decoded_bytes=400
    )
    message = told(Statistics(), request)
    assert message.inference_stats.compute_input.ns == 625_000_000
    assert message.inference_stats.success.ns == 1_375_000_000
    assert message.batch_stats[0].compute_input.ns == 625_000_000


def test_answers_are_counted_with_their_parts() -> None:
    """Counts are exact, durations are sums in nanoseconds, success is all of the parts."""
    before_ms = time.time_ns() // 1_000_000
    message = told(
        Statistics(),
        answer(0.25, 0.5, 0.125),
        answer(0.0, 0.5, 0.0),
        ServedRequest("m", "m", "server-only", "failed", 1.5, 0.5),
    )
    assert (message.name, message.version) == ("m", "1")
    assert (message.inference_count, message.execution_count) == (2, 2)
    assert before_ms <= message.last_inference <= time.time_ns() // 1_000_000
    stats = message.inference_stats
    parts = {
        name: (getattr(stats, name).count, getattr(stats, name).ns)
        for name in ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output")
    }
    assert parts == {
        "success": (2, 1_375_000_000),
        "fail": (1, 2_000_000_000),
        "queue": (2, 250_000_000),
        "compute_input": (2, 125_000_000),
        "compute_infer": (2, 1_000_000_000),
        "compute_output": (2, 0),
    }
    (batch,) = message.batch_stats
    assert (batch.batch_size, batch.compute_infer.count) == (1, 2)
    assert batch.compute_infer.ns == 1_000_000_000


def test_what_ran_together_is_one_execution() -> None:
    """Eight requests in two batches of four and three alone: eleven answers of five executions."""
    together = [answer(tail_s=0.5, batch=4.0) for _ in range(8)]
    message = told(Statistics(), *together, *[answer(tail_s=0.25) for _ in range(3)])
    assert (message.inference_count, message.execution_count) == (11, 5)
    batches = {
        each.batch_size: (each.compute_infer.count, each.compute_infer.ns)
        for each in message.batch_stats
    }
    assert batches == {1: (3, 750_000_000), 4: (2, 1_000_000_000)}
    assert message.inference_stats.compute_infer.ns == 4_750_000_000


def test_part_of_a_batch_is_an_execution_too() -> None:
    """Where other tails' requests made up the batch, what ran is counted all the same."""
    message = told(Statistics(), answer(tail_s=0.5, batch=2.6))
    assert (message.inference_count, message.execution_count) == (1, 1)
    assert [each.batch_size for each in message.batch_stats] == [3]


@pytest.mark.parametrize("outcome", ["rejected", "late", "cancelled", "failed", "invalid"])
def test_every_other_end_is_a_failure(outcome: Outcome) -> None:
    """A request without an answer counts as failed and as no inference."""
    message = told(Statistics(), ServedRequest("m", "m.tail", "c", outcome, 0.5))
    assert message.name == "m.tail"
    assert (message.inference_stats.fail.count, message.inference_stats.fail.ns) == (1, 5 * 10**8)
    assert (message.inference_count, message.execution_count, message.last_inference) == (0, 0, 0)


def test_a_model_nobody_asked_has_counted_nothing() -> None:
    """Asking for statistics makes none up."""
    message = Statistics().message("quiet", "7")
    assert (message.name, message.version, message.inference_count) == ("quiet", "7", 0)
    assert message.last_inference == 0
    assert message.inference_stats.success.count == 0
    assert not message.batch_stats


def test_names_of_nothing_are_not_kept() -> None:
    """A client that asks for a thousand names that mean nothing leaves no trace."""
    statistics = Statistics()
    for number in range(1000):
        statistics.observe(ServedRequest("", f"name{number}", "", "invalid"))
    assert statistics.message("name1").inference_stats.fail.count == 0
    assert not statistics._models


def test_names_of_versions_long_gone_are_forgotten() -> None:
    """Tails whose names change with every reload do not add up for ever."""
    statistics = Statistics()
    for number in range(3000):
        statistics.observe(ServedRequest("m", f"m.{number}", "c", "ok"))
    assert len(statistics._models) == 1024
    assert statistics.message("m.2999").inference_count == 1
    assert statistics.message("m.0").inference_count == 0


def test_models_are_counted_apart_and_no_count_is_lost() -> None:
    """Eight threads count at the same time; every answer is there, under its own model."""
    statistics = Statistics()

    def count(model: str) -> None:
        for _ in range(500):
            statistics.observe(ServedRequest(model, model, "", "ok", tail_s=0.001, batch=2.0))
            statistics.observe(ServedRequest(model, model, "", "failed"))

    threads = [Thread(target=count, args=(f"m{i % 2}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for model in ("m0", "m1"):
        message = statistics.message(model)
        stats = message.inference_stats
        assert (stats.success.count, stats.fail.count) == (2000, 2000)
        assert message.execution_count == 1000
