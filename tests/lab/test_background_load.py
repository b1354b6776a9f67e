"""Load on a server while something else is measured."""

import asyncio
import os
import signal
from pathlib import Path

import numpy as np
import onnx
import pytest

from cutpoint.exceptions import ConfigurationError, UnknownShapeError
from cutpoint.lab import load_process
from cutpoint.lab.background_load import BackgroundLoad, target_of
from cutpoint.lab.changing_load import Arrivals
from cutpoint.lab.fork_server import ForkServer
from cutpoint.lab.load_order import GivenInput, LoadOrder, Target
from cutpoint.lab.load_process import LoadProcess

_TYPES = onnx.TensorProto


def _two_inputs(folder: Path, *, is_open: bool = False) -> Path:
    """Write a net of pixels and a switch."""
    helper = onnx.helper
    size = "n" if is_open else 1
    inputs = [
        helper.make_tensor_value_info("pixels", _TYPES.UINT8, [size, 8, 8, 3]),
        helper.make_tensor_value_info("switch", _TYPES.INT64, [1]),
    ]
    output = helper.make_tensor_value_info("out", _TYPES.FLOAT, [size, 8, 8, 3])
    nodes = [
        helper.make_node("Cast", ["pixels"], ["a"], to=_TYPES.FLOAT),
        helper.make_node("Cast", ["switch"], ["b"], to=_TYPES.FLOAT),
        helper.make_node("Mul", ["a", "b"], ["out"]),
    ]
    graph = helper.make_graph(nodes, "two", inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = folder / "two.onnx"
    onnx.save(model, path)
    return path


def test_inputs_are_read_from_the_file(tmp_path: Path) -> None:
    """Any number and element type; an open shape is an error that names it."""
    target = target_of(_two_inputs(tmp_path), "127.0.0.1:1", name="served")
    assert target.model == "served"
    assert target.inputs == (
        GivenInput("pixels", (1, 8, 8, 3), "uint8"),
        GivenInput("switch", (1,), "int64"),
    )
    with pytest.raises(UnknownShapeError, match="'pixels': dimension 0"):
        target_of(_two_inputs(tmp_path, is_open=True), "127.0.0.1:1")


def test_load_is_changed_while_it_runs(tmp_path: Path, fork_server: ForkServer) -> None:
    """Requests of pixels are answered at the rate that is set, and stop when it is 0."""
    model = _two_inputs(tmp_path)
    with (
        fork_server.server([str(model)]) as server,
        BackgroundLoad(target_of(model, server.address)) as load,
    ):
        with pytest.raises(ConfigurationError, match="measure"):
            load.set(0.5)
        with pytest.raises(ConfigurationError, match="at least 0 and finite"):
            load.set(-1.0)
        assert load.measure(0.2) == load.capacity_per_s
        load.capacity_per_s = 400.0
        load.set(0.5)
        counts = load.counts()
        while counts.num_requests < 40:
            counts = load.counts()
        load.set(0.0)
        load.counts()  # the step before it is heard by then
        while (after := load.counts()).num_requests > len(after.answered_s) + len(after.rejected_s):
            assert after.num_failed == after.num_late == 0
        assert load.counts().num_requests == after.num_requests
    load.close()
    with pytest.raises(RuntimeError, match="was closed"):
        load.set(0.0)


def test_arrivals_are_poisson_at_every_rate() -> None:
    """Gaps of a rate have its mean, and a mean as large as their spread; a change is at once."""
    drawn = np.random.default_rng(5).exponential(size=60)

    async def arrive() -> tuple[list[float], float]:
        arrivals, loop = Arrivals(seed=5), asyncio.get_running_loop()
        arrivals.set_rate(1e6)
        due_s = [loop.time()]
        while len(due_s) < 60:
            due_s.append(await arrivals.next_due_s(due_s[-1]))
        arrivals.set_rate(0.001)
        began_s = loop.time()
        waiting = asyncio.ensure_future(arrivals.next_due_s(began_s))
        await asyncio.sleep(0)
        assert not waiting.done()
        arrivals.set_rate(1e6)
        return due_s, await asyncio.wait_for(waiting, 10.0) - began_s

    due_s, waited_s = asyncio.run(arrive())
    assert np.diff(due_s) == pytest.approx(drawn[:59] / 1e6, abs=1e-9)
    assert waited_s < 10.0


def test_a_source_that_died_is_told_of_and_closed() -> None:
    """Whoever asks it hears so; closing it, then and once more, is no second error."""
    target = Target(("127.0.0.1:1",), "net", "00", "x", (1, 4))
    with BackgroundLoad(target, capacity_per_s=1.0) as changing, LoadProcess(target) as ordered:
        for source in (changing, ordered):
            source._process.kill()
            source._process.wait()
        with pytest.raises(RuntimeError, match="ended; see its messages"):
            changing.set(1.0)
        with pytest.raises(RuntimeError, match="ended; see its messages"):
            ordered.offer(LoadOrder(0.1, 1.0))
    changing.close()


@pytest.mark.parametrize("kind", [BackgroundLoad, LoadProcess])
def test_a_source_that_hangs_does_not_outlive_its_owner(
    kind: type[BackgroundLoad] | type[LoadProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing it ends it by force."""
    monkeypatch.setattr(load_process, "_END_S", 0.2)
    source = kind(Target(("127.0.0.1:1",), "net", "00", "x", (1, 4)))
    os.kill(source._process.pid, signal.SIGSTOP)
    source.close()
    assert source._process.returncode == -signal.SIGKILL
    source.close()
