"""What this host takes for a net, codecs and a picture, rid of other work on its cores."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from onnx import helper

from cutpoint.cost import CodecSpeed, Coding, codec_speeds
from cutpoint.execution import ModelFile, load_graph
from cutpoint.execution.embed import embed
from cutpoint.execution.preprocessing import MEANS, STDS, Preprocessing
from cutpoint.graph import Graph
from cutpoint.profiling import measure
from cutpoint.profiling.codec_times import time_codecs
from cutpoint.records import Profile, Sample
from cutpoint.wire.codecs import Codec

_QUIET_SHARE = 0.25
_SIDE = 224
_OPSET = 17


@dataclass(frozen=True)
class HostTimes:
    """
    What codecs and pictures take on this host.

    Parameters
    ----------
    encode, decode
        By name of the codec; one that is not named takes no time.
    prepare_s_per_pixel
        From 8-bit pixels to the normalised floats that a net takes.
    """

    encode: Mapping[str, CodecSpeed]
    decode: Mapping[str, CodecSpeed]
    prepare_s_per_pixel: float

    def encode_s(self, codec: str, raw_bytes: float, sent_bytes: float) -> float:
        """Give what encoding one value takes."""
        return self.encode.get(codec, _NOTHING).time_s(raw_bytes, sent_bytes)

    def decode_s(self, codec: str, raw_bytes: float, sent_bytes: float) -> float:
        """Give what decoding one value takes."""
        return self.decode.get(codec, _NOTHING).time_s(raw_bytes, sent_bytes)

    def coding(self, codec: str, graph: Graph, sent_bytes: Mapping[str, float]) -> Coding:
        """Give a codec as planning sees it, from the bytes it makes of each value."""
        raw = {name: float(graph.size_bytes((name,))) for name in sent_bytes}
        return Coding(
            codec,
            sent_bytes,
            {name: self.encode_s(codec, raw[name], sent) for name, sent in sent_bytes.items()},
            {name: self.decode_s(codec, raw[name], sent) for name, sent in sent_bytes.items()},
        )


_NOTHING = CodecSpeed()


def time_codecs_on(
    codecs: Sequence[Codec],
    values: Sequence[Any],
    picture_codecs: Sequence[Codec],
    pictures: Sequence[Any],
    *,
    prepare_s_per_pixel: float,
    budget_s: float,
) -> HostTimes:
    """
    Time codecs on what they are meant for.

    Parameters
    ----------
    values, pictures
        Arrays of floats, and of 8-bit pixels.
    prepare_s_per_pixel
        As `time_preparation` gives it.
    budget_s
        About what timing the codecs may take, each of the two.
    """
    samples = [
        *time_codecs(codecs, values, budget_s=budget_s),
        *time_codecs(picture_codecs, pictures, budget_s=budget_s),
    ]
    quiet = [_undisturbed(sample) for sample in samples]
    return HostTimes(
        codec_speeds(quiet, "encode"), codec_speeds(quiet, "decode"), prepare_s_per_pixel
    )


def time_preparation() -> float:
    """Time the nodes that `cutpoint embed` writes, on one picture; give seconds per pixel."""
    preprocessing = Preprocessing(MEANS["imagenet"], STDS["imagenet"])
    with TemporaryDirectory(prefix="cutpoint-bench-") as folder:
        path = Path(folder) / "prepared.onnx"
        embed(ModelFile.open(_nothing_but_a_picture()), preprocessing, path, verify=False)
        graph = load_graph(ModelFile.open(path))
        return whole_s(measure(graph, cuts=(), num_threads=1, repeats=20)) / _SIDE**2


def undisturbed(profile: Profile) -> Profile:
    """
    Give a profile of one thread as if nothing else had held the cores.

    The whole takes the lower quartile of its runs' CPU time; the nodes share that out.
    """
    whole = [sample for sample in profile.samples if sample.kind == "whole"]
    cpu_s = [_undisturbed(sample).duration_s for sample in whole]
    quiet = Sample("whole", "", float(np.quantile(cpu_s, _QUIET_SHARE)))
    nodes = (sample for sample in profile.samples if sample.kind == "node")
    return replace(profile, samples=(quiet, *nodes), cuts=())


def whole_s(profile: Profile) -> float:
    """Give what the whole model takes, undisturbed."""
    return undisturbed(profile).samples[0].duration_s


def _undisturbed(sample: Sample) -> Sample:
    """Take CPU time for wall time: what runs on one thread takes no less, and alone no more."""
    if not sample.cpu_s:
        return sample
    return replace(sample, duration_s=min(sample.duration_s, sample.cpu_s))


def _nothing_but_a_picture() -> bytes:
    """Give a model that takes a normalised picture and does next to nothing with it."""
    shape = (1, 3, _SIDE, _SIDE)
    picture, out = (
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name in ("x", "y")
    )
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [picture], [out])
    opset = helper.make_opsetid("", _OPSET)
    content: bytes = helper.make_model(
        graph, opset_imports=[opset], ir_version=8
    ).SerializeToString()
    return content


def total_bytes(pieces: Iterable[Any]) -> int:
    """Give the size of encoded pieces together."""
    return sum(memoryview(piece).nbytes for piece in pieces)
