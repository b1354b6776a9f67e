"""What iperf3 says of a link."""

from pathlib import Path

import pytest

from cutpoint.exceptions import ConfigurationError
from cutpoint.lab.emulation.iperf import IperfRun, find_iperf, iperf_over

_FAKE = """#!/bin/sh
case "$1" in
  -s) echo "Server listening on 1"; exec sleep 30;;
  *) echo '{answer}';;
esac
"""


def _fake(folder: Path, answer: str) -> str:
    path = folder / "iperf3"
    path.write_text(_FAKE.replace("{answer}", answer))
    path.chmod(0o755)
    return str(path)


def test_the_receivers_count_is_taken(tmp_path: Path) -> None:
    """In bytes; the error is beside the rate that the link was given."""
    answer = '{"end": {"sum_received": {"bits_per_second": 7.92e6, "bytes": 500000}}}'
    run = iperf_over(1e6, 1.0, _fake(tmp_path, answer))
    assert run == IperfRun(1e6, 0.99e6, 500000)
    assert run.error == pytest.approx(-0.01)


def test_a_program_that_says_something_else_is_an_error(tmp_path: Path) -> None:
    """With its words."""
    with pytest.raises(ConfigurationError, match="gave no result: 'hello"):
        iperf_over(1e6, 1.0, _fake(tmp_path, "hello"))


@pytest.mark.skipif(find_iperf() is None, reason="iperf3 is not in PATH")
def test_iperf_finds_no_more_than_the_link_carries() -> None:
    """A second of 8 Mbit/s; the queue's worth may come on top."""
    run = iperf_over(1e6, 1.0, find_iperf() or "")
    assert 0.5e6 < run.got_bytes_per_s < 1.1e6
