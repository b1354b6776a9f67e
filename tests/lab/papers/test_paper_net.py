"""One net in two files, with the times of one measurement."""

import numpy as np
import pytest

from cutpoint.graph import SERVER_ONLY, cut_at
from cutpoint.lab.papers.paper_net import PaperNet


def test_both_files_share_one_measurement(net: PaperNet) -> None:
    """The net behind its preprocessing takes what the net takes, and the preprocessing."""
    assert net.whole_s == pytest.approx(30e-3)
    assert net.pixel_s.sum() - net.whole_s == pytest.approx(1e-4)


def test_only_the_device_is_slower(net: PaperNet) -> None:
    """By the factor, in every block; the server is this host."""
    costs = net.costs(7.0)
    np.testing.assert_allclose(costs.device_s, 7.0 * costs.server_s)
    assert costs.server_s.sum() == pytest.approx(net.whole_s)


def test_a_row_of_floats_is_the_sum_of_its_nodes(net: PaperNet) -> None:
    """Head on the device, tail on the server, floats in between."""
    cut = cut_at(net.floats, ["b"])
    table = net.float_table(10.0, (cut,))
    row = table.find(cut.id)
    assert row is not None
    assert (table.head_s[row], table.tail_s[row]) == pytest.approx((0.15, 15e-3))
    assert table.up_bytes[row] == net.floats.size_bytes(("b",))


def test_the_device_encodes_as_slowly_as_it_computes(net: PaperNet) -> None:
    """And the server decodes at its own speed."""
    one, ten = net.pixel_table(1.0), net.pixel_table(10.0)
    row = one.find(SERVER_ONLY, "jpeg:90")
    assert row is not None
    assert row == ten.find(SERVER_ONLY, "jpeg:90")
    assert ten.encode_s[row] == pytest.approx(10 * one.encode_s[row])
    assert ten.tail_s[row] == pytest.approx(one.tail_s[row])


def test_rows_keep_the_tolerance(net: PaperNet) -> None:
    """A codec that loses more is no row; one that loses as much as is allowed is."""
    codecs = set(net.pixel_table(1.0).codecs)
    assert "uint4+zstd" not in codecs
    assert {"jpeg:90", "uint8", "zstd", "raw"} <= codecs


def test_exact_rows_lose_nothing(net: PaperNet) -> None:
    """Of the codecs that are allowed only those that give every bit back."""
    assert set(net.pixel_table(1.0, is_exact=True).codecs) == {"raw", "zstd"}
