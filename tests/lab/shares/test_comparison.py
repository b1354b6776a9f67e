"""The comparison with the earlier figures counts each net under each step."""

from dataclasses import replace

import numpy as np
import pytest

from cutpoint.lab.shares.comparison import STEPS, Comparing, places
from cutpoint.lab.shares.contenders import JPEG, UINT8, Contenders
from cutpoint.lab.shares.grid import IDLE_SERVER, WIDE
from cutpoint.lab.shares.measured_net import SAME, SERVERS, MeasuredNet
from cutpoint.lab.shares.reference_figures import (
    BY_BANDWIDTH,
    COLUMNS,
    IN_COMMON,
    PLACES,
    RELATIVE_TO,
)
from cutpoint.lab.shares.reference_text import reference_lines
from cutpoint.lab.zoo import ZOO
from cutpoint.records import RAW


def test_the_reference_is_of_nets_that_the_zoo_has() -> None:
    """Nets in common are in the zoo, and each figure is of every column."""
    assert set(IN_COMMON) <= set(ZOO)
    assert set(PLACES) <= set(IN_COMMON)
    assert all(len(places) == len(COLUMNS) for places in PLACES.values())
    assert all(len(figures) == len(COLUMNS) for figures in BY_BANDWIDTH.values())
    assert all(figures[1][0] == 1 for figures in BY_BANDWIDTH.values())
    assert len(BY_BANDWIDTH) == IDLE_SERVER.shape[0]


def test_each_step_is_counted_as_it_says(net: MeasuredNet) -> None:
    """Shares are those of the contenders under the step's assumptions and grid."""
    comparing = Comparing()
    comparing.add(net)
    found = comparing.result()
    contenders_of = {step.name: Contenders(net, step.assumptions) for step in STEPS}
    for row in found.wide:
        for step, tally in zip(STEPS, row.steps, strict=True):
            contenders = contenders_of[step.name]
            codecs = tuple(dict.fromkeys((RAW, row.published.codec)))
            grid = replace(WIDE, has_answers=step.has_answers)
            server, coding = row.published.server, row.published.coding
            assert tally == contenders.latencies(server, coding, codecs, grid).tally
    assert len({row.steps[0] for row in found.wide}) > 1
    assert any(row.steps[0] != row.steps[-1] for row in found.wide)


def test_columns_are_relative_to_one_of_them(net: MeasuredNet) -> None:
    """The geometric mean over servers and devices of latency over the usual column's."""
    comparing = Comparing()
    comparing.add(net)
    rows = {(row.bandwidth_mbit_per_s, row.column): row for row in comparing.result().columns}
    contenders, column = Contenders(net), COLUMNS[-1]
    ratios = [
        contenders.latencies(server, column.coding, (RAW, column.codec), IDLE_SERVER).best_s
        / contenders.latencies(server, UINT8, (RAW,), IDLE_SERVER).best_s
        for server in SERVERS
    ]
    for at, bandwidth in enumerate(BY_BANDWIDTH):
        mean = np.exp(np.log([ratio[at] for ratio in ratios]).mean())
        assert rows[bandwidth, column].steps[-1][0] == pytest.approx(mean)
        assert rows[bandwidth, RELATIVE_TO].steps[-1][0] == pytest.approx(1.0)


def test_a_net_that_only_the_zoo_has_counts_in_the_last_step_alone(net: MeasuredNet) -> None:
    """Other nets leave the steps of the nets in common as they are."""
    comparing = Comparing()
    comparing.add(replace(net, name="nin"))
    found = comparing.result()
    assert [bool(tally.num_points) for tally in found.wide[0].steps] == [False] * 4 + [True]
    assert found.places == ()
    assert found.most == {}


def test_the_place_is_that_of_the_least_latency(net: MeasuredNet) -> None:
    """A letter per column, each of what is soonest there."""
    contenders, step = Contenders(net), STEPS[-1]
    letters = places(contenders, step)
    assert len(letters) == len(COLUMNS)
    for letter, column in zip(letters, COLUMNS, strict=True):
        here = contenders.latencies(
            SAME, column.coding, tuple(dict.fromkeys((RAW, column.codec))), IDLE_SERVER
        ).at(2, 0, 0, 0)
        best = {"d": here.device_s, "s": here.split_s, "f": here.server_s}
        assert float(best[letter]) == float(here.best_s)


def test_the_text_has_every_figure(net: MeasuredNet) -> None:
    """Earlier figures and found ones stand side by side, and sparser values are told of."""
    comparing = Comparing()
    comparing.add(net)
    found = comparing.result()
    text = "\n".join(reference_lines(found))
    assert "| uint8 in, uint8 values, GPU-like | 10 % / 8.4 % / +254 % |" in text
    assert "| 5 Mbit/s, uint8 in, uint8+zstd values | 0.82 / 55 % |" in text
    assert f"| squeezenet | `ddsssf` | `{found.places[0].first}` |" in text
    assert "34 % / 0.3 %" in text
    assert f"{JPEG} in, uint8+zstd values, earlier: 1.5 %, as there: " in text
    assert found.most["squeezenet"] == max(row.steps[0].most for row in found.wide)
