"""What every policy runs in one cell of a published table, and what that takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Literal

import numpy as np

from cutpoint.cost import CutTable, nodes_in, predict
from cutpoint.exceptions import ExperimentError
from cutpoint.graph import DEVICE_ONLY, SERVER_ONLY, Cut, blocks_of, cut_of
from cutpoint.lab.papers.paper_net import PaperNet
from cutpoint.planning import Problem, planner_named
from cutpoint.policies import Cutpoint, Situation
from cutpoint.records import RAW, Conditions, Parts

InputKind = Literal["float32", "uint8"]

JPEG = "jpeg:90"
CUTPOINT, EXACT, ORACLE, BEST_FIXED = "cutpoint", "cutpoint exact", "oracle", "best fixed row"
DEVICE_ONLY_POLICY = "device-only"

PUBLISHED: Mapping[str, str] = MappingProxyType(
    {
        "dads": "dads-light",
        "neurosurgeon": "neurosurgeon",
        "loadpart": "loadpart",
        "qdmp": "qdmp",
    }
)
"""Published schemes, and the planners that are theirs; each plans floats, as published."""

_ENDS: tuple[tuple[str, InputKind, str, str], ...] = (
    (DEVICE_ONLY_POLICY, "float32", DEVICE_ONLY, RAW),
    ("server-only float32", "float32", SERVER_ONLY, RAW),
    ("server-only uint8", "uint8", SERVER_ONLY, RAW),
    ("server-only jpeg", "uint8", SERVER_ONLY, JPEG),
)
"""Policies that never change their mind."""


@dataclass(frozen=True)
class Way:
    """
    One way to run an inference: what is fed, where it is cut, and how values travel.

    Parameters
    ----------
    fed
        Normalised floats, or pixels.
    cut
        Of that model's graph.
    codec
        Of the crossing values.
    """

    fed: InputKind
    cut: Cut
    codec: str = RAW

    @property
    def policy(self) -> str:
        """What a session is told so that it runs this way and no other."""
        ends = {"device": "device", "server": "server"}
        where = ends.get(self.cut.placement) or ",".join(self.cut.crossing)
        return where if self.codec == RAW else f"{where}@{self.codec}"

    def __str__(self) -> str:
        if self.cut.placement == "device":
            return DEVICE_ONLY
        where = SERVER_ONLY if self.cut.placement == "server" else ", ".join(self.cut.crossing)
        return f"{where} {self.fed if self.codec == RAW else self.codec}"


@dataclass(frozen=True)
class Choice:
    """
    What one policy runs in a cell.

    Parameters
    ----------
    policy
        Its name.
    way
        What it runs.
    parts
        What that takes, by the table.
    """

    policy: str
    way: Way
    parts: Parts

    @property
    def latency_s(self) -> float:
        """Sum of the parts."""
        return self.parts.latency_s


class Chooser:
    """
    Asks every policy about one net on one device.

    Parameters
    ----------
    net
        As measured.
    factor
        How many times slower than this host the device is.
    links
        Conditions by the names of the links; all of one table.
    published
        Published schemes by name, with the names of their planners.
    """

    def __init__(
        self,
        net: PaperNet,
        factor: float,
        links: Mapping[str, Conditions],
        published: Mapping[str, str] = PUBLISHED,
    ) -> None:
        self.net = net
        self.factor = factor
        self.links = links
        self.published = published
        self._costs = net.costs(factor)
        self.pixel_table = net.pixel_table(factor)
        self._exact_table = net.pixel_table(factor, is_exact=True)

    @cached_property
    def planned(self) -> Mapping[tuple[str, str], Cut]:
        """The cuts of the published planners, by policy and link."""
        return {
            (policy, link): self._planned(planner, conditions)
            for policy, planner in self.published.items()
            for link, conditions in self.links.items()
        }

    @cached_property
    def float_table(self) -> CutTable:
        """Rows of the two ends and of every cut that a published planner chose."""
        splits = [cut for cut in self.planned.values() if cut.placement == "split"]
        return self.net.float_table(self.factor, tuple(dict.fromkeys(splits)))

    def table_of(self, fed: InputKind) -> CutTable:
        """Give the rows of one of the two models."""
        return self.float_table if fed == "float32" else self.pixel_table

    def row_of(self, way: Way) -> int:
        """
        Give the row of a way.

        Raises
        ------
        ExperimentError
            If there is none: its codec is not installed, or breaks the tolerance.
        """
        row = self.table_of(way.fed).find(way.cut.id, way.codec)
        if row is None:
            raise ExperimentError(
                f"{self.net.name} cannot run {way}: the codec {way.codec!r} is not installed, or "
                "the tolerance does not allow it"
            )
        return row

    def choices(self, link: str) -> tuple[Choice, ...]:
        """Give what each policy runs over a link, the oracle last."""
        chosen = [self._choice(policy, link, way) for policy, way in self._ends]
        chosen += [
            self._choice(policy, link, Way("float32", self.planned[policy, link]))
            for policy in self.published
        ]
        chosen.append(self._choice(BEST_FIXED, link, self._best_fixed))
        chosen.append(self._choice(EXACT, link, self._soonest(self._exact_table, link)))
        chosen.append(self._choice(CUTPOINT, link, self._soonest(self.pixel_table, link)))
        best = min(
            (*chosen, *(self._choice("", link, way) for way in self._pixel_ways)),
            key=lambda each: each.latency_s,
        )
        return (*chosen, replace(best, policy=ORACLE))

    @cached_property
    def _ends(self) -> Sequence[tuple[str, Way]]:
        tables = {"float32": self.float_table, "uint8": self.pixel_table}
        by_id = {(fed, cut.id): cut for fed, table in tables.items() for cut in table.cuts[:2]}
        return [(name, Way(fed, by_id[fed, cut], codec)) for name, fed, cut, codec in _ENDS]

    @cached_property
    def _pixel_ways(self) -> Sequence[Way]:
        table = self.pixel_table
        return [
            Way("uint8", cut, codec) for cut, codec in zip(table.cuts, table.codecs, strict=True)
        ]

    @cached_property
    def _best_fixed(self) -> Way:
        """The row of the pixels that is best over all links, every link counting alike."""
        logs = sum(
            np.log(predict(self.pixel_table, conditions).latency_s)
            for conditions in self.links.values()
        )
        return self._pixel_ways[int(np.argmin(logs))]

    def _soonest(self, table: CutTable, link: str) -> Way:
        plan = Cutpoint().decide(Situation(0.0, table, self.links[link], "server"))
        row = self.pixel_table.find(plan.cut, plan.codec)
        return self._pixel_ways[0 if row is None else row]

    def _choice(self, policy: str, link: str, way: Way) -> Choice:
        parts = predict(self.table_of(way.fed), self.links[link]).parts(self.row_of(way))
        return Choice(policy, way, parts)

    def _planned(self, planner: str, conditions: Conditions) -> Cut:
        result = planner_named(planner).plan(Problem(self._costs, conditions))
        nodes = nodes_in(blocks_of(self.net.floats), result.head)
        cut = cut_of(self.net.floats, nodes)
        if cut is None:
            raise ExperimentError(
                f"{planner} cuts {self.net.name} where no two hosts could name the cut alike"
            )
        return cut
