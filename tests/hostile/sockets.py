"""Junk below the protocol: bytes, frames of HTTP/2, calls that are broken off."""

import socket
import struct
from collections.abc import Callable
from random import Random

GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\0\0\0\4\0\0\0\0\0"

SocketAttack = Callable[[Random], bytes]


def frame(kind: int, flags: int, stream: int, payload: bytes, length: int | None = None) -> bytes:
    """Write a frame of HTTP/2, of a length that may lie."""
    size = len(payload) if length is None else length
    head = struct.pack(">I", size)[1:] + bytes([kind, flags])
    return head + struct.pack(">I", stream) + payload


def junk(rng: Random) -> bytes:
    """Give any bytes."""
    return rng.randbytes(rng.randrange(1, 400))


def junk_behind_a_greeting(rng: Random) -> bytes:
    """Greet, then anything."""
    return GREETING + SETTINGS + rng.randbytes(rng.randrange(1, 400))


def other_protocols(rng: Random) -> bytes:
    """Speak something else."""
    return rng.choice(
        (
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"POST /v2/models/six_convs/infer HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n{",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(64),
            b"SSH-2.0-x\r\n",
            b"*1\r\n$4\r\nPING\r\n",
            b"\0" * 300,
        )
    )


def odd_frames(rng: Random) -> bytes:
    """Send frames of any kind on any stream."""
    made = GREETING + SETTINGS
    for _ in range(rng.randrange(1, 20)):
        payload = rng.randbytes(rng.randrange(40))
        stream = rng.choice((0, 1, 2, 3, 2**31 - 1, 2**32 - 1))
        made += frame(rng.randrange(12), rng.randrange(256), stream, payload)
    return made


def lying_lengths(rng: Random) -> bytes:
    """Announce frames that never come."""
    made = GREETING + SETTINGS
    return made + frame(rng.randrange(10), 0, 1, b"abc", length=rng.choice((16_384, 2**24 - 1, 0)))


def settings_flood(rng: Random) -> bytes:
    """Change the settings again and again."""
    one = frame(4, 0, 0, struct.pack(">HI", rng.randrange(8), rng.randrange(2**32)))
    return GREETING + SETTINGS + one * rng.randrange(1, 200)


def ping_flood(rng: Random) -> bytes:
    """Ask for a sign of life again and again."""
    return GREETING + SETTINGS + frame(6, 0, 0, b"12345678") * rng.randrange(1, 300)


def resets(rng: Random) -> bytes:
    """End streams that were never begun."""
    made = GREETING + SETTINGS
    for number in range(1, rng.randrange(3, 200), 2):
        made += frame(3, 0, number, struct.pack(">I", 8))
    return made


def headers_that_do_not_end(rng: Random) -> bytes:
    """Begin headers and go on with them."""
    made = GREETING + SETTINGS + frame(1, 0, 1, b"\x82")
    return made + frame(9, 0, 1, rng.randbytes(100)) * rng.randrange(1, 100)


SOCKET_ATTACKS: tuple[SocketAttack, ...] = (
    junk, junk_behind_a_greeting, other_protocols, odd_frames, lying_lengths, settings_flood,
    ping_flood, resets, headers_that_do_not_end,
)  # fmt: skip


def throw(address: str, payload: bytes, rng: Random) -> None:
    """Send bytes on a connection of their own, and hang up in one way or another."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        try:
            connection.sendall(payload)
            match rng.randrange(3):
                case 0:
                    connection.shutdown(socket.SHUT_WR)
                    connection.settimeout(0.02)
                    while connection.recv(4096):
                        pass
                case 1:  # with a reset
                    linger = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                case _:
                    pass
        except OSError:
            pass  # hung up on already
