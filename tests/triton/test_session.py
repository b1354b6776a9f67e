"""A session that is pointed at Triton: it finds what is there, uses it, and does without it."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import onnx
import pytest
import tritonclient.grpc as triton_client
from tests.client.conftest import wait_for_problem
from tests.triton.conftest import Exported, exported, values_of

from cutpoint import InferenceSession
from cutpoint.exceptions import ModelMismatchError
from cutpoint.graph import Arrays
from cutpoint.lab.equivalence import is_equal


def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    until_s = time.perf_counter() + 20
    while not is_so():
        assert time.perf_counter() < until_s
        time.sleep(0.02)


def feed_of(found: Exported) -> Arrays:
    """Give inputs of a model."""
    values = values_of(found.graph, ())
    return {name: values[name] for name in found.graph.inputs}


def check_run(session: InferenceSession, found: Exported, feed: Arrays) -> None:
    """Run one inference, and see that it gives what the device alone gives."""
    outputs = session.run(None, feed)
    wanted = values_of(found.graph, ())
    for name, output in zip(found.graph.outputs, outputs, strict=True):
        assert is_equal(output, wanted[name])


@pytest.mark.parametrize(("at", "placement"), [("pool1", "split"), ("server", "server")])
def test_a_session_finds_and_uses_what_was_exported(
    triton, six_convs_exported, at, placement
) -> None:
    """Tails by the names that it looks for, without a word about Triton."""
    feed = feed_of(six_convs_exported)
    with InferenceSession(six_convs_exported.path, server=triton.address, policy=at) as session:
        session.wait_until_ready(20)
        check_run(session, six_convs_exported, feed)
        assert session.last_record.placement == placement
        assert session._engine.server.unavailable is None


def test_tails_that_are_models_of_their_own_are_used_too(triton, branching_exported) -> None:
    """Several values cross, of several types."""
    with InferenceSession(
        branching_exported.path, server=triton.address, policy="joined,rows", sizes={"N": 1}
    ) as session:
        session.wait_until_ready(20)
        check_run(session, branching_exported, feed_of(branching_exported))
        assert session.last_record.placement == "split"


def test_load_is_found_in_the_statistics_of_the_segments(triton, six_convs_exported) -> None:
    """Wait and execution time of all that a tail runs through, others' requests among them."""
    feed = feed_of(six_convs_exported)
    client = triton_client.InferenceServerClient(triton.address)
    image = triton_client.InferInput("image", feed["image"].shape, "FP32")
    image.set_data_from_numpy(feed["image"])
    with InferenceSession(
        six_convs_exported.path, server=triton.address, policy="server"
    ) as session:
        session.wait_until_ready(20)
        load = session._engine.server._standing.transport._load
        assert len(load._steps["six_convs"]) == 3

        def is_told() -> bool:
            with ThreadPoolExecutor(6) as callers:
                others = [callers.submit(client.infer, "six_convs", [image]) for _ in range(12)]
                session.run(None, feed)
                assert all(other.result() is not None for other in others)
            report = load.told(load._clock())
            return report is not None and bool(report.wait_s) and bool(report.execution_s)

        until(is_told)
        report = load.told(load._clock())
        assert report.is_polled
        assert report.batch >= 1
        assert report.slowdown > 0
        assert all(execution_s > 0 for _, execution_s in report.execution_s)
        assert max(size for size, _ in report.execution_s) > 1
    client.close()


def test_another_model_under_the_name_is_never_used(own_triton, six_convs, tmp_path) -> None:
    """It answers otherwise than the device: that is said, and the device computes."""
    model = onnx.load(six_convs)
    weight = model.graph.initializer[0]
    turned = -onnx.numpy_helper.to_array(weight)
    weight.CopyFrom(onnx.numpy_helper.from_array(turned, weight.name))
    theirs = tmp_path / "theirs" / "six_convs.onnx"
    theirs.parent.mkdir()
    onnx.save(model, theirs)
    exported(theirs, tmp_path / "models", [])
    mine = exported(six_convs, tmp_path / "unused", [])
    triton = own_triton(tmp_path / "models")
    with InferenceSession(six_convs, server=triton.address, policy="server") as session:
        wait_for_problem(session, ModelMismatchError)
        assert "same model file" in str(session._engine.server.problem)
        check_run(session, mine, feed_of(mine))
        assert session.last_record.placement == "device"


def test_a_tail_that_is_unloaded_and_a_triton_that_is_killed_cost_no_answer(
    own_triton, six_convs, tmp_path: Path
) -> None:
    """The device finishes; what is there again is used again."""
    found = exported(six_convs, tmp_path / "models", [("pool1",)], layout="tails")
    (tail,) = found.repository.tails.values()
    triton, feed = own_triton(tmp_path / "models"), feed_of(found)
    with InferenceSession(six_convs, server=triton.address, policy="pool1") as session:
        session.wait_until_ready(20)
        check_run(session, found, feed)
        assert session.last_record.placement == "split"
        client = triton_client.InferenceServerClient(triton.address)
        client.unload_model(tail)
        client.close()
        server = session._engine.server

        def is_left() -> bool:
            check_run(session, found, feed)
            return server.tails == {"server-only"}

        until(is_left)
        until(lambda: server.unavailable is None)  # while it unloads, Triton is not ready
        triton.restart(is_killed=True)

        def is_split_again() -> bool:
            check_run(session, found, feed)
            return session.last_record.placement == "split"

        until(is_split_again)
