"""The folder of temporary files: gone with its server, swept after one that was killed."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from cutpoint.server.scratch import Scratch

_HOLD = """
import sys, tempfile
from cutpoint.server.scratch import Scratch
with Scratch() as scratch:
    print(tempfile.mkdtemp(), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let this process's temporary files go to a folder of the test's."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_temporary_files_go_with_the_block(parent: Path) -> None:
    """Whatever is made inside lies in one folder, and is gone afterwards."""
    with Scratch():
        made = Path(tempfile.mkdtemp())
        (made / "weights").write_bytes(b"0")
        assert made.is_relative_to(parent)
        assert made.parent != parent
    assert tempfile.gettempdir() == str(parent)
    assert list(parent.iterdir()) == []


def test_only_what_a_killed_server_left_is_swept(parent: Path) -> None:
    """A living one's folder stays, and so does whatever else lies there."""
    (parent / "cutpoint-serve-foreign").mkdir()
    command = [sys.executable, "-c", _HOLD]
    environment = {"TMPDIR": str(parent)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        made = Path(process.stdout.readline().strip())
        assert made.is_relative_to(parent)
        with Scratch():
            assert made.exists()
        process.kill()
        process.wait(30)
        assert made.exists()
        with Scratch():
            assert not made.exists()
    assert [each.name for each in parent.iterdir()] == ["cutpoint-serve-foreign"]
