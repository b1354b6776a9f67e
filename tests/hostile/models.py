"""The models a hostile peer gets to talk to: fixed, open and text inputs, and two bytes wide."""

from pathlib import Path

import onnx
import onnx.parser

_HEADER = '<ir_version: 8, opset_import: ["" : 17]>'
_TEXTS = {
    "open_rows": """(float[rows, 4] table, float[4] scale) => (float[rows, 4] scaled,
        float[rows, 1] total) {
        wide = Mul (table, scale)
        scaled = Tanh (wide)
        total = ReduceSum <keepdims = 1> (scaled, axis)
    }""",
    "words": """(string[number] given, float[number] weight) => (string[number] same,
        float[number] doubled) {
        same = Identity (given)
        doubled = Add (weight, weight)
    }""",
    "halves": """(float16[2, 3] half, int8[2, 3] small) => (float[2, 3] sum) {
        wide = Cast <to = 1> (half)
        whole = Cast <to = 1> (small)
        sum = Add (wide, whole)
    }""",
}
_WEIGHTS = {"open_rows": "<int64[1] axis = {1}>"}


def write_models(folder: Path) -> list[Path]:
    """Write the models; give their files."""
    paths = []
    for name, text in _TEXTS.items():
        head, _, body = text.partition("{")
        weights = _WEIGHTS.get(name, "")
        model = onnx.parser.parse_model(f"{_HEADER}\n{name} {head} {weights} {{{body}")
        path = folder / f"{name}.onnx"
        path.write_bytes(model.SerializeToString())
        paths.append(path)
    return paths
