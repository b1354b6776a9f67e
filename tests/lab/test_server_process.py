"""The server as a child process: configured, signalled, restarted on the port it had."""

import signal
from pathlib import Path

import pytest

from cutpoint.lab.server_process import ServerProcess


def test_it_comes_back_on_the_port_it_had(six_convs: Path, tmp_path: Path) -> None:
    """After a power cut too; what it said is of this start alone, and its variables stay."""
    process = ServerProcess(
        num_threads=None,
        environment={
            "CUTPOINT_SERVE_MODELS": str(six_convs),
            "CUTPOINT_SERVE_METRICS_PORT": "0",
            "CUTPOINT_SERVE_THREADS": "1",
        },
        errors=tmp_path / "said",
    )
    with pytest.raises(RuntimeError, match="not running"):
        process.signal(signal.SIGTERM)
    with process:
        address, pid = process.address, process.pid
        assert process.metrics_port > 0
        assert process.wait_for(lambda event: event["event"] == "model")["name"] == "six_convs"
        process.restart(is_killed=True)
        assert process.address == address
        assert process.pid != pid
        told = [event["event"] for event in process.events]
        assert sorted(told) == ["listening", "metrics", "model", "ready"]
        with pytest.raises(TimeoutError, match="1 times of 2"):
            process.wait_for(lambda event: event["event"] == "ready", 2, 0.01)
    assert (tmp_path / "said").read_text() == ""
