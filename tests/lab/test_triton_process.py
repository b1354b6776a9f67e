"""Where Triton is looked for, and what is said where it is not or does not start."""

import pytest

from cutpoint.exceptions import ConnectError
from cutpoint.lab.triton_process import TritonProcess, find_triton


def test_where_there_is_none_that_is_said_with_the_folder(tmp_path, monkeypatch) -> None:
    """And how to get one."""
    monkeypatch.setenv("CUTPOINT_TRITON", str(tmp_path))
    with pytest.raises(ConnectError, match=r"make triton") as caught:
        find_triton()
    assert str(tmp_path) in str(caught.value)


def test_one_that_cannot_start_says_what_it_said(tmp_path) -> None:
    """The last lines of Triton itself: which model, and what is wrong with it."""
    try:
        installation = find_triton()
    except ConnectError as error:
        pytest.skip(str(error))
    (tmp_path / "broken" / "1").mkdir(parents=True)
    (tmp_path / "broken" / "config.pbtxt").write_text('name: "broken" backend: "nowhere"')
    process = TritonProcess(tmp_path, installation=installation)
    with pytest.raises(ConnectError, match="nowhere"):
        process.start()
    with pytest.raises(RuntimeError, match="not running"):
        _ = process.pid
