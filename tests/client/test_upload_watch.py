"""A link that collapses, or only jolts, in the middle of an upload."""

import logging
import time
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Timer

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from tests.client.conftest import save

from cutpoint import InferenceSession
from cutpoint.lab.link_process import LinkProcess
from cutpoint.units import from_mbit_per_s

pytestmark = pytest.mark.alone

_log = logging.getLogger(__name__)

FAST, SLOW = from_mbit_per_s(20.0), from_mbit_per_s(1.0)
NUM_FLOATS = 250_000
"""1 MB: 0.4 s at 20 Mbit/s, 8 s at 1 Mbit/s."""


def heavy_model() -> onnx.ModelProto:
    """Give a model with 1 MB of input and some milliseconds of work behind it."""
    rng = np.random.default_rng(0)
    make = helper.make_tensor_value_info
    weight = rng.standard_normal((500, 500)).astype(np.float32) / 25
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"]),
        helper.make_node("Tanh", ["m"], ["t"]),
        helper.make_node("MatMul", ["t", "w"], ["n"]),
        helper.make_node("ReduceMean", ["n"], ["y"], axes=[1], keepdims=1),
    ]
    graph = helper.make_graph(
        nodes,
        "heavy",
        [make("x", onnx.TensorProto.FLOAT, (1, 500, 500))],
        [make("y", onnx.TensorProto.FLOAT, (1, 1, 500))],
        [numpy_helper.from_array(weight, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@dataclass
class Bed:
    """A session over a link whose rate can be changed, and what it is fed."""

    session: InferenceSession
    link: LinkProcess
    feed: dict[str, np.ndarray]

    def run(self):
        """Run once; gives the record."""
        self.session.run(None, self.feed)
        return self.session.last_record

    def collapse_after(self, delay_s: float) -> tuple[Timer, list[float]]:
        """Begin to wait, then make the link slow; the list gets the time."""
        at_s: list[float] = []

        def collapse() -> None:
            self.link.set_rate(SLOW, SLOW)
            at_s.append(time.perf_counter())

        timer = Timer(delay_s, collapse)
        timer.start()
        return timer, at_s


@pytest.fixture(scope="module")
def served(tmp_path_factory, fork_server):
    """Give a server of the model, and its file."""
    path = save(tmp_path_factory.mktemp("models") / "heavy.onnx", heavy_model())
    with fork_server.server([str(path)]) as server:
        yield server, path


@pytest.fixture
def bed_of(served):
    """Give what opens a session that has learnt the fast link."""
    server, path = served
    feed = {"x": np.random.default_rng(1).standard_normal((1, 500, 500)).astype(np.float32)}
    with ExitStack() as stack:

        def open_bed(policy: str, slowdown: float) -> Bed:
            link = LinkProcess(
                server.address, delay_s=0.005, up_bytes_per_s=FAST, down_bytes_per_s=FAST
            )
            stack.enter_context(link)
            session = InferenceSession(path, server=link.address, policy=policy, slowdown=slowdown)
            stack.enter_context(session)
            session.wait_until_ready(20.0)
            bed = Bed(session, link, feed)
            for _ in range(3):
                bed.run()
            return bed

        yield open_bed


def test_an_upload_over_a_link_that_collapses_is_called_off(bed_of) -> None:
    """20 -> 1 Mbit/s in its middle: the device goes alone instead of waiting for seconds."""
    bed = bed_of("server", 100.0)
    before = offloaded(bed)
    timer, _ = bed.collapse_after(before.measured.upload_s / 2)
    record = bed.run()
    timer.join()
    assert (record.placement, record.failed_in, record.attempts) == ("device", "upload", 1)
    assert "rest of the upload" in record.fallback_reason
    assert 0 < record.sent_bytes < 4 * NUM_FLOATS
    assert record.measured.lost_s < 2.0  # what is left of it takes 4 s


def test_the_policy_learns_from_an_upload_that_was_called_off(bed_of) -> None:
    """Three requests after the collapse it computes here, and offloads again when it is over."""
    bed = bed_of("cutpoint", 130.0)
    before = offloaded(bed)
    timer, _ = bed.collapse_after(before.measured.upload_s / 2)
    bed.run()
    timer.join()
    for _ in range(2):
        bed.run()
    assert [bed.run().planned for _ in range(3)] == ["device"] * 3
    bed.link.set_rate(FAST, FAST)
    offloaded(bed)


@pytest.mark.soak
@pytest.mark.parametrize("fraction", [0.2, 0.5, 0.8])
def test_the_answer_comes_as_soon_as_it_can(fraction: float, bed_of) -> None:
    """
    Ten collapses: answered 100 ms after the link failed and the tail took, at the latest.

    What is nearly through may be seen through, as long as that takes little longer.
    """
    alone_s = bed_of("device", 100.0).run().measured.head_s
    for _ in range(10):
        bed = bed_of("server", 100.0)
        before = offloaded(bed)
        timer, at_s = bed.collapse_after(before.measured.upload_s * fraction)
        record = bed.run()
        answered_s = time.perf_counter()
        timer.join()
        took_s = answered_s - at_s[0]
        _log.info(
            "collapse at %.0f %%: answered by the %s after %.0f ms, its tail %.0f ms",
            100 * fraction,
            record.placement,
            took_s * 1e3,
            record.measured.tail_s * 1e3,
        )
        is_on_time = took_s - record.measured.tail_s <= 0.1 and record.placement == "device"
        assert is_on_time or (fraction == 0.8 and took_s <= 1.1 * alone_s + 0.2)


@pytest.mark.soak
def test_a_link_that_holds_is_not_given_up(bed_of) -> None:
    """100 uploads over a steady link: a busy machine may stall, but hardly ever for so long."""
    bed = bed_of("server", 100.0)
    records = [bed.run() for _ in range(100)]
    reasons = [record.fallback_reason for record in records if record.fallback_reason]
    _log.info("computed here: %s", reasons)
    assert len(reasons) <= 5


def offloaded(bed: Bed):
    """Run until an inference was offloaded; gives its record."""
    until_s = time.perf_counter() + 30
    while time.perf_counter() < until_s:
        record = bed.run()
        if record.placement == "server":
            return record
    raise AssertionError(f"not offloaded: {record}")
