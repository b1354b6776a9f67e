"""What may be offered as a cut, and what odd words a caller may send for one."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import grpc
import pytest
from tests.server.test_tails_on_request import tail_name

from cutpoint.exceptions import InvalidCutError, ModelError
from cutpoint.graph import Graph, cut_id
from cutpoint.server.catalog import Catalog
from cutpoint.server.door import ServerLimits
from cutpoint.server.served_model import ServedModel
from cutpoint.wire.names import TailName
from cutpoint.wire.protocol import CROSSING, messages


@pytest.fixture
def odd(model_of, tmp_path) -> ServedModel:
    """Give a model with a value that is no tensor, and one that only the optimised graph has."""
    written = model_of(
        """(float[4] x) => (float[4] y, float[4] w) {
            a = Relu (x)
            s = HardSwish (a)
            b = Tanh (s)
            n = SequenceConstruct (b)
            f = ConcatFromSequence <axis = 0> (n)
            r = ReduceSum <keepdims = 0> (f)
            y = Add (r, b)
            w = Tanh (y)
        }"""
    )
    path = tmp_path / "odd.onnx"
    path.write_bytes(written.SerializeToString())
    return ServedModel.load(str(path))


def _inlined(model: ServedModel) -> str:
    (name,) = set(model.graph.values) - model.graph.original_names
    return name


def test_a_cut_no_host_could_name_is_refused(odd: ServedModel) -> None:
    """What is no tensor, or of this runtime's making, may not cross; each is named."""
    before = odd.cuts
    for crossing, named in (
        (("b", "n"), "'n'"),
        (("a", _inlined(odd)), f"'{_inlined(odd)}'"),
    ):
        with pytest.raises(InvalidCutError, match=rf"\[{named}\] may not cross"):
            odd.candidates.offer(crossing)
        with closing(Catalog([odd])) as catalog:
            name = str(TailName(odd.name, odd.graph.sha256, cut_id(crossing)))
            with pytest.raises(InvalidCutError, match=rf"\[{named}\] may not cross"):
                catalog.ask_for(name, crossing)
            assert not catalog._building
    assert odd.cuts == before
    assert odd.candidates.offer(("b", "r")).crossing == ("b", "r")


def test_the_inputs_are_no_tail(model: ServedModel, odd: ServedModel) -> None:
    """Sending all inputs leaves nothing to the device: that is the whole model, by its name."""
    for each, inputs in ((model, ("image",)), (odd, ("x",))):
        with pytest.raises(InvalidCutError, match=f"is the whole model: ask for '{each.name}'"):
            each.candidates.offer(inputs)


def test_refused_offers_take_no_slot(odd: ServedModel) -> None:
    """After ten refusals there is room for those that can be named."""
    for _ in range(10):
        for crossing in (("b", "n"), ("x",), ("elsewhere",), ("y", "x")):
            with pytest.raises(InvalidCutError):
                odd.candidates.offer(crossing)
    for crossing in (("s",), ("b", "r"), ("y",)):
        assert odd.candidates.offer(crossing).crossing == crossing


@pytest.mark.parametrize(
    "crossing", [["pool1"] * 2, ["pool0", "pool1", "pool0"], ["pool1", "pool2", "pool2"], []]
)
def test_values_named_twice_are_refused(
    model: ServedModel, graph: Graph, crossing: list[str]
) -> None:
    """A name over repeated values is of no cut; no slot is lost to the cut it nearly is."""
    with closing(Catalog([model])) as catalog:
        for _ in range(5):
            with pytest.raises(InvalidCutError):
                catalog.ask_for(tail_name(graph, cut_id(crossing)), crossing)
        assert not catalog._building
    assert not model.candidates.offered


def test_more_values_than_there_are_is_refused(model: ServedModel, graph: Graph) -> None:
    """Two hundred thousand names are counted, not read; the message is short."""
    crossing = [f"value{i}" for i in range(200_000)]
    with closing(Catalog([model])) as catalog:
        with pytest.raises(ModelError, match="200000 values are named and the model has 21"):
            catalog.ask_for(tail_name(graph, cut_id(crossing)), crossing)
        assert not catalog._building


def _load(name: str) -> Any:
    return messages.RepositoryModelLoadRequest(model_name=name)


def _missing(request: Any) -> None:
    """Say nothing of values."""


def _of_another_kind(request: Any) -> None:
    """Give a number for the values."""
    request.parameters[CROSSING].int64_param = 7


def _empty(request: Any) -> None:
    """Name one value, which has no name."""
    request.parameters[CROSSING].string_param = ""


def _many(request: Any) -> None:
    """Name more values than any model has."""
    request.parameters[CROSSING].string_param = "\n".join(f"value{i}" for i in range(200_000))


def _lines(request: Any) -> None:
    """Give as many lines as a message holds."""
    request.parameters[CROSSING].string_param = "\n" * (64 << 20)


def _long(request: Any) -> None:
    """Give one very long name."""
    request.parameters[CROSSING].string_param = "ü" * (8 << 20)


def _twice(request: Any) -> None:
    """Name a value twice."""
    request.parameters[CROSSING].string_param = "pool1\npool1"


@pytest.mark.parametrize(
    "write", [_missing, _of_another_kind, _empty, _many, _lines, _long, _twice]
)
@pytest.mark.parametrize("is_named_so", [False, True])
def test_odd_values_are_refused_over_the_wire(
    stub: Any,
    graph: Graph,
    refusal_of: Callable[[Callable[[], object]], grpc.RpcError],
    write: Callable[[Any], None],
    is_named_so: bool,
) -> None:
    """Whatever the parameter holds, a typed error comes well before the call's deadline."""
    request = _load(tail_name(graph, "0123456789ab"))
    write(request)
    if is_named_so and CROSSING in request.parameters:
        sent = request.parameters[CROSSING].string_param[: 4 << 20].split("\n")
        request.model_name = tail_name(graph, cut_id(sent))
    error = refusal_of(lambda: stub.RepositoryModelLoad(request, timeout=10))
    if request.ByteSize() > ServerLimits().max_message_bytes:
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        return
    assert error.code() in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT)
    assert len(error.details()) <= 500
    assert stub.ServerReady(messages.ServerReadyRequest(), timeout=10).ready
