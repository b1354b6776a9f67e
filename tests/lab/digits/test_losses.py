from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from cutpoint.lab.digits.bench import DigitsBench
from cutpoint.lab.digits.data import Digits, load_digits
from cutpoint.lab.digits.losses import CodecLoss, codec_losses, cut_values
from cutpoint.lab.digits.report import digits_text
from cutpoint.lab.digits.shift import ShiftRun
from cutpoint.lab.experiments.digits import digits_outcome
from cutpoint.lab.experiments.experiment import Options, Stopwatch
from cutpoint.lab.experiments.writer import write_outcome


@pytest.fixture(scope="module")
def digits() -> Digits:
    """Give the digits."""
    return load_digits()


@pytest.fixture(scope="module")
def losses(network: Path, digits: Digits) -> tuple[CodecLoss, ...]:
    """Give what every codec costs on a part of the held-out digits."""
    return codec_losses(network, digits.held_out[:60], digits.held_out_labels[:60])


def test_the_network_reads_digits(network: Path, digits: Digits) -> None:
    """97 % of all that it never saw, as ONNX Runtime computes it."""
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    read = [session.run(None, {"image": each[None]})[0].argmax() for each in digits.held_out]
    assert np.mean(np.array(read) == digits.held_out_labels) >= 0.97


def test_every_lossy_codec_is_tried_at_every_cut(losses: tuple[CodecLoss, ...]) -> None:
    """The inputs among them."""
    cuts = ["inputs", *cut_values()]
    assert list(dict.fromkeys(loss.at for loss in losses)) == cuts
    codecs = {loss.codec for loss in losses}
    assert {"float16", "uint8", "uint8-channel", "uint8+zstd", "uint4+zstd"} <= codecs
    assert len(losses) == len(cuts) * len(codecs)


def test_bytes_keep_the_accuracy_and_half_bytes_lose(losses: tuple[CodecLoss, ...]) -> None:
    """What bytes change is a percent of the scores at most; half bytes change ten times that."""
    by_codec = {
        codec: [loss for loss in losses if loss.codec == codec]
        for codec in ("float16", "uint8", "uint4+zstd")
    }
    assert all(loss.agreement == 1 for loss in by_codec["float16"])
    assert all(loss.agreement >= 0.96 for loss in by_codec["uint8"])
    assert all(loss.relative_l2 <= 0.01 for loss in by_codec["uint8"])
    for bytes_, half in zip(by_codec["uint8"], by_codec["uint4+zstd"], strict=True):
        assert half.relative_l2 > 5 * bytes_.relative_l2
        assert half.ratio < bytes_.ratio
        assert half.struck_by[0] == "l2:0.01"
        assert "l2:0.01" not in bytes_.struck_by
    assert all(loss.accuracy >= 0.9 for loss in losses)


def test_the_report_has_every_row(losses: tuple[CodecLoss, ...], tmp_path: Path) -> None:
    """Of losses and of sessions, those in which nothing was withdrawn too."""
    runs = tuple(
        ShiftRun("a shift", "uint8", "l2:0.02", 0.1, 100, False, until, 5, 1, True, (0.1,) * 300)
        for until in (20, 40, 30)
    )
    never = ShiftRun("another", "uint8", "l2:0.02", 0.1, 100, True, None, 5, 1, False, ())
    bench = DigitsBench(1348, 449, 0.984, losses, (*runs, never))
    text = digits_text(bench)
    assert text.count("\n| ") == len(losses) + 2 + 2
    assert "| a shift | uint8 | l2:0.02 | 10% | 3 | 0 | 30 (20 - 40) | 5 | 1 | 3 of 3 |" in text
    assert "| another | uint8 | l2:0.02 | 10% | 1 | 1 | never | 5 | 1 | 0 of 1 |" in text
    outcome = digits_outcome(bench, Stopwatch("digits", Options()))
    assert [claim.value for claim in outcome.report.claims] == [0.75, 0.75, 1]
    assert not any(claim.holds for claim in outcome.report.claims)
    write_outcome(outcome, tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".md", ".png", ".json", ".html"}
