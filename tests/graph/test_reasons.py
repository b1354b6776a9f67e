"""Why a value is no place to cut at: each has one reason, and it holds."""

import pytest

from cutpoint.exceptions import InvalidCutError
from cutpoint.execution import ModelFile, load_graph
from cutpoint.graph import Graph, candidate_cuts, cut_at
from cutpoint.graph.reasons import IN_SHORT, reasons
from cutpoint.graph.side_values import side_values
from cutpoint.lab.zoo.text_encoder import text_encoder

MODELS = {
    "branches": """(float[1, 4] x) => (float[1, 4] y) {
        a = Exp (x)  b = Sin (a)  c = Cos (a)  d = Add (b, c)  e = Relu (d)  y = Tanh (e)
    }""",
    "free": """(float[1, 4] x) => (float[4] y) <int64[1] four = {4}> {
        a = Exp (x)  b = Reshape (a, four)  y = Sin (b)
    }""",
    "quantised": """(float[1, 4] x) => (float[1, 4] y) <float s = {0.1}, int8 z = {0}> {
        a = Exp (x)  q = QuantizeLinear (a, s, z)  d = DequantizeLinear (q, s, z)
        r = Relu (d)  y = Sin (r)
    }""",
    "cast": """(float[1, 4] x) => (double[1, 4] y) {
        a = Exp (x)  b = Cast <to = 11> (a)  c = Sin (b)  y = Cos (c)
    }""",
    "counted": """(float[n, 4] x) => (int64[2, m] y) {
        a = Exp (x)  b = NonZero (a)  y = Neg (b)
    }""",
    "sequence": """(float[4] x) => (float[2] y) <int64 at = {0}, int64[2] two = {2, 2}> {
        a = Exp (x)  b = SplitToSequence (a, two)  c = SequenceAt (b, at)  y = Sin (c)
    }""",
    "pair": """(float[4] x, float[4] z) => (float[4] y) {
        a = Exp (x)  b = Sin (z)  c = Pow (a, b)  y = Cos (c)
    }""",
}


@pytest.fixture(params=[*MODELS, "encoder"])
def graph(request: pytest.FixtureRequest, graph_of) -> Graph:
    """Give graphs with all that there is to say."""
    if request.param == "encoder":
        content = text_encoder(num_layers=2, features=32).SerializeToString()
        return load_graph(ModelFile.open(content), sizes={"batch": 1, "length": 16})
    sizes = {"n": 2} if request.param == "counted" else {}
    return graph_of(MODELS[request.param], **sizes)


def test_a_value_is_cut_at_or_has_a_reason(graph: Graph) -> None:
    """Exactly one of both, of every value; reasons are of the kinds that are told together."""
    side = side_values(graph)
    mains = [[n for n in cut.crossing if n not in side] for cut in candidate_cuts(graph)]
    cuts = {main[0] for main in mains}
    assert all(len(main) == 1 for main in mains)
    found = reasons(graph)
    assert cuts.isdisjoint(found)
    assert cuts | set(found) == set(graph.values)
    assert {reason.kind for reason in found.values()} <= set(IN_SHORT)


def test_what_is_said_not_to_separate_does_not(graph: Graph) -> None:
    """A cut there is none, and the values that are named are what is missing."""
    alone = {name: r.text for name, r in reasons(graph).items() if r.kind == "not alone"}
    for name, text in alone.items():
        with pytest.raises(InvalidCutError, match="would send") as refused:
            cut_at(graph, (name,))
        others = text.removeprefix("does not separate: ").removesuffix(" must cross as well")
        named = others.partition(" and ")[0].split(", ")
        assert named != [name]
        assert all(f"'{other}'" in str(refused.value) for other in named)


@pytest.mark.parametrize(
    ("model", "name", "kind", "words"),
    [
        ("branches", "x", "input", "an input"),
        ("branches", "b", "not alone", "does not separate: c must cross as well"),
        ("branches", "d", "fused", "ONNX Runtime fuses Add with the Relu behind it"),
        ("branches", "y", "output", "nothing is computed behind it"),
        ("free", "b", "costs nothing", "Reshape costs nothing: same cut as a"),
        ("quantised", "a", "fused", "fuses Exp with the QuantizeLinear behind it"),
        ("quantised", "d", "same in more bytes", "dequantised: q in more bytes"),
        ("cast", "b", "same in more bytes", "converted: a in no fewer bytes"),
        ("counted", "b", "unknown size", "a size that nobody knows before it runs"),
        ("sequence", "b", "no tensor", "a sequence: cannot travel"),
        ("pair", "z", "input", "an input"),
        ("pair", "a", "not alone", "does not separate: b must cross as well"),
    ],
)
def test_the_reason_is_told(graph_of, model: str, name: str, kind: str, words: str) -> None:
    """Each by its kind, and in words that name what it is about."""
    graph = graph_of(MODELS[model], **({"n": 2} if model == "counted" else {}))
    reason = reasons(graph)[name]
    assert reason.kind == kind
    assert words in reason.text


def test_what_the_optimiser_made_is_told(graph_of) -> None:
    """A name that is not in the file means nothing to another host."""
    graph = graph_of(MODELS["branches"])
    made = Graph(**{**vars(graph), "original_names": graph.original_names - {"a"}})
    assert reasons(made)["a"].kind == "made by the optimiser"


def test_sizes_and_masks_are_told() -> None:
    """They cross beside the value that a cut is named for, and are none by themselves."""
    content = text_encoder(num_layers=1, features=32).SerializeToString()
    graph = load_graph(ModelFile.open(content), sizes={"batch": 1, "length": 16})
    found = reasons(graph)
    assert found["mask_bias"].kind == "side value"
    assert found["layer0.q.split.shape"].kind == "side value"
    assert "layer0.norm" not in found
