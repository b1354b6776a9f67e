"""A session that is closed while its supervisor opens a connection anew."""

import subprocess
import sys


def test_closing_while_reopening_does_not_crash() -> None:
    """In a process of its own: gRPC ends it where a stub is made of a channel just closed."""
    command = [sys.executable, "-m", "tests.hostile.reopening", "127.0.0.1:9"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
