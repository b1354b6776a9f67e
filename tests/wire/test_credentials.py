"""Credentials of a device: checked before anything is dialled, and never told."""

import logging
from pathlib import Path

import pytest
from tests.certificates import Authority, Pair

from cutpoint.exceptions import ConnectError
from cutpoint.wire import certificates
from cutpoint.wire.certificates import read_pair
from cutpoint.wire.channel import open_channel
from cutpoint.wire.credentials import ClientSecurity, is_loopback

SECRET = "s3cr3t-canary"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Give an authority."""
    return Authority(tmp_path_factory.mktemp("pki"), "ours")


@pytest.fixture(scope="module")
def pair(authority: Authority) -> Pair:
    """Give a device's certificate."""
    return authority.pair("device")


def _refusal(security: ClientSecurity, address: str = "127.0.0.1:1") -> str:
    with pytest.raises(ConnectError) as caught:
        open_channel(address, security)
    return str(caught.value)


@pytest.mark.parametrize("address", ["10.0.0.1:1", "edge:1", "[2001:db8::1]:1", "127.0.0.1.x:1"])
def test_a_token_leaves_this_machine_encrypted_or_not_at_all(address: str) -> None:
    """Plaintext to another machine is refused, unless it is asked for in so many words."""
    text = _refusal(ClientSecurity(token=SECRET), address)
    assert "unencrypted" in text
    assert "--tls-ca" in text
    assert SECRET not in text
    open_channel(address, ClientSecurity(token=SECRET, insecure=True)).close()
    open_channel(address, ClientSecurity(token=SECRET, tls=True)).close()


def test_a_token_is_not_in_what_is_printed(tmp_path: Path) -> None:
    """Whoever logs the settings of a session logs no secret."""
    path = tmp_path / "token"
    path.write_text(f"{SECRET}\n")
    security = ClientSecurity.from_files(token_file=path)
    assert security.token == SECRET
    assert SECRET not in repr(security) + str(security)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "localhost:1", "[::1]:1", "127.8.8.8:1"])
def test_loopback_needs_no_encryption(address: str) -> None:
    """Nobody else hears what this machine tells itself."""
    open_channel(address, ClientSecurity(token=SECRET)).close()
    assert is_loopback(address.rpartition(":")[0])


def test_files_that_cannot_be_used_are_named(
    authority: Authority, pair: Pair, tmp_path: Path
) -> None:
    """Each error says which file, and what to give instead."""
    other = authority.pair("other")
    junk = tmp_path / "junk.pem"
    junk.write_bytes(b"junk")
    missing = str(tmp_path / "missing.pem")
    assert missing in _refusal(ClientSecurity(ca=missing))
    assert str(junk) in _refusal(ClientSecurity(ca=str(junk)))
    half = ClientSecurity(ca=authority.ca, certificate=pair.certificate)
    assert "certificate is given without its key" in _refusal(half)
    half = ClientSecurity(ca=authority.ca, key=pair.key)
    assert "key is given without its certificate" in _refusal(half)
    mixed = ClientSecurity(ca=authority.ca, certificate=pair.certificate, key=other.key)
    assert "is not the key of" in _refusal(mixed)
    mixed = ClientSecurity(ca=authority.ca, certificate=pair.certificate, key=str(junk))
    assert "cannot be used" in _refusal(mixed)


def test_files_caught_half_exchanged_leave_the_old_ones_in_force(tmp_path: Path) -> None:
    """A channel that is opened anew under a running session goes on with what was read before."""
    authority = Authority(tmp_path, "ours")
    pair = authority.pair("device")
    security = ClientSecurity(ca=authority.ca, certificate=pair.certificate, key=pair.key)
    open_channel("127.0.0.1:1", security).close()
    Path(pair.key).write_text("half of a k")
    open_channel("127.0.0.1:1", security).close()


def test_a_key_that_others_may_read_is_told(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """The warning says what to do about it."""
    pair = authority.pair("open")
    security = ClientSecurity(ca=authority.ca, certificate=pair.certificate, key=pair.key)
    with caplog.at_level(logging.WARNING):
        open_channel("127.0.0.1:1", security).close()
        assert not caplog.records
        Path(pair.key).chmod(0o644)
        open_channel("127.0.0.1:1", security).close()
    assert "chmod 600" in caplog.text


def test_a_pair_is_never_made_of_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are exchanged between their reading and their check are not taken."""
    old, new = (Authority(tmp_path, name).pair("server") for name in ("old", "new"))
    honest = certificates._read

    def exchanged(path: str) -> bytes:
        content = honest(path)
        if path == old.key:
            for before, after in ((old.certificate, new.certificate), (old.key, new.key)):
                Path(before).write_bytes(Path(after).read_bytes())
        return content

    monkeypatch.setattr(certificates, "_read", exchanged)
    with pytest.raises(ConnectError, match="just being exchanged"):
        read_pair(old.certificate, old.key)
    assert read_pair(old.certificate, old.key)[0] == Path(new.key).read_bytes()
