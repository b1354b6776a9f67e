import json
import socket
import subprocess
import sys
import time

import pytest

from cutpoint.lab.link_process import LinkProcess

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
