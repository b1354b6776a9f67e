"""Floods and slow writers: a client that behaves is served as without them."""

import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import grpc
import pytest
from tests.hostile.attackers import KINDS
from tests.hostile.process import WatchedServer, memory_bytes, num_files
from tests.hostile.valid import Base

from cutpoint.wire.channel import CLIENT_OPTIONS
from cutpoint.wire.protocol import services

pytestmark = pytest.mark.alone

_log = logging.getLogger(__name__)

_EVERY_S = 0.05
_IN_TIME_S = 0.5
_LEAST_SHARE = 0.9


@contextmanager
def _attacked(address: str, kinds: list[str]) -> Iterator[None]:
    command = [sys.executable, "-m", "tests.hostile.attackers", address, *kinds]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as attacker:
        try:
            assert attacker.stdout is not None
            assert attacker.stdout.readline() == "attacking\n"
            yield
        finally:
            attacker.kill()


def _goodput(stub: services.GRPCInferenceServiceStub, base: Base, duration_s: float) -> float:
    """Ask at a steady pace; give the share that was answered in time."""
    num_asked = num_answered = 0
    next_s = time.perf_counter()
    until_s = next_s + duration_s
    while next_s < until_s:
        time.sleep(max(next_s - time.perf_counter(), 0.0))
        next_s += _EVERY_S
        num_asked += 1
        try:
            stub.ModelInfer(base.request, timeout=_IN_TIME_S)
            num_answered += 1
        except grpc.RpcError as error:
            _log.info("%s: %s", error.code(), error.details())
    return num_answered / num_asked


@pytest.mark.soak
@pytest.mark.parametrize("kinds", [[kind] for kind in KINDS] + [list(KINDS)], ids="+".join)
def test_a_client_that_behaves_is_served_all_the_same(
    six_convs: Path, valid: list[Base], tmp_path: Path, kinds: list[str]
) -> None:
    """Goodput under attack is at least 90 % of that before and after it, in the same run."""
    base = next(each for each in valid if each.request.model_name == "six_convs")
    shares: dict[str, list[float]] = {"quiet": [], "attacked": []}
    with (
        WatchedServer([six_convs], tmp_path / "log", arguments=("--workers", "1")) as server,
        grpc.insecure_channel(server.address, options=CLIENT_OPTIONS) as channel,
    ):
        stub = services.GRPCInferenceServiceStub(channel)
        _goodput(stub, base, 2.0)
        before = memory_bytes(server.pid), num_files(server.pid)
        for phase in ("quiet", "attacked", "quiet", "attacked"):
            attack = _attacked(server.address, kinds) if phase == "attacked" else nullcontext()
            with attack:
                shares[phase].append(_goodput(stub, base, 15.0))
                during = memory_bytes(server.pid), num_files(server.pid)
            _log.info("%s %s: %.3f; memory and files %s", kinds, phase, shares[phase][-1], during)
        assert server.is_alive
        time.sleep(3.0)
        after = memory_bytes(server.pid), num_files(server.pid)
    _log.info("%s: before %s, after %s", kinds, before, after)
    assert min(shares["attacked"]) >= _LEAST_SHARE * max(shares["quiet"])
    assert after[1] <= before[1] + 10
    assert after[0] <= before[0] + 60_000_000
