import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, current_thread
from typing import Any

import numpy as np
import pytest

from cutpoint.client.accuracy_check import AccuracyCheck
from cutpoint.cost.tolerance import Tolerance, tolerance_named, tolerance_of
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.graph import Arrays, Cut, cut_at, server_only

FIRST = 10
"""Checks that every cut and codec begins with."""


@pytest.fixture
def segments(six_convs: Path) -> Segments:
    """Give the tiny model cut behind its third pooling; one of its outputs leaves before."""
    graph = load_graph(ModelFile.open(six_convs))
    return Segments(graph, [cut_at(graph, ["pool3"])])


@pytest.fixture
def cut(segments: Segments) -> Cut:
    """Give its cut."""
    return segments.cuts[0]


@pytest.fixture
def values(segments: Segments) -> Arrays:
    """Give everything an image makes of itself."""
    image = np.random.default_rng(0).random((1, 3, 64, 64), np.float32)
    return segments.run(segments.segments, {"image": image}).values


class Told:
    """Collects what is told of drifts."""

    def __init__(self) -> None:
        self.drifts: list[tuple[str, str, float, int]] = []
        self.threads: set[str] = set()

    def __call__(self, cut: Cut, codec: str, error: float, checks: int) -> None:
        """Take note."""
        self.threads.add(current_thread().name)
        self.drifts.append((cut.id, codec, error, checks))


@contextmanager
def opened(
    segments: Segments, told: Told, rate: float = 1.0, tolerance: Tolerance | None = None
) -> Iterator[AccuracyCheck]:
    """Give a check, and end it."""
    judge = tolerance or tolerance_named("l2:0.01")
    check = AccuracyCheck(segments, judge, rate, told, seed=1)
    try:
        yield check
    finally:
        check.close()


def looked_at(check: AccuracyCheck, cut: Cut, values: Arrays, off: float = 0.0) -> bool:
    """Hand over an inference whose outputs are so far off, and wait until that is over."""
    crossing = {name: values[name] for name in cut.crossing}
    outputs = {
        "brightest": values["brightest"],
        "classes": values["classes"] * np.float32(1 + off),
    }
    is_taken = check.consider(cut, "uint8", crossing, outputs)
    assert check.wait_until_idle(20)
    return is_taken


def test_what_is_exact_never_drifts(segments: Segments, cut: Cut, values: Arrays) -> None:
    """However often it is looked at."""
    told = Told()
    with opened(segments, told) as check:
        assert all(looked_at(check, cut, values) for _ in range(50))
        assert check.num_checks == 50
    assert told.drifts == []


def test_a_shift_is_told_once_with_what_it_did(
    segments: Segments, cut: Cut, values: Arrays
) -> None:
    """On the check's own thread; of what was seen since it began; and looked at no more."""
    told = Told()
    with opened(segments, told) as check:
        for _ in range(20):
            looked_at(check, cut, values)
        num = next(i for i in range(20) if looked_at(check, cut, values, off=0.3) and told.drifts)
        assert num < 8
        assert not looked_at(check, cut, values, off=0.3)
    ((cut_id, codec, error, checks),) = told.drifts
    assert (cut_id, codec) == (cut.id, "uint8")
    assert error == pytest.approx(0.3, rel=1e-3)
    assert checks == 21 + num
    assert told.threads == {"cutpoint-check"}


def test_a_share_is_looked_at(segments: Segments, cut: Cut, values: Arrays) -> None:
    """The first ones all, then about as many as was asked for; none at a rate of zero."""
    told = Told()
    with opened(segments, told, rate=0.1) as check:
        taken = [looked_at(check, cut, values) for _ in range(600)]
    assert all(taken[:FIRST])
    assert 30 <= sum(taken[FIRST:]) <= 95
    with opened(segments, told, rate=0.0) as check:
        assert not any(looked_at(check, cut, values, off=0.5) for _ in range(50))


def test_suspicion_looks_at_every_one(segments: Segments, cut: Cut, values: Arrays) -> None:
    """After one bad answer the next are looked at whatever the rate, until they are good."""
    told = Told()
    with opened(segments, told, rate=0.02, tolerance=tolerance_named("l2:0.01:0.99")) as check:
        for _ in range(FIRST):
            looked_at(check, cut, values)
        num_before = next(i for i in range(2000) if looked_at(check, cut, values, off=0.3))
        assert num_before > 3  # not every one was looked at before
        assert all(looked_at(check, cut, values) for _ in range(3))
        assert sum(looked_at(check, cut, values) for _ in range(60)) < 30
    assert told.drifts == []


def test_another_drift_makes_it_suspicious(segments: Segments, cut: Cut, values: Arrays) -> None:
    """When one codec has drifted, the others are looked at closely."""
    told = Told()
    crossing = {name: values[name] for name in cut.crossing}
    outputs = {name: values[name] for name in ("brightest", "classes")}
    with opened(segments, told, rate=0.01) as check:
        taken = []
        for _ in range(60):
            taken.append(check.consider(cut, "float16", crossing, outputs))
            check.wait_until_idle(20)
        assert not all(taken[FIRST:])
        while not told.drifts:
            looked_at(check, cut, values, off=0.5)
        for _ in range(FIRST):
            assert check.consider(cut, "float16", crossing, outputs)
            check.wait_until_idle(20)


def test_it_is_skipped_while_it_is_busy(segments: Segments, cut: Cut, values: Arrays) -> None:
    """Nothing queues up, and nobody waits."""
    told, is_judging, may_end = Told(), Event(), Event()

    def slow(exact: Arrays, got: Arrays) -> float:
        is_judging.set()
        assert may_end.wait(20)
        return 0.0

    crossing = {name: values[name] for name in cut.crossing}
    outputs = {name: values[name] for name in ("brightest", "classes")}
    with opened(segments, told, tolerance=tolerance_of(slow)) as check:
        assert check.consider(cut, "uint8", crossing, outputs)
        assert is_judging.wait(20)
        assert not check.consider(cut, "uint8", crossing, outputs)
        may_end.set()
        assert check.wait_until_idle(20)
        assert check.num_checks == 1


def test_what_the_caller_overwrites_is_not_judged(segments: Segments, values: Arrays) -> None:
    """Inputs and outputs are copied when they are taken: a camera writes the next frame there."""
    told, may_begin = Told(), Event()
    whole = server_only(segments.graph)
    image, outputs = values["image"].copy(), {"classes": values["classes"].copy()}
    outputs["brightest"] = values["brightest"].copy()

    def patient(exact: Arrays, got: Arrays) -> float:
        return 0.0 if all(np.allclose(exact[n], got[n], rtol=1e-3) for n in exact) else 9.0

    with opened(segments, told, tolerance=tolerance_of(patient)) as check:
        run = segments.run

        def waiting(*arguments: Any, **settings: Any) -> Any:
            assert may_begin.wait(20)
            return run(*arguments, **settings)

        segments.run = waiting  # type: ignore[method-assign]
        assert check.consider(whole, "uint8", {"image": image}, outputs)
        image[:] = 9
        for array in outputs.values():
            array[:] = -1
        may_begin.set()
        assert check.wait_until_idle(20)
        (watched,) = check._watched.values()
        assert list(watched.errors) == [0.0]


def test_a_crossing_value_that_is_an_output_may_be_overwritten_too(
    model_of: Callable[..., Any], tmp_path: Path
) -> None:
    """It was given to the caller, and is what the rest is computed of."""
    path = tmp_path / "both.onnx"
    text = "(float[1,8] x) => (float[1,8] h, float[1,8] y) { h = Tanh (x) y = Exp (h) }"
    path.write_bytes(model_of(text).SerializeToString())
    graph = load_graph(ModelFile.open(path))
    held = Segments(graph, [cut_at(graph, ["h"])])
    values = held.run(held.segments, {"x": np.ones((1, 8), np.float32)}).values
    may_judge, run = Event(), held.run

    def waiting(*arguments: Any, **settings: Any) -> Any:
        assert may_judge.wait(20)
        return run(*arguments, **settings)

    with opened(held, Told()) as check:
        held.run = waiting  # type: ignore[method-assign]
        outputs = {name: values[name] for name in ("h", "y")}
        assert check.consider(held.cuts[0], "uint8", {"h": values["h"]}, outputs)
        values["h"][:] = 9
        may_judge.set()
        assert check.wait_until_idle(20)
        (watched,) = check._watched.values()
        assert list(watched.errors) == [0.0]


def test_outputs_that_the_head_made_are_there_to_be_judged(
    segments: Segments, cut: Cut, values: Arrays
) -> None:
    """A function is given every output, whichever side made it."""
    seen: list[tuple[set[str], set[str]]] = []

    def both(exact: Arrays, got: Arrays) -> float:
        seen.append((set(exact), set(got)))
        return 0.0

    with opened(segments, Told(), tolerance=tolerance_of(both)) as check:
        looked_at(check, cut, values)
    assert seen == [({"brightest", "classes"},) * 2]


def test_a_check_that_fails_is_said_and_the_next_is_made(
    segments: Segments, cut: Cut, values: Arrays, caplog: pytest.LogCaptureFixture
) -> None:
    """Values that the tail does not run on: no drift, no end."""
    told = Told()
    outputs = {name: values[name] for name in ("brightest", "classes")}
    with opened(segments, told) as check, caplog.at_level(logging.ERROR):
        assert check.consider(cut, "uint8", {"pool3": np.zeros(3, np.float32)}, outputs)
        check.wait_until_idle(20)
        assert check.num_checks == 0
        assert looked_at(check, cut, values)
        assert check.num_checks == 1
    assert "could not be checked" in caplog.text


def test_closing_from_its_own_thread_does_not_wait_for_itself(
    segments: Segments, cut: Cut, values: Arrays
) -> None:
    """A callback may close the session."""
    ended = Event()
    made: list[AccuracyCheck] = []

    def closing(*_: object) -> None:
        made[0].close()
        ended.set()

    made.append(AccuracyCheck(segments, tolerance_named("l2:0"), 1.0, closing, seed=0))
    for _ in range(20):
        crossing = {name: values[name] for name in cut.crossing}
        outputs = {name: values[name] + 1 for name in ("brightest", "classes")}
        made[0].consider(cut, "uint8", crossing, outputs)
        made[0].wait_until_idle(20)
    assert ended.wait(20)
    made[0].close()
