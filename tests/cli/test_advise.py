"""``cutpoint advise``: whether splitting pays, in words, a small table, a document, a plot."""

import json
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest


def _document(told) -> dict:
    assert (told.code, told.err) == (0, "")
    return json.loads(told.out)


def test_the_coding_of_the_input_decides(cutpoint, six_convs: Path, slow_device: Path) -> None:
    """The smaller the input travels, the less a split saves; its bytes are told."""
    given = ("advise", six_convs, "--device", slow_device, "--bandwidths", "100kbit/s..10Mbit/s")
    document = _document(cutpoint(*given, "--json"))
    raw, small, jpeg = document["inputs"]
    assert [each["input_as"] for each in document["inputs"]] == ["float32", "uint8", "jpeg"]
    num_elements = 3 * 64 * 64
    assert raw["input_bytes"] == 4 * num_elements
    assert small["input_bytes"] == num_elements
    assert jpeg["input_bytes"] == pytest.approx(num_elements / 10)
    shares = [each["share_of_conditions"] for each in (raw, small, jpeg)]
    assert 0 < shares[0] <= 1
    assert shares == sorted(shares, reverse=True)
    assert raw["largest_saving"] >= raw["mean_saving"] > document["worth_it"]
    where = raw["largest_at"]
    row = raw["loads"].index(where["load"])
    column = raw["bandwidths_bytes_per_s"].index(where["bandwidth_bytes_per_s"])
    assert raw["saving"][row][column] == raw["largest_saving"]
    for index, each in enumerate(raw["ranges"]):
        paying = [
            rate
            for rate, saved in zip(raw["bandwidths_bytes_per_s"], raw["saving"][index], strict=True)
            if saved > document["worth_it"]
        ]
        assert each["bandwidth_bytes_per_s"] == ([paying[0], paying[-1]] if paying else None)


def test_words_come_first_and_then_a_small_table(
    cutpoint, six_convs: Path, slow_device: Path
) -> None:
    """It is said whether splitting pays, by how much, where, and what was assumed."""
    told = cutpoint(
        "advise", six_convs, "--device", slow_device, "--bandwidths", "100kbit/s..10Mbit/s"
    )
    assert told.code == 0
    words, table = told.out.index("Splitting six_convs pays"), told.out.index("where splitting")
    assert words < table
    assert "a split is best by over 5% in" in told.out
    assert "Of the input only the coding is assumed" in told.out
    assert "input as float32 (49 KB)" in told.out
    assert "Mbit/s" in told.out[table:]


def test_it_says_plainly_that_splitting_does_not_pay(
    cutpoint, six_convs: Path, slow_device: Path
) -> None:
    """A server slower than the device, or an input of a few bytes: switch between the ends."""
    given = ("advise", six_convs, "--device", slow_device)
    for other in (("--server", "0.01x"), ("--input-as", "jpeg:10B")):
        told = cutpoint(*given, *other)
        assert told.code == 0
        assert "Splitting six_convs does not pay from 1 Mbit/s to 100 Mbit/s" in told.out
        assert "Switch between device-only and server-only" in told.out
        assert "where splitting saves" not in told.out


def test_codings_are_taken_as_they_are_asked(cutpoint, six_convs: Path, slow_device: Path) -> None:
    """In order, each by its name, one load and one bandwidth if so asked."""
    given = ("advise", six_convs, "--device", slow_device, "--loads", 2, "--bandwidths", "2Mbit/s")
    codings = ("--input-as", "jpeg:2KB", "--input-as", "float32", "--input-as", "jpeg:15KB")
    document = _document(cutpoint(*given, *codings, "--json"))
    assert [(each["input_as"], each["input_bytes"]) for each in document["inputs"]] == [
        ("jpeg:2KB", 2000),
        ("float32", 49_152),
        ("jpeg:15KB", 15_000),
    ]
    assert document["inputs"][0]["loads"] == [2.0]
    assert cutpoint(*given, *codings).code == 0


def test_inputs_that_are_no_pictures_have_no_jpeg(
    cutpoint, tmp_path: Path, model_of: Callable[..., onnx.ModelProto]
) -> None:
    """Numbers that are no floats keep their bytes; what is no picture is not taken for one."""
    path = tmp_path / "tokens.onnx"
    model = model_of("(int64[9] t) => (int64[9] y) { a = Abs (t) y = Neg (a) }")
    path.write_bytes(model.SerializeToString())
    document = _document(cutpoint("advise", path, "--json"))
    assert [(each["input_as"], each["input_bytes"]) for each in document["inputs"]] == [
        ("float32", 72),
        ("uint8", 72),
    ]


@pytest.mark.parametrize("objective", ["throughput", "energy", "p95", "deadline=0.5"])
def test_objectives_are_those_of_plan(
    cutpoint, six_convs: Path, slow_device: Path, objective: str
) -> None:
    """What is saved is what the objective makes small."""
    given = ("advise", six_convs, "--device", slow_device, "--objective", objective)
    asked = (*given, "--bandwidths", "500kbit/s..5Mbit/s", "--loads", "1..2")
    document = _document(cutpoint(*asked, "--json"))
    assert document["objective"] == objective.partition("=")[0]
    assert all(0 <= each["largest_saving"] <= 1 for each in document["inputs"])
    assert cutpoint(*asked).code == 0


def test_the_plot_is_a_picture(
    cutpoint, six_convs: Path, slow_device: Path, tmp_path: Path
) -> None:
    """A map per coding, in the format its name tells."""
    path = tmp_path / "advice.png"
    told = cutpoint("advise", six_convs, "--device", slow_device, "--plot", path)
    assert told.code == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    assert f"wrote {path}" in told.err


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("--bandwidths 1..100", "UnitError: bandwidth '1'"),
        ("--bandwidths 0Mbit/s..1Mbit/s", "UnitError: bandwidth '0Mbit/s': nothing"),
        ("--bandwidths 9Mbit/s..1Mbit/s", "UnitError: range '9Mbit/s..1Mbit/s'"),
        ("--loads 0..10", "UnitError: range '0..10'"),
        ("--loads 1..inf", "CostError: a server with"),
        ("--loads many", "UnitError: load 'many'"),
        ("--rtt 20", "UnitError: duration '20'"),
        ("--input-as png", "UnitError: input as 'png': write float32, uint8 or jpeg:SIZE"),
        ("--input-as jpeg:15", "UnitError: size '15'"),
        ("--objective best", "PlannerError: no objective 'best'"),
        ("--server missing.json", "ProfileError: server 'missing.json': there is no such file"),
        ("--server 0x", "UnitError: server '0x'"),
        ("--device missing.json", "ProfileError: profile missing.json cannot be read"),
    ],
)
def test_bad_words_are_one_line(
    cutpoint, six_convs: Path, slow_device: Path, arguments: str, error: str
) -> None:
    """A typed error names what was wrong; exit code 1, nothing on standard output."""
    given = () if "--device" in arguments else ("--device", slow_device)
    told = cutpoint("advise", six_convs, *given, *arguments.split())
    assert (told.code, told.out) == (1, "")
    (line,) = told.err.strip().splitlines()
    assert line.startswith(f"error: {error}")
