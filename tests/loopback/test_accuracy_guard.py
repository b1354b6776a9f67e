"""A network that reads digits, a real server process, and inputs that change under a session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cutpoint.lab.digits.data import load_digits
from cutpoint.lab.digits.shift import SHIFTS, Shift, calibration_for, run_shift
from cutpoint.lab.fork_server import ForkServer
from cutpoint.lab.forked_server import ForkedServer

NETWORK = Path(__file__).parents[1] / "data" / "digits.onnx"


@pytest.fixture(scope="module")
def served(fork_server: ForkServer) -> Iterator[ForkedServer]:
    """Give a server process that holds the network."""
    with fork_server.server([str(NETWORK)]) as process:
        yield process


@pytest.mark.parametrize(
    "shift", [SHIFTS[0], pytest.param(SHIFTS[1], marks=pytest.mark.soak)], ids=["gain", "paper"]
)
def test_a_shift_of_the_inputs_withdraws_the_codec(
    served: ForkedServer, shift: Shift, tmp_path: Path
) -> None:
    """In good time it stays; after the shift it goes, and then every answer is exact again."""
    digits = load_digits()
    calibration_for(NETWORK, shift, digits.train[:100], tmp_path / "c.json")
    run = run_shift(
        NETWORK,
        served.address,
        shift,
        digits.held_out,
        tmp_path / "c.json",
        check_rate=0.5,
        before=60,
        keeps_errors=True,
    )
    assert not run.is_false
    assert run.until_withdrawn is not None
    assert run.checks <= run.until_withdrawn + 1  # that of the last good one may end after it
    assert run.is_exact_after
    assert max(run.errors[-50:]) < 1e-5
    assert max(run.errors[60 : 60 + run.until_withdrawn]) > 0.02
