"""Train a network, see what codecs cost it, and let its inputs change under a session."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx

from cutpoint.lab.digits.data import Digits, load_digits
from cutpoint.lab.digits.losses import CodecLoss, codec_losses
from cutpoint.lab.digits.model import digits_model
from cutpoint.lab.digits.shift import SHIFTS, ShiftRun, calibration_for, run_shift
from cutpoint.lab.digits.training import train
from cutpoint.lab.server_process import ServerProcess

_CHECK_RATES = (0.02, 0.1)
_ROUNDS, _BEFORE = 5, 1000
_QUICK_BEFORE = 100
_NUM_TO_CALIBRATE = 400

Listener = Callable[[str], None]


@dataclass(frozen=True)
class DigitsBench:
    """
    Everything that was seen.

    Parameters
    ----------
    num_train, num_held_out
        Digits that the network learnt from, and that it is judged by.
    accuracy
        Of the network as it is.
    losses
        Of every lossy codec at every cut.
    runs
        Sessions whose inputs changed.
    """

    num_train: int
    num_held_out: int
    accuracy: float
    losses: tuple[CodecLoss, ...]
    runs: tuple[ShiftRun, ...]


def run_digits_bench(*, quick: bool = False, listener: Listener | None = None) -> DigitsBench:
    """
    Run it.

    Parameters
    ----------
    quick
        Run one session of each kind.
    listener
        Told what is done now.

    Raises
    ------
    MissingDependencyError
        If scikit-learn is not installed.
    """
    tell = listener or (lambda _: None)
    digits = load_digits()
    tell("training")
    trained = train(digits)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "digits.onnx"
        onnx.save(digits_model(trained.weights), path)
        tell("codecs at every cut")
        losses = codec_losses(path, digits.held_out, digits.held_out_labels)
        runs = _runs(path, digits, quick, tell)
    return DigitsBench(
        num_train=len(digits.train),
        num_held_out=len(digits.held_out),
        accuracy=trained.accuracy,
        losses=losses,
        runs=runs,
    )


def num_steps(*, quick: bool) -> int:
    """Give how often the listener is told of something."""
    return 2 + len(SHIFTS) * (1 if quick else len(_CHECK_RATES))


def _runs(path: Path, digits: Digits, quick: bool, tell: Listener) -> tuple[ShiftRun, ...]:
    found: list[ShiftRun] = []
    rates = _CHECK_RATES[-1:] if quick else _CHECK_RATES
    with ServerProcess([str(path)]) as server:
        for shift in SHIFTS:
            calibration = path.with_suffix(".calibration")
            calibration_for(path, shift, digits.train[:_NUM_TO_CALIBRATE], calibration)
            for rate in rates:
                tell(f"{shift.name}, {rate:.0%} of the inferences checked")
                found += [
                    run_shift(
                        path,
                        server.address,
                        shift,
                        digits.held_out,
                        calibration,
                        check_rate=rate,
                        before=_QUICK_BEFORE if quick else _BEFORE,
                        keeps_errors=not found and not round_number,
                    )
                    for round_number in range(1 if quick else _ROUNDS)
                ]
    return tuple(found)
