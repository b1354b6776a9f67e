"""Negative controls: what watches for six bugs sees each of them, and nothing where none is."""

from pathlib import Path

import pytest
from tests.hostile.planted import PLANTED

pytestmark = pytest.mark.alone


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_caught(bug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same scenario finds nothing in the code as it is, and something with the bug in it."""
    scenario, plant = PLANTED[bug]
    (tmp_path / "as it is").mkdir()
    (tmp_path / "spoiled").mkdir()
    assert scenario(tmp_path / "as it is") == []
    plant(monkeypatch)
    assert scenario(tmp_path / "spoiled") != []
