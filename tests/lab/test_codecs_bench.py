"""The bench of the codecs."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from cutpoint.lab.codecs_bench import CodecsBench, CodedValue, Timing, run_codecs_bench
from cutpoint.lab.codecs_report import codecs_text
from cutpoint.lab.codecs_summary import summary_of
from cutpoint.lab.coded_rows import CodedRow
from cutpoint.lab.copies_bench import Copies
from cutpoint.lab.experiments.codecs import codecs_outcome
from cutpoint.lab.experiments.experiment import Options, Stopwatch
from cutpoint.lab.experiments.writer import write_outcome
from cutpoint.lab.held_values import Kind
from cutpoint.records import Environment

_ENVIRONMENT = Environment("1.0", ("CPUExecutionProvider",), 1, "a processor", 2, None, True)
_TIMING = Timing(warm_s=1e-3, turn_s=1e-3, libraries_s={"NumPy": 0.7e-3})


def _row(cut: str, encode_s: float, decode_s: float) -> CodedRow:
    return CodedRow("net", cut, "uint8", 100_000, 5, encode_s, 1.5 * encode_s, decode_s, 9e-4, 6e-4)


def _coded(value: str, kind: Kind, codec: str, raw: int, encoded: float) -> CodedValue:
    timing = _TIMING if codec != "raw" else replace(_TIMING, turn_s=0.0, libraries_s={})
    return CodedValue("net", value, kind, codec, 0.5, raw, encoded, timing, timing)


def _bench() -> CodecsBench:
    return CodecsBench(
        _ENVIRONMENT,
        (
            _coded("pixels", "pixels", "raw", 3_000, 3_000),
            _coded("a", "rectified", "raw", 100_000, 100_000),
            _coded("b", "linear", "raw", 300_000, 300_000),
            _coded("a", "rectified", "uint8", 100_000, 20_000),
            _coded("b", "linear", "uint8", 300_000, 75_000),
        ),
        (_row("a", 1e-3, 5e-4), _row("b", 1e-3, 5e-4), _row("x", 3e-4, 5e-4)),
        Copies(10_000_000, 2.0, 4.0),
    )


def test_real_values_are_encoded_timed_and_foretold(
    monkeypatch: pytest.MonkeyPatch, forked_process, zoo_write
) -> None:
    """Of every value that a codec takes, beside the library, and over a real server."""
    monkeypatch.setattr("cutpoint.lab.coded_rows.ServerProcess", forked_process)
    monkeypatch.setattr("cutpoint.lab.held_values.write", zoo_write)
    monkeypatch.setattr("cutpoint.lab.codecs_bench.compiler", lambda: None)
    heard: list[str] = []
    bench = run_codecs_bench(
        ["squeezenet"], codecs=["uint8+zstd", "png"], rounds=1, placed_s=0, listener=heard.append
    )
    assert any("squeezenet" in line for line in heard)
    assert bench.codecs == ("raw", "uint8+zstd", "png")
    # Of each kind the value with the most zeros.
    ordered = sorted(bench.values, key=lambda each: each.zero_share)
    by_kind = {(each.kind, each.codec): each for each in ordered}
    assert ("pixels", "uint8+zstd") not in by_kind
    assert ("rectified", "png") not in by_kind
    rectified, png = by_kind["rectified", "uint8+zstd"], by_kind["pixels", "png"]
    assert 0.02 < rectified.encoded_bytes / rectified.raw_bytes < 0.25
    assert rectified.zero_share > 0.2
    assert 0.2 < png.encoded_bytes / png.raw_bytes < 1
    for each in (rectified, png):
        for timing in (each.encode, each.decode):
            assert min(timing.warm_s, timing.turn_s, *timing.libraries_s.values()) > 0
    assert set(rectified.encode.libraries_s) == {
        "NumPy and Zstandard",
        "ONNX Runtime and Zstandard",
    }
    assert set(png.decode.libraries_s) == {"Pillow"}
    assert not by_kind["input", "raw"].encode.libraries_s
    rows = {(row.crossing, row.codec): row for row in bench.rows}
    assert rows.keys() >= {("r4", "uint8+zstd"), ("data_0", "uint8+zstd"), ("pixels", "png")}
    for row in bench.rows:
        assert min(row.encode_s, row.decode_s, row.told_encode_s, row.told_decode_s) > 0
        assert row.encode_wall_s >= row.encode_s
        assert row.num_runs == 1
    assert bench.copies is None


def test_ratios_are_by_bytes_and_kind() -> None:
    """A large value weighs more; each kind has a ratio of its own."""
    summary = summary_of(_bench())
    raw, uint8 = summary.codecs
    assert raw.ratios == {"rectified": 1.0, "linear": 1.0, "pixels": 1.0}
    assert uint8.ratios == {"rectified": 0.2, "linear": 0.25}
    (row,) = [row for row in summary.models if row.codec == "uint8"]
    assert (row.num_values, row.raw_bytes) == (2, 400_000)
    assert row.ratio == pytest.approx(95 / 400)
    assert row.encode_bytes_per_s == pytest.approx(400_000 / 2e-3)


def test_errors_are_of_what_an_inference_took() -> None:
    """Two of three rows took 10 % more than was foretold, and the server a sixth less of all."""
    summary = summary_of(_bench())
    assert summary.encode_error is not None
    assert summary.encode_error.median == pytest.approx(0.1)
    assert summary.decode_error is not None
    assert summary.decode_error.median == pytest.approx(0.2)
    assert summary.contention == pytest.approx(1.5)
    raw, uint8 = summary.codecs
    assert (raw.encode.num_rows, raw.encode.error) == (0, None)
    assert (uint8.encode.num_rows, uint8.decode.num_rows) == (3, 3)
    assert uint8.encode.bias == pytest.approx(-0.1)
    assert uint8.decode.bias == pytest.approx(0.2)


def test_speed_is_told_beside_the_library() -> None:
    """Seven tenths of its speed where the library takes seven tenths of the time."""
    raw, uint8 = summary_of(_bench()).codecs
    assert raw.encode.beside == ()
    (beside,) = uint8.encode.beside
    assert beside.library == "NumPy"
    assert beside.share is not None
    assert beside.share.median == pytest.approx(0.7)
    assert uint8.decode.beside[0].total_share == pytest.approx(0.7)


def test_the_report_has_every_codec_and_net(tmp_path: Path) -> None:
    """As Markdown, a picture, and JSON of the summary."""
    outcome = codecs_outcome(_bench(), Stopwatch("codecs", Options()))
    encode, decode = outcome.report.rows
    assert (encode.policy, encode.n) == ("uint8, encode", 3)
    assert encode.latency_s.mean == pytest.approx((1e-3 + 1e-3 + 3e-4) / 3)
    assert decode.latency_s.mean == pytest.approx(5e-4)
    held = {claim.name: claim.holds for claim in outcome.report.claims}
    assert held["encode times foretold: median error, at most"]
    assert not held["decode times foretold: median error, at most"]
    assert not held["uint8, encode: speed over NumPy's, at least"]
    write_outcome(outcome, tmp_path)
    text = (tmp_path / "codecs.md").read_text()
    assert "| uint8 | 2 | 0.200 | 0.250 | - | - |" in text
    assert "| net | 2 | 400 | 0.237 |" in text
    assert "**4.00** in the server's" in text
    assert "encoding **10% (" in text
    told = msgspec.json.decode((tmp_path / "codecs.json").read_bytes())
    assert told["details"]["copies"]["client"] == 2.0
    assert (tmp_path / "codecs.png").stat().st_size > 10_000


def test_without_a_compiler_the_report_says_that_copies_were_not_counted() -> None:
    """Rather than nothing."""
    text = codecs_text(summary_of(replace(_bench(), copies=None)))
    assert "not counted" in text


def test_a_bench_without_rows_is_reported_too() -> None:
    """With a dash for what was not measured."""
    text = codecs_text(summary_of(replace(_bench(), rows=())))
    assert "encoding **-**" in text
