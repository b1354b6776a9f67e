import json
import socket
import subprocess
import sys
import threading
import time

import pytest

from cutpoint.lab.link_process import LinkProcess
from cutpoint.simulation.rate_schedule import RateSchedule

pytestmark = pytest.mark.alone

PATIENCE_S = 20.0


def echo_once(address: str, listener: socket.socket, data: bytes) -> bytes:
    """Send from a client through the link, and give what the target read."""
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), PATIENCE_S) as client:
        server, _ = listener.accept()
        with server:
            server.settimeout(PATIENCE_S)
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            parts = []
            while part := server.recv(65536):
                parts.append(part)
    return b"".join(parts)


def test_a_link_in_a_process_forwards_and_takes_new_rates() -> None:
    """An outage from the start ends when the rate is set from here."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = f"127.0.0.1:{listener.getsockname()[1]}"
        with LinkProcess(target, delay_s=1e-3, up_bytes_per_s=0) as link:
            link.set_rate(1e6, None)
            assert echo_once(link.address, listener, b"x" * 20_000) == b"x" * 20_000
            process = link._running()
        assert process.returncode == 0


def test_a_link_in_a_process_obeys_every_command() -> None:
    """A partition hides what is sent until it heals; a reset ends the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = f"127.0.0.1:{listener.getsockname()[1]}"
        with LinkProcess(target) as link:
            host, port = link.address.split(":")
            with socket.create_connection((host, int(port)), PATIENCE_S) as client:
                server, _ = listener.accept()
                with server:
                    link.set_delay(1e-3, 1e-3)
                    link.disturb(1e-3, 0.01)
                    link.stall(0.01)
                    link.partition("up")
                    server.settimeout(0.2)
                    time.sleep(0.1)
                    client.sendall(b"x")
                    with pytest.raises(TimeoutError):
                        server.recv(1)
                    link.heal()
                    server.settimeout(PATIENCE_S)
                    assert server.recv(1) == b"x"
                    link.reset_connections()
                    with pytest.raises(ConnectionResetError):
                        server.recv(1)


def test_the_process_ends_with_its_input() -> None:
    """Whoever started the link may die without a word: the end of the input is enough."""
    command = [sys.executable, "-m", "cutpoint.lab.proxy", "--target", "127.0.0.1:8001"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["address"].startswith("127.0.0.1:")
        process.stdin.close()
        assert process.wait(PATIENCE_S) == 0


def test_a_process_that_cannot_start_is_an_error() -> None:
    """A child that ends before it is ready is told, and leaves nothing behind."""
    link = LinkProcess("nowhere")
    with pytest.raises(RuntimeError, match="before it was ready"):
        link.start()
    with pytest.raises(RuntimeError, match="not started"):
        _ = link.address


def test_a_process_that_died_can_be_closed() -> None:
    """Closing after the child was killed is quiet, and twice is fine."""
    link = LinkProcess("127.0.0.1:8001")
    link.start()
    with pytest.raises(RuntimeError, match="started already"):
        link.start()
    process = link._running()
    process.kill()
    process.wait()
    with pytest.raises(BrokenPipeError):
        link.set_rate(None, None)
    link.close()
    link.close()


def test_impossible_settings_are_refused_before_a_process_starts() -> None:
    """A negative delay or rate is an error that names the bound."""
    with pytest.raises(ValueError, match="delay_s must be at least 0"):
        LinkProcess("127.0.0.1:8001", delay_s=-1)
    with pytest.raises(ValueError, match="a rate must be at least 0"):
        LinkProcess("127.0.0.1:8001", up_bytes_per_s=-1)


def test_a_link_plays_from_a_position_as_often_as_it_is_told() -> None:
    """The same place of a schedule takes the same bytes as long; each play begins with no queue."""
    schedule = RateSchedule(((1.0, 4e6), (1.0, 0.0), (1.0, 1e6)), repeat=True)
    size_bytes = 100_000
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = f"127.0.0.1:{listener.getsockname()[1]}"
        with LinkProcess(target) as link:
            host, port = link.address.split(":")
            with socket.create_connection((host, int(port)), PATIENCE_S) as client:
                server, _ = listener.accept()
                with server:
                    server.settimeout(PATIENCE_S)
                    for position_s in (2.0, 1.9, 0.95, 5.9):
                        began_s = time.perf_counter()
                        link.play(schedule, None, position_s)
                        client.sendall(bytes(size_bytes))
                        _read(server, size_bytes)
                        took_s = time.perf_counter() - began_s
                        assert took_s >= schedule.finish_s(position_s, size_bytes) - position_s


def _read(sock: socket.socket, size_bytes: int) -> None:
    while size_bytes > 0:
        size_bytes -= len(sock.recv(min(size_bytes, 65536)))


def test_playing_empties_the_link_first() -> None:
    """What the last sender left, on the link and in the kernel, is there when the answer is."""
    size_bytes = 600_000
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = f"127.0.0.1:{listener.getsockname()[1]}"
        with LinkProcess(target) as link:
            host, port = link.address.split(":")
            with socket.create_connection((host, int(port)), PATIENCE_S) as client:
                server, _ = listener.accept()
                with server:
                    server.settimeout(PATIENCE_S)
                    client.sendall(b"x")
                    assert server.recv(1) == b"x", "the connection is made at both ends"
                    link.set_delay(5.0, 5.0)
                    link.set_rate(1000.0, None)
                    client.sendall(bytes(size_bytes))
                    reader = threading.Thread(target=_read, args=(server, size_bytes))
                    reader.start()
                    link.play(RateSchedule.constant(1000.0))
                    reader.join(PATIENCE_S)
                    assert not reader.is_alive(), "at this rate it would take ten minutes"


def test_a_position_before_the_beginning_is_refused() -> None:
    """The error names the bound, before the link is told anything; one that is gone is told."""
    link = LinkProcess("127.0.0.1:8001")
    with pytest.raises(ValueError, match="position_s must be at least 0 and finite"):
        link.play(None, None, -1.0)
    with pytest.raises(RuntimeError, match="not started"):
        link.play(None, None, 1.0)
    with pytest.raises(ValueError, match="loss must be at least 0"):
        LinkProcess("127.0.0.1:8001", loss=1.0)
