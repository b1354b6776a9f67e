"""Copies of a byte that travels as it is."""

import sys
from pathlib import Path

import pytest

from cutpoint.lab.copied_bytes import compiler
from cutpoint.lab.copies_bench import count_copies


@pytest.mark.skipif(
    compiler() is None or sys.platform != "linux", reason="counting takes a C compiler, on Linux"
)
def test_raw_bytes_are_copied_no_more_than_they_must_be(tmp_path: Path) -> None:
    """The library copies each once to send and twice to receive; it is put in place once more."""
    copies = count_copies(tmp_path, num_inferences=4)
    assert copies.sent_bytes == 4 * 4 * 64 * 112 * 112
    assert 1.9 < copies.client < 2.2
    assert 2.9 < copies.server < 3.2
