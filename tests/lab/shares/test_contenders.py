"""What competes is what brute force over all cuts, codecs and inputs finds."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from cutpoint.cost import NO_LIMITS, CostTable, every_head
from cutpoint.lab.shares.contenders import (
    AS_MEASURED,
    CAMERA,
    CODEC_SETS,
    FLOAT32,
    INPUTS,
    JPEG,
    PICTURE_CODECS,
    UINT8,
    Assumptions,
    Contenders,
)
from cutpoint.lab.shares.grid import Grid, grid_of
from cutpoint.lab.shares.measured_net import SAME, SERVERS, MeasuredNet
from cutpoint.records import RAW, Conditions

GRID = grid_of((0.3, 3, 30), (1.0, 5.0, 50.0), (1.0, 20.0), (0.0001, 0.02))
FREE = Assumptions(has_codec_times=False, has_preparation=False, jpeg_bytes=777.0)
COUNTED = {"everything": AS_MEASURED, "nothing": FREE, "sparse": replace(FREE, relu_shrink=4.0)}


@pytest.mark.parametrize("assumptions", COUNTED.values(), ids=COUNTED)
@pytest.mark.parametrize("coding", INPUTS)
@pytest.mark.parametrize("server", SERVERS)
def test_the_best_of_each_kind_is_that_of_brute_force(
    net: MeasuredNet, server: str, coding: str, assumptions: Assumptions
) -> None:
    """Whatever the codecs, no cut that was left out would have beaten the ends anywhere."""
    contenders = Contenders(net, assumptions)
    for codecs in CODEC_SETS.values():
        found = contenders.latencies(server, coding, codecs, GRID)
        judge = _Judge(net, server, coding, codecs, assumptions)
        for point, conditions in enumerate(GRID.conditions):
            at = tuple(int(each) for each in np.unravel_index(point, GRID.shape))
            here = found.at(*at)
            assert float(here.device_s) == pytest.approx(judge.device_s(conditions))
            assert float(here.server_s) == pytest.approx(judge.server_s(conditions))
            split_s = judge.split_s(conditions)
            assert float(here.split_s) >= split_s * (1 - 1e-12)
            assert float(here.best_s) == pytest.approx(min(float(here.end_s), split_s))


def test_a_smaller_input_leaves_splits_less(net: MeasuredNet) -> None:
    """Where nothing but bytes counts, splits win least often against the smallest input."""
    contenders = Contenders(net, FREE)
    shares = [
        contenders.latencies(SAME, coding, CODEC_SETS["uint8"], GRID).tally.best
        for coding in (FLOAT32, UINT8, JPEG)
    ]
    assert contenders.latencies(SAME, FLOAT32, (RAW,), GRID).tally.best > 0
    assert shares[1] >= shares[2]
    assert shares[1] > 0


def test_the_work_before_values_are_small_is_that_of_brute_force(net: MeasuredNet) -> None:
    """The least device time of all cuts that send less; all of it where none does."""
    contenders, costs = Contenders(net), net.costs[SAME]
    rows = every_head(costs, NO_LIMITS, 1000)
    assert rows is not None
    sent = net.sent_bytes["uint8+zstd"]
    for size_bytes in (1e6, 300.0, 110.0, 40.0, 1.0):
        cuts = [
            float(head_s) / net.whole_s
            for head, head_s in zip(rows.heads, rows.head_s, strict=True)
            if 0 < head < costs.everything
            and sum(min(sent[name], size) for name, size in _crossing(costs, head)) < size_bytes
        ]
        found = contenders.work_before(size_bytes, "uint8+zstd")
        assert found == pytest.approx(min(cuts, default=1.0))
    assert contenders.work_before(300.0, "uint8+zstd") < 1


def _crossing(costs: CostTable, head: int) -> list[tuple[str, float]]:
    inside = [bool(head >> block & 1) for block in range(costs.num_blocks)]
    return [
        (value.name, value.size_bytes)
        for value in costs.values
        if value.producer is not None
        and inside[value.producer]
        and any(not inside[consumer] for consumer in value.consumers)
    ]


def test_more_codecs_never_make_it_worse(net: MeasuredNet) -> None:
    """The best of a larger set is no later, anywhere."""
    contenders = Contenders(net)
    names = [name for name in CODEC_SETS if name != "lossless"]
    best_s = [contenders.latencies(SAME, UINT8, CODEC_SETS[name], GRID).best_s for name in names]
    for smaller, larger in pairwise(best_s):
        assert (larger <= smaller * (1 + 1e-12)).all()


def test_a_case_whose_answer_is_known(net: MeasuredNet) -> None:
    """A free first stage that quarters the pixels: the split saves three quarters of the upload."""
    free = replace(net, costs={SAME: _free(net.costs[SAME])})
    grid = Grid((1000.0,), (1.0,), (1.0,), (0.0,), has_answers=False)
    sizes = {"a": 768.0, "left": 768.0, "right": 768.0, "b": 768.0}
    codings = {**net.sent_bytes, "uint8": {**net.sent_bytes["uint8"], **sizes}}
    contenders = Contenders(replace(free, sent_bytes=codings), FREE)
    found = contenders.latencies(SAME, UINT8, (RAW, "uint8"), grid).at(0, 0, 0, 0)
    assert float(found.server_s) == pytest.approx(3072 / 1000 + 10)
    assert float(found.split_s) == pytest.approx(768 / 1000 + 10)
    assert float(found.device_s) == pytest.approx(1e4)


def _free(costs: CostTable) -> CostTable:
    """Give costs of nothing for the first block, and of far too much for the device behind it."""
    device_s = np.zeros(costs.num_blocks)
    device_s[1:] = 1e4 / (costs.num_blocks - 1)
    server_s = np.zeros(costs.num_blocks)
    server_s[1:] = 10 / (costs.num_blocks - 1)
    return replace(costs, host_s=np.array([device_s, server_s]))


class _Judge:
    """Adds up every cut by hand."""

    def __init__(
        self,
        net: MeasuredNet,
        server: str,
        coding: str,
        codecs: tuple[str, ...],
        assumptions: Assumptions,
    ) -> None:
        self._net, self._costs = net, net.costs[server]
        self._coding, self._codecs, self._assumptions = coding, codecs, assumptions
        self._pixels = 3.0 * net.num_pixels
        self._prepare_s = (
            net.times.prepare_s_per_pixel * net.num_pixels if assumptions.has_preparation else 0.0
        )
        rows = every_head(self._costs, NO_LIMITS, 1000)
        assert rows is not None
        self._heads = [head for head in rows.heads if head not in (0, self._costs.everything)]

    def device_s(self, now: Conditions) -> float:
        return now.device_slowdown * (self._first_s() + float(self._costs.device_s.sum()))

    def server_s(self, now: Conditions) -> float:
        return min(
            self._sent_s(now, head_s, sent, after_s + float(self._costs.server_s.sum()))
            for head_s, sent, after_s in self._ways_in()
        )

    def split_s(self, now: Conditions) -> float:
        found = []
        for head in self._heads:
            inside = [bool(head >> block & 1) for block in range(self._costs.num_blocks)]
            crossing = [
                value
                for value in self._costs.values
                if (value.producer is None or inside[value.producer])
                and any(not inside[consumer] for consumer in value.consumers)
            ]
            if any(value.producer is None for value in crossing):
                continue
            device_s = self._first_s() + float(self._costs.device_s[inside].sum())
            server_s = float(self._costs.server_s[np.logical_not(inside)].sum())
            for codec in self._codecs:
                coded = [self._coded(codec, value.name, value.size_bytes) for value in crossing]
                encode_s, sent, decode_s = np.sum(coded, axis=0)
                found.append(self._sent_s(now, device_s + encode_s, sent, server_s + decode_s))
        return min(found)

    def _ways_in(self) -> Iterator[tuple[float, float, float]]:
        """Yield device time, bytes and server time of every way that the input may travel."""
        if self._coding == FLOAT32:
            for codec in self._codecs:
                encode_s, sent, decode_s = self._coded(codec, "x", 4 * self._pixels)
                yield self._prepare_s + encode_s, sent, decode_s
            return
        if self._coding != CAMERA:
            yield 0.0, self._pixels, self._prepare_s
        if self._coding != UINT8:
            encode_s, sent, decode_s = self._picture()
            is_made = self._coding != CAMERA
            yield encode_s * is_made, sent, decode_s + self._prepare_s

    def _first_s(self) -> float:
        return self._prepare_s + (self._picture()[2] if self._coding == CAMERA else 0.0)

    def _picture(self) -> tuple[float, float, float]:
        codec = PICTURE_CODECS[self._coding]
        sent = self._net.picture_bytes[codec]
        if codec.startswith("jpeg") and self._assumptions.jpeg_bytes is not None:
            sent = self._assumptions.jpeg_bytes
        return self._timed(codec, self._pixels, sent)

    def _coded(self, codec: str, name: str, size_bytes: float) -> tuple[float, float, float]:
        if codec == RAW:
            return 0.0, size_bytes, 0.0
        sent = self._net.sent_bytes[codec][name]
        sent /= self._assumptions.relu_shrink if name in self._net.after_relu else 1.0
        return self._timed(codec, size_bytes, sent)

    def _timed(self, codec: str, raw: float, sent: float) -> tuple[float, float, float]:
        if not self._assumptions.has_codec_times:
            return 0.0, sent, 0.0
        times = self._net.times
        return times.encode[codec].time_s(raw, sent), sent, times.decode[codec].time_s(raw, sent)

    def _sent_s(self, now: Conditions, device_s: float, sent: float, server_s: float) -> float:
        link = now.link
        assert link is not None
        answer = sum(value.size_bytes for value in self._costs.values if value.is_output)
        return (
            now.device_slowdown * device_s
            + link.round_trip_s
            + sent / link.bandwidth_up_bytes_per_s
            + now.load.slowdown * server_s
            + answer / link.bandwidth_down_bytes_per_s
        )
