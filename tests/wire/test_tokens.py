"""Tokens in files: which lines are tokens, and what a change does."""

import logging
from pathlib import Path

import pytest

from cutpoint.exceptions import ConnectError
from cutpoint.wire.tokens import TokenFile, bearer, read_tokens, shown

SECRET = "s3cr3t-canary"
ONE, ANOTHER = "1" * 32, "2" * 32


def test_every_line_that_is_no_comment_is_a_token(tmp_path: Path) -> None:
    """Empty lines, comments and white space around a token count for nothing."""
    path = tmp_path / "tokens"
    path.write_text("# camera 1\n  abc \n\nd#ef\n")
    assert read_tokens(path) == ("abc", "d#ef")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n# none\n",
        f"{SECRET} two words".encode(),
        f"{SECRET}\x00".encode(),
        "tökén".encode(),
    ],
)
def test_what_holds_no_token_is_refused_without_repeating_it(
    tmp_path: Path, content: bytes
) -> None:
    """The error names the file and says what to write into it; a secret is not in it."""
    path = tmp_path / "tokens"
    path.write_bytes(content)
    with pytest.raises(ConnectError, match="openssl rand") as caught:
        TokenFile(path)
    assert str(path) in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """What the system said is kept."""
    with pytest.raises(ConnectError, match="No such file"):
        TokenFile(tmp_path / "missing")


def test_a_change_is_seen_and_a_damage_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """New tokens count at once; a file that is gone or empty leaves the old ones in force."""
    path = tmp_path / "tokens"
    path.write_text(f"{ONE}\n")
    tokens = TokenFile(path)
    path.write_text(f"{ONE}\n{ANOTHER}\n")
    assert tokens.tokens() == (ONE, ANOTHER)
    with caplog.at_level(logging.WARNING):
        path.write_text(f"{SECRET} {SECRET}\n")
        assert tokens.tokens() == (ONE, ANOTHER)
        path.unlink()
        assert tokens.tokens() == (ONE, ANOTHER)
        assert tokens.tokens() == (ONE, ANOTHER)
    assert len(caplog.records) == 2, "each damage is told once"
    assert SECRET not in caplog.text + repr(tokens)


def test_a_file_caught_half_written_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A token cut short lets nobody in, nor does a file emptied first; the whole one counts."""
    now_s = 100.0
    path = tmp_path / "tokens"
    path.write_text(f"{ONE}\n")
    tokens = TokenFile(path, clock=lambda: now_s)
    for written in ("", ANOTHER[:3], ANOTHER, f"{ANOTHER}\n{ONE[:5]}"):
        path.write_text(written)
        for _ in range(2):
            now_s += 0.4
            assert tokens.tokens() == (ONE,)
    path.write_text(f"{ANOTHER}\n{ONE}\n")
    assert tokens.tokens() == (ANOTHER, ONE)
    assert not caplog.records


def test_a_last_line_without_an_end_counts_once_the_file_rests(tmp_path: Path) -> None:
    """Editors that write none are waited for, a second from when the change was seen."""
    now_s = 100.0
    path = tmp_path / "tokens"
    path.write_text(ONE)
    tokens = TokenFile(path, clock=lambda: now_s)
    assert tokens.tokens() == (ONE,)
    path.write_text(ANOTHER)
    assert tokens.tokens() == (ONE,)
    now_s += 0.99
    assert tokens.tokens() == (ONE,)
    now_s += 0.02
    assert tokens.tokens() == (ANOTHER,)


def test_a_token_that_can_be_guessed_is_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """By its place in the file; it goes on to count, and is not repeated."""
    path = tmp_path / "tokens"
    path.write_text(f"{ONE}\n{SECRET}\n")
    assert TokenFile(path).tokens() == (ONE, SECRET)
    (record,) = caplog.records
    assert "token 2 of" in record.message
    assert "openssl rand" in record.message
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("value", "token"),
    [
        ("Bearer abc", "abc"), ("bearer abc", "abc"), (b"Bearer abc", "abc"), ("Basic abc", None),
        ("Bearer", None), ("Bearer ", None), ("abc", None), ("", None), (b"\xff\xfe", None),
    ],
)  # fmt: skip
def test_a_header_shows_a_token_or_none(value: str | bytes, token: str | None) -> None:
    """Only the bearer scheme counts, however it is written."""
    assert shown(value) == token
    assert shown(bearer("abc")) == "abc"
