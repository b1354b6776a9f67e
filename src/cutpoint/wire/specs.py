"""What tensors a tail takes and makes: the same answer on both hosts."""

from cutpoint.graph import SERVER_ONLY, Cut, Graph, constant_outputs
from cutpoint.wire.tensors import TensorSpec, spec_of_value


def input_specs(graph: Graph, cut: Cut) -> tuple[TensorSpec, ...]:
    """
    Give the tensors a tail takes: every input of the model for the whole.

    Raises
    ------
    UnknownShapeError
        If the type or shape of one is not known.
    """
    names = graph.inputs if cut.id == SERVER_ONLY else cut.crossing
    return tuple(spec_of_value(graph.values[name]) for name in names)


def output_specs(graph: Graph, cut: Cut) -> tuple[TensorSpec, ...]:
    """
    Give the tensors a tail makes: every output of the model for the whole.

    Raises
    ------
    UnknownShapeError
        If the type or shape of one is not known.
    """
    constants = constant_outputs(graph)
    names = graph.outputs if cut.id == SERVER_ONLY else cut.returned
    return tuple(
        TensorSpec.of(name, constants[name])
        if name in constants
        else spec_of_value(graph.values[name])
        for name in names
    )
