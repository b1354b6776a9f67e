"""Train the network that reads digits, and write it for the tests; takes half a minute."""

import sys
from pathlib import Path

import onnx

from cutpoint.lab.digits.data import load_digits
from cutpoint.lab.digits.model import digits_model
from cutpoint.lab.digits.training import train

PATH = Path(__file__).parent.parent / "tests/data/digits.onnx"
WANTED = 0.97


def main() -> None:
    """Train, judge on digits that were held out, and write."""
    trained = train(load_digits())
    sys.stdout.write(f"{trained.accuracy:.2%} of the held-out digits are read right\n")
    if trained.accuracy < WANTED:
        raise SystemExit(f"less than {WANTED:.0%}: not written")
    onnx.save(digits_model(trained.weights), PATH)


if __name__ == "__main__":
    main()
