"""Policies side by side on a real clock: same inputs, same place of the link, one server."""

from cutpoint.lab.arena.arena import Arena, Visit
from cutpoint.lab.arena.comparison import (
    kept,
    ratio_of_means,
    result_row,
    share_dropped,
)
from cutpoint.lab.arena.contender import (
    BASELINES,
    CUTPOINT,
    DEVICE_ONLY,
    RACING,
    SERVER_ONLY_FLOAT32,
    SERVER_ONLY_JPEG,
    SERVER_ONLY_UINT8,
    Contender,
    published,
)
from cutpoint.lab.arena.fixed_row import FixedRow
from cutpoint.lab.arena.place import Place
from cutpoint.lab.arena.shot import Shot
from cutpoint.lab.arena.subject import InputKind, Subject, prepare_subject, slowdown_for

__all__ = [
    "BASELINES",
    "CUTPOINT",
    "DEVICE_ONLY",
    "RACING",
    "SERVER_ONLY_FLOAT32",
    "SERVER_ONLY_JPEG",
    "SERVER_ONLY_UINT8",
    "Arena",
    "Contender",
    "FixedRow",
    "InputKind",
    "Place",
    "Shot",
    "Subject",
    "Visit",
    "kept",
    "prepare_subject",
    "published",
    "ratio_of_means",
    "result_row",
    "share_dropped",
    "slowdown_for",
]
