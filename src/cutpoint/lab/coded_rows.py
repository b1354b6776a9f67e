"""Rows of a table, a cut and a codec, measured where they are used: what was said and what it took.

A head runs on one side, a real server decodes on the other.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import onnx
from onnx import TensorProto, helper

from cutpoint.cost import CodecSpeed, codec_speeds
from cutpoint.exceptions import CodecError
from cutpoint.execution import ModelFile, load_graph
from cutpoint.graph import Arrays, Cut, server_only
from cutpoint.lab.coded_requests import CodedRequests
from cutpoint.lab.held_values import PIXELS, HeldNet, HeldValue
from cutpoint.lab.server_process import ServerProcess
from cutpoint.profiling.kept_codec_times import codec_times_or_recall, values_to_time
from cutpoint.records import RAW
from cutpoint.wire.codecs import Codec, family_of
from cutpoint.wire.encoded import Encoded
from cutpoint.wire.tensors import TensorSpec

_MEASURED_ON = 0
"""Number of the picture that is measured; nothing is learnt from it."""

_SEED = 0


@dataclass(frozen=True)
class CodedRow:
    """
    One cut and one codec.

    Parameters
    ----------
    model, crossing, codec
        Which; what crosses is ``pixels`` where the picture itself is sent.
    raw_bytes
        Of the values that the codec takes.
    num_runs
        That were measured.
    encode_s, encode_wall_s, decode_s
        Medians of all values together: CPU and wall time on the device, right after the head, and
        wall time as the server told it.
    told_encode_s, told_decode_s
        As planning has them: from what a device times when it starts, on values of another picture,
        and from what the server told of itself when it was asked first.
    """

    model: str
    crossing: str
    codec: str
    raw_bytes: int
    num_runs: int
    encode_s: float
    encode_wall_s: float
    decode_s: float
    told_encode_s: float
    told_decode_s: float

    @property
    def num_values(self) -> int:
        """How many values cross."""
        return len(self.crossing.split(","))


def measure_rows(
    net: HeldNet, model: str, codecs: Sequence[Codec], folder: Path, budget_s: float
) -> list[CodedRow]:
    """
    Measure every cut by every codec in rounds of random order, at least once.

    Parameters
    ----------
    net
        To be cut.
    model
        Its name.
    codecs
        All but raw are measured.
    folder
        Where a model that takes pixels goes.
    budget_s
        Rounds end when they have taken this long.
    """
    path = folder / "takes_pixels.onnx"
    onnx.save(_takes_pixels(net.values[0].arrays[0].shape), path)
    pixels = load_graph(ModelFile.open(path))
    with ExitStack() as stack:
        names = ",".join(dict.fromkeys(family_of(each.name) for each in codecs))
        served = stack.enter_context(
            ServerProcess([str(net.path), str(path)], arguments=("--codecs", names))
        )
        asked, asked_pixels = (
            stack.enter_context(CodedRequests(served.address, graph))
            for graph in (net.graph, pixels)
        )
        rows = [*_rows(net, net.cuts, asked, codecs)]
        rows += _rows(net, (server_only(pixels),), asked_pixels, codecs)
        learnt = values_to_time(value.arrays[-1] for value in net.values)
        samples = codec_times_or_recall([each for each in codecs if each.name != RAW], learnt, None)
        _measure(rows, budget_s)
    encoding = codec_speeds(samples, "encode")
    return [row.told(model, encoding) for row in rows]


class _Row:
    """A row on its way: how it is sent, and what that took."""

    def __init__(
        self, cut: Cut, made: Callable[[], Arrays], asked: CodedRequests, codec: Codec,
        taken: Sequence[HeldValue],
    ) -> None:  # fmt: skip
        self.cut, self.codec = cut, codec
        self._made, self._asked, self._taken = made, asked, taken
        self._took: list[tuple[float, float, float]] = []

    def run(self) -> None:
        """Make what crosses, encode it, send it, and hear what decoding took."""
        arrays = self._made()
        names = {value.name for value in self._taken}
        began_s, began_cpu_s = time.perf_counter(), time.thread_time()
        values = {
            name: Encoded.by(self.codec, name, array).make_all()
            if name in names
            else Encoded.raw(name, array)
            for name, array in arrays.items()
        }
        cpu_s, wall_s = time.thread_time() - began_cpu_s, time.perf_counter() - began_s
        self._took.append((min(cpu_s, wall_s), wall_s, self._asked.decode_s(self.cut, values)))

    def told(self, model: str, encoding: "dict[str, CodecSpeed]") -> CodedRow:
        """Give medians beside what was said before."""
        encode_s, wall_s, decode_s = (median(each) for each in zip(*self._took, strict=True))
        decoding = self._asked.decoding.speed(self.codec.name) or CodecSpeed()
        sizes = [(value.raw_bytes, self._sent_bytes(value)) for value in self._taken]
        speed = encoding.get(self.codec.name, CodecSpeed())
        return CodedRow(
            model=model,
            crossing=",".join(self.cut.crossing),
            codec=self.codec.name,
            raw_bytes=sum(raw for raw, _ in sizes),
            num_runs=len(self._took),
            encode_s=encode_s,
            encode_wall_s=wall_s,
            decode_s=decode_s,
            told_encode_s=sum(speed.time_s(*size) for size in sizes),
            told_decode_s=sum(decoding.time_s(*size) for size in sizes),
        )

    def _sent_bytes(self, value: HeldValue) -> float:
        """Give the size as a calibration has it: the mean over other pictures."""
        others = [array for number, array in enumerate(value.arrays) if number != _MEASURED_ON]
        return float(np.mean([encoded_bytes(self.codec, array) for array in others]))


def encoded_bytes(codec: Codec, array: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]") -> int:
    """
    Give the size of an array by a codec.

    Raises
    ------
    CodecError
        If it cannot be encoded so.
    """
    return sum(len(memoryview(block).cast("B")) for block in codec.blocks(array))


def is_encodable(codec: Codec, value: HeldValue) -> bool:
    """Tell whether a codec carries a value on every picture: some numbers are too large."""
    if not codec.takes(TensorSpec.of(value.name, value.arrays[0])):
        return False
    try:
        for array in value.arrays:
            encoded_bytes(codec, array)
    except CodecError:
        return False
    return True


def _rows(
    net: HeldNet, cuts: Sequence[Cut], asked: CodedRequests, codecs: Sequence[Codec]
) -> Iterator[_Row]:
    by_name = {value.name: value for value in net.values}
    for cut in cuts:
        for codec in codecs:
            taken = [
                by_name[name]
                for name in cut.crossing
                if codec.name != RAW and is_encodable(codec, by_name[name])
            ]
            if taken:
                yield _Row(cut, _maker(net, cut), asked, codec, taken)


def _maker(net: HeldNet, cut: Cut) -> Callable[[], Arrays]:
    return lambda: net.crossing(cut, _MEASURED_ON)


def _measure(rows: Sequence[_Row], budget_s: float) -> None:
    rng = np.random.default_rng(_SEED)
    began_s = time.perf_counter()
    for number in range(_MOST_ROUNDS):
        if number and time.perf_counter() - began_s > budget_s:
            break
        for index in rng.permutation(len(rows)):
            rows[index].run()


_MOST_ROUNDS = 9


def _takes_pixels(shape: tuple[int, ...]) -> onnx.ModelProto:
    """Make a model that takes a picture and does next to nothing with it."""
    given = helper.make_tensor_value_info(PIXELS, TensorProto.UINT8, shape)
    made = helper.make_tensor_value_info("greatest", TensorProto.UINT8, (1,))
    node = helper.make_node("ReduceMax", [PIXELS], ["greatest"], axes=[1, 2, 3], keepdims=0)
    graph = helper.make_graph([node], "takes_pixels", [given], [made])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
