from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.cost import CutTable, predict
from cutpoint.records import Conditions, LinkConditions, LoadConditions, Parts

Write = Callable[..., CutTable]

ROW = st.tuples(*[st.floats(0, 10)] * 3, *[st.floats(0, 1e7)] * 2)
ROWS = st.lists(ROW, min_size=2, max_size=6)
LINKS = st.builds(
    LinkConditions, *[st.floats(1e2, 1e9)] * 2, *[st.floats(0, 1)] * 2
)  # fmt: skip
CONDITIONS = st.builds(
    Conditions,
    link=LINKS,
    load=st.builds(LoadConditions, st.floats(0, 5), st.floats(0.1, 50)),
    device_slowdown=st.floats(0.1, 20),
)


def test_the_objective_by_hand(table_of: Write) -> None:
    """Each part is what the objective says, worked out by hand for one row of each placement."""
    table = table_of((4, 0, 0, 0, 0), (0, 4, 1, 600, 20), (1, 3, 0.5, 300, 10))
    table = replace(table, encode_s=np.array([0.0, 0.25, 0.5]))
    link = LinkConditions(100.0, 10.0, 0.01, 0.02)
    conditions = Conditions(link, LoadConditions(wait_s=0.3, slowdown=2.0), device_slowdown=3.0)
    prediction = predict(table, conditions)
    assert Parts(head_s=12.0) == prediction.parts(0)
    assert Parts(
        head_s=0.0,
        encode_s=0.75,
        upload_s=pytest.approx(0.01 + 6.0),
        wait_s=0.3,
        tail_s=2.0,
        download_s=pytest.approx(0.02 + 2.0),
    ) == prediction.parts(1)
    assert Parts(
        head_s=3.0,
        encode_s=1.5,
        upload_s=pytest.approx(0.01 + 3.0),
        wait_s=0.3,
        tail_s=1.0,
        download_s=pytest.approx(0.02 + 1.0),
    ) == prediction.parts(2)


@given(rows=ROWS, conditions=CONDITIONS)
def test_the_objective(
    rows: list[tuple[float, ...]], conditions: Conditions, table_of: Write
) -> None:
    """Every row's latency is the objective, term by term."""
    table = table_of((5, 0, 0, 0, 0), *rows[1:])
    link, load, g = conditions.link, conditions.load, conditions.device_slowdown
    assert link is not None
    expected = [
        g * head_s
        + (0.0 if row == 0 else link.message_up_s + up_bytes / link.bandwidth_up_bytes_per_s)
        + (0.0 if row == 0 else load.wait_s + load.slowdown * tail_s)
        + (0.0 if row == 0 else link.message_down_s + down_bytes / link.bandwidth_down_bytes_per_s)
        for row, (head_s, _, tail_s, up_bytes, down_bytes) in enumerate(
            [(5.0, 0.0, 0.0, 0.0, 0.0), *rows[1:]]
        )
    ]
    np.testing.assert_allclose(expected, predict(table, conditions).latency_s, rtol=1e-12)


@given(rows=ROWS, conditions=CONDITIONS, usable=st.booleans())
def test_parts_sum_to_the_latency(
    rows: list[tuple[float, ...]], conditions: Conditions, usable: bool, table_of: Write
) -> None:
    """A row's parts add up to its latency, whether or not the server can be used."""
    if not usable:
        conditions = replace(conditions, unavailable="gone")
    table = replace(table_of(*rows), encode_s=np.arange(1.0, len(rows) + 1))
    prediction = predict(table, conditions)
    for row, latency_s in enumerate(prediction.latency_s):
        assert prediction.parts(row).latency_s == pytest.approx(latency_s)


@given(rows=ROWS, conditions=CONDITIONS, factor=st.floats(1, 100), up=st.booleans())
def test_more_bandwidth_is_never_slower(
    rows: list[tuple[float, ...]],
    conditions: Conditions,
    factor: float,
    up: bool,
    table_of: Write,
) -> None:
    """More bandwidth either way makes no row slower."""
    link = conditions.link
    assert link is not None
    name = "bandwidth_up_bytes_per_s" if up else "bandwidth_down_bytes_per_s"
    faster = replace(conditions, link=replace(link, **{name: factor * getattr(link, name)}))
    table = table_of(*rows)
    assert np.all(predict(table, faster).latency_s <= predict(table, conditions).latency_s)


@given(rows=ROWS, conditions=CONDITIONS, more=st.floats(1, 10))
def test_load_touches_offloaded_rows_only(
    rows: list[tuple[float, ...]], conditions: Conditions, more: float, table_of: Write
) -> None:
    """A busier server makes no row faster, and device-only no slower."""
    load = conditions.load
    busier = replace(conditions, load=LoadConditions(load.wait_s + more, load.slowdown * more))
    table = table_of((5, 0, 0, 0, 0), *rows[1:])
    idle_s, busy_s = predict(table, conditions).latency_s, predict(table, busier).latency_s
    assert idle_s[0] == busy_s[0]
    assert np.all(idle_s[1:] < busy_s[1:])


@given(rows=ROWS, conditions=CONDITIONS, why=st.sampled_from(["no link", "unavailable", "both"]))
def test_an_unusable_server_answers_never(
    rows: list[tuple[float, ...]], conditions: Conditions, why: str, table_of: Write
) -> None:
    """Without a usable server the rows that need it are infinite, device-only as before."""
    table = table_of((5, 0, 0, 0, 0), *rows[1:])
    without = replace(
        conditions,
        link=conditions.link if why == "unavailable" else None,
        unavailable=None if why == "no link" else "gone",
    )
    latency_s = predict(table, without).latency_s
    assert latency_s[0] == predict(table, conditions).latency_s[0]
    assert np.all(np.isinf(latency_s[1:]))
