"""Send bytes over a link again and again, and time each until the far side has them all.

As a process: ``python -m cutpoint.lab.emulation.transfer HOST`` serves, and says where.
"""

import contextlib
import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

_HEAD = struct.Struct("!Q")
_TIMEOUT_S = 60.0
_CHUNK_BYTES = 64 * 1024


@contextmanager
def transfer_server(host: str = "127.0.0.1", prefix: Sequence[str] = ()) -> Iterator[str]:
    """
    Run the far side; give its address.

    Parameters
    ----------
    host
        Where it listens.
    prefix
        Of its command line, to run it elsewhere.

    Raises
    ------
    RuntimeError
        If it does not start.
    """
    command = [*prefix, sys.executable, "-m", "cutpoint.lab.emulation.transfer", host]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError("the far side of the transfers ended; see standard error")
            yield str(json.loads(line)["address"])
        finally:
            process.stdin.close()


def transfer_times_s(
    address: str,
    sizes_bytes: Sequence[int],
    warm_up_bytes: int,
    before_each: Callable[[], None] = lambda: None,
) -> list[float]:
    """
    Send over one connection; give what each transfer took.

    Parameters
    ----------
    address
        Of the far side, or of a link to it.
    sizes_bytes
        Of the transfers, in turn; none begins before the far side said that it has the last.
    warm_up_bytes
        Sent first, in two transfers: TCP's window opens, and stays open between transfers
        that follow one another.
    before_each
        Called before each transfer that counts.

    Returns
    -------
    list of float
        From the first byte's being handed over until the answer, which is one byte, was there.
    """
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), _TIMEOUT_S) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for size_bytes in (warm_up_bytes, warm_up_bytes) if warm_up_bytes else ():
            _transfer(sock, size_bytes)
        took_s = []
        for size_bytes in sizes_bytes:
            before_each()
            took_s.append(_transfer(sock, size_bytes))
        return took_s


def _transfer(sock: socket.socket, size_bytes: int) -> float:
    content = _HEAD.pack(size_bytes) + bytes(size_bytes - _HEAD.size)
    began_s = time.perf_counter()
    sock.sendall(content)
    if sock.recv(1) != b"k":
        raise RuntimeError("the far side of the transfers hung up")
    return time.perf_counter() - began_s


def _serve_one(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while head := sock.recv(_HEAD.size, socket.MSG_WAITALL):
        (size_bytes,) = _HEAD.unpack(head)
        left_bytes = size_bytes - _HEAD.size
        while left_bytes:
            part = sock.recv(min(left_bytes, _CHUNK_BYTES))
            if not part:
                return
            left_bytes -= len(part)
        sock.sendall(b"k")


def _main() -> None:
    host = sys.argv[1]
    with socket.create_server((host, 0)) as listener:
        sys.stdout.write(json.dumps({"address": f"{host}:{listener.getsockname()[1]}"}) + "\n")
        sys.stdout.flush()
        while True:
            sock, _ = listener.accept()
            # Whoever is gone needs no answer.
            with sock, contextlib.suppress(OSError):
                _serve_one(sock)


if __name__ == "__main__":
    threading.Thread(target=_main, daemon=True).start()
    sys.stdin.read()
