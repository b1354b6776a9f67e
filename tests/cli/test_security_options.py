"""Options of the commands that dial a server: each command has them, and uses them."""

from pathlib import Path

import pytest

from cutpoint.cli.security_options import client_security
from cutpoint.exceptions import ConnectError
from cutpoint.wire.credentials import TOKEN_FILE_VARIABLE

SECRET = "s3cr3t-canary"
NOWHERE = "127.0.0.1:1"


@pytest.mark.parametrize(
    "command",
    [
        ("run", "{model}", "-n", "1", "--server", NOWHERE),
        ("profile", "{model}", "-o", "{folder}/p.json", "--server", NOWHERE),
        ("plan", "{model}", "--server", NOWHERE),
        ("advise", "{model}", "--server", NOWHERE),
    ],
)
def test_every_command_that_dials_takes_them(
    cutpoint, six_convs: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    """A file that is not there is named by whichever command was to read it."""
    words = [word.format(model=six_convs, folder=tmp_path) for word in command]
    missing = tmp_path / "missing.pem"
    told = cutpoint(*words, "--tls-ca", missing)
    assert told.code == 1
    assert "ConnectError: TLS: cannot read" in told.err
    assert str(missing) in "".join(told.err.split("\n"))


def test_the_token_file_may_be_named_by_the_environment(
    cutpoint, six_convs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token is kept out of the command line, and out of what is said of it."""
    path = tmp_path / "token"
    path.write_text(f"{SECRET} {SECRET}")
    monkeypatch.setenv(TOKEN_FILE_VARIABLE, str(path))
    told = cutpoint("run", six_convs, "-n", "1", "--server", NOWHERE)
    assert told.code == 1
    assert "write one per line" in told.err
    assert SECRET not in told.err + told.out


def test_no_option_is_no_security() -> None:
    """Plaintext without a token needs nothing; anything else is what it says."""
    assert client_security(False, None, None, None, None, None, insecure=False) is None
    tls = client_security(True, None, None, None, None, None, insecure=False)
    assert tls is not None
    assert tls.uses_tls
    with pytest.raises(ConnectError, match="token file"):
        client_security(False, None, None, None, None, Path("missing"), insecure=False)
