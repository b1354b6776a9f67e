"""Servers that lie about their load: the answer stands, and what cannot be true moves nothing."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from tests.hostile.load_lies import LOAD_LIES
from tests.hostile.process import WatchedServer
from tests.hostile.rogue import TIME_LIES, FrameLie, Rogue

from cutpoint import InferenceSession

_NUM_LIED_TO = 12


@pytest.fixture(scope="module")
def lying(six_convs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rogue, str]]:
    """Give a server that may lie, and its address."""
    log = tmp_path_factory.mktemp("loads") / "log"
    with WatchedServer([six_convs], log) as server:
        rogue = Rogue(server.address)
        with rogue.serving() as address:
            yield rogue, address


@pytest.fixture(scope="module")
def session(lying: tuple[Rogue, str], six_convs: Path) -> Iterator[InferenceSession]:
    """Give one session, which outlives every lie."""
    with InferenceSession(six_convs, server=lying[1], policy="server") as session:
        session.wait_until_ready(20.0)
        yield session


@pytest.fixture(scope="module")
def case(six_convs: Path) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
    """Give an input, and what ONNX Runtime makes of it."""
    rng = np.random.default_rng(3)
    feed = {"image": rng.standard_normal((1, 3, 64, 64), dtype=np.float32)}
    return feed, list(onnxruntime.InferenceSession(str(six_convs)).run(None, feed))


def _stands(session: InferenceSession, case) -> bool:
    """Run once: the answer is right and what is believed can be planned with; gives whose it is."""
    feed, expected = case
    for given, wanted in zip(session.run(None, feed), expected, strict=True):
        np.testing.assert_allclose(given, wanted, rtol=1e-4, atol=1e-5)
    record = session.last_record
    assert record is not None
    if record.fallback_reason is not None:  # on a busy machine one is late, whatever it says
        assert "late" in record.fallback_reason
    assert all(math.isfinite(each) and each >= 0 for each in vars(record.measured).values())
    load = record.conditions.load
    assert 0 <= load.wait_s < 10
    assert 0.05 < load.slowdown < 1e4
    told = record.load
    if told is not None:
        figures = (told.age_s, told.wait_s, told.slowdown, told.batch, told.num_pending)
        assert all(each is None or (math.isfinite(each) and each >= 0) for each in figures)
        assert told.age_s < 60
    return record.placement == "server"


@pytest.mark.alone
@pytest.mark.parametrize("lie", TIME_LIES, ids=lambda lie: lie.__name__)
def test_times_that_cannot_be_true_do_not_spoil_the_answer(
    lying: tuple[Rogue, str], session: InferenceSession, case, lie: FrameLie
) -> None:
    """What a server says it took counts as not said; its answer is right all the same."""
    rogue, _ = lying
    before, rogue.frame_lie = rogue.num_lies, lie
    try:
        answered = [_stands(session, case) for _ in range(4)]
    finally:
        rogue.honestly()
    assert any(answered)
    assert rogue.num_lies > before


@pytest.mark.alone
@pytest.mark.parametrize("lie", list(LOAD_LIES))
def test_a_load_that_cannot_be_true_moves_nothing_for_long(
    lying: tuple[Rogue, str], session: InferenceSession, case, lie: str
) -> None:
    """Negative, not a number, absent, huge, of the future, by a clock that jumps: it goes on."""
    rogue, _ = lying
    before, rogue.frame_lie = rogue.num_lies, LOAD_LIES[lie]
    try:
        answered = [_stands(session, case) for _ in range(_NUM_LIED_TO)]
    finally:
        rogue.honestly()
    assert sum(answered) > _NUM_LIED_TO / 2
    assert rogue.num_lies > before
