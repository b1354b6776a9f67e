"""Published schemes: each decides by its own paper's objective, and no other."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cutpoint.cost import CutTable, predict
from cutpoint.graph import Cut, Graph
from cutpoint.planning import PLANNERS
from cutpoint.policies import PUBLISHED, Published, Situation
from cutpoint.records import Conditions, LinkConditions, LoadConditions

SCHEMES: dict[str, type[Published]] = {
    name: make for name, make in PUBLISHED.items() if issubclass(make, Published)
}
"""Those that decide by an objective: ANS learns its own."""

EVERY_SCHEME = pytest.mark.parametrize("name", SCHEMES)

EVERY_OF_A_PLANNER = pytest.mark.parametrize("name", ["neurosurgeon", "dads", "qdmp", "loadpart"])

OF_PREFIXES = {"neurosurgeon", "loadpart"}

IDLE = LoadConditions()
FAST = LinkConditions(1e9, 1e9, 0.0, 0.0)


@pytest.fixture(scope="module")
def skewed(graph_of: Callable[..., Graph]) -> Graph:
    """Give a net of a small input, seen to first, and a large one that shrinks at once."""
    return graph_of(
        """(float[1,8] z, float[1,64] x) => (float[1,8] y)
        { u = Exp(z) b = ReduceMax<axes = [1]>(x) y = Add(u, b) }"""
    )


def placed(name: str, table: CutTable, conditions: Conditions) -> str:
    """Give the placement that a scheme decides on."""
    return SCHEMES[name]().decide(Situation(0.0, table, conditions, "edge:8001")).placement


@EVERY_OF_A_PLANNER
def test_it_goes_by_its_name_and_by_the_terms_of_its_planner(name: str) -> None:
    """The policy and the planner of one paper count the same terms."""
    planner = PLANNERS["dads-light" if name == "dads" else name]()
    assert SCHEMES[name].name == name
    assert SCHEMES[name].setting == planner.setting


@pytest.mark.parametrize(
    ("name", "message", "wait"), [("loadpart-followon", False, True), ("diamond", True, True)]
)
def test_later_schemes_count_the_wait_and_diamond_the_message(
    name: str, message: bool, wait: bool, table: CutTable
) -> None:
    """A wait of an hour, or a delay of a minute, keeps on the device whoever counts it."""
    slow = replace(FAST, message_up_s=60.0, message_down_s=60.0)
    assert placed(name, table, Conditions(slow, IDLE)) == ("device" if message else "server")
    waiting = Conditions(FAST, LoadConditions(wait_s=3600.0))
    assert placed(name, table, waiting) == ("device" if wait else "server")


@EVERY_OF_A_PLANNER
def test_messages_and_queues_count_for_nothing(name: str, table: CutTable) -> None:
    """A link with a minute's delay and a queue of an hour are as good as none."""
    link = replace(FAST, message_up_s=60.0, message_down_s=60.0)
    assert placed(name, table, Conditions(link, LoadConditions(wait_s=3600.0))) == "server"


@pytest.mark.parametrize(
    ("name", "placement"),
    [
        ("dads", "server"),
        ("qdmp", "server"),
        ("neurosurgeon", "device"),
        ("loadpart", "device"),
        ("loadpart-followon", "device"),
        ("diamond", "device"),
    ],
)
def test_a_loaded_server_is_left_by_those_that_know_of_load(
    name: str, placement: str, table: CutTable
) -> None:
    """DADS and QDMP take the server to be idle; all others have a factor for it."""
    assert placed(name, table, Conditions(FAST, LoadConditions(slowdown=100.0))) == placement


@pytest.mark.parametrize(
    ("name", "placement"),
    [
        ("dads", "server"),
        ("qdmp", "server"),
        ("neurosurgeon", "server"),
        ("loadpart", "device"),
        ("loadpart-followon", "server"),
        ("diamond", "device"),
    ],
)
def test_the_way_back_counts_for_some(name: str, placement: str, table: CutTable) -> None:
    """Outputs of 4 bytes at 1 byte per second: LoADPart and DIAMOND wait for them."""
    conditions = Conditions(replace(FAST, bandwidth_down_bytes_per_s=1.0), IDLE)
    assert placed(name, table, conditions) == placement


@EVERY_SCHEME
def test_the_device_is_as_it_was_profiled(name: str, table: CutTable) -> None:
    """A device that now takes a tenth of its time keeps offloading: no paper looks at that."""
    assert placed(name, table, Conditions(FAST, IDLE, device_slowdown=0.1)) == "server"


@EVERY_SCHEME
def test_values_travel_raw(name: str, table: CutTable) -> None:
    """An encoded row that would be the best is not taken: no paper encodes float32 values."""
    rows = [0, 1, 2, 3, 1]
    columns = ("head_s", "rest_s", "encode_s", "tail_s", "down_bytes")
    coded = replace(
        table,
        cuts=tuple(table.cuts[row] for row in rows),
        codecs=("raw", "raw", "raw", "raw", "uint8"),
        up_bytes=np.array([0.0, 256.0, 4.0, 8.0, 1e-3]),
        **{column: getattr(table, column)[rows] for column in columns},
    )
    link = replace(FAST, bandwidth_up_bytes_per_s=100.0)
    plan = SCHEMES[name]().decide(Situation(0.0, coded, Conditions(link, IDLE), "edge:8001"))
    assert (plan.cut, plan.codec) == (table.cuts[2].id, "raw")


@EVERY_SCHEME
def test_what_it_predicts_is_the_whole_objective(name: str, table: CutTable) -> None:
    """The client waits by a plan's parts, so they hold what the paper leaves out."""
    conditions = Conditions(replace(FAST, message_up_s=0.5), LoadConditions(0.25, 1.5), 0.9)
    plan = SCHEMES[name]().decide(Situation(0.0, table, conditions, "edge:8001"))
    assert plan.predicted == predict(table, conditions).parts(1)


@EVERY_SCHEME
def test_it_changes_its_mind_at_once(name: str, situation_of: Callable[..., Situation]) -> None:
    """There is no hysteresis in any of these papers."""
    policy = SCHEMES[name]()
    turns = [situation_of(rate) for rate in (1e9, 0.5)] * 3
    assert [policy.decide(each).placement for each in turns] == ["server", "device"] * 3


@pytest.mark.parametrize("name", [name for name in SCHEMES if name != "diamond"])
def test_of_equal_rows_the_one_with_most_on_the_device_is_taken(name: str, table: CutTable) -> None:
    """Where nothing is to be gained, nothing is sent; and of two splits the later one is taken."""
    even = replace(table, head_s=np.array([4.0, 0, 1, 2]), tail_s=np.array([0, 4.0, 3, 2]))
    free = replace(even, up_bytes=np.zeros(4), down_bytes=np.zeros(4))
    assert placed(name, free, Conditions(FAST, IDLE)) == "device"
    slow = replace(free, head_s=np.array([5.0, 1, 1, 2]))
    cut = SCHEMES[name]().decide(Situation(0.0, slow, Conditions(FAST, IDLE), "edge:8001")).cut
    assert cut == table.cuts[3].id


def test_diamond_takes_what_costs_least_energy_of_equal_rows(table: CutTable) -> None:
    """Within a twentieth of the least latency the device computes least; beyond it, soonest."""
    even = replace(table, head_s=np.array([4.0, 0, 1, 2]), tail_s=np.array([0, 4.0, 3, 2]))
    free = replace(even, up_bytes=np.zeros(4), down_bytes=np.zeros(4))
    assert placed("diamond", free, Conditions(FAST, IDLE)) == "server"
    for wait_s, placement in ((0.19, "server"), (0.21, "device")):
        waiting = Conditions(FAST, LoadConditions(wait_s=wait_s))
        assert placed("diamond", free, waiting) == placement


@EVERY_SCHEME
def test_some_look_at_prefixes_of_one_order_alone(name: str, table: CutTable) -> None:
    """A cut that leaves out a node before one of its own is in no order of theirs."""
    sees_it = name not in OF_PREFIXES
    skewed: Cut = replace(table.cuts[2], head=0b101)
    scheme = SCHEMES[name]()
    assert scheme.may_take(skewed) == sees_it
    cheap = replace(table, cuts=(*table.cuts[:2], skewed, table.cuts[3]))
    link = replace(FAST, bandwidth_up_bytes_per_s=100.0)
    cut = scheme.decide(Situation(0.0, cheap, Conditions(link, IDLE), "edge:8001")).cut
    assert (cut == skewed.id) == sees_it


def test_diamond_looks_at_block_boundaries_alone(graph: Graph, table: CutTable) -> None:
    """A cut that two values cross is no boundary of its, and no candidate either."""
    scheme = SCHEMES["diamond"]()
    assert [len(cut.crossing) for cut in scheme.candidates(graph)] == [1]
    assert [scheme.may_take(cut) for cut in table.cuts[2:]] == [True, False]


@pytest.mark.parametrize("name", ["dads", "qdmp", "loadpart-followon"])
def test_minimum_cuts_may_leave_out_an_earlier_node(name: str, skewed: Graph) -> None:
    """Of two inputs only the large one is worth shrinking on the device, though it comes second."""
    assert [cut.crossing for cut in SCHEMES[name]().candidates(skewed)] == [("b", "z")]


@pytest.mark.parametrize("name", ["neurosurgeon", "loadpart"])
def test_prefixes_may_not(name: str, skewed: Graph) -> None:
    """What comes first in the one order is in every head behind it."""
    assert [cut.crossing for cut in SCHEMES[name]().candidates(skewed)] == [("b", "u")]


@EVERY_SCHEME
def test_without_a_server_there_is_a_reason(
    name: str, situation_of: Callable[..., Situation]
) -> None:
    """Device-only for want of a server says so."""
    plan = SCHEMES[name]().decide(situation_of(None))
    assert (plan.placement, plan.note) == ("device", "the link was not measured yet")


@EVERY_SCHEME
def test_a_table_that_forbids_to_send_inputs_is_obeyed(name: str, table: CutTable) -> None:
    """Server-only that may not be taken is not, however good it would be."""
    private = replace(table, may_send_inputs=False)
    assert placed(name, private, Conditions(FAST, IDLE)) == "split"
