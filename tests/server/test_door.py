"""The door: which addresses are served how, and limits that were seen to hold."""

import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from tests.server.doorway import INFER, STREAM, Doorway, doorway

from cutpoint.exceptions import ConnectError
from cutpoint.server.door import ServerLimits, ServerSecurity, check_is_guarded, make_server
from cutpoint.wire.channel import open_channel

KIB = 1 << 10
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = struct.pack(">I", 0)[1:] + b"\x04\x00" + bytes(4)
GUARDED = ServerSecurity("c.pem", "k.pem", token="tokens")


def _infer(door: Doorway, payload: bytes = b"", **of_the_call: object) -> bytes:
    with open_channel(door.address) as channel:
        answer: bytes = channel.unary_unary(INFER)(payload, timeout=10, **of_the_call)
        return answer


def test_limits_beyond_grpcs_numbers_are_none() -> None:
    """A server that is to take anything for any time starts, and serves."""
    boundless = ServerLimits(1 << 40, 1 << 40, 1 << 40, 1 << 40, float("inf"), float("inf"))
    with doorway(boundless) as door:
        assert _infer(door, b"x" * 100) is not None


def _code(call: Callable[[], object]) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    code: grpc.StatusCode = caught.value.code()
    return code


@pytest.mark.parametrize(
    ("security", "missing"),
    [
        (None, "--tls-cert FILE --tls-key FILE and --token-file FILE or --tls-client-ca FILE"),
        (ServerSecurity(token="tokens"), "--tls-cert FILE --tls-key FILE;"),
        (ServerSecurity("c.pem", "k.pem"), "give --token-file FILE or --tls-client-ca FILE;"),
    ],
)
def test_an_address_that_others_reach_is_guarded(
    security: ServerSecurity | None, missing: str
) -> None:
    """TLS alone lets in everybody, a token alone is heard by everybody: the error asks for both."""
    with pytest.raises(ConnectError, match="--insecure") as caught:
        check_is_guarded("0.0.0.0", security, insecure=False)
    assert missing in str(caught.value)
    with pytest.raises(ConnectError, match=r"cannot show metrics on '0\.0\.0\.0'"):
        check_is_guarded("0.0.0.0", security, insecure=False, what="show metrics")
    check_is_guarded("127.0.0.1", security, insecure=False)
    check_is_guarded("0.0.0.0", security, insecure=True)


@pytest.mark.parametrize(
    "security", [GUARDED, ServerSecurity("c.pem", "k.pem", client_ca="ca.pem")]
)
def test_tls_with_a_token_or_client_certificates_is_enough(security: ServerSecurity) -> None:
    """Either way only those who may come in do, and nobody listens."""
    check_is_guarded("0.0.0.0", security, insecure=False)


def test_files_are_read_before_anything_listens(tmp_path: Path) -> None:
    """A server whose tokens are not there does not start."""
    with pytest.raises(ConnectError, match="token file"):
        make_server(security=ServerSecurity(token=str(tmp_path / "missing")))


def test_a_message_is_taken_up_to_the_limit() -> None:
    """One byte more is refused by a code of its own, and the server goes on."""
    with doorway(ServerLimits(max_message_bytes=64 * KIB)) as door:
        assert _infer(door, bytes(64 * KIB)) == b"65536"
        assert (
            _code(lambda: _infer(door, bytes(64 * KIB + 1))) is grpc.StatusCode.RESOURCE_EXHAUSTED
        )
        assert _infer(door, b"x") == b"1"
        assert door.received == [64 * KIB, 1], "the large one never reached a method"


def test_headers_are_taken_up_to_the_limit() -> None:
    """GRPC's softer limit, which lets some pass, is not the one that counts."""
    with doorway(ServerLimits(max_metadata_bytes=4 * KIB)) as door:
        assert _infer(door, metadata=(("note", "x" * 3 * KIB),)) == b"0"
        for size in (5 * KIB, 100 * KIB):
            refused = _code(lambda size=size: _infer(door, metadata=(("note", "x" * size),)))
            assert refused is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert len(door.received) == 1


def test_what_is_compressed_is_refused_unread() -> None:
    """A bomb of zeros costs the server nothing: it is not unpacked."""
    with doorway() as door:
        squeezed = _code(lambda: _infer(door, bytes(1 << 20), compression=grpc.Compression.Gzip))
        assert squeezed is grpc.StatusCode.UNIMPLEMENTED
        assert _infer(door, b"x") == b"1"
        assert door.received == [1]


def test_no_more_calls_of_one_connection_than_the_limit_are_served_at_a_time() -> None:
    """The others wait at the client; where gRPC itself races over the last place, it is told."""
    with doorway(ServerLimits(max_streams=3)) as door, open_channel(door.address) as channel:
        call = channel.unary_unary(INFER)
        assert call(b"", timeout=10) == b"0"  # the server's settings are known from here on
        door.may_answer.clear()
        calls = [call.future(b"", timeout=20) for _ in range(9)]
        _wait_until(lambda: len(door.received) == 4)
        time.sleep(0.1)  # a fourth at a time would have come meanwhile
        assert len(door.received) == 4
        door.may_answer.set()
        errors = [each.exception() for each in calls]
        assert errors.count(None) >= 3
        assert {each.code() for each in errors if each} <= {grpc.StatusCode.UNAVAILABLE}


def test_a_connection_too_many_is_closed_and_leaves_the_others_alone() -> None:
    """The limit counts what is open: when one goes, the next may come."""
    with doorway(ServerLimits(max_connections=3)) as door:
        held = [socket.create_connection((door.address[:-6], door.port)) for _ in range(2)]
        for each in held:
            each.settimeout(10)
            assert each.recv(9), "the server speaks first"
        with open_channel(door.address) as channel:
            call = channel.unary_unary(INFER)
            assert call(b"", timeout=10) == b"0"
            assert _code(lambda: _infer(door)) is grpc.StatusCode.UNAVAILABLE
            assert call(b"", timeout=10) == b"0"
            held[0].close()
            _wait_until(lambda: _is_answered(door))
        held[1].close()


@pytest.mark.parametrize("said", [b"", PREFACE[:7], PREFACE + SETTINGS])
def test_who_says_nothing_more_is_hung_up_on(said: bytes) -> None:
    """A connection that never asks for anything ends, however far it came."""
    with doorway(ServerLimits(idle_s=0.3)) as door:
        with socket.create_connection(("127.0.0.1", door.port)) as connection:
            connection.settimeout(20)
            connection.sendall(said)
            while connection.recv(KIB):
                pass
        assert _infer(door, b"x") == b"1"


def test_a_connection_with_a_call_under_way_is_not_idle() -> None:
    """A stream on which nothing is said for long is a session that has nothing to ask."""
    with doorway(ServerLimits(idle_s=0.2)) as door, open_channel(door.address) as channel:
        said = iter((b"a", b"bc"))

        def slowly():  # type: ignore[no-untyped-def]
            yield next(said)
            time.sleep(1.0)  # five times as long as a connection may idle
            yield next(said)

        assert list(channel.stream_stream(STREAM)(slowly(), timeout=20)) == [b"1", b"2"]


def _wait_until(is_so: Callable[[], bool]) -> None:
    until_s = time.perf_counter() + 20
    while not is_so():
        assert time.perf_counter() < until_s
        time.sleep(0.01)


def _is_answered(door: Doorway) -> bool:
    try:
        return _infer(door) == b"0"
    except grpc.RpcError:
        return False
