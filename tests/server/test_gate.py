"""The gate: calls are let in or refused by their headers, before anything else is read."""

import logging
import socket
import ssl
import struct
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from tests.certificates import CLIENT_USE, SERVER_USE, Authority
from tests.server.doorway import INFER, STREAM, Doorway, doorway

from cutpoint.exceptions import CutpointError, OverloadedError
from cutpoint.server.door import ServerLimits, ServerSecurity
from cutpoint.wire.channel import open_channel
from cutpoint.wire.credentials import ClientSecurity

GOOD, SECRET = "good-token", "s3cr3t-canary"
HEALTH = "/grpc.health.v1.Health/Check"


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    """Give a file of two tokens."""
    path = tmp_path / "tokens"
    path.write_text(f"first\n{GOOD}\n")
    return path


def _ask(
    door: Doorway, security: ClientSecurity | None = None, method: str = INFER, **more
) -> bytes:
    with open_channel(door.address, security) as channel:
        if method == STREAM:
            call = channel.stream_stream(method)(iter((b"abc",)), timeout=10, **more)
            return b"".join(call)
        return channel.unary_unary(method)(b"abc", timeout=10, **more)


def _refusal(call: Callable[[], object]) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("method", [INFER, STREAM])
def test_each_token_of_the_file_is_let_in(tokens: Path, method: str) -> None:
    """Calls of one message and of many are the same to the gate."""
    with doorway(security=ServerSecurity(token=str(tokens))) as door:
        for token in ("first", GOOD):
            assert _ask(door, ClientSecurity(token=token), method) == b"3"


@pytest.mark.parametrize("method", [INFER, STREAM, HEALTH, "/no.such/Method"])
@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("authorization", f"Bearer {SECRET}"),),
        (("authorization", f"Bearer {GOOD}x"),),
        (("authorization", f"Basic {GOOD}"),),
        (("authorization", GOOD),),
        (("authorization", "Bearer "),),
        (("authorization", 'Bearer ~!"'),),
        (("authorization", f"Bearer {SECRET}"), ("authorization", f"Bearer {GOOD}")),
    ],
)
def test_anything_else_is_refused_and_not_read(
    tokens: Path, caplog: pytest.LogCaptureFixture, method: str, metadata: tuple
) -> None:
    """The code is one for all methods, known or not; what was shown is told to nobody."""
    with (
        caplog.at_level(logging.DEBUG),
        doorway(security=ServerSecurity(token=str(tokens))) as door,
    ):
        error = _refusal(lambda: _ask(door, None, method, metadata=metadata))
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
        assert "--token-file" in str(error.details())
        assert SECRET not in str(error.details()) + caplog.text
        assert door.received == []


def test_tokens_are_exchanged_under_a_server_and_a_client_that_run(tokens: Path) -> None:
    """Who lost its token is out at the next call, who has the new one is in."""
    mine = tokens.with_name("mine")
    mine.write_text(GOOD)
    with (
        doorway(security=ServerSecurity(token=str(tokens))) as door,
        open_channel(door.address, ClientSecurity.from_files(token_file=mine)) as channel,
    ):
        call = channel.unary_unary(INFER)
        assert call(b"abc", timeout=10) == b"3"
        tokens.write_text("another\n")
        error = _refusal(lambda: call(b"abc", timeout=10))
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
        mine.write_text("another\n")
        assert call(b"abc", timeout=10) == b"3"


def test_certificates_are_exchanged_under_a_server_that_runs(tmp_path: Path) -> None:
    """A new connection sees the new one; one of the two files alone changes nothing."""
    old, new = Authority(tmp_path, "old"), Authority(tmp_path, "new")
    pair = old.pair("server", SERVER_USE)
    security = ServerSecurity(pair.certificate, pair.key)
    with doorway(security=security) as door:
        assert _ask(door, ClientSecurity(ca=old.ca)) == b"3"
        renewed = new.pair("server", SERVER_USE)
        Path(pair.certificate).write_bytes(Path(renewed.certificate).read_bytes())
        assert _ask(door, ClientSecurity(ca=old.ca)) == b"3"
        Path(pair.key).write_bytes(Path(renewed.key).read_bytes())
        assert _ask(door, ClientSecurity(ca=new.ca)) == b"3"
        refused = _refusal(lambda: _ask(door, ClientSecurity(ca=old.ca)))
        assert refused.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_is_of_a_version_that_holds(tmp_path: Path) -> None:
    """1.2 and 1.3 are spoken; what is older is not, whatever the client offers."""
    authority = Authority(tmp_path, "ours")
    pair = authority.pair("server", SERVER_USE)
    spoken = {}
    with doorway(security=ServerSecurity(pair.certificate, pair.key)) as door:
        for version in (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ssl.create_default_context(cafile=authority.ca)
            context.set_ciphers("DEFAULT@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
            context.set_alpn_protocols(["h2"])
            with socket.create_connection(("127.0.0.1", door.port)) as raw:
                try:
                    with context.wrap_socket(raw, server_hostname="localhost") as connection:
                        spoken[version] = connection.version()
                except OSError:
                    spoken[version] = None
    assert list(spoken.values()) == [None, "TLSv1.2", "TLSv1.3"]


def test_callers_are_told_apart(tokens: Path, tmp_path: Path) -> None:
    """By certificate, by token, by address: fairness is between these."""
    authority = Authority(tmp_path, "ours")
    pair = authority.pair("server", SERVER_USE)
    one, two = (authority.pair(name, CLIENT_USE) for name in ("one", "two"))
    security = ServerSecurity(pair.certificate, pair.key, authority.ca, str(tokens))
    with doorway(security=security) as door:
        for shown in (one, two):
            for token in ("first", GOOD):
                for method in (INFER, STREAM):
                    client = ClientSecurity(authority.ca, shown.certificate, shown.key, token)
                    assert _ask(door, client, method) == b"3"
    assert len(set(door.callers)) == 4
    assert set(door.callers[:2]) == {"one|0|ipv4:127.0.0.1"}


def test_without_room_a_request_is_refused_before_it_is_uploaded() -> None:
    """The refusal says when to come back, is counted, and reads none of the message."""
    told: list[CutpointError] = []

    def check() -> None:
        raise OverloadedError("full: come back later", 0.25)

    with doorway(check_room=check, refused=lambda name, error: told.append(error)) as door:
        error = _refusal(lambda: _ask(door))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert dict(error.trailing_metadata())["retry-after-ms"] == "250"
        assert "come back later" in str(error.details())
        assert door.received == []
        assert [type(each) for each in told] == [OverloadedError]
        assert _ask(door, method=STREAM) == b"3", "a stream is no request: its frames are asked"


def test_a_message_that_never_ends_is_given_up() -> None:
    """Half a message is held for so long and no longer; its memory goes with the call."""
    with doorway(ServerLimits(stalled_s=0.1)) as door:
        with socket.create_connection(("127.0.0.1", door.port)) as connection:
            connection.settimeout(20)
            connection.sendall(_half_a_call(INFER))
            began_s = time.perf_counter()
            heard = b""
            while not _has_trailers(heard):
                piece = connection.recv(4096)
                assert piece, "the call is ended, not the connection"
                heard += piece
            assert time.perf_counter() - began_s >= 0.3
        assert _ask(door) == b"3"
        assert door.received == [3]


def _half_a_call(method: str) -> bytes:
    """Write the frames of a call by hand: headers, and the beginning of a message of 1 MB."""

    def literal(name: bytes, value: bytes) -> bytes:
        return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value

    block = b"".join(
        literal(name, value)
        for name, value in (
            (b":method", b"POST"), (b":scheme", b"http"), (b":path", method.encode()),
            (b":authority", b"localhost"), (b"content-type", b"application/grpc"),
            (b"te", b"trailers"),
        )
    )  # fmt: skip
    message = b"\x00" + struct.pack(">I", 1 << 20) + b"only the beginning"
    return (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        + _frame(4, 0, 0, b"")
        + _frame(1, 4, 1, block)
        + _frame(0, 0, 1, message)
    )


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return (
        struct.pack(">I", len(payload))[1:]
        + bytes([kind, flags])
        + struct.pack(">I", stream)
        + payload
    )


def _has_trailers(heard: bytes) -> bool:
    """Tell whether the server ended the call: a frame of headers that ends the stream."""
    while len(heard) >= 9:
        size = int.from_bytes(heard[:3], "big")
        kind, flags = heard[3], heard[4]
        if (kind == 1 and flags & 1) or kind == 3:
            return True
        heard = heard[9 + size :]
    return False
