"""What every codec at every cut costs the network that reads digits, in accuracy."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cutpoint.client.codec_choice import installed_codecs
from cutpoint.cost.calibration import CalibratedRow, Calibration
from cutpoint.cost.tolerance import L2, TOP1, tolerance_named, tolerance_of
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.graph import SERVER_ONLY, Arrays, cut_at
from cutpoint.lab.digits.data import Labels, Pictures
from cutpoint.lab.digits.model import INPUT, OUTPUT
from cutpoint.lab.digits.network import CONVOLUTIONS
from cutpoint.profiling.calibrate import calibrate

TOLERANCES = ("l2:0.01", "top1:0.999")
"""Judged by each: which codecs would be struck."""


@dataclass(frozen=True)
class CodecLoss:
    """
    One codec at one cut.

    Parameters
    ----------
    at
        Name of the crossing value.
    codec
        Its name.
    ratio
        Bytes sent / raw bytes.
    accuracy
        Share of the held-out digits that are read right.
    agreement
        Share whose class is that of the exact network.
    relative_l2
        That 95 % of the pictures keep.
    struck_by
        Tolerances that would not allow it.
    """

    at: str
    codec: str
    ratio: float
    accuracy: float
    agreement: float
    relative_l2: float
    struck_by: tuple[str, ...]


def cut_values() -> tuple[str, ...]:
    """Name the values to cut at, from the first to the last."""
    names = []
    for layer in CONVOLUTIONS:
        names += [layer.name, *([f"{layer.name}_pooled"] if layer.is_pooled else [])]
    return (*names, "hidden")


def codec_losses(path: Path, pictures: Pictures, labels: Labels) -> tuple[CodecLoss, ...]:
    """
    Calibrate on pictures whose digits are known.

    Parameters
    ----------
    path
        Of the network.
    """
    graph = load_graph(ModelFile.open(path))
    segments = Segments(graph, [cut_at(graph, [name]) for name in cut_values()])
    feeds: list[Arrays] = [{INPUT: picture[None]} for picture in pictures]
    scores = [_scores(outputs) for outputs in _exact_outputs(segments, feeds)]
    known = dict(zip(scores, labels.tolist(), strict=True))

    def misread(exact: Arrays, got: Arrays) -> float:
        return float(int(got[OUTPUT].argmax()) != known[_scores(exact)])

    judge = tolerance_of(misread)
    codecs = installed_codecs(are_lossy=True)
    found = calibrate(segments, codecs, feeds, tolerance=judge)
    return tuple(
        _loss(found, row, 1 - float(np.mean(row.errors[judge.name])))
        for row in found.rows
        if not row.is_lossless
    )


def _exact_outputs(segments: Segments, feeds: Sequence[Arrays]) -> list[Arrays]:
    return [segments.outputs_of(segments.run(segments.segments, feed).values) for feed in feeds]


def _scores(outputs: Arrays) -> bytes:
    """Tell pictures apart by their exact scores."""
    return outputs[OUTPUT].tobytes()


def _loss(found: Calibration, row: CalibratedRow, accuracy: float) -> CodecLoss:
    sizes = [each for each in found.values if each.codec == row.codec]
    (size,) = (each for each in sizes if each.value in row.crossing)
    struck = [text for text in TOLERANCES if found.is_struck(*_key(row), tolerance_named(text))]
    return CodecLoss(
        at="inputs" if row.cut == SERVER_ONLY else row.crossing[0],
        codec=row.codec,
        ratio=size.sent_bytes / size.raw_bytes,
        accuracy=accuracy,
        agreement=1 - float(np.mean(row.errors[TOP1])),
        relative_l2=tolerance_named("l2:1").summary(row.errors[L2]),
        struck_by=tuple(struck),
    )


def _key(row: CalibratedRow) -> tuple[str, str]:
    return row.cut, row.codec
