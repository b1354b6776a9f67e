"""Statistics: counts and durations, as Triton's extension tells them."""

import time
from threading import Thread

from cutpoint.server.statistics import Statistics


def test_answers_are_counted_with_their_parts() -> None:
    """Counts are exact, durations are sums in nanoseconds, success is all of the parts."""
    statistics = Statistics()
    before_ms = time.time_ns() // 1_000_000
    statistics.succeeded("m", wait_s=0.25, tail_s=0.5, other_s=0.125)
    statistics.succeeded("m", wait_s=0.0, tail_s=0.5, other_s=0.0)
    statistics.failed("m", 2.0)
    told = statistics.message("m")
    assert (told.name, told.version) == ("m", "1")
    assert (told.inference_count, told.execution_count) == (2, 2)
    assert before_ms <= told.last_inference <= time.time_ns() // 1_000_000
    stats = told.inference_stats
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
    (batch,) = told.batch_stats
    assert (batch.batch_size, batch.compute_infer.count) == (1, 2)
    assert batch.compute_infer.ns == 1_000_000_000


def test_a_model_nobody_asked_has_counted_nothing() -> None:
    """Asking for statistics makes none up."""
    told = Statistics().message("quiet")
    assert (told.name, told.inference_count, told.last_inference) == ("quiet", 0, 0)
    assert told.inference_stats.success.count == 0
    assert not told.batch_stats


def test_models_are_counted_apart_and_no_count_is_lost() -> None:
    """Eight threads count at the same time; every answer is there, under its own model."""
    statistics = Statistics()

    def count(model: str) -> None:
        for _ in range(500):
            statistics.succeeded(model, 0.0, 0.001, 0.0)
            statistics.failed(model, 0.001)

    threads = [Thread(target=count, args=(f"m{i % 2}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for model in ("m0", "m1"):
        stats = statistics.message(model).inference_stats
        assert (stats.success.count, stats.fail.count) == (2000, 2000)
