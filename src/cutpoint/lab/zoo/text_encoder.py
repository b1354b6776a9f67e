"""
A text encoder whose batch and number of tokens are open, as exporters write BERT.

Devlin et al. (2019), "BERT: Pre-training of Deep Bidirectional Transformers for Language
Understanding", NAACL, section 3: token and place embeddings, then blocks of attention and
MLP with the norm behind each. Shapes are computed in the graph (Shape, Gather, Concat,
Reshape), which is what makes models of this kind hard to cut.
"""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from cutpoint.lab.zoo.architecture import IR_VERSION, OPSET

_EPS = 1e-12
_MLP_RATIO = 4


def text_encoder(
    *,
    num_layers: int = 4,
    features: int = 128,
    heads: int = 4,
    vocabulary: int = 2000,
    max_tokens: int = 512,
    num_labels: int = 9,
    seed: int = 0,
) -> onnx.ModelProto:
    """
    Build a token classifier with seeded random weights.

    Takes ``tokens`` and ``mask``, int64 of shape (batch, length), both open; gives
    ``labels``, float32 of shape (batch, length, num_labels).

    Parameters
    ----------
    num_layers, features, heads
        Blocks, features of a token, heads of the attention (divide the features).
    vocabulary, max_tokens, num_labels
        Rows of the two embeddings, and classes.
    seed
        Of the weights.
    """
    writer = _Writer(features, heads, seed)
    x = writer.embedding(vocabulary, max_tokens)
    bias = writer.mask_bias()
    for layer in range(num_layers):
        x = writer.block(f"layer{layer}", x, bias)
    writer.linear("classifier", x, num_labels, output="labels")
    graph = helper.make_graph(
        writer.nodes,
        "text_encoder",
        [
            helper.make_tensor_value_info(name, onnx.TensorProto.INT64, ["batch", "length"])
            for name in ("tokens", "mask")
        ],
        [
            helper.make_tensor_value_info(
                "labels", onnx.TensorProto.FLOAT, ["batch", "length", num_labels]
            )
        ],
        writer.weights,
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )


class _Writer:
    """Appends nodes; every value is named after its layer and what it is."""

    def __init__(self, features: int, heads: int, seed: int) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._features = features
        self._heads = heads
        self._rng = np.random.default_rng(seed)

    def embedding(self, vocabulary: int, max_tokens: int) -> str:
        words = self._weight("words", (vocabulary, self._features), 1.0)
        places = self._weight("places", (max_tokens, self._features), 0.1)
        self._node("Shape", ["tokens"], "tokens_shape")
        self._node("Gather", ["tokens_shape", self._integers([1])], "length")
        self._node("Slice", [places, self._integers([0]), "length", self._integers([0])], "place")
        self._node("Gather", [words, "tokens"], "word")
        self._node("Add", ["word", "place"], "embedded")
        return self._norm("embedding", "embedded")

    def mask_bias(self) -> str:
        self._node("Unsqueeze", ["mask", self._integers([1, 2])], "mask_4d")
        self._node("Cast", ["mask_4d"], "mask_float", to=onnx.TensorProto.FLOAT)
        self._node("Sub", [self._number(1.0), "mask_float"], "masked")
        return self._node("Mul", ["masked", self._number(-1e4)], "mask_bias")

    def block(self, layer: str, x: str, bias: str) -> str:
        mixed = self._attention(layer, x, bias)
        self._node("Add", [x, mixed], f"{layer}.attended")
        x = self._norm(f"{layer}.attention", f"{layer}.attended")
        hidden = self.linear(f"{layer}.fc1", x, _MLP_RATIO * self._features)
        self._node("Relu", [hidden], f"{layer}.relu")
        self.linear(f"{layer}.fc2", f"{layer}.relu", self._features)
        self._node("Add", [x, f"{layer}.fc2"], f"{layer}.sum")
        return self._norm(layer, f"{layer}.sum")

    def linear(self, name: str, x: str, out_features: int, output: str | None = None) -> str:
        in_features = _MLP_RATIO * self._features if x.endswith(".relu") else self._features
        weight = self._weight(f"{name}.weight", (in_features, out_features), in_features**-0.5)
        bias = self._weight(f"{name}.bias", (out_features,), 0.1)
        self._node("MatMul", [x, weight], f"{name}.product")
        return self._node("Add", [f"{name}.product", bias], output or name)

    def _attention(self, layer: str, x: str, bias: str) -> str:
        query, key, value = (self._by_head(f"{layer}.{part}", x) for part in "qkv")
        self._node("Transpose", [key], f"{layer}.k_turned", perm=[0, 1, 3, 2])
        self._node("MatMul", [query, f"{layer}.k_turned"], f"{layer}.scores")
        scale = self._number((self._features // self._heads) ** -0.5)
        self._node("Mul", [f"{layer}.scores", scale], f"{layer}.scaled")
        self._node("Add", [f"{layer}.scaled", bias], f"{layer}.biased")
        self._node("Softmax", [f"{layer}.biased"], f"{layer}.weights", axis=-1)
        self._node("MatMul", [f"{layer}.weights", value], f"{layer}.mixed")
        self._node("Transpose", [f"{layer}.mixed"], f"{layer}.turned", perm=[0, 2, 1, 3])
        joined = self._reshaped(f"{layer}.joined", f"{layer}.turned", [self._features])
        return self.linear(f"{layer}.out", joined, self._features)

    def _by_head(self, name: str, x: str) -> str:
        self.linear(name, x, self._features)
        sizes = [self._heads, self._features // self._heads]
        split = self._reshaped(f"{name}.split", name, sizes)
        return self._node("Transpose", [split], f"{name}.heads", perm=[0, 2, 1, 3])

    def _reshaped(self, name: str, x: str, tail: list[int]) -> str:
        """Reshape to the batch and length found in the data, as exporters do."""
        self._node("Shape", [x], f"{name}.shape")
        zero, one = self._integers([0]), self._integers([1])
        self._node("Gather", [f"{name}.shape", zero], f"{name}.batch")
        self._node("Gather", [f"{name}.shape", one], f"{name}.length")
        parts = [f"{name}.batch", f"{name}.length", self._integers(tail)]
        self._node("Concat", parts, f"{name}.target", axis=0)
        return self._node("Reshape", [x, f"{name}.target"], name)

    def _norm(self, name: str, x: str) -> str:
        scale = self._weight(f"{name}.norm.scale", (self._features,), 0.0, 1.0)
        bias = self._weight(f"{name}.norm.bias", (self._features,), 0.0)
        inputs = [x, scale, bias]
        return self._node("LayerNormalization", inputs, f"{name}.norm", axis=-1, epsilon=_EPS)

    def _node(self, operator: str, inputs: list[str], name: str, **attributes: Any) -> str:
        node = helper.make_node(operator, inputs, [name], name=name, **attributes)
        self.nodes.append(node)
        return name

    def _weight(self, name: str, shape: tuple[int, ...], spread: float, centre: float = 0.0) -> str:
        drawn = centre + spread * self._rng.standard_normal(shape)
        self.weights.append(numpy_helper.from_array(drawn.astype(np.float32), name))
        return name

    def _integers(self, numbers: list[int]) -> str:
        return self._constant(np.array(numbers, np.int64), f"int_{'_'.join(map(str, numbers))}")

    def _number(self, number: float) -> str:
        return self._constant(np.array(number, np.float32), f"number_{number!r}")

    def _constant(self, array: NDArray[np.generic], name: str) -> str:
        if all(weight.name != name for weight in self.weights):
            self.weights.append(numpy_helper.from_array(array, name))
        return name
