"""Power profiles by name, and from files of the user's own."""

import os
from pathlib import Path

import msgspec

from cutpoint.cost.boards import POWER_PROFILES
from cutpoint.cost.power import PowerProfile
from cutpoint.exceptions import CostError, PlannerError


class _PowerFile(msgspec.Struct, forbid_unknown_fields=True):
    """The layout of a file: the fields of `PowerProfile`, all checked."""

    name: str
    compute_w: float
    idle_w: float
    send_w: float
    receive_w: float
    source: str
    send_w_per_bytes_per_s: float = 0.0
    receive_w_per_bytes_per_s: float = 0.0


def profile_given(
    given: "str | os.PathLike[str] | PowerProfile | None",
) -> PowerProfile | None:
    """
    Give a power profile in whichever form it was given, if one was.

    Raises
    ------
    PlannerError, CostError
        As `power_profile`.
    """
    return given if given is None or isinstance(given, PowerProfile) else power_profile(given)


def power_profile(name_or_path: str | os.PathLike[str]) -> PowerProfile:
    """
    Give a power profile.

    Parameters
    ----------
    name_or_path
        A key of `POWER_PROFILES`, or a JSON file with the fields of `PowerProfile`.

    Raises
    ------
    PlannerError
        If there is none of that name and no such file.
    CostError
        If the file is no power profile, or a figure in it is not one.
    """
    text = os.fspath(name_or_path)
    if text in POWER_PROFILES:
        return POWER_PROFILES[text]
    try:
        content = Path(text).read_bytes()
    except (OSError, ValueError) as error:
        raise PlannerError(
            f"no power profile {text!r} ({getattr(error, 'strerror', None) or error}): take one "
            f"of {', '.join(POWER_PROFILES)}, or name a JSON file of the fields of PowerProfile"
        ) from error
    try:
        return PowerProfile(**msgspec.structs.asdict(msgspec.json.decode(content, type=_PowerFile)))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise CostError(
            f"power profile {text} is damaged or is none ({error}): it holds "
            f"{', '.join(_PowerFile.__struct_fields__)}"
        ) from error
