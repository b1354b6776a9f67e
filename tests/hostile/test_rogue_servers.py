"""Servers that lie: a typed reason in the record, the right answer all the same, and no harm."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from tests.hostile.process import WatchedServer
from tests.hostile.rogue import (
    CONFIG_LIES,
    FRAME_LIES,
    ConfigLie,
    FrameLie,
    Rogue,
    come_back_in_a_lifetime,
    endless_reply,
    huge_reply,
    now_s,
)

from cutpoint import InferenceSession
from cutpoint.exceptions import CutpointError

pytestmark = pytest.mark.alone

_MOST_MORE_BYTES = 40_000_000
_PATIENCE_S = 10.0


@pytest.fixture(scope="module")
def honest(six_convs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedServer]:
    """Give a server that tells the truth."""
    log = tmp_path_factory.mktemp("honest") / "log"
    with WatchedServer([six_convs], log) as server:
        yield server


@pytest.fixture(scope="module")
def lying(honest: WatchedServer) -> Iterator[tuple[Rogue, str]]:
    """Give a server that may lie, and its address."""
    rogue = Rogue(honest.address)
    with rogue.serving() as address:
        yield rogue, address


@pytest.fixture(scope="module")
def session(lying: tuple[Rogue, str], six_convs: Path) -> Iterator[InferenceSession]:
    """Give one session, which outlives every lie."""
    with InferenceSession(six_convs, server=lying[1], policy="server") as session:
        session.wait_until_ready(_PATIENCE_S)
        yield session


@pytest.fixture(scope="module")
def feed() -> dict[str, np.ndarray]:
    """Give an input."""
    rng = np.random.default_rng(3)
    return {"image": rng.standard_normal((1, 3, 64, 64), dtype=np.float32)}


@pytest.fixture(scope="module")
def expected(six_convs: Path, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Give what ONNX Runtime makes of it."""
    return list(onnxruntime.InferenceSession(str(six_convs)).run(None, feed))


def _run(session: InferenceSession, feed, expected) -> str | None:
    """Run once: the answer is right whatever the server says; gives why the device did it."""
    for given, wanted in zip(session.run(None, feed), expected, strict=True):
        np.testing.assert_allclose(given, wanted, rtol=1e-4, atol=1e-5)
    record = session.last_record
    assert record is not None
    assert (record.placement == "device") == (record.fallback_reason is not None)
    return record.fallback_reason


def _until_offloaded(session: InferenceSession, feed, expected) -> None:
    until_s = now_s() + 3 * _PATIENCE_S
    while _run(session, feed, expected) is not None:
        assert now_s() < until_s, session.last_record.fallback_reason


def _assert_is_reason(reason: str) -> None:
    assert 10 < len(reason) < 800
    assert reason.isprintable()


@pytest.mark.parametrize("lie", FRAME_LIES, ids=lambda lie: lie.__name__)
def test_an_answer_that_lies_is_a_slower_answer(
    lying: tuple[Rogue, str], session: InferenceSession, feed, expected, lie: FrameLie
) -> None:
    """The reason is named, the device's answer right, and the session goes on."""
    rogue, _ = lying
    _until_offloaded(session, feed, expected)
    before = rogue.num_lies
    rogue.frame_lie = lie
    try:
        until_s = now_s() + _PATIENCE_S
        while (reason := _run(session, feed, expected)) is None or rogue.num_lies == before:
            assert now_s() < until_s, "the lie was believed, or never told"
    finally:
        rogue.honestly()
    _assert_is_reason(reason)
    if lie is come_back_in_a_lifetime:  # the last one
        assert "again" in reason or "full" in reason or "overloaded" in reason
    else:
        _until_offloaded(session, feed, expected)


@pytest.mark.parametrize("lie", CONFIG_LIES, ids=lambda lie: lie.__name__)
def test_a_description_that_lies_is_refused(
    lying: tuple[Rogue, str], six_convs: Path, feed, expected, lie: ConfigLie
) -> None:
    """Digest, times or tails that cannot be: never offloaded to, taken up once it is honest."""
    rogue, address = lying
    before = rogue.num_lies
    rogue.config_lie = lie
    with InferenceSession(six_convs, server=address, policy="pool1") as session:
        with pytest.raises(CutpointError):
            session.wait_until_ready(0.6)
        reason = _run(session, feed, expected)
        assert reason is not None
        assert rogue.num_lies > before
        _assert_is_reason(reason)
        rogue.honestly()
        _until_offloaded(session, feed, expected)


@pytest.mark.parametrize("lie", [huge_reply, endless_reply], ids=lambda lie: lie.__name__)
def test_a_reply_takes_no_more_memory_than_an_answer(
    lying: tuple[Rogue, str], six_convs: Path, lie: FrameLie
) -> None:
    """A hundred megabytes at once, or piece by piece for ever, are not taken in."""
    rogue, address = lying
    try:
        command = [
            sys.executable,
            "-X",
            "faulthandler",
            "-m",
            "tests.hostile.lied_to",
            str(six_convs),
            address,
        ]
        device = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with device:
            assert device.stdout is not None
            assert device.stdout.readline() == "offloaded\n"
            rogue.frame_lie = lie
            said, _ = device.communicate("go\n", timeout=60)
        told = json.loads(said)
    finally:
        rogue.honestly()
    assert device.returncode == 0
    assert any(told["reasons"])
    assert told["more_bytes"] < _MOST_MORE_BYTES
