"""Tokens in files: which lines are tokens, and what a change does."""

import logging
from pathlib import Path

import pytest

from cutpoint.exceptions import ConnectError
from cutpoint.wire.tokens import TokenFile, bearer, read_tokens, shown

SECRET = "s3cr3t-canary"


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
    path.write_text("one")
    tokens = TokenFile(path)
    path.write_text("one\nanother")
    assert tokens.tokens() == ("one", "another")
    with caplog.at_level(logging.WARNING):
        path.write_text(f"{SECRET} {SECRET}")
        assert tokens.tokens() == ("one", "another")
        path.unlink()
        assert tokens.tokens() == ("one", "another")
        assert tokens.tokens() == ("one", "another")
    assert len(caplog.records) == 2, "each damage is told once"
    assert SECRET not in caplog.text + repr(tokens)


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
