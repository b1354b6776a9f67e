"""Every planner by name; a scheme outside the package by its import path."""

import importlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from cutpoint.exceptions import PlannerError
from cutpoint.planning.planner import Planner
from cutpoint.planning.schemes.compiled_planner import CompiledPlanner
from cutpoint.planning.schemes.dads_heavy import DadsHeavy
from cutpoint.planning.schemes.dads_heavy_printed import DadsHeavyAsPrinted
from cutpoint.planning.schemes.dads_light import DadsLight, DadsLightAsPrinted
from cutpoint.planning.schemes.duan_wu import duan_wu, duan_wu_path, duan_wu_tree
from cutpoint.planning.schemes.ends import device_only, server_only
from cutpoint.planning.schemes.exhaustive import Exhaustive
from cutpoint.planning.schemes.jointdnn import JointDnn
from cutpoint.planning.schemes.jps import Jps
from cutpoint.planning.schemes.jps_printed import JpsAsPrinted
from cutpoint.planning.schemes.loadpart import LoadPart
from cutpoint.planning.schemes.neurosurgeon import Neurosurgeon
from cutpoint.planning.schemes.qdmp import Qdmp
from cutpoint.planning.schemes.three_tiers import ThreeTiers

_LISTED: tuple[Callable[[], Planner], ...] = (
    device_only,
    server_only,
    CompiledPlanner,
    Exhaustive,
    DadsLight,
    DadsLightAsPrinted,
    DadsHeavy,
    DadsHeavyAsPrinted,
    Neurosurgeon,
    LoadPart,
    Qdmp,
    JointDnn,
    ThreeTiers,
    duan_wu_path,
    duan_wu_tree,
    duan_wu,
    JpsAsPrinted,
    Jps,
)

PLANNERS: Mapping[str, Callable[[], Planner]] = MappingProxyType(
    {make().name: make for make in _LISTED}
)
"""What makes each planner, by the planner's name. A new scheme is one file and one entry."""


def planner_named(name: str) -> Planner:
    """
    Give a planner.

    Parameters
    ----------
    name
        A key of `PLANNERS`, or ``package.module:Class`` of a planner outside.

    Raises
    ------
    PlannerError
        If there is none of that name, it cannot be imported, or it is no planner.
    """
    if name in PLANNERS:
        return PLANNERS[name]()
    module_name, colon, attribute = name.partition(":")
    if not colon:
        raise PlannerError(
            f"no planner {name!r}: take one of {', '.join(PLANNERS)}, or package.module:Class"
        )
    try:
        made = getattr(importlib.import_module(module_name), attribute)()
    except (Exception, SystemExit) as error:  # whatever foreign code raises, it is the name's
        raise PlannerError(f"planner {name!r} cannot be made: {error}") from error
    missing = [
        each for each in ("name", "goal", "setting", "exempt", "plan") if not hasattr(made, each)
    ]
    if missing:
        raise PlannerError(f"{name!r} is no planner: it has no {', no '.join(missing)}")
    planner: Planner = made
    return planner
