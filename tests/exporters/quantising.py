"""Quantising as ONNX Runtime's own tool does it: pairs of nodes around what is rounded."""

from collections.abc import Iterable
from pathlib import Path

from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static
from tests.exporters.architecture import Feed


class _Feeds(CalibrationDataReader):
    def __init__(self, feeds: Iterable[Feed]) -> None:
        self._feeds = iter(feeds)

    def get_next(self) -> Feed | None:
        """Give the next feed."""
        return next(self._feeds, None)


def quantise(path: Path, to: Path, feeds: Iterable[Feed]) -> None:
    """Write a file's quantised form, its ranges taken from feeds."""
    quantize_static(str(path), str(to), _Feeds(feeds), quant_format=QuantFormat.QDQ)
