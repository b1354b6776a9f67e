"""What a trial run tells of values that shape inference does not know."""

from collections.abc import Callable

import numpy as np
import onnx

from cutpoint.execution import ModelFile, load_graph
from cutpoint.execution.trial_run import try_out, unclear_values
from cutpoint.graph import Trial, candidate_cuts

Parse = Callable[..., onnx.ModelProto]

CONTRIB = """<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>
m (float[2,3] x) => (float[2,3] y) {
    g = com.microsoft.Gelu(x)
    r = Relu(g)
    n = NonZero(r)
    s = SequenceConstruct(r)
    q = com.microsoft.QuickGelu(r)
    f = Cast<to = 1>(n)
    t = ReduceSum<keepdims = 0>(f)
    e = SequenceAt(s, i)
    p = Add(q, e)
    y = Add(p, t)
}"""


def load(model: onnx.ModelProto):
    """Load a model from bytes."""
    return load_graph(ModelFile.open(model.SerializeToString()))


def contrib(model_of: Parse) -> onnx.ModelProto:
    """Give a model with operators of another domain and a shape that depends on data."""
    model = model_of(CONTRIB)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.int64(0), "i"))
    return model


def test_other_domains_and_shapes_of_data(model_of: Parse) -> None:
    """Types and sizes come from the runtime where ONNX's inference has none."""
    graph = load(contrib(model_of))
    assert (graph.values["g"].dtype, graph.values["g"].size_bytes) == ("float32", 24)
    assert graph.values["n"].has_known_size
    assert graph.values["n"].size_bytes % 16 == 0  # pairs of int64, as many as this feed gave
    assert (graph.values["s"].kind, graph.values["s"].can_travel) == ("sequence", False)
    assert ("g",) in [cut.crossing for cut in candidate_cuts(graph)]


def test_a_model_without_riddles_is_not_tried(model_of: Parse) -> None:
    """Where inference knows everything, nothing runs at loading."""
    graph = load(model_of("(float[2,3] x) => (float[2,3] y) { a = Relu(x) y = Neg(a) }"))
    assert (unclear_values(graph), graph.trial) == ((), {})


def test_a_feed_that_does_not_suit_is_no_error(model_of: Parse) -> None:
    """Types are known without a run; sizes are not, and such a value is no candidate."""
    graph = load(contrib(model_of))
    tried = try_out(graph, ["n", "s"], {"x": np.zeros((5, 5, 5), np.int32)})
    assert tried == {"n": Trial("int64", "tensor", None), "s": Trial(None, "sequence", None)}
