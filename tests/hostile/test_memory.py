"""Memory over time: flat, and a leak that was planted is seen by the same eyes."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from tests.hostile.memory import Growth, growth
from tests.hostile.process import SERVE, WatchedServer, memory_bytes
from tests.hostile.streams import pieces
from tests.hostile.valid import Base

from cutpoint.wire import frames
from cutpoint.wire.channel import CLIENT_OPTIONS
from cutpoint.wire.protocol import RESULT, services

_log = logging.getLogger(__name__)
_SEEN_AT_ONCE_BYTES = 50_000_000
"""Per 10,000: six hundred requests tell no less from an allocator that is still settling."""

_LEAKING = (str(Path(__file__).parent / "leaking.py"),)


def test_a_line_is_fitted_through_steps_and_noise() -> None:
    """A step is no slope; a slope is found under noise as large as a thousand requests' leak."""
    flat = [(n, 100_000_000 + (4_000_000 if n > 3000 else 0)) for n in range(0, 10_000, 100)]
    assert growth(flat).slope_bytes < 500_000
    noisy = [(n, 100_000_000 + 300 * n + (n * 7919) % 300_000) for n in range(0, 10_000, 100)]
    found = growth(noisy)
    assert 2_500_000 < found.slope_bytes < 3_500_000
    assert found.least_bytes <= found.slope_bytes <= found.most_bytes


def _served_growth(server: WatchedServer, base: Base, warm_up: int, requests: int) -> Growth:
    """Ask plainly and by the stream in turn; give how the server's memory grows."""
    samples = []
    sent = [frame for number in range(10) for frame in pieces(base, str(number), 65_536)]
    with grpc.insecure_channel(server.address, options=CLIENT_OPTIONS) as channel:
        stub = services.GRPCInferenceServiceStub(channel)
        for count in range(0, warm_up + requests, 20):
            for _ in range(10):
                stub.ModelInfer(base.request, timeout=30)
            heard = list(stub.ModelStreamInfer(iter(sent), timeout=30))
            assert any(frames.kind_of(message.infer_response) == RESULT for message in heard)
            if count >= warm_up:
                samples.append((count, memory_bytes(server.pid)))
    return growth(samples)


@pytest.mark.parametrize(("program", "is_caught"), [(SERVE, False), (_LEAKING, True)])
def test_memory_that_grows_is_seen(
    six_convs: Path,
    valid: list[Base],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    program: tuple[str, ...],
    is_caught: bool,
) -> None:
    """Six hundred requests tell a server that keeps 32 KB of each from one that keeps nothing."""
    monkeypatch.setenv("LEAKED_BYTES", "32768")
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    base = next(each for each in valid if each.request.model_name == "six_convs")
    with WatchedServer([six_convs], tmp_path / "log", program) as server:
        found = _served_growth(server, base, 300, 600)
    assert (found.slope_bytes > _SEEN_AT_ONCE_BYTES) == is_caught, found


def _both_growths(
    model: Path, server: WatchedServer, warm_up: int, requests: int
) -> tuple[Growth, Growth, dict[str, int]]:
    command = [sys.executable, "-m", "tests.hostile.steady", str(model), server.address]
    command += [str(server.pid), str(warm_up + requests)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=1500)
    told = json.loads(said.stdout)
    samples = [each for each in told["samples"] if each[0] > warm_up]
    client = growth([(count, own) for count, own, _ in samples])
    served = growth([(count, theirs) for count, _, theirs in samples])
    return client, served, told["placements"]


@pytest.mark.soak
@pytest.mark.parametrize(("leaked_bytes", "is_caught"), [(0, False), (500, True)])
def test_memory_is_flat_over_thirty_thousand_requests(
    six_convs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    leaked_bytes: int,
    is_caught: bool,
) -> None:
    """At most 1 MB per 10,000 on either side, in every placement; 500 bytes each are caught."""
    monkeypatch.setenv("LEAKED_BYTES", str(leaked_bytes))
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    program = _LEAKING if leaked_bytes else SERVE
    with WatchedServer([six_convs], tmp_path / "log", program) as server:
        client, served, placements = _both_growths(six_convs, server, 10_000, 30_000)
    _log.info("client: %s; server: %s; ran: %s", client, served, placements)
    assert set(placements) == {"server", "split", "device"}
    assert client.slope_bytes <= 1_000_000
    assert (served.slope_bytes > 1_000_000) == is_caught
