"""How much a model file unfolds to, told without unfolding it."""

from collections import Counter
from graphlib import CycleError, TopologicalSorter

import onnx

from cutpoint.exceptions import UnsafeModelError
from cutpoint.execution.load_limits import LoadLimits
from cutpoint.execution.scopes import FunctionKey, called_key, function_key, scopes_of

_Calls = dict[FunctionKey | None, Counter[FunctionKey]]


def check_structure(model: onnx.ModelProto, limits: LoadLimits, where: str) -> None:
    """
    Refuse a model whose nodes, functions or sub-graphs are more than allowed.

    Takes time in proportion to the file, whatever its functions would unfold to.

    Raises
    ------
    UnsafeModelError
        If a function calls itself, or there are too many nodes or nested sub-graphs.
    """
    functions = {function_key(function) for function in model.functions}
    calls: _Calls = {None: Counter(), **{key: Counter() for key in functions}}
    num_own: Counter[FunctionKey | None] = Counter()
    for scope in scopes_of(model):
        if scope.depth > limits.nesting_depth:
            raise UnsafeModelError(
                f"{where}: {scope.where} is nested deeper than {limits.nesting_depth} sub-graphs: "
                "raise LoadLimits.nesting_depth if that is meant"
            )
        num_own[scope.owner] += len(scope.body.node)
        _check_num_nodes(num_own.total(), limits, where)
        calls[scope.owner].update(key for key in map(called_key, scope.body.node) if key in calls)
    _check_num_nodes(_num_expanded(calls, num_own, where), limits, where)


def _num_expanded(calls: _Calls, num_own: Counter[FunctionKey | None], where: str) -> int:
    """Count the nodes of the main graph with every call replaced by what it calls."""
    try:
        order = tuple(TopologicalSorter(calls).static_order())
    except CycleError as error:
        names = " -> ".join(f"{domain}:{name}" for domain, name, _ in error.args[1])
        raise UnsafeModelError(
            f"{where}: a local function calls itself ({names}): it can never be expanded; "
            "export the model again"
        ) from error
    total: dict[FunctionKey | None, int] = {}
    for key in order:
        called = calls[key].items()
        total[key] = num_own[key] + sum(times * total[callee] for callee, times in called)
    return total[None]


def _check_num_nodes(num_nodes: int, limits: LoadLimits, where: str) -> None:
    if num_nodes > limits.num_nodes:
        shown = num_nodes if num_nodes < 10**12 else "more than 10^12"
        raise UnsafeModelError(
            f"{where}: {shown} nodes with its functions expanded, over the limit of "
            f"{limits.num_nodes}: raise LoadLimits.num_nodes if that is meant"
        )
