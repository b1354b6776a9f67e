"""Counting what a process copies."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cutpoint.lab.copied_bytes import CopiedBytes, compiler

_NUM, _SIZE_BYTES = 50, 1 << 20

pytestmark = pytest.mark.skipif(
    compiler() is None or sys.platform != "linux", reason="counting takes a C compiler, on Linux"
)


def _copied(counter: CopiedBytes, statement: str) -> int:
    code = f"source = bytearray({_SIZE_BYTES})\nfor _ in range({_NUM}):\n    {statement}\n"
    before = counter.read()
    subprocess.run(
        [sys.executable, "-S", "-c", code], env={**os.environ, **counter.environment}, check=True
    )
    return counter.read() - before


def test_every_copy_is_counted_once(tmp_path: Path) -> None:
    """A loop of copies adds its bytes, a view of the same memory adds none, whoever else runs."""
    counter = CopiedBytes(tmp_path)
    at_start = _copied(counter, "pass")
    viewed = _copied(counter, "memoryview(source)[1:]") - at_start
    copied = _copied(counter, "bytes(source)") - at_start
    assert abs(viewed) < _SIZE_BYTES
    assert copied == pytest.approx(_NUM * _SIZE_BYTES, rel=0.02)


def test_a_process_that_is_not_asked_is_not_counted(tmp_path: Path) -> None:
    """The counter is for those that have its variables."""
    counter = CopiedBytes(tmp_path)
    subprocess.run([sys.executable, "-S", "-c", "bytes(bytearray(1 << 24))"], check=True)
    assert counter.read() == 0


def test_without_a_compiler_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And names those it looked for."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OSError, match="cc, gcc or clang"):
        CopiedBytes(tmp_path)
