"""Malformed requests by the thousand: typed answers, the same process, the same memory."""

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import grpc
import pytest
from tests.hostile.campaign import Campaign
from tests.hostile.conftest import SIZES
from tests.hostile.mutations import MUTATIONS
from tests.hostile.process import (
    WatchedServer,
    memory_bytes,
    num_files,
    num_threads,
    peak_memory_bytes,
)
from tests.hostile.streams import ATTACKS
from tests.hostile.valid import CANARY, Base

_log = logging.getLogger(__name__)

_WARM_UP = 3000
_MOST_MORE_BYTES = 20_000_000
_FEW = 11
"""Looks at memory whose median is taken: what is freed between two of them varies by megabytes."""

_LONGEST_LINE = 1000


def assert_log_is_clean(log: Path) -> None:
    """Hold a log to what it may hold: lines, of some length, without a word that was sent."""
    raw = log.read_bytes()
    text = raw.decode()  # it is text at all
    assert CANARY not in text
    assert "bug:" not in text, text[-2000:]
    for line in text.splitlines():
        assert line.isprintable(), repr(line)
        assert len(line) <= _LONGEST_LINE, line[:200]


def assert_unharmed(campaign: Campaign, server: WatchedServer) -> None:
    """Hold the server to right answers for others, and nothing left under way."""
    assert not campaign.problems, (campaign.problems[:20], server.log.read_text()[-4000:])
    assert campaign.is_answered()
    assert campaign.settles()
    assert server.is_alive


def _run(server: WatchedServer, campaign: Campaign, num_requests: int, batch: int) -> None:
    until = campaign.num_done + num_requests
    while campaign.num_done < until:
        campaign.run(batch)
        assert_unharmed(campaign, server)


@pytest.fixture(scope="module")
def watched(
    targets: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WatchedServer]:
    """Give a server process of this campaign alone, whose log is kept."""
    with WatchedServer(targets, tmp_path_factory.mktemp("log") / "log", arguments=SIZES) as server:
        yield server


@pytest.fixture
def campaign(
    watched: WatchedServer, valid: list[Base], sha256s: dict[str, str]
) -> Callable[[int], Campaign]:
    """Give what begins a campaign by its seed."""
    return lambda seed: Campaign(watched.address, valid, sha256s, seed)


def test_malformed_requests_do_no_harm(
    watched: WatchedServer, campaign: Callable[[int], Campaign]
) -> None:
    """Of 1,500 each is refused by a typed code, and the next valid one is answered rightly."""
    attack = campaign(4)
    try:
        _run(watched, attack, 1500, 300)
        files, threads = num_files(watched.pid), num_threads(watched.pid)
    finally:
        attack.close()
    assert not {m.__name__ for m in (*MUTATIONS, *ATTACKS)} - set(attack.done)
    assert {"INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION"} <= set(attack.outcomes)
    assert attack.outcomes["answered"] > 20
    assert files < 60
    assert threads < 60
    assert_log_is_clean(watched.log)


def _code(call: Callable[[], object]) -> str:
    try:
        call()
    except grpc.RpcError as error:
        return str(error.code().name)
    return "OK"


def test_what_is_too_big_is_refused_before_it_takes_memory(
    watched: WatchedServer, campaign: Callable[[int], Campaign], valid: list[Base]
) -> None:
    """A message over the limit, and zeros that unpack to it, cost the server almost nothing."""
    attack = campaign(5)
    huge = valid[-1].fresh()
    huge.raw_input_contents[0] = bytes(70 << 20)
    body = huge.SerializeToString()
    options = [("grpc.max_send_message_length", -1)]
    assert_unharmed(attack, watched)
    before_bytes = peak_memory_bytes(watched.pid)
    try:
        with grpc.insecure_channel(watched.address, options=options) as channel:
            call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
            for compression in (None, grpc.Compression.Gzip, grpc.Compression.Deflate):
                code = _code(lambda c=compression: call(body, timeout=30, compression=c))
                assert code in {"RESOURCE_EXHAUSTED", "UNIMPLEMENTED"}, compression
        assert_unharmed(attack, watched)
    finally:
        attack.close()
    assert peak_memory_bytes(watched.pid) - before_bytes < _MOST_MORE_BYTES


@pytest.mark.soak
def test_fifty_thousand_malformed_requests(
    watched: WatchedServer, campaign: Callable[[int], Campaign]
) -> None:
    """Typed answers to all, the same process, memory within 20 MB, files and threads flat."""
    attack = campaign(6)
    sizes = []
    try:
        _run(watched, attack, _WARM_UP, 1000)
        before = num_files(watched.pid), num_threads(watched.pid)
        began_s = time.perf_counter()
        while attack.num_done < 50_000 + _WARM_UP:
            _run(watched, attack, 500, 500)
            sizes.append(memory_bytes(watched.pid))
        after = num_files(watched.pid), num_threads(watched.pid)
    finally:
        attack.close()
    more_bytes = median(sizes[-_FEW:]) - median(sizes[:_FEW])
    _log.info("%d in %.0f s", attack.num_done, time.perf_counter() - began_s)
    _log.info("by what was done: %s", dict(attack.done.most_common()))
    _log.info("by outcome: %s", dict(attack.outcomes.most_common()))
    _log.info("files, threads: %s -> %s; memory %+.1f MB", before, after, more_bytes / 1e6)
    _log.info("memory in MB: %s", " ".join(f"{each / 1e6:.0f}" for each in sizes))
    assert more_bytes <= _MOST_MORE_BYTES
    assert after[0] <= before[0] + 4
    assert after[1] <= before[1] + 2
    assert_log_is_clean(watched.log)
